/// Why a member had to stop. It takes no further input; its host raises an alarm and ends the process or the replica.
package enum RaftFault: Error, Hashable, Sendable {
    /// The storage could not read what it must have.
    case storageFailed(String)
    /// A leader says more is committed than this log holds: entries that were acknowledged are lost.
    case acknowledgedEntriesLost(acknowledged: LogIndex, lastIndex: LogIndex)
    /// A leader wants to replace an entry that is committed here.
    case committedEntryReplaced(index: LogIndex, commit: LogIndex)
}

/// The whole log as the core sees it: storage, what is on its way there, and how far it is committed and applied.
///
/// `applied <= applying <= committed <= lastIndex` holds at all times.
struct LogView<Storage: RaftStorage> {
    let storage: Storage
    private(set) var unstable: UnstableLog
    private(set) var committed: LogIndex
    /// The highest entry handed to the state machine.
    private(set) var applying: LogIndex
    /// The highest entry the state machine acknowledged.
    private(set) var applied: LogIndex
    var fault: RaftFault?
    var plantedDefects: PlantedDefects = []

    private let maxApplyingBytes: Int
    private var applyingBytes = 0
    private var isApplyingPaused = false

    init(storage: Storage, maxApplyingBytes: Int) {
        self.storage = storage
        self.unstable = UnstableLog(offset: storage.lastIndex.next)
        let start = storage.firstIndex.previous
        self.committed = start
        self.applying = start
        self.applied = start
        self.maxApplyingBytes = maxApplyingBytes
    }

    // MARK: Reading

    var firstIndex: LogIndex { self.unstable.snapshot.map { $0.id.index.next } ?? self.storage.firstIndex }

    var lastIndex: LogIndex { self.unstable.lastIndex }

    /// The term of an entry, or nil where it is compacted away or does not exist.
    mutating func term(of index: LogIndex) -> Term? {
        if let term = self.unstable.term(of: index) { return term }
        guard index.next >= self.firstIndex, index <= self.lastIndex else { return nil }
        do throws(RaftStorageError) {
            return try self.storage.term(of: index)
        } catch {
            self.note(error, reading: index)
            return nil
        }
    }

    mutating func lastEntry() -> EntryID {
        EntryID(term: self.term(of: self.lastIndex) ?? .zero, index: self.lastIndex)
    }

    mutating func matches(_ id: EntryID) -> Bool { self.term(of: id.index) == id.term }

    /// Entries from an index to the end, as many as fit; nil where they are compacted away.
    mutating func entries(from: LogIndex, maxBytes: Int) -> [LogEntry]? {
        from > self.lastIndex ? [] : self.slice(from: from, to: self.lastIndex.next, maxBytes: maxBytes)
    }

    /// Entries in `from..<to`, as many as fit; nil where they are compacted away or unreadable.
    mutating func slice(from: LogIndex, to: LogIndex, maxBytes: Int) -> [LogEntry]? {
        guard from < to else { return [] }
        guard from >= self.firstIndex, to <= self.lastIndex.next else { return nil }
        let offset = self.unstable.offset
        if from >= offset {
            return Array(self.unstable.slice(from: from, to: to).prefix(bytes: maxBytes))
        }
        let split = min(to, offset)
        do throws(RaftStorageError) {
            var entries = try self.storage.entries(from: from, to: split, maxBytes: maxBytes)
            guard to > offset, entries.count == split.distance(from: from) else { return entries }
            let used = entries.reduce(0) { $0 + $1.byteCount }
            guard used < maxBytes else { return entries }
            var left = maxBytes - used
            for entry in self.unstable.slice(from: offset, to: to) {
                guard entry.byteCount <= left else { break }
                left -= entry.byteCount
                entries.append(entry)
            }
            return entries
        } catch {
            self.note(error, reading: from)
            return nil
        }
    }

    /// The highest entry at or below `index` whose term is at most `term`: the best guess where two logs part.
    mutating func lastEntry(at index: LogIndex, withTermAtMost term: Term) -> EntryID {
        var index = index
        while index > .zero {
            guard let found = self.term(of: index) else { return EntryID(term: .zero, index: index) }
            if found <= term { return EntryID(term: found, index: index) }
            index = index.previous
        }
        return EntryID()
    }

    mutating func snapshot() -> Snapshot? {
        if let snapshot = self.unstable.snapshot { return snapshot }
        do throws(RaftStorageError) {
            return try self.storage.snapshot()
        } catch {
            if error != .snapshotTemporarilyUnavailable { self.note(error, reading: self.firstIndex) }
            return nil
        }
    }

