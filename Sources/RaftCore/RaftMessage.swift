/// Names one entry: no two different entries of a group share both parts (log matching, Raft paper, section 5.3).
package struct EntryID: Hashable, Sendable, CustomStringConvertible {
    package var term: Term
    package var index: LogIndex

    package init(term: Term = .zero, index: LogIndex = .zero) {
        self.term = term
        self.index = index
    }

    package var description: String { "\(self.term)/\(self.index)" }
}

/// A state of the state machine that stands for all entries up to and including `metadata.index`.
package struct Snapshot: Hashable, Sendable {
    package var metadata: SnapshotMetadata
    /// What the receiver needs to obtain and install the state: for a small state machine the state itself, for a
    /// large one a manifest whose files travel outside the consensus stream. The core never looks at it.
    package var data: [UInt8]

    package init(metadata: SnapshotMetadata = SnapshotMetadata(), data: [UInt8] = []) {
        self.metadata = metadata
        self.data = data
    }

    package var id: EntryID { EntryID(term: self.metadata.term, index: self.metadata.index) }
}

/// Identifies a read on the node where it was asked; chosen by the host and never reused by it, restarts included.
package struct ReadRequestID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package var description: String { String(rawValue) }
}

/// What one member of a group tells another.
package struct RaftMessage: Hashable, Sendable {
    package var group: GroupID
    package var incarnation: IncarnationID
    package var from: NodeID
    package var to: NodeID
    /// The sender's term; for vote requests and granted pre-votes the term asked for; zero for proposals and read
    /// requests, which are valid in any term.
    package var term: Term
    package var body: Body

    package init(
        group: GroupID,
        incarnation: IncarnationID,
        from: NodeID,
        to: NodeID,
        term: Term,
        body: Body
    ) {
        self.group = group
        self.incarnation = incarnation
        self.from = from
        self.to = to
        self.term = term
        self.body = body
    }

    /// The kinds of message with what each carries.
    package enum Body: Hashable, Sendable {
        /// Entries a follower passes on to its leader. Sent only where the configuration says so.
        case proposal([LogEntry])
        case appendRequest(AppendRequest)
        case appendResponse(AppendResponse)
        case voteRequest(VoteRequest)
        case voteResponse(VoteResponse)
        case heartbeat(Heartbeat)
        case heartbeatResponse(HeartbeatResponse)
        /// Sent when the follower needs entries the leader no longer has.
        case snapshot(Snapshot)
        /// Asks the receiver to campaign at once (Raft thesis, section 3.10).
        case timeoutNow
        /// Asks the leader to hand over to the named voter.
        case transferRequest(to: NodeID)
        /// Asks the leader for an index at which a read is linearizable.
        case readIndexRequest(ReadRequestID)
        /// The answer; no index when the leader cannot serve the read.
        case readIndexResponse(ReadRequestID, index: LogIndex?)
    }
}

/// New entries, or a probe without any, after `previous` (AppendEntries, Raft paper, figure 2).
package struct AppendRequest: Hashable, Sendable {
    package var previous: EntryID
    package var commit: LogIndex
    package var entries: [LogEntry]

    package init(previous: EntryID, commit: LogIndex, entries: [LogEntry] = []) {
        self.previous = previous
        self.commit = commit
        self.entries = entries
    }
}

/// The answer to an append request or a snapshot.
package struct AppendResponse: Hashable, Sendable {
    /// Accepted: the highest index now known to match the leader's log. Rejected: the `previous` index refused.
    package var index: LogIndex
    /// Present when refused: the highest entry of the follower that may match, so that the leader can skip whole
    /// terms instead of probing one entry at a time.
    package var rejectionHint: EntryID?

    package init(index: LogIndex, rejectionHint: EntryID? = nil) {
        self.index = index
        self.rejectionHint = rejectionHint
    }
}

/// Which of the two rounds of an election a vote belongs to (Raft thesis, section 9.6).
package enum ElectionPhase: UInt8, Hashable, Sendable {
    case preVote = 0
    case vote = 1
}

