/// A storage in memory, for tests, simulation and benchmarks.
package final class MemoryStorage: RaftStorage {
    package private(set) var hardState: HardState
    /// The newest snapshot; its metadata says where the log begins.
    package private(set) var latestSnapshot: Snapshot
    /// The entries from `firstIndex` on.
    package private(set) var log: [LogEntry] = []
    /// The last entry compacted away.
    private var compacted: EntryID
    private var configuration: ClusterConfiguration

    /// Makes a storage whose log begins after `snapshot`.
    package init(snapshot: Snapshot = Snapshot(), hardState: HardState? = nil) {
        self.latestSnapshot = snapshot
        self.compacted = snapshot.id
        self.configuration = snapshot.metadata.configuration
        self.hardState = hardState ?? HardState(term: snapshot.id.term, commit: snapshot.id.index)
    }

    /// Makes the storage of a member of a new group.
    package convenience init(voters: [NodeID], learners: [NodeID] = []) {
        let configuration = ClusterConfiguration(voters: voters.sorted(), learners: learners.sorted())
        self.init(snapshot: Snapshot(metadata: SnapshotMetadata(configuration: configuration)))
    }

    /// A copy that shares nothing with this one: what a disk holds at a moment.
    package func copy() -> MemoryStorage {
        let copy = MemoryStorage(snapshot: self.latestSnapshot, hardState: self.hardState)
        copy.log = self.log
        copy.compacted = self.compacted
        copy.configuration = self.configuration
        return copy
    }

    package func initialState() -> (hardState: HardState, configuration: ClusterConfiguration) {
        (self.hardState, self.configuration)
    }

    package var firstIndex: LogIndex { self.compacted.index.next }
    package var lastIndex: LogIndex { self.compacted.index + self.log.count }

    package func term(of index: LogIndex) throws(RaftStorageError) -> Term {
        if index == self.compacted.index { return self.compacted.term }
        guard index > self.compacted.index else { throw .compacted }
        let offset = index.distance(from: self.firstIndex)
        guard offset < self.log.count else { throw .unavailable }
        return self.log[offset].term
    }

    package func entries(
        from: LogIndex,
        to: LogIndex,
        maxBytes: Int
    ) throws(RaftStorageError) -> [LogEntry] {
        guard from >= self.firstIndex else { throw .compacted }
        guard to <= self.lastIndex.next, from <= to else { throw .unavailable }
        let start = from.distance(from: self.firstIndex)
        let end = to.distance(from: self.firstIndex)
        return Array(self.log[start..<end].prefix(bytes: maxBytes))
    }

    package func snapshot() -> Snapshot { self.latestSnapshot }

    /// Stores the hard state.
    package func set(_ hardState: HardState) { self.hardState = hardState }

    /// Stores the members as of the applied index, for the next start.
    package func set(_ configuration: ClusterConfiguration) { self.configuration = configuration }

    /// Stores entries; what stands at or after the first one's index is replaced.
    ///
    /// Entries that were compacted away meanwhile are skipped. A gap is a fault of the caller.
    package func append(_ entries: [LogEntry]) {
        guard let last = entries.last, last.index > self.compacted.index else { return }
        let fresh = entries.drop { $0.index <= self.compacted.index }
        guard let first = fresh.first else { return }
        let keep = first.index.distance(from: self.firstIndex)
        precondition(keep <= self.log.count, "Expected no gap before entry \(first.index)")
        if keep < self.log.count { self.log.removeSubrange(keep...) }
        self.log.append(contentsOf: fresh)
    }

    /// Replaces everything by a snapshot received from the leader; an older one than the present is ignored.
    package func install(_ snapshot: Snapshot) {
        guard snapshot.id.index > self.latestSnapshot.id.index else { return }
        self.latestSnapshot = snapshot
        self.configuration = snapshot.metadata.configuration
        if snapshot.id.index >= self.lastIndex {
            self.log = []
        } else if snapshot.id.index >= self.firstIndex {
            let count = snapshot.id.index.next.distance(from: self.firstIndex)
            let matches = self.log[count - 1].term == snapshot.id.term
            if matches { self.log.removeFirst(count) } else { self.log = [] }
        }
        if snapshot.id.index > self.compacted.index { self.compacted = snapshot.id }
    }

    /// Remembers a snapshot of the host's own state machine at `index`, so that the log up to it may go.
    package func makeSnapshot(at index: LogIndex, configuration: ClusterConfiguration, data: [UInt8] = []) {
        guard index > self.latestSnapshot.id.index, let term = try? self.term(of: index) else { return }
        let metadata = SnapshotMetadata(index: index, term: term, configuration: configuration)
        self.latestSnapshot = Snapshot(metadata: metadata, data: data)
    }

    /// Drops all entries up to and including `index`, never beyond the last one.
    package func compact(through index: LogIndex) {
        guard index >= self.firstIndex, index <= self.lastIndex else { return }
        let count = index.next.distance(from: self.firstIndex)
        let last = self.log[count - 1].id
        if count == self.log.count {
            self.log.removeAll(keepingCapacity: self.log.capacity <= 65_536)
        } else {
            self.log.removeFirst(count)
        }
        self.compacted = last
    }
}

extension Collection<LogEntry> {
    /// The longest prefix of at most that many bytes, but at least one entry where there is one.
    func prefix(bytes limit: Int) -> SubSequence {
        var total = 0
        var index = self.startIndex
        while index != self.endIndex {
            total += self[index].byteCount
            if total > limit, index != self.startIndex { break }
            self.formIndex(after: &index)
        }
        return self[..<index]
    }
}
