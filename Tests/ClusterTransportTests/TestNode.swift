import Logging
import RaftCore

@testable import ClusterTransport

/// A transport with a node that records what it is told.
final class TestNode: Sendable {
    let id: UInt64
    let recorder: Recorder
    let transport: ClusterTransport
    /// Its folder stays as long as a node needs it.
    private let authority: TestAuthority

    init(
        _ id: UInt64,
        _ authority: TestAuthority,
        recorder: Recorder = Recorder(),
        port: UInt16 = 0,
        certificates: String? = nil,
        clockOffset: Int64 = 0,
        _ change: (inout TransportConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = TransportConfiguration(
            node: NodeID(id),
            clusterID: authority.clusterID,
            directoryID: "folder-\(id)",
            listenPort: port,
            certificateFolder: try certificates ?? authority.ordinaryCertificates(of: id)
        )
        // Tests share the machine: what is not about time limits must not meet them.
        configuration.limits.connectMilliseconds = 60_000
        configuration.limits.handshakeMilliseconds = 60_000
        configuration.limits.helloMilliseconds = 60_000
        configuration.limits.idleMilliseconds = 60_000
        change(&configuration)
        self.id = id
        self.authority = authority
        self.recorder = recorder
        self.transport = try ClusterTransport(
            configuration: configuration,
            handler: recorder,
            logger: recorder.logger
        ) { clockOffset }
        self.transport.start()
    }

    var node: NodeID { NodeID(self.id) }
    var address: PeerAddress { PeerAddress(host: "127.0.0.1", port: self.transport.port) }

    /// Has each of the nodes dial all others, and waits until all are connected.
    static func connect(_ nodes: TestNode...) async {
        for node in nodes {
            let others = nodes.filter { $0.id != node.id }
            node.transport.setPeers(Dictionary(uniqueKeysWithValues: others.map { ($0.node, $0.address) }))
        }
        for node in nodes { for other in nodes where other.id != node.id { await node.waitForStreams(to: other.id) } }
    }

    /// Waits until something can be sent on all three streams.
    func waitForStreams(to peer: UInt64) async {
        await self.recorder.waitForPeer(peer)
        for stream in StreamKind.allCases {
            await self.recorder.waitForLog("debug Stream", "peer.node=\(peer) ", "peer.stream=\(stream)")
        }
    }

    func status(of peer: UInt64) async -> TransportPeerStatus? {
        await self.transport.status().first { $0.node == NodeID(peer) }
    }

    func message(to peer: UInt64, term: UInt64 = 1, _ body: RaftMessage.Body = .timeoutNow) -> RaftMessage {
        RaftMessage(
            group: GroupID(1),
            incarnation: IncarnationID(7),
            from: self.node,
            to: NodeID(peer),
            term: Term(term),
            body: body
        )
    }
}
