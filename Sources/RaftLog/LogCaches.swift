import RaftCore

/// The newest entries of all groups, within one bound of memory.
struct LogCaches {
    private let bytesLimit: Int
    private var caches: [GroupID: EntryCache] = [:]
    private var bytes = 0

    init(bytesLimit: Int) { self.bytesLimit = bytesLimit }

    func entry(at index: LogIndex, of group: GroupID) -> LogEntry? { self.caches[group]?.entry(at: index) }

    /// See `EntryCache.entries(from:through:maxBytes:)`.
    func entries(of group: GroupID, from first: LogIndex, through last: LogIndex, maxBytes: Int) -> [LogEntry]? {
        self.caches[group]?.entries(from: first, through: last, maxBytes: maxBytes)
    }

    mutating func remove(_ group: GroupID) { self.bytes -= self.caches.removeValue(forKey: group)?.bytes ?? 0 }

    /// Follows a write that is durable now. `evict()` must come before the caches are used again.
    mutating func apply(_ change: LogTransaction.CacheChange) {
        var cache = self.caches.removeValue(forKey: change.group) ?? EntryCache()
        let before = cache.bytes
        if let index = change.truncatedFrom { cache.truncate(from: index) }
        if let index = change.compactedThrough { cache.removePrefix(through: index) }
        cache.append(change.entries)
        self.bytes += cache.bytes - before
        self.caches[change.group] = cache
    }

    /// Keeps to the bound: takes the oldest entries of the largest cache, several at a time.
    mutating func evict() {
        while self.bytes > self.bytesLimit {
            let largest = self.caches.max { ($0.value.bytes, $0.key) < ($1.value.bytes, $1.key) }
            guard let group = largest?.key, var cache = self.caches.removeValue(forKey: group) else { return }
            let before = cache.bytes
            let excess = self.bytes - self.bytesLimit + self.bytesLimit / 8
            cache.evict(downTo: before - min(before, excess))
            self.bytes += cache.bytes - before
            self.caches[group] = cache
        }
    }
}
