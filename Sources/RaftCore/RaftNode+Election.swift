/// Elections (Raft paper, section 5.2; thesis, section 9.6 for the pre-vote).
extension RaftNode {
    /// Campaigns now instead of waiting for the election timeout.
    package mutating func campaign() {
        guard self.fault == nil else { return }
        self.startCampaign(isTransfer: false)
    }

    /// Forgets the leader without leaving the term, so that votes may be given at once: for a host that has good reason
    /// to believe the leader is dead. The election timeout keeps running.
    package mutating func forgetLeader() {
        guard self.fault == nil, self.role == .follower, self.leader != nil else { return }
        self.leader = nil
        self.failReads()
    }

    /// Whether the node is a voter, as far as it knows, with a state of its own.
    var isPromotable: Bool {
        guard let own = self.tracker[self.id] else { return false }
        return !own.isLearner && !self.log.hasPendingSnapshot
    }

    /// Whether the node may stand for election by itself.
    var mayLead: Bool { self.isPromotable && self.electionPriority != .never }

    mutating func startCampaign(isTransfer: Bool) {
        guard self.role != .leader, self.mayLead else { return }
        // A member whose committed changes are not applied does not know who votes.
        guard !self.hasUnappliedChange() else { return }
        if self.configuration.preVote, !isTransfer {
            self.becomePreCandidate()
            self.requestVotes(.preVote, term: Term(self.term.rawValue + 1), isTransfer: false)
        } else {
            self.standForElection(isTransfer: isTransfer)
        }
    }

    private mutating func standForElection(isTransfer: Bool) {
        self.becomeCandidate()
        self.requestVotes(.vote, term: self.term, isTransfer: isTransfer)
    }

    private mutating func requestVotes(_ phase: ElectionPhase, term: Term, isTransfer: Bool) {
        let last = self.log.lastEntry()
        let committed = self.sharedCommit()
        for voter in self.tracker.configuration.allVoters {
            if voter == self.id {
                // The own vote counts like every other: once it is durable.
                let granted = VoteResponse(phase: phase, isGranted: true, lastEntry: last)
                self.sendAfterPersist(.voteResponse(granted), to: self.id, term: term)
            } else {
                let request = VoteRequest(
                    phase: phase,
                    lastEntry: last,
                    isTransfer: isTransfer,
                    committed: committed
                )
                self.send(.voteRequest(request), to: voter, term: term)
            }
        }
    }

    /// Whether a change of members is committed but not applied.
    private mutating func hasUnappliedChange() -> Bool {
        var from = self.log.applied.next
        while from <= self.log.committed {
            guard
                let page = self.log.slice(from: from, to: self.log.committed.next, maxBytes: 1 << 20),
                let last = page.last
            else { return true }
            if page.contains(where: { $0.kind != .normal }) { return true }
            from = last.index.next
        }
        return false
    }

    /// Votes in every role, and also when this node believes it is no voter: it may be one that does not know yet.
    mutating func handleVoteRequest(_ request: VoteRequest, from candidate: NodeID, term: Term) {
        let isFree = self.vote == nil && self.leader == nil
        let isAboutLaterTerm = request.phase == .preVote && term > self.term
        let mayVote = self.vote == candidate || isFree || isAboutLaterTerm
        let isGranted = mayVote && self.isUpToDate(request.lastEntry)
        let response = VoteResponse(
            phase: request.phase,
            isGranted: isGranted,
            lastEntry: request.lastEntry,
            committed: self.sharedCommit()
        )
        // A grant names the term asked for, a refusal the voter's own, from which the candidate may learn.
        self.sendAfterPersist(.voteResponse(response), to: candidate, term: isGranted ? term : self.term)
        if isGranted, request.phase == .vote {
            self.electionElapsed = 0
            self.vote = candidate
        }
        self.learnCommit(request.committed)
    }

    /// What this node tells others to be committed.
    private mutating func sharedCommit() -> EntryID {
        guard self.configuration.sharesCommitInVotes else { return EntryID() }
        return EntryID(term: self.log.term(of: self.log.committed) ?? .zero, index: self.log.committed)
    }

    /// Believes that an entry is committed if it is the very one in this log; so is then all before it.
    private mutating func learnCommit(_ entry: EntryID) {
        guard entry.index > self.log.committed, entry.term > .zero, self.role != .leader else { return }
        guard self.log.matches(entry) else { return }
        self.log.commit(to: entry.index)
        // With a change among what is committed now, the voters this campaign asks may not be the right ones.
        if self.role != .follower, self.hasUnappliedChange() { self.becomeFollower(term: self.term, leader: nil) }
    }

