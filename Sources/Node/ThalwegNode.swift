import Gateway
package import Logging
import NIOPosix
import ProcessEngine
import RaftCore
import RaftLog
import ReplicaCore
import StateStore
import Synchronization

/// How a node runs.
package struct NodeConfiguration: Sendable {
    package var dataFolder: String
    /// How long finished instances and the event stream are kept.
    package var historyRetention: Duration
    /// What other parts of the cluster and clients are told; not what is listened on.
    package var host: String
    package var version: String
    /// For tests: see `EngineEnvironment`.
    package var trappingElementIDs: Set<String>
    /// Called when the node cannot go on; it must end the process.
    package var onFailure: @Sendable (String) -> Void

    package init(
        dataFolder: String,
        historyRetention: Duration,
        host: String,
        version: String,
        trappingElementIDs: Set<String> = [],
        onFailure: @escaping @Sendable (String) -> Void
    ) {
        self.dataFolder = dataFolder
        self.historyRetention = historyRetention
        self.host = host
        self.version = version
        self.trappingElementIDs = trappingElementIDs
        self.onFailure = onFailure
    }
}

/// A running node: the log, the groups with their threads, the history and the ways in.
package final class ThalwegNode: Sendable {
    let configuration: NodeConfiguration
    let folder: DataFolder
    let runners: [UInt32: GroupRunner]
    let readers: ReaderPool
    let queryThreads: NIOThreadPool
    let clock = NodeClock()
    let requestPrefix: String
    let requestNumber = Atomic<UInt64>(0)
    let port = Atomic<Int>(0)
    private let log: SQLiteRaftLog
    private let history: HistoryRunner
    private let spaceWatch: SpaceWatch

    /// Opens the data folder, recovers, and takes the lead of all groups.
    ///
    /// - Throws: what keeps it from starting, in words for the operator.
    package init(configuration: NodeConfiguration, logger: Logger) throws {
        self.configuration = configuration
        folder = try DataFolder(path: configuration.dataFolder)
        let crashFile = try CrashFile(folder: folder)
        let poisoned = crashFile.takePoisoned()
        log = try SQLiteRaftLog(
            folder: "\(folder.path)/log",
            identity: LogIdentity(node: NodeID(folder.identity.nodeID), directory: folder.identity.directoryID),
            options: RaftLogOptions(
                checkpointPages: 2_048,
                onFailure: { configuration.onFailure("the log's disk failed: \($0)") }
            )
        )
        let clock = self.clock
        requestPrefix = "\(folder.identity.nodeID)-\(String(clock.now, radix: 36))-"
        let box = Mutex<[UInt32: GroupRunner]>([:])
        let routes = RouteTable()
        for group in [EngineGroups.cluster, EngineGroups.instances] {
            let connections = GroupRunner.Connections(
                route: { routes.route($0, $1) },
                fail: configuration.onFailure
            )
            let runner = GroupRunner(group: group, clock: clock, logger: logger, connections: connections)
            box.withLock { $0[group] = runner }
        }
        let runners = box.withLock { $0 }
        self.runners = runners
        routes.set(runners)
        guard let instances = runners[EngineGroups.instances], let cluster = runners[EngineGroups.cluster] else {
            preconditionFailure("both groups were made above")
        }
        let live = StateFile(path: "\(try folder.stateFolder(EngineGroups.instances))/\(StateFile.name)")
        let historyFolder = try HistoryFolder(path: "\(folder.path)/history", group: EngineGroups.instances)
        let starter = GroupStarter(folder: folder, log: log, crashFile: crashFile, configuration: configuration)
        // Before anything is executed: what is due already may be what ended the process.
        crashFile.watchSignals()
        try starter.start(cluster, marker: NoExecutionMarker(), poisoned: [])
        try starter.start(instances, marker: crashFile, poisoned: poisoned)
        for mark in poisoned { crashFile.forget(mark) }
        readers = ReaderPool(live: live, history: historyFolder, readers: 4, timeLimit: .seconds(10))
        history = HistoryRunner(runner: instances, log: log, clock: clock, logger: logger)
        try history.start(
            live: live,
            folder: historyFolder,
            retention: configuration.historyRetention,
            readers: readers
        )
        queryThreads = NIOThreadPool(numberOfThreads: 4)
        queryThreads.start()
        spaceWatch = SpaceWatch(folder: folder, runners: Array(runners.values), logger: logger)
        spaceWatch.start()
    }

    /// The port that clients reach it on, once it is known.
    package func setPort(_ number: Int) { port.store(number, ordering: .relaxed) }

    /// Ends everything in order: no more commands, the batch in work, the history, the files.
    package func stop() {
        spaceWatch.stop()
        for group in runners.keys.sorted(by: >) { runners[group]?.stop() }
        history.stop()
        readers.close()
        try? queryThreads.syncShutdownGracefully()
        log.close()
    }
}

/// Where internal commands of one group for another go.
private final class RouteTable: Sendable {
    private let runners = Mutex<[UInt32: GroupRunner]>([:])

    func set(_ all: [UInt32: GroupRunner]) { runners.withLock { $0 = all } }

    func route(_ group: UInt32, _ command: InternalCommand) {
        let target = runners.withLock { $0[group] }
        target?.post(.scheduled(command))
    }
}

/// Opens a group's files and starts its thread.
private struct GroupStarter {
    var folder: DataFolder
    var log: SQLiteRaftLog
    var crashFile: CrashFile
    var configuration: NodeConfiguration

    func start(_ runner: GroupRunner, marker: any ExecutionMarker & Sendable, poisoned: [ExecutionMark]) throws {
        let group = GroupID(runner.group)
        let node = NodeID(folder.identity.nodeID)
        let incarnation = IncarnationID(1)
        let members = ClusterConfiguration(voters: [node])
        if try !log.groups().contains(group) {
            try log.createGroup(group, incarnation: incarnation, configuration: members)
        }
        let path = try folder.stateFolder(runner.group)
        let environment = EngineEnvironment(
            modelReader: BPMNModelReader(),
            timeZoneRules: SystemTimeZones(),
            trappingElementIDs: configuration.trappingElementIDs
        )
        let number = runner.group
        let log = log
        try runner.start(
            log: log,
            incarnation: incarnation,
            makeReplica: {
                let state = try SQLiteState(folder: path, options: StateOptions(cacheBytes: 128 << 20))
                var raftConfiguration = RaftConfiguration(id: node, group: group, incarnation: incarnation)
                raftConfiguration.applied = LogIndex(state.position.appliedIndex)
                raftConfiguration.asynchronousStorageWrites = true
                let reader = GroupLogReader(log: log, group: group, configuration: members)
                let replica = try Replica(
                    group: number,
                    raft: RaftNode(configuration: raftConfiguration, storage: reader),
                    state: state,
                    engine: Engine(group: number, environment: environment),
                    marker: marker
                )
                replica.removeArchived = { try state.removeArchived(instances: $0) }
                return (replica, state)
            },
            poisoned: poisoned
        )
    }
}
