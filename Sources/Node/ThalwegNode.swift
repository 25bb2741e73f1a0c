import ClusterCertificates
import ClusterTransport
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

/// A running node: the log, the groups with their threads, the history, the links to other nodes and the ways in.
package final class ThalwegNode: Sendable {
    let configuration: NodeConfiguration
    let folder: DataFolder
    let runners: [UInt32: GroupRunner]
    let readers: ReaderPool
    let queryThreads: NIOThreadPool
    let clock = NodeClock()
    let nodeID: NodeID
    let requestPrefix: String
    let requestNumber = Atomic<UInt64>(0)
    let port = Atomic<Int>(0)
    let logger: Logger
    /// Nil for a node that is alone.
    let link: ClusterLink?
    /// What the folder says about the node's cluster; nil for a node that is alone.
    package let settings: ClusterSettings?
    let snapshots: SnapshotExchange?
    private let log: SQLiteRaftLog
    private let history: HistoryRunner
    private let spaceWatch: SpaceWatch
    private let health: HealthWatch?
    let blame: CrashBlame

    /// Opens the data folder and recovers. A node that is alone takes the lead of all groups at once; one of a cluster
    /// looks for the others.
    ///
    /// - Throws: what keeps it from starting, in words for the operator.
    package init(configuration: NodeConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        let settings = try ClusterSettings.load(folder: configuration.dataFolder)
        let folder = try DataFolder(path: configuration.dataFolder)
        let nodeID = NodeID(folder.identity.nodeID)
        self.settings = settings
        self.folder = folder
        self.nodeID = nodeID
        let clock = self.clock
        requestPrefix = "\(folder.identity.nodeID)-\(String(clock.now, radix: 36))-"
        let link = try settings.map { _ in
            let directories = try PeerDirectories(folder: folder.path, logger: logger)
            return ClusterLink(node: nodeID, directories: directories, clock: clock, logger: logger)
        }
        self.link = link
        let crashFile = try CrashFile(folder: folder)
        let poisoned = crashFile.takePoisoned()
        log = try ThalwegNode.openLog(folder, onFailure: configuration.onFailure)
        let router = GroupRouter(link: link)
        let readerSwitch = ReaderSwitch()
        let snapshots = link.map {
            SnapshotExchange(folder: folder, clock: clock, link: $0, logger: logger) { readerSwitch.installed($0, $1) }
        }
        self.snapshots = snapshots
        let connections = ThalwegNode.connections(router, link, snapshots, configuration)
        let runners = ThalwegNode.makeRunners(connections, clock, logger)
        self.runners = runners
        router.set(runners)
        snapshots?.setRunners(runners)
        guard let instances = runners[EngineGroups.instances], let cluster = runners[EngineGroups.cluster] else {
            preconditionFailure("both groups were made above")
        }
        let starter = GroupStarter(
            folder: folder,
            log: log,
            crashFile: crashFile,
            configuration: configuration,
            members: ThalwegNode.founders(settings, folder),
            snapshots: snapshots
        )
        // Before anything is executed: what is due already may be what ended the process.
        crashFile.watchSignals()
        _ = try starter.start(cluster, marker: NoExecutionMarker(), poisoned: [], hasHistory: false)
        let source = try starter.start(instances, marker: crashFile, poisoned: poisoned, hasHistory: true)
        guard let historyFolder = source.history else { preconditionFailure("this group has a history") }
        let live = source.folder.file(of: source.generation)
        for mark in poisoned { crashFile.forget(mark) }
        blame = CrashBlame(own: crashFile.blamed, runner: instances)
        readers = ReaderPool(live: live, history: historyFolder, readers: 4, timeLimit: .seconds(10))
        history = HistoryRunner(
            runner: instances,
            generation: source.generation,
            log: log,
            clock: clock,
            logger: logger
        )
        let retention = configuration.historyRetention
        try history.start(live: live, folder: historyFolder, retention: retention, readers: readers)
        readerSwitch.set(readers, history)
        queryThreads = NIOThreadPool(numberOfThreads: 4)
        queryThreads.start()
        let right = LeadershipRight(runners: Array(runners.values), isClockKnown: link == nil)
        spaceWatch = SpaceWatch(folder: folder, runners: Array(runners.values), right: right, logger: logger)
        health = link.map { HealthWatch(link: $0, right: right, logger: logger) }
        spaceWatch.start()
        health?.start()
        if let settings, let link { try connect(link, settings, right) }
    }

    private static func makeRunners(
        _ connections: GroupRunner.Connections,
        _ clock: NodeClock,
        _ logger: Logger
    ) -> [UInt32: GroupRunner] {
        var runners: [UInt32: GroupRunner] = [:]
        for group in [EngineGroups.cluster, EngineGroups.instances] {
            runners[group] = GroupRunner(group: group, clock: clock, logger: logger, connections: connections)
        }
        return runners
    }

    static func openLog(
        _ folder: DataFolder,
        onFailure: @escaping @Sendable (String) -> Void
    ) throws -> SQLiteRaftLog {
        try SQLiteRaftLog(
            folder: "\(folder.path)/log",
            identity: LogIdentity(node: NodeID(folder.identity.nodeID), directory: folder.identity.directoryID),
            options: RaftLogOptions(
                checkpointPages: 2_048,
                onFailure: { onFailure("the log's disk failed: \($0)") }
            )
        )
    }

    private static func connections(
        _ router: GroupRouter,
        _ link: ClusterLink?,
        _ snapshots: SnapshotExchange?,
        _ configuration: NodeConfiguration
    ) -> GroupRunner.Connections {
        GroupRunner.Connections(
            send: { link?.send($0) },
            membersChanged: { link?.membersChanged($0, $1) },
            installer: snapshots,
            heldIndex: { snapshots?.heldIndex($0) ?? .max },
            route: { router.route($0, $1) },
            fail: configuration.onFailure
        )
    }

    /// Who the groups begin with; nobody for a node that joins a cluster, which is told by a snapshot.
    private static func founders(_ settings: ClusterSettings?, _ folder: DataFolder) -> Membership? {
        guard let settings else {
            return Membership(configuration: ClusterConfiguration(voters: [NodeID(folder.identity.nodeID)]))
        }
        guard settings.origin == .founder else { return nil }
        return Membership(
            configuration: ClusterConfiguration(voters: settings.members.map { NodeID($0.node) }.sorted()),
            addresses: settings.members.map { .init(node: NodeID($0.node), text: $0.address.description) }
        )
    }

    private func connect(_ link: ClusterLink, _ settings: ClusterSettings, _ right: LeadershipRight) throws {
        let identity = try CertificateFolder.read(settings.certificates)
        try settings.check(certificateCluster: "\(identity.clusterID)", certificateNode: identity.nodeID)
        var targets = ClusterLink.Targets()
        targets.runners = runners
        targets.handle = { [weak self] request in
            if let self { self.handle(request) } else { request.refuse() }
        }
        let snapshots = snapshots
        targets.connected = { [blame] peer in Task { await blame.exchange(with: peer, over: link) } }
        targets.identityConflict = { right.set(.identity, isRaised: $0) }
        targets.snapshotOffered = { snapshots?.offered($0) }
        targets.serve = { snapshots?.serve($0) ?? .refused("there are no snapshots here") }
        var seeds: [NodeID: PeerAddress] = [:]
        for member in settings.members {
            seeds[NodeID(member.node)] = PeerAddress(host: member.address.host, port: UInt16(member.address.port))
        }
        link.setSeeds(seeds)
        for (group, runner) in runners {
            link.membersChanged(group, runner.snapshot.withLock { $0.membership })
        }
        try link.start(ThalwegNode.transportConfiguration(settings, folder), targets: targets)
    }

    /// How the node of this folder talks to the others.
    static func transportConfiguration(_ settings: ClusterSettings, _ folder: DataFolder) -> TransportConfiguration {
        TransportConfiguration(
            node: NodeID(folder.identity.nodeID),
            clusterID: settings.clusterID,
            directoryID: String(folder.identity.directoryID, radix: 16),
            listenHost: settings.listen.host,
            listenPort: UInt16(settings.listen.port),
            certificateFolder: settings.certificates
        )
    }

    /// The port that clients reach it on, once it is known.
    package func setPort(_ number: Int) { port.store(number, ordering: .relaxed) }

    /// Takes the certificates of its folder for new connections.
    package func reloadCertificates() {
        guard let settings, let link else { return }
        do {
            let identity = try CertificateFolder.read(settings.certificates)
            try settings.check(certificateCluster: "\(identity.clusterID)", certificateNode: identity.nodeID)
            try link.reloadCertificates()
            logger.notice("the certificates were read anew")
        } catch {
            logger.error("the certificates cannot be used; the present ones stay", metadata: ["error": "\(error)"])
        }
    }

    /// Hands the groups that this node leads to others, and waits for that a little.
    package func handOver() async {
        guard link != nil else { return }
        let deadline = ContinuousClock.now + .seconds(2)
        for runner in runners.values where runner.snapshot.withLock({ $0.isLeader }) {
            runner.post(.transferLeadership(to: nil))
        }
        while ContinuousClock.now < deadline {
            let leading = runners.values.filter { runner in
                runner.snapshot.withLock { $0.isLeader && $0.membership.configuration.voters.count > 1 }
            }
            guard let runner = leading.first else { return }
            await runner.leaderSignal.wait()
        }
    }

    /// Ends everything in order: no more commands, the batch in work, the history, the links, the files.
    package func stop() async {
        health?.stop()
        spaceWatch.stop()
        for group in runners.keys.sorted(by: >) { runners[group]?.stop() }
        await link?.stop()
        history.stop()
        readers.close()
        try? await queryThreads.shutdownGracefully()
        log.close()
    }
}

/// Where internal commands of one group for another go: to the leader of that group, on this node or another. They are
/// sent again until they are acknowledged, so that one that is lost does no harm.
private final class GroupRouter: Sendable {
    private let runners = Mutex<[UInt32: GroupRunner]>([:])
    private let link: ClusterLink?

    init(link: ClusterLink?) { self.link = link }

    func set(_ all: [UInt32: GroupRunner]) { runners.withLock { $0 = all } }

    func route(_ group: UInt32, _ command: InternalCommand) {
        guard let target = runners.withLock({ $0[group] }) else { return }
        let (isLeader, leader) = target.snapshot.withLock { ($0.isLeader, $0.leader) }
        if isLeader || link == nil {
            target.post(.scheduled(command))
        } else if let leader, let link {
            let payload = ForwardedRequest.schedule(group: group, command).encoded()
            Task { _ = try? await link.request(payload, to: leader, timeout: .seconds(5)) }
        }
    }
}
