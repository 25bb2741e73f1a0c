import RaftCore

/// The newest entries of one group, without a gap up to the last one. Payloads are shared with whoever wrote them.
struct EntryCache {
    private var entries: [LogEntry] = []
    /// Entries before this position are evicted; the array is packed when they are the larger part.
    private var head = 0
    /// What the entries take in memory, roughly.
    private(set) var bytes = 0

    /// The fixed cost of an entry beside its payload.
    private static let overheadBytes = 64

    /// The index of the oldest cached entry; nil if nothing is cached.
    var firstIndex: LogIndex? { self.head < self.entries.count ? self.entries[self.head].index : nil }

    /// The entry at `index`, if it is cached.
    func entry(at index: LogIndex) -> LogEntry? {
        guard let position = self.position(of: index) else { return nil }
        return self.entries[position]
    }

    /// The entries of a range whose first one must be cached, up to a size; at least one.
    func entries(from first: LogIndex, through last: LogIndex, maxBytes: Int) -> [LogEntry]? {
        guard let start = self.position(of: first), let end = self.position(of: last) else { return nil }
        var size = 0
        var position = start
        while position <= end {
            size += self.entries[position].byteCount
            if position > start, size > maxBytes { break }
            position += 1
        }
        return Array(self.entries[start..<position])
    }

    mutating func append(_ entries: [LogEntry]) {
        self.entries.append(contentsOf: entries)
        for entry in entries { self.bytes += Self.size(of: entry) }
    }

    /// Forgets the entries from `index` on.
    mutating func truncate(from index: LogIndex) {
        while self.head < self.entries.count, let last = self.entries.last, last.index >= index {
            self.bytes -= Self.size(of: last)
            self.entries.removeLast()
        }
    }

    /// Forgets the entries up to and including `index`.
    mutating func removePrefix(through index: LogIndex) {
        while let first = self.firstIndex, first <= index { self.removeFirst() }
        self.pack()
    }

    mutating func removeAll() { self = EntryCache() }

    /// Forgets the oldest entries until at most `bytes` are left.
    mutating func evict(downTo bytes: Int) {
        while self.bytes > bytes, self.head < self.entries.count { self.removeFirst() }
        self.pack()
    }

    private mutating func removeFirst() {
        self.bytes -= Self.size(of: self.entries[self.head])
        self.entries[self.head].payload = []
        self.head += 1
    }

    private mutating func pack() {
        guard self.head > self.entries.count / 2 else { return }
        self.entries.removeFirst(self.head)
        self.head = 0
    }

    private func position(of index: LogIndex) -> Int? {
        guard let first = self.firstIndex, index >= first else { return nil }
        let distance = index.rawValue - first.rawValue
        guard distance < UInt64(self.entries.count - self.head) else { return nil }
        return self.head + Int(distance)
    }

    private static func size(of entry: LogEntry) -> Int { entry.payload.count + Self.overheadBytes }
}
