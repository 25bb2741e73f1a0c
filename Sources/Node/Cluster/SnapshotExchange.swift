import ClusterTransport
import Foundation
import Logging
import ProcessEngine
import RaftCore
import RaftLog
import ReplicaCore
import StateStore
import Synchronization

/// Makes snapshots for followers that need them, serves their files, fetches those that are offered to this node, and
/// brings them into use. The making and fetching happen on threads and tasks of their own.
final class SnapshotExchange: SnapshotInstalling {
    /// What a snapshot of a group is made from.
    struct Source: Sendable {
        var folder: StateFolder
        var generation: UInt64
        var history: HistoryFolder?
    }

    private struct Made {
        var id: String
        var manifest: SnapshotManifest
        var folder: String
        var number: UInt64
        var bytes: [UInt8]
        var lastUse: Int64
    }

    private struct State {
        var sources: [UInt32: Source] = [:]
        var made: [UInt32: Made] = [:]
        var making: Set<UInt32> = []
        /// What was put in place and is not in use yet: a full disk may keep the log from naming it.
        var prepared: [UInt32: (id: String, snapshot: InstalledSnapshot)] = [:]
    }

    /// A snapshot that nobody fetches any more is kept for this long, in milliseconds: another follower may need it.
    private static let idleMilliseconds: Int64 = 120_000

    private let state = Mutex(State())
    private let folder: DataFolder
    private let clock: NodeClock
    private let logger: Logger
    private let receiver: SnapshotReceiver
    private let runners: Mutex<[UInt32: GroupRunner]> = Mutex([:])
    private let onInstalled: @Sendable (UInt32, Source) -> Void

    init(
        folder: DataFolder,
        clock: NodeClock,
        link: ClusterLink,
        logger: Logger,
        onInstalled: @escaping @Sendable (UInt32, Source) -> Void
    ) {
        self.folder = folder
        self.clock = clock
        receiver = SnapshotReceiver(
            clock: clock,
            logger: logger,
            download: { file, snapshot, node, offset, onPiece in
                guard let transport = link.files else { throw NodeFailure("the node is starting") }
                _ = try await transport.fetch(file: file, of: snapshot, from: node, offset: offset) {
                    try onPiece($0.bytes)
                }
            },
            decline: { group, leader in
                let note = ForwardedRequest.snapshotFailed(group: group).encoded()
                _ = try? await link.request(note, to: leader, timeout: .seconds(5))
            }
        )
        self.logger = logger
        self.onInstalled = onInstalled
    }

    func setRunners(_ all: [UInt32: GroupRunner]) { runners.withLock { $0 = all } }

    func setSource(_ source: Source, group: UInt32) { state.withLock { $0.sources[group] = source } }

    /// Entries after this index of a group are needed by a follower that is fetching a snapshot.
    func heldIndex(_ group: UInt32) -> UInt64 {
        state.withLock { state in
            guard let made = state.made[group], clock.now - made.lastUse < SnapshotExchange.idleMilliseconds else {
                return .max
            }
            return made.manifest.position.appliedIndex
        }
    }

    func lastUse(group: UInt32) -> Int64? {
        // The group's thread asks with each of its turns.
        if let runner = runners.withLock({ $0[group] }) { receiver.turned(runner) }
        return state.withLock { $0.made[group]?.lastUse }
    }

    // MARK: Making and serving

    /// A snapshot to offer to a follower; nil while it is being made.
    func snapshot(of group: UInt32, atLeast index: LogIndex) -> Snapshot? {
        let (made, source) = state.withLock { state -> (Made?, Source?) in
            if var made = state.made[group], made.manifest.position.appliedIndex >= index.rawValue {
                made.lastUse = clock.now
                state.made[group] = made
                return (made, nil)
            }
            guard state.making.insert(group).inserted else { return (nil, nil) }
            return (nil, state.sources[group])
        }
        if let made { return SnapshotExchange.offer(made) }
        if let source { startThread("snapshot-\(group)") { [self] in make(group, source) } }
        return nil
    }

    private static func offer(_ made: Made) -> Snapshot? {
        guard let metadata = try? metadata(of: made.manifest) else { return nil }
        return Snapshot(metadata: metadata, data: made.bytes)
    }

