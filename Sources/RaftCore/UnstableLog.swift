/// The end of the log that storage has not acknowledged yet, and a received snapshot that is not installed yet.
///
/// Work handed to storage stays here until it is acknowledged, so that a read never meets entries a later write in the
/// pipeline is about to replace.
struct UnstableLog: Sendable {
    private(set) var snapshot: Snapshot?
    private(set) var entries: [LogEntry] = []
    /// The index of `entries[0]`, or of the next entry when there is none. Everything before is in storage.
    private(set) var offset: LogIndex
    /// Entries before this index were handed to storage.
    private(set) var offsetInProgress: LogIndex
    private(set) var isSnapshotInProgress = false

    /// Buffers above this many entries are given back once they are empty.
    private static let retainedCapacity = 16_384

    init(offset: LogIndex) {
        self.offset = offset
        self.offsetInProgress = offset
    }

    var lastIndex: LogIndex { LogIndex(self.offset.rawValue + UInt64(self.entries.count) - 1) }

    /// The term of an entry that is here.
    func term(of index: LogIndex) -> Term? {
        if index < self.offset {
            return self.snapshot?.id.index == index ? self.snapshot?.id.term : nil
        }
        let position = index.distance(from: self.offset)
        return position < self.entries.count ? self.entries[position].term : nil
    }

    /// Entries in `from..<to`, which must lie here.
    func slice(from: LogIndex, to: LogIndex) -> ArraySlice<LogEntry> {
        self.entries[from.distance(from: self.offset)..<to.distance(from: self.offset)]
    }

    var nextEntries: [LogEntry] {
        let position = self.offsetInProgress.distance(from: self.offset)
        return position == 0 ? self.entries : Array(self.entries[position...])
    }

    var hasNextEntries: Bool { self.offsetInProgress.distance(from: self.offset) < self.entries.count }

    var nextSnapshot: Snapshot? { self.isSnapshotInProgress ? nil : self.snapshot }

    /// Marks everything that is here as handed to storage.
    mutating func acceptInProgress() {
        self.offsetInProgress = self.lastIndex.next
        if self.snapshot != nil { self.isSnapshotInProgress = true }
    }

    /// Drops entries up to the acknowledged one, but only if it is still the entry at that index: another leader may
    /// have replaced it since it was handed to storage.
    ///
    /// - Parameter ignoringTerm: for a planted defect.
    mutating func stable(to id: EntryID, ignoringTerm: Bool = false) {
        guard id.index >= self.offset, let term = self.term(of: id.index) else { return }
        guard term == id.term || ignoringTerm else { return }
        let count = id.index.next.distance(from: self.offset)
        if count == self.entries.count {
            self.entries.removeAll(keepingCapacity: self.entries.capacity <= Self.retainedCapacity)
        } else {
            self.entries.removeFirst(count)
        }
        self.offset = id.index.next
        self.offsetInProgress = max(self.offsetInProgress, self.offset)
    }

    mutating func stableSnapshot(at index: LogIndex) {
        guard self.snapshot?.id.index == index else { return }
        self.snapshot = nil
        self.isSnapshotInProgress = false
    }

    mutating func restore(_ snapshot: Snapshot) {
        self.offset = snapshot.id.index.next
        self.offsetInProgress = self.offset
        self.entries = []
        self.snapshot = snapshot
        self.isSnapshotInProgress = false
    }

    mutating func append(_ entry: LogEntry) { self.entries.append(entry) }

    mutating func reserve(_ count: Int) {
        let wanted = self.entries.count + count
        if wanted > self.entries.capacity { self.entries.reserveCapacity(max(wanted, self.entries.capacity * 2)) }
    }

    /// Appends entries, replacing what stands at or after the first one's index.
    mutating func truncateAndAppend(_ fresh: ArraySlice<LogEntry>) {
        guard let first = fresh.first?.index else { return }
        if first <= self.offset {
            self.entries = Array(fresh)
            self.offset = first
            self.offsetInProgress = first
            return
        }
        let keep = first.distance(from: self.offset)
        if keep < self.entries.count {
            self.entries.removeSubrange(keep...)
            self.offsetInProgress = min(self.offsetInProgress, first)
        }
        self.entries.append(contentsOf: fresh)
    }
}
