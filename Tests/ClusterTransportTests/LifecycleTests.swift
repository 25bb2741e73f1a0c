import Foundation
import RaftCore
import Testing

@testable import ClusterTransport

@Suite(.timeLimit(.minutes(10))) struct LifecycleTests {
    @Test func `a crash is told as a hint that the process is dead`() async throws {
        let authority = try TestAuthority.shared.get()
        let nodes = try (1...3).map { try TestNode(UInt64($0), authority) }
        await TestNode.connect(nodes[0], nodes[1], nodes[2])

        nodes[2].transport.debugAbort()
        for node in nodes[..<2] { await node.recorder.wait { Recorder.hints($0) == [NodeID(3)] } }

        for node in nodes[..<2] {
            #expect(Recorder.changes(node.recorder.events, of: 3) == [true, false])
            await node.transport.stop()
        }
    }

    @Test func `a graceful stop is no crash`() async throws {
        let authority = try TestAuthority.shared.get()
        let (first, second) = (try TestNode(1, authority), try TestNode(2, authority))
        await TestNode.connect(first, second)

        await second.transport.stop()

        await first.recorder.waitForPeer(2, isConnected: false)
        await first.recorder.waitForLog("Attempt ended", "peer.stream=consensus", "portRefused")
        first.transport.send([first.message(to: 2)])
        await first.recorder.waitForUnreachable(2)
        await first.transport.stop()
        #expect(Recorder.hints(first.recorder.events).isEmpty)
        #expect(await second.transport.status().isEmpty)
    }

    @Test func `a node that comes back is connected again, and its next crash is told again`() async throws {
        let authority = try TestAuthority.shared.get()
        let (first, second) = (try TestNode(1, authority), try TestNode(2, authority))
        await TestNode.connect(first, second)
        second.transport.debugAbort()
        await first.recorder.wait { Recorder.hints($0).count == 1 }

        let again = try TestNode(2, authority)
        first.transport.setPeers([again.node: again.address])
        await first.recorder.wait { Recorder.changes($0, of: 2) == [true, false, true] }
        again.transport.debugAbort()

        await first.recorder.wait { Recorder.hints($0).count == 2 }
        await first.transport.stop()
    }

    @Test func `nodes that know no address answer those that dial them`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let joiner = try TestNode(2, authority)
        first.transport.setPeers([joiner.node: joiner.address])
        await first.waitForStreams(to: 2)
        await joiner.waitForStreams(to: 1)

        joiner.transport.send([joiner.message(to: 1)])

        await first.recorder.waitForMessages(1)
        #expect(try await joiner.transport.request([5], to: first.node, timeout: .seconds(20)) == [5])
        await first.transport.stop()
        await joiner.transport.stop()
    }

    @Test func `a peer that is no longer one is not dialled any more`() async throws {
        let authority = try TestAuthority.shared.get()
        let (first, second) = (try TestNode(1, authority), try TestNode(2, authority))
        first.transport.setPeers([second.node: second.address])
        await first.waitForStreams(to: 2)

        first.transport.setPeers([:])

        await first.recorder.waitForPeer(2, isConnected: false)
        #expect(await first.status(of: 2)?.address == nil)
        first.transport.send([first.message(to: 2)])
        await first.recorder.waitForUnreachable(2)
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `a renewed certificate serves new connections, and old ones stay`() async throws {
        let authority = try TestAuthority.shared.get()
        let folder = try authority.certificates(of: 2)
        let first = try TestNode(1, authority)
        let second = try TestNode(2, authority, certificates: folder)
        await TestNode.connect(first, second)
        try authority.issue(2, days: -1, in: folder)

        try second.transport.reloadCertificates()

        // Old connections live on, under an expired certificate; a new node refuses it.
        #expect(second.transport.certificateSecondsLeft < 0)
        let third = try TestNode(3, authority)
        third.transport.setPeers([second.node: second.address])
        await third.recorder.waitForLog("Connection refused", "an expired one")
        first.transport.send([first.message(to: 2)])
        await second.recorder.waitForMessages(1)
        #expect(Recorder.changes(first.recorder.events, of: 2) == [true])

        try authority.issue(2, in: folder)
        try second.transport.reloadCertificates()
        await third.waitForStreams(to: 2)
        #expect(Recorder.changes(first.recorder.events, of: 2) == [true])
        for node in [first, second, third] { await node.transport.stop() }
    }

    @Test func `certificates that cannot be read change nothing`() async throws {
        let authority = try TestAuthority.shared.get()
        let folder = try authority.certificates(of: 1)
        let first = try TestNode(1, authority, certificates: folder)
        try Data("nonsense".utf8).write(to: URL(filePath: folder + "/node.pem"))

        #expect(throws: TransportError.self) { try first.transport.reloadCertificates() }

        let second = try TestNode(2, authority)
        await TestNode.connect(first, second)
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `the status tells a clock that is one hour ahead`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let second = try TestNode(2, authority, clockOffset: 3_600_000_000)
        await TestNode.connect(first, second)

        await first.recorder.waitForLog("trace Clock compared", "peer.node=2")

        let status = try #require(await first.status(of: 2))
        let trip = try #require(status.roundTripMicroseconds)
        #expect(status.clockOffsetMicroseconds == 3_600_000_000 - trip / 2)
        #expect(status.address == second.address)
        #expect(status.sentBytes > 0 && status.receivedBytes > 0)
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `what does not fit is dropped, reported and counted`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority) { $0.limits.queuedBytes = 1 << 20 }
        let second = try TestNode(2, authority)
        await TestNode.connect(first, second)
        let entry = LogEntry(term: Term(1), index: LogIndex(1), payload: [UInt8](repeating: 1, count: 300_000))
        let big = first.message(to: 2, .proposal([entry]))

        first.transport.send([RaftMessage](repeating: big, count: 10))

        await second.recorder.waitForMessages(3)
        await first.recorder.waitForUnreachable(2)
        #expect(await first.status(of: 2)?.droppedMessages == 7)
        // The space is free again.
        first.transport.send([big])
        await second.recorder.waitForMessages(4)
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `a message too long for a frame is not sent and does no harm`() async throws {
        let authority = try TestAuthority.shared.get()
        let (first, second) = (try TestNode(1, authority), try TestNode(2, authority))
        await TestNode.connect(first, second)
        let entry = LogEntry(term: Term(1), index: LogIndex(1), payload: [UInt8](repeating: 1, count: 9 << 20))

        first.transport.send([first.message(to: 2, .proposal([entry])), first.message(to: 2)])

        await second.recorder.waitForMessages(1)
        #expect(Recorder.messages(second.recorder.events) == [first.message(to: 2)])
        await first.recorder.waitForLog("error Consensus message not sent", "peer.node=2")
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `a transport can be stopped twice, before it starts, and forgotten`() async throws {
        let authority = try TestAuthority.shared.get()
        let configuration = TransportConfiguration(
            node: NodeID(1),
            clusterID: authority.clusterID,
            directoryID: "folder",
            certificateFolder: try authority.certificates(of: 1)
        )
        let recorder = Recorder()
        let logger = recorder.logger
        let stopped = try ClusterTransport(configuration: configuration, handler: recorder, logger: logger)
        await stopped.stop()
        await stopped.stop()
        stopped.send([])
        for _ in 0..<3 {
            let forgotten = try ClusterTransport(configuration: configuration, handler: recorder, logger: logger)
            forgotten.setPeers([NodeID(2): PeerAddress(host: "127.0.0.1", port: 1)])
        }
        let running = try ClusterTransport(configuration: configuration, handler: recorder, logger: logger)
        running.start()
        running.setPeers([NodeID(2): PeerAddress(host: "localhost", port: 1)])
    }
}