    /// What a log has to know of a snapshot.
    ///
    /// - Throws: `DecodingFailure` for members that cannot be read.
    static func metadata(of manifest: SnapshotManifest) throws -> SnapshotMetadata {
        SnapshotMetadata(
            index: LogIndex(manifest.position.appliedIndex),
            term: Term(manifest.position.appliedTerm),
            configuration: try Membership(decoding: manifest.membership).configuration
        )
    }

    private func make(_ group: UInt32, _ source: Source) {
        let started = clock.now
        let id = "\(group)-\(String(started, radix: 36))"
        do {
            let path = try source.folder.makeOutgoing(UInt64(started))
            let live = source.folder.file(of: source.generation)
            let manifest = try SnapshotMaker.make(group: group, from: live, history: source.history, in: path)
            let offer = SnapshotOffer(id: id, manifest: manifest)
            let made = Made(
                id: id,
                manifest: manifest,
                folder: path,
                number: UInt64(started),
                bytes: try offer.encoded(),
                lastUse: clock.now
            )
            let old = state.withLock { state in
                state.making.remove(group)
                return state.made.updateValue(made, forKey: group)
            }
            if let old { try source.folder.removeOutgoing(old.number) }
            logger.notice(
                "made a snapshot for a follower",
                metadata: [
                    "group": "\(group)", "raft.index": "\(manifest.position.appliedIndex)",
                    "bytes": "\(manifest.totalBytes)",
                    "milliseconds": "\(clock.now - started)",
                ]
            )
        } catch {
            state.withLock { _ = $0.making.remove(group) }
            try? source.folder.removeOutgoing(UInt64(started))
            logger.error("a snapshot cannot be made now", metadata: ["group": "\(group)", "error": "\(error)"])
        }
    }

    func serve(_ request: BulkRequest) -> BulkAnswer {
        let made = state.withLock { state -> Made? in
            guard let group = state.made.first(where: { $0.value.id == request.snapshot })?.key else { return nil }
            state.made[group]?.lastUse = clock.now
            return state.made[group]
        }
        guard let made else { return .refused("there is no snapshot '\(request.snapshot.prefix(64))' here") }
        guard made.manifest.files.contains(where: { $0.name == request.file }) else {
            return .refused("the snapshot has no such file")
        }
        return .file(path: "\(made.folder)/\(request.file)")
    }

    // MARK: Fetching

    /// The leader offers a snapshot: its files are fetched, and only then does the replica get the message.
    func offered(_ message: RaftMessage) {
        let group = message.group.rawValue
        guard let runner = runners.withLock({ $0[group] }), let source = state.withLock({ $0.sources[group] }) else {
            return
        }
        receiver.offered(message, to: runner, in: "\(source.folder.path)/incoming")
    }

    // MARK: SnapshotInstalling

    func prepare(_ snapshot: Snapshot, group: UInt32) throws -> InstalledSnapshot {
        let offer = try SnapshotOffer(decoding: snapshot.data)
        if let prepared = state.withLock({ $0.prepared[group] }), prepared.id == offer.id { return prepared.snapshot }
        guard let path = receiver.take(offer.id, group: group) else {
            throw NodeFailure("Expected the files of snapshot \(offer.id) to be here, but they are not")
        }
        guard let source = state.withLock({ $0.sources[group] }) else {
            throw NodeFailure("Expected a group of this node, but got group \(group)")
        }
        let generation = source.generation + 1
        try SnapshotInstaller.install(
            offer.manifest,
            from: path,
            as: generation,
            current: source.generation,
            in: source.folder,
            options: GroupStarter.stateOptions
        )
        let installed = InstalledSnapshot(generation: generation)
        state.withLock { $0.prepared[group] = (offer.id, installed) }
        return installed
    }

    func open(_ installed: InstalledSnapshot, group: UInt32) throws -> SQLiteState {
        guard let source = state.withLock({ $0.sources[group] }) else {
            throw NodeFailure("Expected a group of this node, but got group \(group)")
        }
        return try source.folder.open(installed.generation, mayCreate: false, options: GroupStarter.stateOptions)
    }

    func finish(_ installed: InstalledSnapshot, group: UInt32) throws {
        guard var source = state.withLock({ $0.sources[group] }) else { return }
        source.generation = installed.generation
        source.history = try source.folder.openHistory(installed.generation)
        let changed = source
        state.withLock { state in
            state.sources[group] = changed
            state.made[group] = nil
            state.prepared[group] = nil
        }
        receiver.installed(group: group)
        onInstalled(group, changed)
        try source.folder.removeAll(except: installed.generation)
    }
}
