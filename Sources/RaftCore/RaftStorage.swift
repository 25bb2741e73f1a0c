/// Why a storage cannot answer.
package enum RaftStorageError: Error, Hashable, Sendable {
    /// The entry was compacted away; a snapshot stands for it.
    case compacted
    /// The entry does not exist (yet).
    case unavailable
    /// The snapshot is being made; ask again later.
    case snapshotTemporarilyUnavailable
    /// The medium failed or its content is corrupt. The member stops.
    case failed(String)
}

/// What the core reads of its durable state; the host writes it.
///
/// The core reads synchronously, on the thread that calls it. What a `Ready` asked to persist must be visible here
/// once the host has acknowledged it, and not be lost by a power cut. A storage answers from memory where it can: the
/// term of a recent entry is asked for on every message.
package protocol RaftStorage: AnyObject {
    /// The hard state and the members as of the applied index, read once at the start.
    func initialState() throws(RaftStorageError) -> (hardState: HardState, configuration: ClusterConfiguration)

    /// The entries in `from..<to`, in order, at least one, and no more than `maxBytes` of `LogEntry.byteCount`
    /// unless the first alone exceeds it.
    ///
    /// - Throws: `compacted` when `from` is below `firstIndex`, `unavailable` when `to` is beyond `lastIndex + 1`.
    func entries(from: LogIndex, to: LogIndex, maxBytes: Int) throws(RaftStorageError) -> [LogEntry]

    /// The term of an entry, known from `firstIndex - 1` (the snapshot's last entry) to `lastIndex`.
    func term(of index: LogIndex) throws(RaftStorageError) -> Term

    /// The first entry that is still there; one beyond the snapshot when there is none.
    var firstIndex: LogIndex { get }

    /// The last entry; `firstIndex - 1` when there is none.
    var lastIndex: LogIndex { get }

    /// A snapshot that is at least as new as `firstIndex - 1`, for a follower that needs compacted entries.
    func snapshot() throws(RaftStorageError) -> Snapshot
}

extension LogEntry {
    /// The entry's share of size limits: its payload and a fixed part for term, index and kind.
    package var byteCount: Int { self.payload.count + 24 }

    package var id: EntryID { EntryID(term: self.term, index: self.index) }
}

extension LogIndex {
    /// The index after this one.
    package var next: LogIndex { LogIndex(self.rawValue + 1) }

    /// The index before this one; zero stays zero.
    package var previous: LogIndex { LogIndex(self.rawValue == 0 ? 0 : self.rawValue - 1) }

    package static func + (index: LogIndex, count: Int) -> LogIndex { LogIndex(index.rawValue + UInt64(count)) }

    /// How many entries lie in `other..<self`; zero when there are none.
    package func distance(from other: LogIndex) -> Int {
        self.rawValue > other.rawValue ? Int(self.rawValue - other.rawValue) : 0
    }
}