    private mutating func note(_ error: RaftStorageError, reading index: LogIndex) {
        switch error {
        case .compacted:
            // The host may compact at any moment; the caller falls back to a snapshot.
            return
        case .unavailable, .snapshotTemporarilyUnavailable:
            self.fail(.storageFailed("Expected entry \(index) to be readable, but got: \(error)"))
        case .failed(let reason):
            self.fail(.storageFailed(reason))
        }
    }

    mutating func fail(_ fault: RaftFault) {
        if self.fault == nil { self.fault = fault }
    }

    // MARK: Appending

    mutating func reserve(_ count: Int) { self.unstable.reserve(count) }

    /// Appends a leader's own entry; its index must be the next one.
    mutating func append(_ entry: LogEntry) { self.unstable.append(entry) }

    /// Takes over a leader's entries if they connect to this log (Raft paper, figure 2, steps 2 to 5), and returns the
    /// last index that is known to match; nil if they do not connect.
    mutating func append(_ request: AppendRequest) -> LogIndex? {
        guard self.matches(request.previous) else { return nil }
        let lastNew = request.previous.index + request.entries.count
        if let position = self.firstNew(in: request.entries) {
            let first = request.entries[position].index
            guard first > self.committed else {
                self.fail(.committedEntryReplaced(index: first, commit: self.committed))
                return nil
            }
            self.unstable.truncateAndAppend(request.entries[position...])
        }
        self.commit(to: min(request.commit, lastNew))
        return lastNew
    }

    /// The first entry that is not in this log: past its end, or with another term. Entries that match are never
    /// touched, so a delayed short request cannot cut off what came after it.
    private mutating func firstNew(in entries: [LogEntry]) -> Int? {
        guard let first = entries.first else { return nil }
        if first.index > self.lastIndex || self.plantedDefects.contains(.truncatesOnMatch) { return 0 }
        for position in entries.indices where !self.matches(entries[position].id) {
            return position
        }
        return nil
    }

    mutating func restore(_ snapshot: Snapshot) {
        self.committed = snapshot.id.index
        self.unstable.restore(snapshot)
    }

    // MARK: Committing and applying

    mutating func commit(to index: LogIndex) {
        guard index > self.committed else { return }
        guard index <= self.lastIndex else {
            self.fail(.acknowledgedEntriesLost(acknowledged: index, lastIndex: self.lastIndex))
            return
        }
        self.committed = index
    }

    var hasPendingSnapshot: Bool { self.unstable.snapshot != nil }

    private func maxAppliable(allowingUnstable: Bool) -> LogIndex {
        allowingUnstable ? self.committed : min(self.committed, self.unstable.offset.previous)
    }

    func hasNextCommitted(allowingUnstable: Bool) -> Bool {
        if self.isApplyingPaused || self.hasPendingSnapshot { return false }
        return self.applying < self.maxAppliable(allowingUnstable: allowingUnstable)
    }

    /// Committed entries that were not handed out yet, as many as the limit leaves room for.
    mutating func nextCommitted(allowingUnstable: Bool) -> [LogEntry] {
        guard self.hasNextCommitted(allowingUnstable: allowingUnstable) else { return [] }
        let end = self.maxAppliable(allowingUnstable: allowingUnstable).next
        let room = max(self.maxApplyingBytes - self.applyingBytes, 1)
        let entries = self.slice(from: self.applying.next, to: end, maxBytes: room)
        if entries == nil, self.fault == nil {
            self.fail(.storageFailed("Expected committed entry \(self.applying.next), but it was compacted away"))
        }
        return entries ?? []
    }

    mutating func acceptApplying(through index: LogIndex, bytes: Int, allowingUnstable: Bool) {
        self.applying = index
        self.applyingBytes += bytes
        let isCutShort = index < self.maxAppliable(allowingUnstable: allowingUnstable)
        self.isApplyingPaused = self.applyingBytes >= self.maxApplyingBytes || isCutShort
    }

    /// Notes what the state machine acknowledged; what it was not told to apply is not believed.
    mutating func applied(to index: LogIndex, bytes: Int) {
        let index = min(index, self.committed)
        self.applied = max(self.applied, index)
        self.applying = max(self.applying, self.applied)
        self.applyingBytes = max(0, self.applyingBytes - bytes)
        self.isApplyingPaused = self.applyingBytes >= self.maxApplyingBytes
    }

    mutating func acceptUnstable() { self.unstable.acceptInProgress() }

    mutating func stable(to id: EntryID, ignoringTerm: Bool = false) {
        self.unstable.stable(to: id, ignoringTerm: ignoringTerm)
    }

    mutating func stableSnapshot(at index: LogIndex) { self.unstable.stableSnapshot(at: index) }
}

extension LogView: Sendable where Storage: Sendable {}