/// Asks for a vote (RequestVote, Raft paper, figure 2).
package struct VoteRequest: Hashable, Sendable {
    package var phase: ElectionPhase
    package var lastEntry: EntryID
    /// The old leader asked for this election, so voters do not insist on it.
    package var isTransfer: Bool
    /// The last entry the candidate knows to be committed.
    package var committed: EntryID

    package init(
        phase: ElectionPhase,
        lastEntry: EntryID,
        isTransfer: Bool = false,
        committed: EntryID = EntryID()
    ) {
        self.phase = phase
        self.lastEntry = lastEntry
        self.isTransfer = isTransfer
        self.committed = committed
    }
}

/// The answer to a vote request.
package struct VoteResponse: Hashable, Sendable {
    package var phase: ElectionPhase
    package var isGranted: Bool
    /// The last entry named in the request. A candidate that restarted with a shorter log and stands in the same term
    /// again must not count a vote given to its longer log.
    package var lastEntry: EntryID
    /// The last entry the voter knows to be committed.
    package var committed: EntryID

    package init(phase: ElectionPhase, isGranted: Bool, lastEntry: EntryID, committed: EntryID = EntryID()) {
        self.phase = phase
        self.isGranted = isGranted
        self.lastEntry = lastEntry
        self.committed = committed
    }
}

/// The leader's sign of life.
package struct Heartbeat: Hashable, Sendable {
    /// The commit index, never beyond what the receiver has acknowledged.
    package var commit: LogIndex
    /// What the receiver has acknowledged in this term. One whose log is shorter has lost durable entries.
    package var acknowledged: LogIndex
    /// The newest read the answer will confirm; a number the leader made, zero for none.
    package var readID: UInt64

    package init(commit: LogIndex, acknowledged: LogIndex = .zero, readID: UInt64 = 0) {
        self.commit = commit
        self.acknowledged = acknowledged
        self.readID = readID
    }
}

/// The answer to a heartbeat.
package struct HeartbeatResponse: Hashable, Sendable {
    package var readID: UInt64
    /// The `acknowledged` index of the heartbeat when the receiver no longer has that entry: it lost durable data.
    package var lostAcknowledged: LogIndex?

    package init(readID: UInt64 = 0, lostAcknowledged: LogIndex? = nil) {
        self.readID = readID
        self.lostAcknowledged = lostAcknowledged
    }
}

extension RaftMessage {
    /// Terms and indexes beyond this are refused, so that arithmetic on them cannot overflow.
    static let largestNumber: UInt64 = 1 << 62

    /// Whether the numbers in the message are possible at all. A message that is not is ignored.
    var isWellFormed: Bool {
        guard self.term.rawValue < Self.largestNumber else { return false }
        switch self.body {
        case .appendRequest(let request):
            return request.isWellFormed(in: self.term)
        case .appendResponse(let response):
            return Self.isPossible(response.index) && Self.isPossible(response.rejectionHint)
        case .voteRequest(let request):
            return Self.isPossible(request.lastEntry) && Self.isPossible(request.committed)
        case .voteResponse(let response):
            return Self.isPossible(response.lastEntry) && Self.isPossible(response.committed)
        case .heartbeat(let heartbeat):
            return Self.isPossible(heartbeat.commit) && Self.isPossible(heartbeat.acknowledged)
        case .heartbeatResponse:
            return true
        case .snapshot(let snapshot):
            return Self.isPossible(snapshot.id) && snapshot.metadata.configuration.isWellFormed
        case .readIndexResponse(_, let index):
            return Self.isPossible(index ?? .zero)
        case .proposal, .timeoutNow, .transferRequest, .readIndexRequest:
            return true
        }
    }

    private static func isPossible(_ index: LogIndex) -> Bool { index.rawValue < Self.largestNumber }

    private static func isPossible(_ id: EntryID?) -> Bool {
        guard let id else { return true }
        return id.index.rawValue < Self.largestNumber && id.term.rawValue < Self.largestNumber
    }
}

extension AppendRequest {
    /// Whether the entries follow `previous` without a gap and their terms never fall nor exceed the sender's.
    fileprivate func isWellFormed(in term: Term) -> Bool {
        guard self.previous.index.rawValue < RaftMessage.largestNumber, self.previous.term <= term else { return false }
        guard self.commit.rawValue < RaftMessage.largestNumber else { return false }
        var expected = self.previous.index.rawValue
        var lowest = self.previous.term
        for entry in self.entries {
            expected += 1
            guard entry.index.rawValue == expected, entry.term >= lowest, entry.term <= term else { return false }
            lowest = entry.term
        }
        return expected < RaftMessage.largestNumber
    }
}
