import ProcessEngine
import RaftCore
import RaftLog
import ReplicaCore
import StateStore

/// Opens a group's files and starts its thread.
struct GroupStarter {
    var folder: DataFolder
    var log: SQLiteRaftLog
    var crashFile: CrashFile
    var configuration: NodeConfiguration
    /// Who a new group begins with; nil for a node that joins.
    var members: Membership?
    var snapshots: SnapshotExchange?

    /// - Parameter hasHistory: whether what is over is kept.
    /// - Returns: what the group begins to run on.
    func start(
        _ runner: GroupRunner,
        marker: any ExecutionMarker & Sendable,
        poisoned: [ExecutionMark],
        hasHistory: Bool
    ) throws -> SnapshotExchange.Source {
        let group = GroupID(runner.group)
        let node = NodeID(folder.identity.nodeID)
        let incarnation = IncarnationID(1)
        if try !log.groups().contains(group) {
            let founding = members.map { Founding.snapshot($0) } ?? SnapshotMetadata()
            try log.createGroup(group, incarnation: incarnation, snapshot: founding)
        }
        let status = try log.status(of: group)
        let generation = status.stateGeneration
        let states = try StateFolder(
            path: "\(folder.path)/state",
            historyPath: hasHistory ? "\(folder.path)/history" : nil,
            group: runner.group
        )
        try states.removeAll(except: generation)
        let source = SnapshotExchange.Source(
            folder: states,
            generation: generation,
            history: try states.openHistory(generation)
        )
        // Nothing was ever applied: the state may not have been made before the last run ended.
        let isNew = generation == 0 && status.isEmpty && status.snapshot.index <= Founding.index
        let founders = status.stateGeneration == 0 ? members : nil
        snapshots?.setSource(source, group: runner.group)
        let number = runner.group
        let (log, snapshots, configuration) = (log, snapshots, configuration)
        try runner.start(
            log: log,
            incarnation: incarnation,
            generation: generation,
            makeReplica: {
                let state = try states.open(generation, mayCreate: isNew, options: GroupStarter.stateOptions)
                if let founders { try Founding.prepare(state, members: founders) }
                var raft = RaftConfiguration(id: node, group: group, incarnation: incarnation)
                raft.applied = LogIndex(state.position.appliedIndex)
                GroupStarter.tune(&raft)
                var limits = ReplicaLimits()
                if snapshots != nil { limits.leaseGraceMilliseconds = 2_000 }
                limits.commitNoticeMilliseconds = GroupTiming.commitNoticeMilliseconds
                let reader = GroupLogReader(
                    log: log,
                    group: group,
                    configuration: try Membership(decoding: state.membership).configuration,
                    snapshots: snapshots
                )
                let replica = try Replica(
                    group: number,
                    raft: RaftNode(configuration: raft, storage: reader),
                    state: state,
                    engine: Engine(group: number, environment: GroupStarter.environment(configuration)),
                    marker: marker,
                    limits: limits
                )
                replica.removeArchived = { try state.removeArchived(instances: $0) }
                return (replica, state)
            },
            poisoned: poisoned
        )
        return source
    }

    private static func tune(_ raft: inout RaftConfiguration) {
        raft.asynchronousStorageWrites = true
        raft.electionTicks = GroupTiming.electionTicks
        raft.heartbeatTicks = GroupTiming.heartbeatTicks
        raft.randomSeed = UInt64.random(in: 0 ... .max)
        // What is applied in one turn: a node that catches up must still answer heartbeats.
        raft.maxApplyingBytes = 4 << 20
    }

    private static func environment(_ configuration: NodeConfiguration) -> EngineEnvironment {
        EngineEnvironment(
            modelReader: BPMNModelReader(),
            timeZoneRules: SystemTimeZones(),
            trappingElementIDs: configuration.trappingElementIDs
        )
    }

    static var stateOptions: StateOptions { StateOptions(cacheBytes: 128 << 20) }
}
