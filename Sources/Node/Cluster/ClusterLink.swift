import ClusterTransport
import Logging
import RaftCore
import ReplicaCore
import Synchronization

/// What connects a node with the others: takes messages from and to the groups.
final class ClusterLink: TransportHandler {
    /// What the link reaches; set before the transport starts.
    struct Targets: Sendable {
        var runners: [UInt32: GroupRunner] = [:]
        var handle: @Sendable (IncomingRequest) -> Void = { $0.refuse() }
        var connected: @Sendable (NodeID) -> Void = { _ in }
        var snapshotOffered: @Sendable (RaftMessage) -> Void = { _ in }
        /// Whether others refuse this node because another has its identity.
        var identityConflict: @Sendable (_ isOpen: Bool) -> Void = { _ in }
        var serve: @Sendable (BulkRequest) -> BulkAnswer = { _ in .refused("there are no snapshots here") }
    }

    private let targets = Mutex(Targets())
    private let transport = Mutex<ClusterTransport?>(nil)
    private let connected = Mutex<Set<NodeID>>([])
    /// Addresses by group, and those the node was given before it knew any group's members.
    private let addresses = Mutex<(groups: [UInt32: Membership], seeds: [NodeID: PeerAddress])>(([:], [:]))
    /// Who refuses this node because another has its identity.
    let conflict = IdentityConflict()
    /// Which data folders the others have.
    private let directories: PeerDirectories
    private let node: NodeID
    private let clock: NodeClock
    private let logger: Logger

    init(node: NodeID, directories: PeerDirectories, clock: NodeClock, logger: Logger) {
        self.directories = directories
        self.clock = clock
        self.node = node
        self.logger = logger
    }

    /// Binds the node's address and starts to listen and to dial.
    func start(_ settings: TransportConfiguration, targets: Targets) throws {
        var configuration = settings
        configuration.directories = directories
        self.targets.withLock { $0 = targets }
        let transport = try ClusterTransport(configuration: configuration, handler: self, logger: logger)
        self.transport.withLock { $0 = transport }
        transport.start()
        dial()
    }

    func stop() async { await transport.withLock { $0 }?.stop() }

    func reloadCertificates() throws { try transport.withLock { $0 }?.reloadCertificates() }

    func status() async -> [TransportPeerStatus] { await transport.withLock { $0 }?.status() ?? [] }

    func isConnected(_ peer: NodeID) -> Bool { connected.withLock { $0.contains(peer) } }

    // MARK: Addresses

    func setSeeds(_ seeds: [NodeID: PeerAddress]) {
        addresses.withLock { $0.seeds = seeds }
        dial()
    }

    func membersChanged(_ group: UInt32, _ membership: Membership) {
        let members = addresses.withLock { known -> Set<NodeID>? in
            known.groups[group] = membership
            let all = known.groups.values.map { Set($0.configuration.allMembers) }
            // A node that joins does not know them before its first snapshots.
            return all.contains { $0.isEmpty } ? nil : all.reduce(into: []) { $0.formUnion($1) }
        }
        if let members {
            directories.setMembers(members)
            if conflict.keepMembers(members) { targets.withLock { $0.identityConflict }(false) }
            transport.withLock { $0 }?.rememberDirectories()
        }
        dial()
    }

    /// Dials every member of any group; before the first members are known, those the node was told of.
    private func dial() {
        let peers = addresses.withLock { known -> [NodeID: PeerAddress] in
            var peers: [NodeID: PeerAddress] = [:]
            for group in known.groups.keys.sorted() {
                for address in known.groups[group]?.addresses ?? [] {
                    if let parsed = PeerAddress(address.text) { peers[address.node] = parsed }
                }
            }
            // A node that joins has no members until its first snapshot.
            return peers.isEmpty ? known.seeds : peers
        }
        transport.withLock { $0 }?.setPeers(peers.filter { $0.key != node })
    }

    // MARK: Sending

    func send(_ messages: [RaftMessage]) { transport.withLock { $0 }?.send(messages) }

    func request(_ payload: [UInt8], to peer: NodeID, timeout: Duration) async throws -> [UInt8] {
        guard let transport = transport.withLock({ $0 }) else {
            throw TransportError(.notSent, "the node is starting")
        }
        return try await transport.request(payload, to: peer, timeout: timeout)
    }

    /// The transport itself, for downloads.
    var files: ClusterTransport? { transport.withLock { $0 } }

    // MARK: TransportHandler

    func received(_ messages: [RaftMessage]) {
        let targets = targets.withLock { $0 }
        let now = clock.now
        for message in messages {
            targets.runners[message.group.rawValue]?.signs.note(message, at: now)
            if case .snapshot = message.body {
                // Its files come first; then the replica gets the message.
                targets.snapshotOffered(message)
            } else {
                targets.runners[message.group.rawValue]?.post(.received(message))
            }
        }
    }

    func handle(_ request: IncomingRequest) { targets.withLock { $0.handle }(request) }

    func peerRefused(_ peer: NodeID) {
        logger.notice("a node's process is gone", metadata: ["node": "\(peer)"])
        for runner in targets.withLock({ $0.runners.values }) {
            let voters = runner.snapshot.withLock { $0.membership.configuration.allVoters }.filter { $0 != peer }
            runner.post(.peerDied(peer, campaignIn: ClusterLink.campaignDelay(of: node, among: voters)))
        }
    }

    /// All survivors notice at the same moment. Each waits for its turn, so that the first has its votes before the
    /// second asks for any; in milliseconds.
    private static func campaignDelay(of node: NodeID, among voters: [NodeID]) -> Int64 {
        let turn = voters.firstIndex(of: node) ?? voters.count
        return Int64(10 + 30 * turn) + Int64.random(in: 0...10)
    }

    func peerChanged(_ peer: NodeID, isConnected: Bool) {
        connected.withLock { if isConnected { $0.insert(peer) } else { $0.remove(peer) } }
        if isConnected {
            targets.withLock { $0.connected }(peer)
            if conflict.accepted(by: peer) {
                logger.notice("this node is accepted again", metadata: ["node": "\(peer)"])
                targets.withLock { $0.identityConflict }(false)
            }
        }
        logger.notice(
            isConnected ? "connected with a node" : "lost the connection with a node",
            metadata: ["node": "\(peer)"]
        )
    }

    func unreachable(_ peer: NodeID) {
        for runner in targets.withLock({ $0.runners.values }) { runner.post(.unreachable(peer)) }
    }

    func identityRefused(by peer: NodeID, reason: String, isFinal: Bool) {
        guard conflict.refused(by: peer, reason: reason, isFinal: isFinal) else { return }
        logger.critical(
            "another node or process has this node's identity; this one serves nothing",
            metadata: ["node": "\(peer)", "reason": "\(reason)"]
        )
        targets.withLock { $0.identityConflict }(true)
    }

    func serve(_ request: BulkRequest) -> BulkAnswer { targets.withLock { $0.serve }(request) }
}
