import ClusterTransport
import Gateway
package import Logging
import ProcessEngine
import RaftCore
import RaftLog
import ReplicaCore
import StateStore

/// Puts the leader's state in the place of a node's own, which is damaged or differs: while the node does not run, and
/// without touching what it has promised. Its log takes the new state as it takes any snapshot, with the term and the
/// vote staying; so nothing is undone that the others rely on.
package struct StateReset {
    /// What a group's new state is.
    package struct Result: Hashable, Sendable {
        package var group: UInt32
        /// The last entry that is in it.
        package var index: UInt64
        package var byteCount: UInt64
        /// Who sent it.
        package var leader: UInt64
    }

    private struct Plan {
        var status: RaftLog.GroupStatus
        var folder: StateFolder
        var manifest: SnapshotManifest
        var leader: NodeID

        var generation: UInt64 { status.stateGeneration + 1 }
    }

    private static let pollMilliseconds = 300

    private let settings: ClusterSettings
    private let folder: DataFolder
    private let log: SQLiteRaftLog
    private let transport: ClusterTransport
    private let peers: [NodeID]
    private let deadline: ContinuousClock.Instant

    /// - Parameters:
    ///   - members: where the other nodes are; nil for those that the folder was formatted with.
    ///   - timeout: for finding the leader and for its making the snapshots; not for the transfer itself.
    /// - Throws: what is wrong, in words for the operator; then nothing was changed, or what was changed is whole.
    package static func run(
        dataFolder: String,
        members: [ClusterMember]?,
        timeout: Duration,
        logger: Logger
    ) async throws -> [Result] {
        guard DataFolder.isFormatted(dataFolder), let settings = try ClusterSettings.load(folder: dataFolder) else {
            throw NodeFailure(
                "Expected the data folder of a cluster's node, but '\(dataFolder)' is none: only there have others a "
                    + "copy of the state. Restore a backup"
            )
        }
        let folder = try DataFolder(path: dataFolder)
        let log = try openLog(folder, settings)
        defer { log.close() }
        var configuration = ThalwegNode.transportConfiguration(settings, folder)
        configuration.directories = try PeerDirectories(folder: folder.path, logger: logger)
        let transport = try ClusterTransport(
            configuration: configuration,
            handler: SilentHandler(),
            logger: logger
        )
        transport.start()
        var peers: [NodeID: PeerAddress] = [:]
        for member in members ?? settings.members where member.node != settings.nodeID {
            peers[NodeID(member.node)] = PeerAddress(host: member.address.host, port: UInt16(member.address.port))
        }
        transport.setPeers(peers)
        let reset = StateReset(
            settings: settings,
            folder: folder,
            log: log,
            transport: transport,
            peers: peers.keys.sorted(),
            deadline: .now + timeout
        )
        do {
            let results = try await reset.run()
            await transport.stop()
            return results
        } catch {
            await transport.stop()
            throw error
        }
    }

    private func run() async throws -> [Result] {
        // All logs are looked at before anything is changed.
        let groups = try log.groups()
        for group in groups { try check(group) }
        var results: [Result] = []
        for group in groups {
            let plan = try await fetch(group)
            try install(plan)
            results.append(
                Result(
                    group: plan.manifest.group,
                    index: plan.manifest.position.appliedIndex,
                    byteCount: plan.manifest.totalBytes,
                    leader: plan.leader.rawValue
                )
            )
        }
        return results
    }

    /// What the node has promised must be there in full; else it must not take part any more.
    private func check(_ group: GroupID) throws {
        do {
            _ = try log.status(of: group)
            try log.verify(group)
        } catch {
            throw StateReset.unsound(error, settings)
        }
    }

    private static func openLog(_ folder: DataFolder, _ settings: ClusterSettings) throws -> SQLiteRaftLog {
        do {
            return try ThalwegNode.openLog(folder) { _ in }
        } catch {
            throw unsound(error, settings)
        }
    }

    private static func unsound(_ error: any Error, _ settings: ClusterSettings) -> NodeFailure {
        NodeFailure(
            "Expected a sound log, but got: \(error). What this node has promised is lost, so remove it from the "
                + "cluster ('thalweg cluster remove \(settings.nodeID)'), and let it join as a new node"
        )
    }

    // MARK: Fetching

    private func fetch(_ group: GroupID) async throws -> Plan {
        let status = try log.status(of: group)
        // An older state would lack entries that this node has acknowledged.
        let needed = max(status.lastIndex.rawValue, status.snapshot.index.rawValue + 1)
        let (offer, leader) = try await ask(group, atLeast: needed)
        guard offer.manifest.group == group.rawValue, offer.manifest.position.appliedIndex >= needed else {
            throw NodeFailure("Expected the state of group \(group) from \(needed) on, but node \(leader) sent another")
        }
        let hasHistory = group.rawValue == EngineGroups.instances
        let states = try StateFolder(
            path: "\(folder.path)/state",
            historyPath: hasHistory ? "\(folder.path)/history" : nil,
            group: group.rawValue
        )
        let incoming = IncomingFolder(path: "\(states.path)/incoming")
        _ = try incoming.prepare(for: offer.manifest)
        for file in offer.manifest.files {
            let target = try IncomingFile(path: "\(incoming.path)/\(file.name)", size: file.byteCount)
            _ = try await transport.fetch(file: file.name, of: offer.id, from: leader, offset: 0) {
                try target.append($0.bytes)
            }
            try target.finish()
            try incoming.verify(file)
        }
        return Plan(status: status, folder: states, manifest: offer.manifest, leader: leader)
    }

    /// Asks all nodes until the one that leads has a snapshot that is new enough.
    private func ask(_ group: GroupID, atLeast index: UInt64) async throws -> (SnapshotOffer, NodeID) {
        let question = ForwardedRequest.snapshotWanted(group: group.rawValue, atLeast: index).encoded()
        var last = "no other node could be reached"
        while ContinuousClock.now < deadline {
            for peer in peers {
                do {
                    let answer = try await transport.request(question, to: peer, timeout: .seconds(5))
                    switch try SnapshotReply(decoding: answer) {
                    case .here(let bytes): return (try SnapshotOffer(decoding: bytes), peer)
                    case .notYet: last = "node \(peer) leads, but has not got past index \(index - 1) yet"
                    case .notLeader: if last.hasPrefix("no ") { last = "no node that was reached leads group \(group)" }
                    }
                } catch let error as TransportError {
                    if error.code == .refused { last = "node \(peer) does not know this request; upgrade it" }
                }
            }
            try await Task.sleep(for: .milliseconds(StateReset.pollMilliseconds))
        }
        throw NodeFailure(
            "Expected a leader that sends its state of group \(group), but \(last). Look at 'thalweg cluster status' "
                + "on another node; in a cluster where nothing happens, 'thalweg cluster transfer-leader' helps; then "
                + "repeat"
        )
    }

    // MARK: Installing

    private func install(_ plan: Plan) throws {
        try SnapshotInstaller.install(
            plan.manifest,
            from: "\(plan.folder.path)/incoming",
            as: plan.generation,
            current: plan.status.stateGeneration,
            in: plan.folder,
            options: GroupStarter.stateOptions
        )
        try log.append(
            LogWrite(
                group: plan.status.group,
                incarnation: plan.status.incarnation,
                snapshot: try SnapshotExchange.metadata(of: plan.manifest),
                stateGeneration: plan.generation
            )
        )
    }
}

