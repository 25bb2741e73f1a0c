import RaftCore

/// What must be known of a group to judge a write, and what a write changes: the pure half of the log.
struct GroupHead: Equatable {
    var status: GroupStatus

    /// Bounds that the layout of row numbers sets: twelve bits of group, 51 of index.
    static let groupLimit: UInt32 = 1 << 12
    static let indexLimit: UInt64 = 1 << 51
    /// The largest payload of one entry in bytes; architecture's largest batch is 4 MiB.
    static let payloadBytesLimit = 64 << 20

    /// What an accepted write does to the rows.
    struct Plan: Equatable {
        /// Rows from this index on are removed before anything is inserted.
        var removedFrom: LogIndex?
        /// Hard state or snapshot differ, so the group's record must be written.
        var changesRecord = false
        /// Entries below the new first index are left for sweeping.
        var leavesGarbage = false
    }

    /// A new group that begins behind a snapshot.
    init(group: GroupID, incarnation: IncarnationID, snapshot: SnapshotMetadata) throws(RaftLogError) {
        self.status = GroupStatus(
            group: group,
            incarnation: incarnation,
            hardState: HardState(term: snapshot.term, commit: snapshot.index),
            snapshot: snapshot,
            lastIndex: snapshot.index,
            lastTerm: snapshot.term
        )
        guard group.rawValue < Self.groupLimit else {
            throw self.invalid("a group below \(Self.groupLimit)", "\(group)")
        }
        guard snapshot.index.rawValue < Self.indexLimit else {
            throw self.invalid("an index below \(Self.indexLimit)", "\(snapshot.index)")
        }
        guard (snapshot.index == .zero) == (snapshot.term == .zero) else {
            throw self.invalid("index and term of an entry, or zero for both", "\(snapshot.index) and \(snapshot.term)")
        }
        try self.checkTerm(snapshot.term)
    }

    init(_ status: GroupStatus) { self.status = status }

    func check(_ incarnation: IncarnationID) throws(RaftLogError) {
        guard incarnation == self.status.incarnation else {
            throw RaftLogError(
                .wrongIncarnation,
                group: self.status.group,
                "Expected incarnation \(self.status.incarnation), but got \(incarnation)"
            )
        }
    }

    /// Judges a write and, if it is right, becomes what the group is after it.
    mutating func accept(_ write: LogWrite) throws(RaftLogError) -> Plan {
        try self.check(write.incarnation)
        var next = self
        var plan = Plan()
        if let snapshot = write.snapshot { try next.restore(snapshot, &plan) }
        if let generation = write.stateGeneration { try next.replaceState(with: generation, write.snapshot) }
        try next.extend(with: write.entries, committed: self.status.hardState.commit, &plan)
        if let hardState = write.hardState {
            try next.replaceHardState(with: hardState)
            plan.changesRecord = plan.changesRecord || hardState != self.status.hardState
        }
        guard next.status.lastTerm <= next.status.hardState.term || write.entries.isEmpty else {
            throw next.invalid("entries of at most term \(next.status.hardState.term)", "\(next.status.lastTerm)")
        }
        self = next
        return plan
    }

    /// Forgets entries up to `index`, whose term the caller has looked up. Answers whether anything changes.
    mutating func compact(through snapshot: SnapshotMetadata) throws(RaftLogError) -> Bool {
        guard snapshot.index > self.status.snapshot.index else { return false }
        guard snapshot.index <= self.status.hardState.commit else {
            throw self.invalid("a compaction up to \(self.status.hardState.commit)", "\(snapshot.index)")
        }
        self.status.snapshot = snapshot
        return true
    }

