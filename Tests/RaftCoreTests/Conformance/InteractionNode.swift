import RaftCore

/// A storage that offers a snapshot of every applied index, as the conformance files expect.
final class HistoryStorage: RaftStorage {
    let memory: MemoryStorage
    var history: [SnapshotMetadata]

    init(_ memory: MemoryStorage) {
        self.memory = memory
        self.history = [memory.latestSnapshot.metadata]
    }

    func initialState() -> (hardState: HardState, configuration: ClusterConfiguration) { self.memory.initialState() }
    func entries(from: LogIndex, to: LogIndex, maxBytes: Int) throws(RaftStorageError) -> [LogEntry] {
        try self.memory.entries(from: from, to: to, maxBytes: maxBytes)
    }
    func term(of index: LogIndex) throws(RaftStorageError) -> Term { try self.memory.term(of: index) }
    var firstIndex: LogIndex { self.memory.firstIndex }
    var lastIndex: LogIndex { self.memory.lastIndex }
    func snapshot() -> Snapshot { Snapshot(metadata: self.history.last ?? SnapshotMetadata()) }
}

/// A message on its way, or an acknowledgement of a storage queue.
enum Envelope {
    case message(RaftMessage)
    case appended(AppendAcknowledgement, NodeID)
    case applied(StorageApply, NodeID)

    var to: NodeID {
        switch self {
        case .message(let message): message.to
        case .appended(_, let node), .applied(_, let node): node
        }
    }

    /// Local deliveries cannot get lost.
    var isLocal: Bool {
        if case .message(let message) = self { return message.from == message.to }
        return true
    }

    var lines: [String] {
        switch self {
        case .message(let message): Describe.message(message)
        case .appended(let acknowledgement, let node): [Describe.acknowledgement(acknowledgement, to: node)]
        case .applied(let work, let node): Describe.applied(work.entries, to: node)
        }
    }

    func isOfType(_ name: String) -> Bool { self.lines[0].split(separator: " ")[1] == name }
}

/// One node with its queues.
struct InteractionNode {
    var raft: RaftNode<HistoryStorage>
    let storage: HistoryStorage
    var appendWork: [StorageAppend] = []
    var applyWork: [StorageApply] = []
}
