import RaftCore

/// One server: its files, the process that runs on them, and what it has promised to answer.
struct KeyValueServer: CheckedServer {
    let id: NodeID
    var disk: ServerDisk
    /// Nil while the server is down.
    var node: RaftNode<ServerDisk>?
    /// Counts starts; what was planned for an earlier life is void.
    var life = 0
    /// The files are gone: the server never comes back under this identifier.
    var isRetired = false
    /// Bits were flipped that nobody has noticed yet.
    var hasDecayed = false
    var isFull = false

    // Time.
    /// Percent of the right length of a tick.
    var clockRate = 100
    /// The process does not run until then.
    var pausedUntil = 0
    var diskStalledUntil = 0

    // Work handed out by the core.
    var appendQueue: [StorageAppend] = []
    /// Work that is durable and whose acknowledgement is under way.
    var acknowledging: [StorageAppend] = []
    var applyQueue: [StorageApply] = []

    // Clients.
    /// Commands in the log, by index, with the term that must be committed there.
    var proposed: [LogIndex: [(term: Term, request: ClientRequest)]] = [:]
    /// Reads that wait for an index to be confirmed.
    var reading: [UInt64: ClientRequest] = [:]
    /// Reads whose index is known but not applied yet.
    var waiting: [(index: LogIndex, request: ClientRequest)] = []

    init(id: NodeID, disk: ServerDisk) {
        self.id = id
        self.disk = disk
    }

    var firstIndex: LogIndex { self.disk.firstIndex }

    /// What a retired server held counts as held: it was durable when others relied on it, and the atlas of faults sees
    /// to it that another copy is left.
    func hasDurable(_ id: EntryID) -> Bool { self.isRetired || self.disk.hasDurable(id) }

    /// Forgets everything that is not on the disk.
    mutating func forget() {
        self.node = nil
        self.life += 1
        self.appendQueue = []
        self.acknowledging = []
        self.applyQueue = []
        self.proposed = [:]
        self.reading = [:]
        self.waiting = []
        self.pausedUntil = 0
        self.diskStalledUntil = 0
    }
}
