package import RaftCore
import RaftLog

/// The durable log of one group as the consensus core reads it.
package final class GroupLogReader: RaftStorage {
    private let log: SQLiteRaftLog
    private let group: GroupID
    /// The members as of the state's applied index.
    private let configuration: ClusterConfiguration
    /// Makes snapshots for followers that lag; nil for a node that is alone.
    private let snapshots: SnapshotExchange?

    init(log: SQLiteRaftLog, group: GroupID, configuration: ClusterConfiguration, snapshots: SnapshotExchange?) {
        self.log = log
        self.group = group
        self.configuration = configuration
        self.snapshots = snapshots
    }

    package func initialState() throws(RaftStorageError) -> (hardState: HardState, configuration: ClusterConfiguration)
    {
        (try status().hardState, configuration)
    }

    package func entries(
        from first: LogIndex,
        to end: LogIndex,
        maxBytes: Int
    ) throws(RaftStorageError) -> [LogEntry] {
        guard first < end else { return [] }
        do {
            return try log.entries(
                of: group,
                from: first,
                through: LogIndex(end.rawValue - 1),
                maxBytes: maxBytes
            )
        } catch {
            throw GroupLogReader.storageError(error)
        }
    }

    package func term(of index: LogIndex) throws(RaftStorageError) -> Term {
        do {
            return try log.term(of: index, in: group)
        } catch {
            throw GroupLogReader.storageError(error)
        }
    }

    package var firstIndex: LogIndex { (try? status().firstIndex) ?? LogIndex(1) }
    package var lastIndex: LogIndex { (try? status().lastIndex) ?? .zero }

    package func snapshot() throws(RaftStorageError) -> Snapshot {
        let needed = try status().snapshot.index
        guard let snapshot = snapshots?.snapshot(of: group.rawValue, atLeast: needed) else {
            throw .snapshotTemporarilyUnavailable
        }
        return snapshot
    }

    private func status() throws(RaftStorageError) -> RaftLog.GroupStatus {
        do {
            return try log.status(of: group)
        } catch {
            throw GroupLogReader.storageError(error)
        }
    }

    private static func storageError(_ error: any Error) -> RaftStorageError {
        guard let error = error as? RaftLogError else { return .failed("\(error)") }
        switch error.code {
        case .compacted: return .compacted
        case .unavailable: return .unavailable
        default: return .failed(error.description)
        }
    }
}
