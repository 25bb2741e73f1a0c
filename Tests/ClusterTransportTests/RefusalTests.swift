import Foundation
import RaftCore
import Testing

@testable import ClusterTransport

/// Who must not get in, and what the log says about it.
@Suite(.timeLimit(.minutes(10))) struct RefusalTests {
    /// A node that dials another, and what its status says about the refusal in the end.
    private static func dial(_ dialer: TestNode, _ target: TestNode, as node: UInt64 = 2) {
        dialer.transport.setPeers([NodeID(node): target.address])
    }

    @Test func `a node of another CA is refused by both sides`() async throws {
        let (ours, theirs) = (try TestAuthority.shared.get(), try TestAuthority())
        let (first, second) = (try TestNode(1, ours), try TestNode(2, theirs))

        Self.dial(first, second)

        await first.recorder.waitForLog("warning Connection refused", "another CA", "thalweg://", "peer.node=2")
        await second.recorder.waitForLog("warning Connection refused", "alert unknown ca")
        #expect(await first.status(of: 2)?.lastRefusal?.contains("another CA") == true)
        #expect(Recorder.changes(first.recorder.events, of: 2).isEmpty)
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `a dialer of another CA is refused by the node it dials`() async throws {
        let (ours, theirs) = (try TestAuthority.shared.get(), try TestAuthority())
        let (first, second) = (try TestNode(1, ours), try TestNode(2, theirs))
        // The dialer trusts the node it dials, but not the other way round.
        let folder = try theirs.certificates(of: 3)
        try FileManager.default.removeItem(atPath: folder + "/ca.pem")
        try FileManager.default.copyItem(atPath: ours.folder + "/ca.pem", toPath: folder + "/ca.pem")
        let third = try TestNode(3, theirs, certificates: folder)

        Self.dial(third, first, as: 1)

        await first.recorder.waitForLog("warning Connection refused", "another CA", "thalweg://")
        await third.recorder.waitForLog("warning Connection refused", "alert unknown ca")
        for node in [first, second, third] { await node.transport.stop() }
    }

    @Test func `a node of another cluster under the same CA is refused`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let folder = try authority.certificates(of: 2, name: "thalweg://00000000000000bb/node/2")
        let second = try TestNode(2, authority, certificates: folder) { $0.clusterID = "00000000000000bb" }

        Self.dial(first, second)
        Self.dial(second, first, as: 1)

        await first.recorder.waitForLog("Connection refused", "00000000000000aa", "00000000000000bb", "wrongCluster")
        await second.recorder.waitForLog("Connection refused", "00000000000000aa", "00000000000000bb", "wrongCluster")
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `an address that leads to another node is not taken for the node`() async throws {
        let authority = try TestAuthority.shared.get()
        let (first, third) = (try TestNode(1, authority), try TestNode(3, authority))

        Self.dial(first, third)

        await first.recorder.waitForLog("Connection refused", "Expected node 2 at this address, but got node 3")
        #expect(await first.status(of: 2)?.connectedStreams.isEmpty == true)
        await first.transport.stop()
        await third.transport.stop()
    }

    @Test(arguments: [true, false]) func `an expired certificate is refused`(isDialer: Bool) async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let second = try TestNode(2, authority, certificates: authority.certificates(of: 2, days: -1))
        await second.recorder.waitForLog("error", "has expired", "thalweg certs renew")

        if isDialer { Self.dial(second, first, as: 1) } else { Self.dial(first, second) }

        await first.recorder.waitForLog("Connection refused", "an expired one", "node/2")
        await second.recorder.waitForLog("Connection refused", "certificate expired")
        #expect(second.transport.certificateSecondsLeft < 0)
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test(arguments: [(1, 1), (9, 8)] as [(UInt32, UInt32)])
    func `an older and a newer feature level are refused with what to do`(level: UInt32, oldest: UInt32) async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority) {
            $0.featureLevel = 5
            $0.oldestFeatureLevel = 4
        }
        let second = try TestNode(2, authority) {
            $0.featureLevel = level
            $0.oldestFeatureLevel = oldest
        }

        Self.dial(second, first, as: 1)

        await first.recorder.waitForLog(
            "Connection refused",
            "feature level 4 to 5",
            "got \(oldest) to \(level)",
            "upgrade"
        )
        await second.recorder.waitForLog("Connection refused", "The peer refused", "feature level")
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `two nodes with one identifier: the second is refused, loudly`() async throws {
        let authority = try TestAuthority.shared.get()
        let (first, second) = (try TestNode(1, authority), try TestNode(2, authority))
        await TestNode.connect(first, second)
        let double = try TestNode(2, authority) { $0.directoryID = "folder-other" }

        Self.dial(double, first, as: 1)

        await first.recorder.waitForLog("error Connection refused", "folder-2", "folder-other", "same identifier")
        await double.recorder.waitForLog("Connection refused", "same identifier")
        #expect(await first.status(of: 2)?.connectedStreams.count == 3)
        for node in [first, second, double] { await node.transport.stop() }
    }

    @Test func `a folder that is remembered is the only one, also after a new start`() async throws {
        let authority = try TestAuthority.shared.get()
        let memory = FolderMemory([NodeID(2): "folder-2"])
        let first = try TestNode(1, authority) { $0.directories = memory }
        let formatted = try TestNode(2, authority) { $0.directoryID = "folder-new" }

        Self.dial(formatted, first, as: 1)

        await first.recorder.waitForLog("error Connection refused", "formatted anew", "cluster remove 2")
        await formatted.recorder.wait { events in
            Recorder.refusals(events).contains { $0.by == NodeID(1) && !$0.isFinal }
        }
        // Once it is forgotten, the next attempt is welcome.
        memory.forget(NodeID(2))
        await formatted.waitForStreams(to: 1)
        #expect(memory.directory(of: NodeID(2)) == "folder-new")
        await first.transport.stop()
        await formatted.transport.stop()
    }

    @Test func `a folder that is not worth keeping counts while its node is connected`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority) { $0.directories = FolderMemory(isForgetful: true) }
        let second = try TestNode(2, authority)
        await TestNode.connect(first, second)
        let other = try TestNode(2, authority) { $0.directoryID = "folder-other" }
        Self.dial(other, first, as: 1)
        await first.recorder.waitForLog("error Connection refused", "folder-2", "folder-other")

        second.transport.debugAbort()

        await other.waitForStreams(to: 1)
        await first.transport.stop()
        await other.transport.stop()
    }

    @Test func `a node with our own identifier is refused, loudly`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let double = try TestNode(1, authority) { $0.directoryID = "folder-other" }
        let raw = try RawPeer(to: first)
        try await raw.secure(authority.ordinaryCertificates(of: 1), 1, of: authority)

        guard case .refusal(let refusal) = try await raw.greet(as: 1, of: authority, stream: .consensus) else {
            Issue.record("Expected a refusal")
            return
        }

        #expect(refusal.code == Refusal.Code.duplicateNode.rawValue)
        await first.recorder.waitForLog("error Connection refused", "this node's identifier")
        await first.transport.stop()
        await double.transport.stop()
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", String(repeating: "\u{16}\u{3}\u{1}", count: 3_000),
        String(repeating: "\0", count: 64),
    ])
    func `garbage is refused with a line of the log, and does no harm`(text: String) async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let raw = try RawPeer(to: first)

        raw.write(Array(text.utf8))

        await first.recorder.waitForLog("warning Connection refused", "127.0.0.1", "Expected a node of the cluster")
        try await raw.readToEnd()
        let second = try TestNode(2, authority)
        await TestNode.connect(first, second)
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `an older TLS is refused`() async throws {
        let first = try TestNode(1, try TestAuthority.shared.get())
        let client = Process()
        client.executableURL = URL(filePath: "/usr/bin/openssl")
        client.arguments = ["s_client", "-tls1_2", "-connect", "127.0.0.1:\(first.transport.port)"]
        client.standardInput = FileHandle.nullDevice
        client.standardOutput = FileHandle.nullDevice
        client.standardError = FileHandle.nullDevice
        try client.run()

        await first.recorder.waitForLog("warning Connection refused", "unsupported protocol")
        try await blocking { client.waitUntilExit() }
        await first.transport.stop()
    }

    @Test func `a slow handshake, a missing hello and half of one end in time`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority) { $0.limits.handshakeMilliseconds = 50 }
        let second = try TestNode(2, authority) { $0.limits.helloMilliseconds = 60 }
        let silent = try RawPeer(to: first)
        silent.write([0x16])
        await first.recorder.waitForLog("Connection refused", "tooSlow", "handshake within 50 ms")
        try await silent.readToEnd()

        let shy = try RawPeer(to: second)
        try await shy.secure(authority.ordinaryCertificates(of: 1), 1, of: authority)
        shy.send([0, 0])
        await second.recorder.waitForLog("Connection refused", "tooSlow", "hello within 60 ms")
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `of too many strangers the oldest has to go`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority) { $0.limits.unauthenticatedConnections = 2 }
        let strangers = try (0..<4).map { _ in try RawPeer(to: first) }

        await first.recorder.waitForLog("Connection refused", "tooMany")
        try await strangers[0].readToEnd()
        try await strangers[1].readToEnd()
        let second = try TestNode(2, authority)
        second.transport.setPeers([first.node: first.address])
        await second.waitForStreams(to: 1)
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `a connection that goes silent is closed`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority) {
            $0.limits.idleMilliseconds = 60
            $0.limits.pingMilliseconds = 20
        }
        let half = try RawPeer(to: first)
        try await half.secure(authority.ordinaryCertificates(of: 2), 2, of: authority)
        _ = try await half.greet(as: 2, of: authority, stream: .consensus)

        await first.recorder.wait { Recorder.changes($0, of: 2) == [true, false] }
        await first.recorder.waitForLog("Connection lost", "sign of life")
        #expect(Recorder.hints(first.recorder.events).isEmpty)
        await first.transport.stop()
    }

    @Test func `a known peer that sends nonsense loses its connection`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let folder = try authority.certificates(of: 2)
        let nonsense: [[UInt8]] = [
            [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1], [0, 0, 0, 3, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF],
            [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4],
        ]
        for bytes in nonsense {
            let raw = try RawPeer(to: first)
            try await raw.secure(folder, 2, of: authority)
            _ = try await raw.greet(as: 2, of: authority, stream: .consensus)
            raw.send(bytes)
            var last: WireEnvelope.OneOf_Body?
            while let frame = try await raw.receive() { last = frame }
            guard case .refusal(let refusal) = last else {
                Issue.record("Expected a refusal, but got \(String(describing: last))")
                continue
            }
            #expect(refusal.code == Refusal.Code.malformed.rawValue)
        }
        await first.transport.stop()
    }

    @Test func `a peer cannot speak for others, nor make a node trap with what it does not know`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let raw = try RawPeer(to: first)
        try await raw.secure(authority.ordinaryCertificates(of: 2), 2, of: authority)
        _ = try await raw.greet(as: 2, of: authority, stream: .consensus)
        var forged = WireRaft()
        forged.from = 3
        forged.to = 1
        forged.body = .timeoutNow(WireTimeoutNow())
        var honest = forged
        honest.from = 2

        try raw.send(.raft(forged))
        try raw.send(.raft(WireRaft()))
        try raw.send(.request(WireRequest()), attachments: [[1]])
        try raw.send(.raft(honest))

        await first.recorder.waitForMessages(1)
        #expect(Recorder.messages(first.recorder.events).map(\.from) == [NodeID(2)])
        await first.recorder.waitForLog("error Consensus message dropped", "from 3 to 1")
        await first.recorder.waitForLog("error Consensus message dropped", "Expected a known kind")
        await first.recorder.waitForLog("error Frame of unknown kind dropped")
        await first.transport.stop()
    }

    @Test func `a node does not start with the certificate of another`() throws {
        let authority = try TestAuthority.shared.get()
        let other = try authority.certificates(of: 2)
        let error = #expect(throws: TransportError.self) { try TestNode(1, authority, certificates: other) }
        #expect(error?.text.contains("Expected a certificate of node 1") == true)

        let nameless = try authority.certificates(of: 1, name: "")
        #expect(throws: TransportError.self) { try TestNode(1, authority, certificates: nameless) }
        #expect(throws: TransportError.self) { try TestNode(1, authority, certificates: "/nowhere") }
    }

    @Test func `a port that is taken is an error that says so`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let error = #expect(throws: TransportError.self) {
            try TestNode(2, authority, port: first.transport.port)
        }
        #expect(error?.text.contains("address already in use") == true)
        await first.transport.stop()
    }
}