    /// Whether a log that ends so holds at least all that may be committed here (Raft paper, section 5.4.1).
    private mutating func isUpToDate(_ other: EntryID) -> Bool {
        if self.has(.votesForShorterLogs) { return true }
        let own = self.log.lastEntry()
        return other.term > own.term || (other.term == own.term && other.index >= own.index)
    }

    mutating func handleVoteResponse(_ response: VoteResponse, from voter: NodeID, term: Term) -> StepOutcome {
        let expected: ElectionPhase
        switch self.role {
        case .preCandidate: expected = .preVote
        case .candidate: expected = .vote
        case .follower, .leader: return .ignored(.wrongRole)
        }
        guard response.phase == expected else { return .ignored(.wrongRole) }
        if response.isGranted {
            // A grant must be for this very campaign: its term, and the log that stands behind it.
            let asked = expected == .preVote ? Term(self.term.rawValue + 1) : self.term
            guard term == asked, response.lastEntry == self.log.lastEntry() else { return .ignored(.staleTerm) }
        }
        self.learnCommit(response.committed)
        guard self.role != .follower else { return .handled }
        self.tracker.record(response.isGranted, from: voter)
        switch self.tracker.electionResult {
        case .pending:
            break
        case .lost:
            // A pre-candidate stays in its term.
            self.becomeFollower(term: self.term, leader: nil)
        case .won where expected == .preVote:
            self.standForElection(isTransfer: false)
        case .won:
            self.becomeLeader()
            self.broadcastAppend()
        }
        return .handled
    }

    /// A leader that did not hear from a quorum for an election timeout may have been replaced.
    mutating func checkQuorum() {
        let isActive = self.tracker.isQuorumActive
        for position in self.tracker.peers.indices where self.tracker.peers[position].id != self.id {
            self.tracker.peers[position].isRecentlyActive = false
        }
        if !isActive { self.becomeFollower(term: self.term, leader: nil) }
    }

    // MARK: Transitions

    mutating func becomeFollower(term: Term, leader: NodeID?) {
        self.reset(term: term)
        self.role = .follower
        self.leader = leader
    }

    private mutating func becomePreCandidate() {
        // Neither term nor vote change: whoever cannot win disturbs nobody.
        self.failReads()
        self.tracker.resetVotes()
        self.role = .preCandidate
        self.leader = nil
    }

    private mutating func becomeCandidate() {
        self.reset(term: Term(self.term.rawValue + 1))
        self.vote = self.id
        self.role = .candidate
    }

    private mutating func becomeLeader() {
        self.reset(term: self.term)
        self.role = .leader
        self.leader = self.id
        if let own = self.tracker.position(of: self.id) {
            self.tracker.peers[own].becomeReplicate()
            self.tracker.peers[own].isRecentlyActive = true
        }
        // Any entry may be a change of members that is not applied yet, so none is proposed before all are.
        self.pendingChangeIndex = self.log.lastIndex
        // Only an entry of its own term tells a leader what is committed (Raft paper, sections 5.4.2 and 8). It has no
        // payload, so no limit refuses it.
        let noOp = LogEntry(term: self.term, index: self.log.lastIndex.next)
        self.appendOwn([noOp])
    }

    private mutating func reset(term: Term) {
        if self.term != term {
            self.term = term
            self.vote = nil
        }
        self.failReads()
        self.leader = nil
        self.electionElapsed = 0
        self.heartbeatElapsed = 0
        self.drawElectionTimeout()
        self.transferee = nil
        self.tracker.resetVotes()
        let last = self.log.lastIndex
        for position in self.tracker.peers.indices {
            let isSelf = self.tracker.peers[position].id == self.id
            self.tracker.peers[position].reset(next: last.next, match: isSelf ? last : .zero)
        }
        self.pendingChangeIndex = .zero
        self.uncommittedBytes = 0
    }

    mutating func drawElectionTimeout() {
        let base = self.configuration.electionTicks
        var timeout = base + self.random.next(below: base)
        if case .rank(let rank) = self.electionPriority {
            timeout += Int(min(rank, ElectionPriority.largestRank)) * base
        }
        self.randomizedElectionTimeout = timeout
    }
}
