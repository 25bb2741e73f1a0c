import RaftCore
import Testing

@testable import ClusterTransport

/// Two processes with one identity and one data folder, of which one must be a copy.
@Suite(.timeLimit(.minutes(10))) struct ProcessTests {
    @Test func `a second process is refused while the first one lives, and both sides say why`() async throws {
        let authority = try TestAuthority.shared.get()
        let (first, second) = (try TestNode(1, authority), try TestNode(2, authority))
        await TestNode.connect(first, second)
        let copy = try TestNode(2, authority)

        copy.transport.setPeers([first.node: first.address])

        await first.recorder.waitForLog("error Connection refused", "duplicateProcess", "folder was copied", "stop")
        await copy.recorder.waitForLog("critical Another process with this node's identity", "127.0.0.1")
        #expect(Recorder.refusals(copy.recorder.events).first?.isFinal == true)
        #expect(Recorder.refusals(second.recorder.events).isEmpty)
        #expect(Recorder.changes(first.recorder.events, of: 2) == [true])
        #expect(try await first.transport.request([7], to: second.node, timeout: .seconds(20)) == [7])
        for node in [first, second, copy] { await node.transport.stop() }
    }

    @Test func `a copy that was refused does not come back when the first process stops`() async throws {
        let authority = try TestAuthority.shared.get()
        let (first, second) = (try TestNode(1, authority), try TestNode(2, authority))
        await TestNode.connect(first, second)
        let copy = try TestNode(2, authority)
        copy.transport.setPeers([first.node: first.address])
        await copy.recorder.waitForLog("critical Another process with this node's identity")

        await second.transport.stop()
        await first.recorder.waitForPeer(2, isConnected: false)
        first.transport.setPeers([copy.node: copy.address])
        copy.transport.setPeers([first.node: PeerAddress(host: "localhost", port: first.transport.port)])

        await first.recorder.waitForLog("trace Attempt ended", "peer.node=2", "The peer closed the connection")
        await #expect(throws: TransportError.self) {
            try await copy.transport.request([1], to: first.node, timeout: .seconds(20))
        }
        // Its successor is welcome at once.
        let again = try TestNode(2, authority)
        again.transport.setPeers([first.node: first.address])
        await again.waitForStreams(to: 1)
        for node in [first, copy, again] { await node.transport.stop() }
    }

    @Test func `a copy at the address of a node is refused by whoever dials it`() async throws {
        let authority = try TestAuthority.shared.get()
        let (first, second) = (try TestNode(1, authority), try TestNode(2, authority))
        second.transport.setPeers([first.node: first.address])
        await second.waitForStreams(to: 1)
        let copy = try TestNode(2, authority)

        first.transport.setPeers([copy.node: copy.address])

        await first.recorder.waitForLog("error Connection refused", "duplicateProcess", "peer.stream=")
        await copy.recorder.wait { Recorder.refusals($0).contains { $0.isFinal } }
        #expect(Recorder.changes(first.recorder.events, of: 2) == [true])
        for node in [first, second, copy] { await node.transport.stop() }
    }

    @Test func `a process that does not answer any more gives way to the next one`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority) { $0.limits.probeMilliseconds = 50 }
        // As after a power cut: its connection stands, and nobody is there.
        let silent = try RawPeer(to: first)
        try await silent.secure(authority.ordinaryCertificates(of: 2), 2, of: authority)
        _ = try await silent.greet(as: 2, of: authority, stream: .consensus, process: 77)
        await first.recorder.waitForPeer(2)

        let second = try TestNode(2, authority)
        second.transport.setPeers([first.node: first.address])
        first.transport.setPeers([second.node: second.address])

        await first.recorder.waitForLog("notice A peer's process does not answer")
        await second.waitForStreams(to: 1)
        await first.recorder.wait { Recorder.changes($0, of: 2) == [true, false, true] }
        try await silent.readToEnd()
        first.transport.send([first.message(to: 2)])
        await second.recorder.waitForMessages(1)
        #expect(Recorder.refusals(second.recorder.events).isEmpty)
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `a process that starts anew after a crash does not have to wait`() async throws {
        let authority = try TestAuthority.shared.get()
        // Whoever waited for a sign of life would wait beyond the test's time.
        let first = try TestNode(1, authority) { $0.limits.probeMilliseconds = 3_600_000 }
        let second = try TestNode(2, authority)
        await TestNode.connect(first, second)

        second.transport.debugAbort()
        let again = try TestNode(2, authority)
        again.transport.setPeers([first.node: first.address])

        await again.waitForStreams(to: 1)
        #expect(Recorder.refusals(again.recorder.events).isEmpty)
        await first.transport.stop()
        await again.transport.stop()
    }

    @Test func `what a held process has sent is read once it is let in`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority) { $0.limits.probeMilliseconds = 200 }
        let folder = try authority.ordinaryCertificates(of: 2)
        let silent = try RawPeer(to: first)
        try await silent.secure(folder, 2, of: authority)
        _ = try await silent.greet(as: 2, of: authority, stream: .consensus, process: 77)
        await first.recorder.waitForPeer(2)
        let hasty = try RawPeer(to: first)
        try await hasty.secure(folder, 2, of: authority)
        var raft = WireRaft()
        raft.from = 2
        raft.to = 1
        raft.body = .timeoutNow(WireTimeoutNow())

        try hasty.sendHello(as: 2, of: authority, stream: .consensus, process: 78)
        for _ in 0..<100 { try hasty.send(.raft(raft)) }

        await first.recorder.waitForMessages(100)
        await first.transport.stop()
    }

    @Test func `a release that does not name its process is not told apart`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority) { $0.limits.probeMilliseconds = 3_600_000 }
        let folder = try authority.ordinaryCertificates(of: 2)
        for process: UInt64 in [0, 5, 0] {
            let raw = try RawPeer(to: first)
            try await raw.secure(folder, 2, of: authority)
            let answer = try await raw.greet(as: 2, of: authority, stream: .consensus, process: process)
            guard case .hello = answer else {
                Issue.record("Expected a hello, but got \(String(describing: answer))")
                continue
            }
        }
        await first.transport.stop()
    }
}