    private mutating func restore(_ snapshot: SnapshotMetadata, _ plan: inout Plan) throws(RaftLogError) {
        guard snapshot.index > self.status.snapshot.index, snapshot.index.rawValue < Self.indexLimit else {
            throw self.invalid("a snapshot after index \(self.status.snapshot.index)", "\(snapshot.index)")
        }
        guard snapshot.index >= self.status.hardState.commit else {
            throw RaftLogError(
                .belowCommitted,
                group: self.status.group,
                index: snapshot.index,
                "Expected a snapshot from index \(self.status.hardState.commit) on, but got an older one"
            )
        }
        try self.checkTerm(snapshot.term)
        plan.leavesGarbage = !self.status.isEmpty
        if self.status.lastIndex > snapshot.index { plan.removedFrom = LogIndex(snapshot.index.rawValue + 1) }
        plan.changesRecord = true
        self.status.snapshot = snapshot
        self.status.lastIndex = snapshot.index
        self.status.lastTerm = snapshot.term
        self.status.hardState.commit = snapshot.index
        // A snapshot shows that its term has been; the caller gives the vote of that term, if it has one, itself.
        if snapshot.term > self.status.hardState.term {
            self.status.hardState.term = snapshot.term
            self.status.hardState.vote = nil
        }
    }

    private mutating func replaceState(
        with generation: UInt64,
        _ snapshot: SnapshotMetadata?
    ) throws(RaftLogError) {
        guard snapshot != nil else { throw self.invalid("a state generation with its snapshot", "one without") }
        guard generation > self.status.stateGeneration else {
            throw self.invalid("a state generation after \(self.status.stateGeneration)", "\(generation)")
        }
        self.status.stateGeneration = generation
    }

    private func checkTerm(_ term: Term) throws(RaftLogError) {
        guard term.rawValue <= UInt64(Int64.max) else { throw self.invalid("a term of 63 bits", "more") }
    }

    private mutating func extend(
        with entries: [LogEntry],
        committed: LogIndex,
        _ plan: inout Plan
    ) throws(RaftLogError) {
        guard let first = entries.first?.index, let newest = entries.last else { return }
        guard first >= self.status.firstIndex, first.rawValue <= self.status.lastIndex.rawValue + 1 else {
            let range = "\(self.status.firstIndex) to \(self.status.lastIndex.rawValue + 1)"
            throw self.invalid("entries beginning at index \(range)", "\(first)")
        }
        guard first > committed else {
            throw RaftLogError(
                .belowCommitted,
                group: self.status.group,
                index: first,
                "Expected entries after the committed index \(committed), but got index \(first)"
            )
        }
        guard newest.index.rawValue < Self.indexLimit else {
            throw self.invalid("an index below \(Self.indexLimit)", "\(newest.index)")
        }
        var expected = first.rawValue
        var term = first.rawValue == self.status.lastIndex.rawValue + 1 ? self.status.lastTerm : .zero
        for entry in entries {
            guard entry.index.rawValue == expected else { throw self.invalid("index \(expected)", "\(entry.index)") }
            guard entry.term >= term else { throw self.invalid("a term of at least \(term)", "\(entry.term)") }
            try self.checkTerm(entry.term)
            guard entry.payload.count <= Self.payloadBytesLimit else {
                throw self.invalid("a payload of at most \(Self.payloadBytesLimit) bytes", "\(entry.payload.count)")
            }
            expected += 1
            term = entry.term
        }
        if first <= self.status.lastIndex { plan.removedFrom = first }
        self.status.lastIndex = newest.index
        self.status.lastTerm = newest.term
    }

    private mutating func replaceHardState(with next: HardState) throws(RaftLogError) {
        let current = self.status.hardState
        guard next.term >= current.term else {
            throw self.invalid("a term of at least \(current.term)", "\(next.term)")
        }
        if next.term == current.term, let vote = current.vote, next.vote != vote {
            let got = next.vote.map { "\($0)" } ?? "none"
            throw self.invalid("the vote for \(vote) to last as long as term \(current.term)", got)
        }
        guard next.commit >= current.commit, next.commit <= self.status.lastIndex else {
            let range = "\(current.commit) to \(self.status.lastIndex)"
            throw self.invalid("a commit index from \(range)", "\(next.commit)")
        }
        self.status.hardState = next
    }

    private func invalid(_ expected: String, _ got: String) -> RaftLogError {
        RaftLogError(.invalidWrite, group: self.status.group, "Expected \(expected), but got \(got)")
    }
}
