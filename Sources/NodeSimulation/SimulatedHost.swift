import ProcessEngine
import RaftCore
import RaftLog
import ReplicaCore
import SQLite
import SimulatedDisk
import Simulation
import StateStore
import Synchronization

enum SimulatedHostError: Error {
    case powerIsOff
    case noSpace
    case noFile
}

/// One node of the world: a disk, a clock, and while it runs the production log and replicas on them. Beside that it
/// does what the node's driver does, and decides nothing.
final class SimulatedHost {
    /// Who waits for the answer of a request at this node: where the question came from and which call it belongs to.
    struct Waiter {
        var origin: Int
        var call: Int
    }

    let id: NodeID
    let options: NodeSimulationOptions
    /// Empty for a node that joins later.
    let founders: [NodeID]
    private(set) var disk: SimulatedDisk
    /// What is on the disk while the node does not run.
    private var image: DiskImage
    private(set) var log: SQLiteRaftLog?
    private(set) var groups: [HostedGroup] = []
    /// Counts starts; what was planned for an earlier life is void.
    private(set) var life = 0
    /// The disk is lost or the node was removed: it never comes back.
    var isGone = false
    var pausedUntil = 0
    /// Syncs take until then.
    var stalledUntil = 0
    var isDiskFull = false
    /// How far the clock is from true time in milliseconds, and how much too fast in millionths.
    var clockOffset: Int64 = 0
    var clockDrift: Int64 = 0
    var waiters: [RequestID: Waiter] = [:]

    init(_ id: NodeID, founders: [NodeID], options: NodeSimulationOptions) {
        self.id = id
        self.founders = founders
        self.options = options
        self.image = FormattedDisks.image(of: id, founders: founders, hasClusterGroup: options.hasClusterGroup)
        self.disk = SimulatedDisk(self.image)
    }

    var isUp: Bool { self.log != nil }
    var position: Int { Int(self.id.rawValue) - 1 }

    func group(_ number: UInt32) -> HostedGroup? { self.groups.first { $0.number == number } }

    /// The host's clock at a moment of true time, in milliseconds since 1970.
    func localTime(_ now: Int) -> Int64 {
        NodeWorld.epoch + Int64(now) + Int64(now) * self.clockDrift / 1_000_000 + self.clockOffset
    }

    var stateOptions: StateOptions {
        StateOptions(
            cacheBytes: 512 << 10,
            checkpointBytes: self.options.checkpointBytes,
            durableCommitBytes: 8 * self.options.checkpointBytes,
            vfs: self.disk.name
        )
    }

    // MARK: Starting and ending

    /// Starts the node from its disk, whose power may go again on the way.
    func start(seed: UInt64, cutAfter operations: Int?) throws {
        self.life += 1
        self.disk = SimulatedDisk(self.image, seed: seed)
        if self.options.has(.noSync) { self.disk.ignoreSyncs() }
        if let operations { self.disk.cutPower(after: operations) }
        let log = try FormattedDisks.openLog(self.id, on: self.disk, options: self.options)
        self.log = log
        self.groups = try log.groups().enumerated().map { place, group in
            try HostedGroup(group.rawValue, host: self, log: log, seed: seed &+ UInt64(place))
        }
    }

    /// Ends the process and cuts the disk's power: what was not synced may be gone.
    func crash(_ loss: DiskImage.Loss) {
        self.image = self.disk.afterPowerCut(loss)
        // Nothing that is said while objects go away reaches the disk.
        self.disk.cutPower(after: 0)
        for group in self.groups { group.reader.makeSnapshot = { nil } }
        self.groups = []
        self.log?.close()
        self.log = nil
        self.life += 1
        self.pausedUntil = 0
        self.stalledUntil = 0
        self.isDiskFull = false
        self.waiters = [:]
    }

    // MARK: Files

    static func folder(_ group: UInt32, _ generation: UInt64) -> String { "state/\(group)/\(generation)" }

    /// Removes what an installation that was not finished left, or what one that was has replaced.
    func removeGenerations(of group: UInt32, but kept: UInt64) {
        let prefix = "state/\(group)/"
        let present = "\(Self.folder(group, kept))/"
        for path in self.disk.image.paths where path.hasPrefix(prefix) && !path.hasPrefix(present) {
            self.disk.remove(path)
        }
    }

    /// The planted defect: the applied index goes back although its effects are there.
    func setBackAppliedIndexes(random: inout SplitMix64) throws {
        let disk = SimulatedDisk(self.image)
        for path in self.image.paths where path.hasSuffix(StateFile.name) {
            guard random.next(below: 2) == 0 else { continue }
            let options = DatabaseOptions(access: .readWrite, autocheckpointPages: 0, vfs: disk.name)
            let database = try Database(path: path, options: options)
            try database.execute("UPDATE engine_position SET appliedIndex = appliedIndex - 1 WHERE appliedIndex > 2")
        }
        self.image = disk.afterPowerCut(.losesNothing)
    }
}

/// Disks as `cluster init` and `cluster join` leave them, made once in a process.
enum FormattedDisks {
    private struct Kind: Hashable {
        var node: NodeID
        var founders: [NodeID]
        var hasClusterGroup: Bool
    }

    private static let made = Mutex<[Kind: DiskImage]>([:])

    static func openLog(_ node: NodeID, on disk: SimulatedDisk, options: NodeSimulationOptions) throws -> SQLiteRaftLog
    {
        try SQLiteRaftLog(
            folder: "log",
            identity: LogIdentity(node: node, directory: node.rawValue),
            options: RaftLogOptions(
                cacheBytes: options.logCacheBytes,
                checkpointPages: options.logCheckpointPages,
                preallocates: false,
                vfs: disk.name
            )
        )
    }

    static func image(of node: NodeID, founders: [NodeID], hasClusterGroup: Bool) -> DiskImage {
        let kind = Kind(node: node, founders: founders, hasClusterGroup: hasClusterGroup)
        if let image = Self.made.withLock({ $0[kind] }) { return image }
        guard let image = try? Self.format(kind) else {
            preconditionFailure("an empty disk without faults can be formatted")
        }
        Self.made.withLock { $0[kind] = image }
        return image
    }

    private static func format(_ kind: Kind) throws -> DiskImage {
        let disk = SimulatedDisk(seed: kind.node.rawValue)
        let log = try Self.openLog(kind.node, on: disk, options: NodeSimulationOptions(seed: 0))
        let members = Membership(
            configuration: ClusterConfiguration(voters: kind.founders),
            addresses: kind.founders.map { .init(node: $0, text: "node-\($0):1") }
        )
        for number in kind.hasClusterGroup ? [EngineGroups.cluster, EngineGroups.instances] : [EngineGroups.instances] {
            let isFounder = kind.founders.contains(kind.node)
            try log.createGroup(
                GroupID(number),
                incarnation: IncarnationID(1),
                snapshot: isFounder ? Founding.snapshot(members) : SnapshotMetadata()
            )
            let options = StateOptions(cacheBytes: 512 << 10, vfs: disk.name)
            let state = try SQLiteState(folder: SimulatedHost.folder(number, 0), options: options)
            if isFounder { try Founding.prepare(state, members: members) }
        }
        log.close()
        return disk.afterPowerCut(.losesNothing)
    }
}
