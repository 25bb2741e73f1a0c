package import RaftCore

/// One step of a group's log: everything in it becomes durable together, or nothing does.
package struct LogWrite: Sendable, Hashable {
    package var group: GroupID
    package var incarnation: IncarnationID
    /// The new hard state, if it has changed. Its term and commit index never go back.
    package var hardState: HardState?
    /// A snapshot that was received: it replaces the whole log of the group up to and including its index, and all
    /// that is behind it.
    package var snapshot: SnapshotMetadata?
    /// The generation of the group's state that holds what `snapshot` stands for; only together with that. Greater
    /// than the group's present one. Nil leaves that as it is.
    package var stateGeneration: UInt64?
    /// Consecutive entries. What the log has from the first one's index on is removed first.
    package var entries: [LogEntry]

    package init(
        group: GroupID,
        incarnation: IncarnationID,
        hardState: HardState? = nil,
        snapshot: SnapshotMetadata? = nil,
        stateGeneration: UInt64? = nil,
        entries: [LogEntry] = []
    ) {
        self.group = group
        self.incarnation = incarnation
        self.hardState = hardState
        self.snapshot = snapshot
        self.stateGeneration = stateGeneration
        self.entries = entries
    }
}

/// What a log holds of one group.
package struct GroupStatus: Sendable, Hashable {
    package var group: GroupID
    package var incarnation: IncarnationID
    package var hardState: HardState
    /// What the entries before `firstIndex` came to.
    package var snapshot: SnapshotMetadata
    /// Which of the group's states on this node is the one to use; 0 at first. It changes with a received snapshot, in
    /// the same transaction, so that snapshot, cut log and state can never be of different times.
    package var stateGeneration: UInt64
    /// The newest entry's index, or the snapshot's if there is no entry.
    package var lastIndex: LogIndex
    /// The term of the entry at `lastIndex`.
    package var lastTerm: Term

    package init(
        group: GroupID,
        incarnation: IncarnationID,
        hardState: HardState,
        snapshot: SnapshotMetadata,
        stateGeneration: UInt64 = 0,
        lastIndex: LogIndex,
        lastTerm: Term
    ) {
        self.group = group
        self.incarnation = incarnation
        self.hardState = hardState
        self.snapshot = snapshot
        self.stateGeneration = stateGeneration
        self.lastIndex = lastIndex
        self.lastTerm = lastTerm
    }

    /// The oldest entry's index, if there is any.
    package var firstIndex: LogIndex { LogIndex(self.snapshot.index.rawValue + 1) }
    package var isEmpty: Bool { self.lastIndex == self.snapshot.index }
}

/// The durable log that all groups of a node share. Every call may come from any thread.
///
/// A call that writes returns when the data has reached the disk, and one sync serves everything that waits at that
/// moment. All errors are `RaftLogError`. After an error with the code `.failed` every later call fails in the same way
/// and the process must exit: what reached the disk is unknown then, and trying again proves nothing.
package protocol DurableLog: AnyObject, Sendable {
    /// All groups in ascending order, damaged ones included.
    func groups() throws -> [GroupID]

    /// What there is of a group. Throws `.unknownGroup`, `.corrupted` if opening the log has found damage,
    /// or `.newerVersion` for what a newer release has written.
    func status(of group: GroupID) throws -> GroupStatus

    /// Begins the log of a new group behind `snapshot`, which all its first members agree on: the hard state is that
    /// snapshot's term and index, without a vote. A group whose voters are given (index 1, say) can elect at once; one
    /// that begins with the empty snapshot waits to be told. Throws `.groupExists`.
    func createGroup(_ group: GroupID, incarnation: IncarnationID, snapshot: SnapshotMetadata) throws

    /// Removes a group and all that belongs to it; it may also be damaged.
    func deleteGroup(_ group: GroupID, incarnation: IncarnationID) throws

    /// The term of the entry at `index`, which may also be the snapshot's. Throws `.compacted` or `.unavailable`.
    func term(of index: LogIndex, in group: GroupID) throws -> Term

    /// Entries in order, as many as have together at most `maxBytes` of `LogEntry.byteCount`, but at least one. Throws
    /// `.compacted` or `.unavailable` if the range is not all within the log.
    func entries(
        of group: GroupID,
        from first: LogIndex,
        through last: LogIndex,
        maxBytes: Int
    ) throws -> [LogEntry]

    /// Makes the writes durable, together or not at all. At most one write a group.
    func append(_ writes: [LogWrite]) throws

    /// Like `append(_:)`, for a caller that must not wait: `completion` is called once, on a thread of the log or of
    /// another writer (or before the return, if the write cannot even be queued), and must return at once. Writes of
    /// one caller are done in the order of its calls.
    func append(_ writes: [LogWrite], completion: @escaping @Sendable (Result<Void, RaftLogError>) -> Void)

    /// Forgets the entries up to and including `index`, which must be committed; `configuration` holds the members as
    /// of that index. Compacting what is compacted already does nothing.
    func compact(
        _ group: GroupID,
        incarnation: IncarnationID,
        through index: LogIndex,
        configuration: ClusterConfiguration
    ) throws

    /// Reads all entries of a group and checks them. Takes as long as reading takes; meant for maintenance and tests.
    func verify(_ group: GroupID) throws

    /// Finishes what has begun and closes the files. Every later call throws `.closed`.
    func close()
}

extension DurableLog {
    package func append(_ write: LogWrite) throws { try self.append([write]) }

    /// Begins the log of a new group with the members as of index zero.
    package func createGroup(
        _ group: GroupID,
        incarnation: IncarnationID,
        configuration: ClusterConfiguration
    ) throws {
        try self.createGroup(group, incarnation: incarnation, snapshot: SnapshotMetadata(configuration: configuration))
    }
}
