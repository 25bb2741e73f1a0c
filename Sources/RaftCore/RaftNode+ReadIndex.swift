/// Reads that wait for the leader to be confirmed.
struct ReadQueue: Sendable {
    /// A read at the leader.
    struct Read: Sendable {
        /// A number the leader made; it rises with every read. Requests are never told apart by what a client chose.
        var id: UInt64
        var index: LogIndex
        var request: ReadRequestID
        var requester: NodeID
    }

    /// Reads at the leader that wait for a quorum, oldest first.
    var waiting: [Read] = []
    /// Reads at the leader that came before it committed an entry of its term.
    var held: [(request: ReadRequestID, requester: NodeID)] = []
    /// Reads of this node that another node leads.
    var forwarded: [ReadRequestID] = []
    var lastID: UInt64 = 0
    var isBroadcastNeeded = false

    var count: Int { self.waiting.count + self.held.count + self.forwarded.count }

    /// The newest read that waits for a quorum; zero when there is none.
    var newestPending: UInt64 { self.waiting.last?.id ?? 0 }
}

/// Linearizable reads without a log entry (Raft thesis, section 6.4).
extension RaftNode {
    /// Asks for an index at which a read is linearizable. The answer comes in a `Ready`: in `readStates`, or in
    /// `failedReads` when role, term or leader changed first. A lost message is not noticed: hosts set a deadline.
    package mutating func readIndex(_ request: ReadRequestID) throws(ReadRejection) {
        if let fault = self.fault { throw .stopped(fault) }
        guard let leader = self.leader else { throw .noLeader }
        guard self.reads.count < self.configuration.maxPendingReads else { throw .tooManyReads }
        if self.role == .leader {
            self.accept(request, from: self.id)
        } else {
            self.reads.forwarded.append(request)
            self.send(.readIndexRequest(request), to: leader, term: .zero)
        }
    }

    mutating func handleReadRequest(_ request: ReadRequestID, from requester: NodeID) -> StepOutcome {
        guard self.role == .leader, self.reads.count < self.configuration.maxPendingReads else {
            self.send(.readIndexResponse(request, index: nil), to: requester)
            return .ignored(.wrongRole)
        }
        guard self.tracker[requester] != nil else { return .ignored(.unknownPeer) }
        self.accept(request, from: requester)
        return .handled
    }

    mutating func handleReadResponse(_ request: ReadRequestID, index: LogIndex?, from sender: NodeID) -> StepOutcome {
        guard sender == self.leader else { return .ignored(.wrongRole) }
        guard let position = self.reads.forwarded.firstIndex(of: request) else { return .ignored(.wrongRole) }
        self.reads.forwarded.remove(at: position)
        if let index {
            self.readStates.append(ReadState(request: request, index: index))
        } else {
            self.failedReads.append(request)
        }
        return .handled
    }

    private mutating func accept(_ request: ReadRequestID, from requester: NodeID) {
        // Before the first commit of its term a leader may not know what an earlier one committed.
        guard self.hasCommittedInTerm() || self.has(.readsBeforeCommitInTerm) else {
            self.reads.held.append((request, requester))
            return
        }
        self.reads.lastID += 1
        let read = ReadQueue.Read(
            id: self.reads.lastID,
            index: self.log.committed,
            request: request,
            requester: requester
        )
        self.reads.waiting.append(read)
        self.reads.isBroadcastNeeded = true
        self.releaseConfirmedReads()
    }

    /// Lets the reads go that came before the leader's first commit.
    mutating func releaseHeldReads() {
        guard !self.reads.held.isEmpty, self.hasCommittedInTerm() else { return }
        let held = self.reads.held
        self.reads.held = []
        for read in held { self.accept(read.request, from: read.requester) }
    }

    /// Notes that a member followed this leader when it answered, which confirms all reads up to that id.
    mutating func confirmReads(_ readID: UInt64, from position: Int) {
        guard readID > self.tracker.peers[position].confirmedRead, readID <= self.reads.lastID else { return }
        self.tracker.peers[position].confirmedRead = readID
        self.releaseConfirmedReads()
    }

    /// Answers the reads that a quorum has confirmed; in a joint configuration, a quorum of both halves.
    mutating func releaseConfirmedReads() {
        guard !self.reads.waiting.isEmpty else { return }
        let newest = self.reads.lastID
        let confirmed = self.tracker.quorum.committed { node in
            node == self.id ? newest : self.tracker[node]?.confirmedRead
        }
        let ready = self.reads.waiting.prefix { $0.id <= confirmed }
        guard !ready.isEmpty else { return }
        for read in ready { self.answer(read) }
        self.reads.waiting.removeFirst(ready.count)
        if self.reads.waiting.isEmpty { self.reads.isBroadcastNeeded = false }
    }

    private mutating func answer(_ read: ReadQueue.Read) {
        if read.requester == self.id {
            self.readStates.append(ReadState(request: read.request, index: read.index))
        } else {
            self.send(.readIndexResponse(read.request, index: read.index), to: read.requester)
        }
    }

    /// Fails everything that waits, so that no caller waits for ever after a change of role, term or leader.
    mutating func failReads() {
        guard self.reads.count > 0 || self.reads.lastID > 0 else { return }
        for read in self.reads.held where read.requester == self.id { self.failedReads.append(read.request) }
        for read in self.reads.waiting where read.requester == self.id { self.failedReads.append(read.request) }
        self.failedReads.append(contentsOf: self.reads.forwarded)
        // Ids keep rising over terms; a late answer can confirm nothing new.
        self.reads = ReadQueue(lastID: self.reads.lastID)
    }
}
