package import ProcessEngine

/// Moves ended instances and the event stream to the history. Used by one thread.
///
/// An instance is copied first, durably; then the group's writer deletes it from the state in a transaction of its own.
/// A crash in between leaves it in both, which readers expect and the next call finishes. Since the state's
/// transactions become durable later than the history's, a power cut may also bring back what was deleted long ago:
/// so after a start nothing is copied until the state is as far as it was at the last copy, and then what the history
/// has is looked up.
package final class HistoryArchiver {
    /// Index of the last entry of the event stream that is durable in the history. The log may be truncated up to it.
    package private(set) var appliedIndex: UInt64

    private var live: StateFile
    private var folder: HistoryFolder
    /// In milliseconds.
    private let retention: Int64
    private var current: HistoryPartition?
    /// Instances that are in the history, and in the state as well, as far as known.
    private var copied: Set<Int64> = []
    /// Applied index of the state from which on it is no older than what the history has from it.
    private var requiredStateIndex: Int64
    private var isRecovered = false

    /// - Parameters:
    ///   - live: the state database; when it is replaced by another one, `switchTo` says so.
    ///   - retention: how long the history is kept, from ten seconds to a hundred years.
    /// - Throws: `StateStoreError` or `SQLiteError` if the newest partition cannot be opened.
    package init(live: StateFile, folder: HistoryFolder, retention: Duration) throws {
        let seconds = min(max(retention.components.seconds, 10), 3_155_760_000)
        self.live = live
        self.folder = folder
        self.retention = seconds * 1000
        self.appliedIndex = 0
        self.requiredStateIndex = 0
        try self.openNewest()
    }

    /// Goes on with another state and the history that belongs to it, those of a snapshot. Keys that were handed out
    /// before are not to be removed from the new state.
    /// - Throws: `StateStoreError` or `SQLiteError` if the newest partition cannot be opened; the call may be repeated.
    package func switchTo(live: StateFile, folder: HistoryFolder) throws {
        self.current = nil
        self.copied = []
        self.isRecovered = false
        self.appliedIndex = 0
        self.requiredStateIndex = 0
        self.live = live
        self.folder = folder
        try self.openNewest()
    }

    private func openNewest() throws {
        guard let newest = self.folder.partitions.last else { return }
        let current = try HistoryPartition(newest, in: self.folder, live: self.live)
        self.appliedIndex = UInt64(clamping: try current.value(.appliedIndex))
        self.requiredStateIndex = try current.value(.stateIndex)
        self.current = current
    }

    /// The span of a partition in milliseconds: an eighth of the retention, at least ten seconds, at most a day.
    package var partitionLength: Int64 { min(max(self.retention / 8, 10_000), 86_400_000) }

    /// Copies ended instances to the history, durably.
    /// - Parameters:
    ///   - limit: number of instances.
    ///   - now: group time in milliseconds since 1970.
    /// - Returns: instances that are safe in the history; the group's writer is to delete them from the state
    ///   (`SQLiteState.removeArchived`). Until it has, further calls return the same ones again.
    /// - Throws: `SQLiteError`; the state is as before, and the call may be repeated.
    package func archive(limit: Int, now: Int64) throws -> [Key] {
        guard limit > 0 else { return [] }
        let partition = try self.partition(at: now)
        guard try self.recover(partition) else { return [] }
        return try partition.copy(limit: limit, copied: &self.copied).map { Key($0) }
    }

    /// Adds entries to the event stream, durably. Those it has already are passed over.
    /// - Parameters:
    ///   - entries: with growing indexes.
    ///   - now: group time in milliseconds since 1970.
    package func append(entries: [HistoryEntry], now: Int64) throws {
        for (entry, next) in zip(entries, entries.dropFirst()) {
            precondition(entry.index < next.index, "Expected an index above \(entry.index), but got \(next.index)")
        }
        let fresh = entries.drop { $0.index <= self.appliedIndex }
        guard let last = fresh.last else { return }
        try self.partition(at: now).append(fresh)
        self.appliedIndex = last.index
    }

    /// Deletes partitions that ended longer ago than the retention.
    /// - Parameters:
    ///   - now: group time in milliseconds since 1970.
    ///   - readers: the group's pool, which gives up its connections to them.
    /// - Returns: the partitions that are gone.
    @discardableResult
    package func dropExpired(now: Int64, readers: ReaderPool?) throws -> [HistoryFolder.Partition] {
        let expired = self.folder.partitions.filter { $0.end <= now - self.retention }
        guard let last = expired.last else { return [] }
        // The newest partition knows how far the history is: that moves on to its successor first.
        if last == self.folder.partitions.last { _ = try self.partition(at: now) }
        for partition in expired {
            self.folder.forget(partition)
            readers?.releaseDroppedPartitions()
            try self.folder.removeFiles(of: partition.start)
        }
        return expired
    }

    /// The partition that is written to at a time; the one before it is closed. Time that goes back stays in it.
    private func partition(at now: Int64) throws -> HistoryPartition {
        // After a rollover that failed half way.
        if self.current == nil, let newest = self.folder.partitions.last {
            self.current = try HistoryPartition(newest, in: self.folder, live: self.live)
        }
        if let current, now < current.partition.end { return current }
        let aligned = max(now, 0) / self.partitionLength * self.partitionLength
        let next = HistoryFolder.Partition(
            start: max(aligned, self.current?.partition.end ?? 0),
            end: aligned + self.partitionLength
        )
        try HistoryPartition.create(
            next,
            in: self.folder,
            appliedIndex: self.appliedIndex,
            stateIndex: self.current?.value(.stateIndex) ?? 0
        )
        if let last = self.current?.partition {
            self.current = nil
            try HistoryPartition.seal(self.folder.path(of: last.start), vfs: self.folder.vfs)
        }
        let partition = try HistoryPartition(next, in: self.folder, live: self.live)
        self.current = partition
        return partition
    }

    /// Finds out, once after a start, which ended instances of the state are in the history already.
    /// - Returns: whether that is known; it is not as long as the state is older than the history.
    private func recover(_ partition: HistoryPartition) throws -> Bool {
        if self.isRecovered { return true }
        guard try partition.liveIndex() >= self.requiredStateIndex else { return false }
        for known in self.folder.partitions {
            let path = self.folder.path(of: known.start)
            self.copied.formUnion(try HistoryPartition.copied(path, vfs: self.folder.vfs, live: self.live))
        }
        self.isRecovered = true
        return true
    }
}