/// A node that does not run takes no part in anything.
private final class SilentHandler: TransportHandler {
    func received(_ messages: [RaftMessage]) {}
    func handle(_ request: IncomingRequest) { request.refuse() }
    func peerRefused(_ peer: NodeID) {}
    func peerChanged(_ peer: NodeID, isConnected: Bool) {}
    func unreachable(_ peer: NodeID) {}
    func identityRefused(by peer: NodeID, reason: String, isFinal: Bool) {}
    func serve(_ request: BulkRequest) -> BulkAnswer { .refused("this node does not run") }
}

/// What a node says that is asked for its state.
enum SnapshotReply: Hashable, Sendable {
    /// The bytes of a `SnapshotOffer`.
    case here([UInt8])
    /// It is being made, or the state is not that far.
    case notYet
    case notLeader

    func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 64)
        writer.write(ForwardedRequest.version)
        switch self {
        case .here(let bytes):
            writer.write(UInt8(0))
            writer.write(bytes)
        case .notYet: writer.write(UInt8(1))
        case .notLeader: writer.write(UInt8(2))
        }
        return writer.bytes
    }

    /// - Throws: `DecodingFailure`.
    init(decoding bytes: [UInt8]) throws {
        var reader = ByteReader(bytes)
        let found = try reader.byte()
        guard found == ForwardedRequest.version else {
            throw DecodingFailure("Expected an answer of version \(ForwardedRequest.version), but got \(found)")
        }
        switch try reader.byte() {
        case 0: self = .here(try reader.byteArray())
        case 1: self = .notYet
        case 2: self = .notLeader
        case let other: throw DecodingFailure("Expected an answer of kind 0 to 2, but got \(other)")
        }
        guard reader.isAtEnd else { throw DecodingFailure("Expected the end of the answer, but got more bytes") }
    }
}
