package import RaftCore

/// The state machine of a simulated replica: a chain over everything applied, so that equal indexes mean equal states
/// exactly if the chains are equal.
package struct ChainMachine: Hashable, Sendable {
    package var index = LogIndex.zero
    package var term = Term.zero
    package var chain: UInt64 = 0
    package var members = ClusterConfiguration()

    package init() {}

    /// Applies the next entry.
    package mutating func apply(_ entry: LogEntry) {
        var hash = TraceHash()
        hash.add(self.chain)
        hash.add(entry.index.rawValue)
        hash.add(entry.term.rawValue)
        hash.add(entry.payload)
        self.chain = hash.value
        self.index = entry.index
        self.term = entry.term
    }

    /// The machine as a snapshot.
    package var snapshot: Snapshot {
        let metadata = SnapshotMetadata(index: self.index, term: self.term, configuration: self.members)
        return Snapshot(metadata: metadata, data: self.snapshotData)
    }

    package var snapshotData: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self.chain >> (8 * $0)) } }

    package init(snapshot: Snapshot) {
        self.index = snapshot.metadata.index
        self.term = snapshot.metadata.term
        self.members = snapshot.metadata.configuration
        self.chain = snapshot.data.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// One server: what is durable, what is in memory, and its queues.
struct SimulatedReplica: CheckedServer {
    let id: NodeID
    /// The log as on disk; all of it is durable.
    let storage: MemoryStorage
    /// The state machine as on disk.
    var durableMachine: ChainMachine
    /// The state machine in memory.
    var machine: ChainMachine
    /// Nil while the server is down.
    var node: RaftNode<MemoryStorage>?
    /// Counts starts; what was planned for an earlier life is void.
    var life = 0
    var appendQueue: [StorageAppend] = []
    /// Work that is durable and whose acknowledgement is under way.
    var acknowledging: [StorageAppend] = []
    var applyQueue: [StorageApply] = []

    init(id: NodeID, founders: [NodeID]) {
        self.id = id
        // A group begins with a snapshot that names its founders, so that whoever joins later needs one and learns of
        // them; entries alone do not say who the first members were.
        var founding = ChainMachine()
        if founders.contains(id) {
            founding.index = LogIndex(1)
            founding.term = Term(1)
            founding.members = ClusterConfiguration(voters: founders)
        }
        self.storage = MemoryStorage(snapshot: founding.snapshot)
        self.machine = founding
        self.durableMachine = founding
    }

    /// Makes one piece of work durable.
    mutating func persist(_ hardState: HardState?, _ entries: [LogEntry], _ snapshot: Snapshot?) {
        if let hardState { self.storage.set(hardState) }
        if let snapshot, snapshot.id.index > self.machine.index {
            self.storage.install(snapshot)
            self.machine = ChainMachine(snapshot: snapshot)
            self.durableMachine = self.machine
        } else if let snapshot {
            self.storage.install(snapshot)
        }
        self.storage.append(entries)
    }

    /// Loses everything that is not durable; of the work in the queue some may have reached the disk.
    mutating func crash(survivingWork count: Int) {
        for work in self.appendQueue.prefix(count) { self.persist(work.hardState, work.entries, work.snapshot) }
        self.node = nil
        self.life += 1
        self.appendQueue = []
        self.acknowledging = []
        self.applyQueue = []
        self.machine = self.durableMachine
    }

    mutating func start(_ options: SimulationOptions, seed: UInt64) throws(RaftStartError) {
        self.life += 1
        self.storage.set(self.durableMachine.members)
        var configuration = RaftConfiguration(id: self.id)
        configuration.randomSeed = seed
        configuration.applied = self.durableMachine.index
        configuration.asynchronousStorageWrites = options.asynchronousStorageWrites
        configuration.maxInflightMessages = options.maxInflightMessages
        configuration.maxMessageBytes = options.maxMessageBytes
        configuration.maxApplyingBytes = options.maxApplyingBytes
        configuration.maxUncommittedBytes = options.maxUncommittedBytes
        configuration.preVote = options.preVote
        configuration.electionTicks = options.electionTicks
        configuration.plantedDefects = options.defects.planted
        if options.preVote { configuration.electionPriority = .rank(UInt8(self.id.rawValue % 2)) }
        self.node = try RaftNode(configuration: configuration, storage: self.storage)
    }

    var firstIndex: LogIndex { self.storage.firstIndex }

    /// Whether the entry is on this server's disk, or a snapshot that stands for it.
    func hasDurable(_ id: EntryID) -> Bool {
        if id.index < self.storage.firstIndex { return true }
        return (try? self.storage.term(of: id.index)) == id.term
    }
}
