import RaftCore
import RaftLog

/// The durable log of one group as the consensus core reads it, as the node's own reader does.
final class SimulatedLogReader: RaftStorage {
    private let log: SQLiteRaftLog
    private let group: GroupID
    /// The members as of the state's applied index.
    private let configuration: ClusterConfiguration
    /// Makes a snapshot of the state; set once there is one.
    var makeSnapshot: () -> Snapshot? = { nil }

    init(log: SQLiteRaftLog, group: GroupID, configuration: ClusterConfiguration) {
        self.log = log
        self.group = group
        self.configuration = configuration
    }

    func initialState() throws(RaftStorageError) -> (hardState: HardState, configuration: ClusterConfiguration) {
        (try self.status().hardState, self.configuration)
    }

    func entries(from first: LogIndex, to end: LogIndex, maxBytes: Int) throws(RaftStorageError) -> [LogEntry] {
        guard first < end else { return [] }
        do {
            return try self.log.entries(of: self.group, from: first, through: end.previous, maxBytes: maxBytes)
        } catch {
            throw Self.storageError(error)
        }
    }

    func term(of index: LogIndex) throws(RaftStorageError) -> Term {
        do {
            return try self.log.term(of: index, in: self.group)
        } catch {
            throw Self.storageError(error)
        }
    }

    var firstIndex: LogIndex { (try? self.status().firstIndex) ?? LogIndex(1) }
    var lastIndex: LogIndex { (try? self.status().lastIndex) ?? .zero }

    func snapshot() throws(RaftStorageError) -> Snapshot {
        guard let snapshot = self.makeSnapshot() else { throw .snapshotTemporarilyUnavailable }
        return snapshot
    }

    func status() throws(RaftStorageError) -> RaftLog.GroupStatus {
        do {
            return try self.log.status(of: self.group)
        } catch {
            throw Self.storageError(error)
        }
    }

    private static func storageError(_ error: any Error) -> RaftStorageError {
        guard let error = error as? RaftLogError else { return .failed("\(error)") }
        return switch error.code {
        case .compacted: .compacted
        case .unavailable: .unavailable
        default: .failed(error.description)
        }
    }
}
