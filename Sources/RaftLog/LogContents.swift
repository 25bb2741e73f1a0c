import RaftCore
import SQLite

/// What is found in a log when it is opened: everything that is kept in memory from then on.
struct LogContents {
    private(set) var heads: [GroupID: GroupHead] = [:]
    /// Groups that cannot be used, and why.
    private(set) var damaged: [GroupID: RaftLogError] = [:]
    private(set) var caches: LogCaches
    /// Groups that have rows below their first index.
    private(set) var unswept: Set<GroupID> = []

    /// Reads all group records and each group's newest entries, but never the whole of a large log. Damage of one group
    /// is kept for whoever asks for that group; damage of the file is thrown.
    init(of store: LogStore, options: RaftLogOptions) throws {
        self.caches = LogCaches(bytesLimit: options.cacheBytes)
        let pages = try store.database.int64("PRAGMA page_count") ?? 0
        let scansAll = pages * Int64(options.pageBytes) <= Int64(options.openScanBytes)
        for record in try store.groupRecords() {
            do {
                try self.load(record.status.get(), store, scansAll: scansAll, checkBytes: options.openCheckBytes)
            } catch {
                let error = RaftLogError(wrapping: error, group: record.group)
                guard error.code == .corrupted || error.code == .newerVersion else { throw error }
                self.damaged[record.group] = error
            }
        }
    }

    private mutating func load(
        _ record: GroupStatus,
        _ store: LogStore,
        scansAll: Bool,
        checkBytes: Int
    ) throws {
        var status = record
        let newest = try store.newestIndex(of: status.group) ?? .zero
        status.lastIndex = max(newest, status.snapshot.index)
        guard status.hardState.commit <= status.lastIndex else {
            throw RaftLogError(
                .corrupted,
                group: status.group,
                index: LogIndex(status.lastIndex.rawValue + 1),
                "Expected entries up to the committed index \(status.hardState.commit), "
                    + "but got the last one at \(status.lastIndex)"
            )
        }
        let entries = try store.newestEntries(of: status, maxBytes: checkBytes)
        if let last = entries.last { status.lastTerm = last.term }
        guard status.lastTerm <= status.hardState.term || entries.isEmpty else {
            throw RaftLogError(
                .corrupted,
                group: status.group,
                index: status.lastIndex,
                "Expected entries of at most term \(status.hardState.term), but got one of term \(status.lastTerm)"
            )
        }
        if scansAll { try Self.checkCount(status, store) }
        if let oldest = try store.oldestIndex(of: status.group), oldest < status.firstIndex {
            self.unswept.insert(status.group)
        }
        self.heads[status.group] = GroupHead(status)
        self.caches.apply(LogTransaction.CacheChange(group: status.group, entries: entries))
        self.caches.evict()
    }

    private static func checkCount(_ status: GroupStatus, _ store: LogStore) throws {
        let expected = status.lastIndex.rawValue - status.snapshot.index.rawValue
        let count = try store.entryCount(of: status)
        guard count == expected else {
            throw RaftLogError(
                .corrupted,
                group: status.group,
                "Expected \(expected) entries from index \(status.firstIndex) on, but got \(count)"
            )
        }
    }
}
