import ProcessEngine
import RaftCore
import RaftLog
import ReplicaCore
import SQLite
import SimulatedDisk
import Simulation
import StateStore

/// One group on one node while the node runs: the production replica with its state, and what its driver keeps.
final class HostedGroup {
    let number: UInt32
    let replica: Replica<SimulatedLogReader>
    private(set) var state: SQLiteState
    private(set) var generation: UInt64
    let reader: SimulatedLogReader
    /// Work for the log, in order.
    var work: [StorageAppend] = []
    /// A newer commit index that needs no sync of its own: it goes along with the next entries.
    var pendingHardState: HardState?
    /// When a wake-up is planned, in simulated time.
    var wake: Int?
    var reads: [ReadRequestID: (Bool) -> Void] = [:]
    private let host: SimulatedHost
    private var variableReader: VariableReader?

    /// Opens the group from the host's disk and log.
    init(_ number: UInt32, host: SimulatedHost, log: SQLiteRaftLog, seed: UInt64) throws {
        self.number = number
        self.host = host
        let group = GroupID(number)
        self.generation = try log.status(of: group).stateGeneration
        host.removeGenerations(of: number, but: self.generation)
        let folder = SimulatedHost.folder(number, self.generation)
        let state = try SQLiteState(folder: folder, options: host.stateOptions)
        self.state = state
        let members = try Membership(decoding: state.membership).configuration
        self.reader = SimulatedLogReader(log: log, group: group, configuration: members)
        var configuration = RaftConfiguration(id: host.id, group: group)
        configuration.applied = LogIndex(state.position.appliedIndex)
        configuration.asynchronousStorageWrites = true
        configuration.randomSeed = seed
        configuration.plantedDefects = host.options.scenario.defects.planted
        configuration.maxMessageBytes = host.options.maxMessageBytes
        configuration.maxInflightMessages = host.options.maxInflightMessages
        var limits = ReplicaLimits()
        limits.leaseGraceMilliseconds = host.options.leaseGrace
        limits.commitNoticeMilliseconds = 5
        self.replica = try Replica(
            group: number,
            raft: RaftNode(configuration: configuration, storage: self.reader),
            state: state,
            engine: Engine(group: number, environment: EngineEnvironment(modelReader: SimulatedModelReader())),
            marker: NoExecutionMarker(),
            limits: limits
        )
        self.replica.removeArchived = { try state.removeArchived(instances: $0) }
    }

    var isLeader: Bool { self.replica.role == .leader }

    /// A copy of what is committed, made as the node's own snapshots are, beside whatever the writer has open.
    func copyState() throws -> SnapshotDepot.Item {
        let target = "snapshot/\(self.number)/\(StateFile.name)"
        // A power cut may have left something of an earlier attempt.
        self.host.disk.removeDatabase(target)
        defer { self.host.disk.removeDatabase(target) }
        guard let live = self.state.file else { throw SimulatedHostError.noFile }
        let summary = try SnapshotMaker.copyDatabase(from: live, to: StateFile(path: target, vfs: live.vfs))
        let manifest = SnapshotManifest(
            group: self.number,
            schemaLevel: summary.schemaLevel,
            position: summary.position,
            membership: summary.membership,
            digest: summary.digest,
            files: []
        )
        return SnapshotDepot.Item(manifest: manifest, bytes: self.host.disk.image.contents(of: target) ?? [])
    }

    /// Puts a received snapshot beside the present state, durably, and opens it.
    ///
    /// - Returns: the number of the new generation; nil when the disk is full.
    func prepareGeneration(_ item: SnapshotDepot.Item) throws -> (generation: UInt64, state: SQLiteState)? {
        let next = self.generation + 1
        let disk = self.host.disk
        self.host.removeGenerations(of: self.number, but: self.generation)
        let incoming = "incoming/\(self.number)/\(StateFile.name)"
        disk.removeDatabase(incoming)
        defer { disk.removeDatabase(incoming) }
        do {
            guard disk.store(item.bytes, as: incoming) else { throw SimulatedHostError.noSpace }
            try SnapshotInstaller.prepare(
                StateFile(path: incoming, vfs: disk.name),
                as: item.manifest
            )
            let folder = SimulatedHost.folder(self.number, next)
            guard disk.store(disk.image.contents(of: incoming) ?? [], as: "\(folder)/\(StateFile.name)") else {
                throw SimulatedHostError.noSpace
            }
            return (next, try SQLiteState(folder: folder, options: self.host.stateOptions))
        } catch {
            let isFull = (error as? SQLiteError)?.isDiskFull ?? (error is SimulatedHostError)
            if isFull, self.host.isDiskFull, !disk.isOff { return nil }
            throw error
        }
    }

    /// Goes on with another state, which the log names already.
    func adopt(_ generation: UInt64, _ state: SQLiteState) throws {
        self.variableReader = nil
        self.generation = generation
        self.state = state
        try self.replica.install(state)
        self.replica.removeArchived = { try state.removeArchived(instances: $0) }
        self.host.removeGenerations(of: self.number, but: generation)
    }

    /// Saved instances that may leave the state, as the history finds them: through a connection of its own. Those that
    /// are about to leave are among them once more only when they are gone.
    func finishedInstances(limit: Int) throws -> [Key] {
        guard limit > 0, self.replica.archivedPending == 0 else { return [] }
        let reader = try self.variableReader ?? VariableReader(self.state)
        self.variableReader = reader
        return try reader.finishedInstances(limit: limit)
    }

    /// The committed value of a variable in a scope, through a connection of its own as queries have one.
    func committedVariable(_ name: String, scope: Key) throws -> [UInt8]? {
        let reader = try self.variableReader ?? VariableReader(self.state)
        self.variableReader = reader
        return try reader.value(name, scope: scope)
    }
}

/// A reading connection beside the writer's.
private final class VariableReader {
    private let database: Database
    private let statement: Statement
    private let finished: Statement

    init(_ state: SQLiteState) throws {
        self.database = try state.openReader()
        self.statement = try self.database.prepare(
            "SELECT value FROM variable WHERE processInstanceKey = ?1 AND scopeKey = ?1 AND name = ?2"
        )
        self.finished = try self.database.prepare("SELECT processInstanceKey FROM finished_instance LIMIT ?1")
    }

    func finishedInstances(limit: Int) throws -> [Key] {
        try self.finished.bind(1, Int64(limit))
        defer { self.finished.reset() }
        var keys: [Key] = []
        while try self.finished.step() { keys.append(Key(self.finished.int64(0))) }
        return keys
    }

    func value(_ name: String, scope: Key) throws -> [UInt8]? {
        try self.statement.bind(1, scope.rawValue)
        try self.statement.bind(2, name)
        defer { self.statement.reset() }
        return try self.statement.step() ? self.statement.blob(0) : nil
    }
}

extension SimulatedDisk {
    /// Removes a database with all that belongs to it.
    fileprivate func removeDatabase(_ path: String) {
        for suffix in ["", "-wal", "-journal"] { self.remove(path + suffix) }
    }
}
