/// How a leader sends to a follower.
package enum ReplicationState: UInt8, Hashable, Sendable {
    /// The follower's log is not known to match: one request at a time.
    case probe
    /// It matches: requests are pipelined within the limits.
    case replicate
    /// It needs a snapshot, which is on its way: no requests.
    case snapshot
}

/// What a leader knows about one member.
///
/// ```
///            rejected, unreachable               needs compacted entries
/// replicate ───────────────────────▶ probe ────────────────────────────▶ snapshot
///     ▲                              │   ▲                                  │
///     └──────── accepted ────────────┘   └── installed, reported, failed ───┘
/// ```
struct PeerProgress: Sendable {
    let id: NodeID
    /// The highest entry known to be durable there and equal to ours.
    var match: LogIndex = .zero
    /// The next entry to send; always above `match`.
    var next: LogIndex
    /// The highest commit index sent, capped where the log there may not match yet.
    var sentCommit: LogIndex = .zero
    private(set) var state = ReplicationState.probe
    /// The index of the snapshot under way.
    private(set) var pendingSnapshot: LogIndex = .zero
    /// Heard from since the last check of the quorum.
    var isRecentlyActive = false
    /// No more requests until an answer or a heartbeat's answer arrives.
    var isFlowPaused = false
    var inflight: InflightWindow
    var isLearner: Bool
    /// The newest read this member has confirmed in this term.
    var confirmedRead: UInt64 = 0

    init(id: NodeID, next: LogIndex, inflight: InflightWindow, isLearner: Bool) {
        self.id = id
        self.next = next
        self.inflight = inflight
        self.isLearner = isLearner
    }

    var isPaused: Bool { self.state == .snapshot || self.isFlowPaused }

    /// Forgets everything at the start of a term.
    mutating func reset(next: LogIndex, match: LogIndex) {
        self.match = match
        self.next = next
        self.sentCommit = .zero
        self.isRecentlyActive = false
        self.confirmedRead = 0
        self.change(to: .probe)
    }

    private mutating func change(to state: ReplicationState) {
        self.isFlowPaused = false
        self.pendingSnapshot = .zero
        self.state = state
        self.inflight.reset()
    }

    mutating func becomeProbe() {
        // After a snapshot the entries up to it are there, even if the acknowledgement is still under way.
        let start = self.state == .snapshot ? max(self.match, self.pendingSnapshot) : self.match
        self.change(to: .probe)
        self.next = start.next
        self.sentCommit = min(self.sentCommit, self.next.previous)
    }

    mutating func becomeReplicate() {
        self.change(to: .replicate)
        self.next = self.match.next
    }

    mutating func becomeSnapshot(at index: LogIndex) {
        self.change(to: .snapshot)
        self.pendingSnapshot = index
        self.next = index.next
        self.sentCommit = index
    }

    mutating func abandonSnapshot() { self.pendingSnapshot = .zero }

    /// Notes that a request with entries up to `lastIndex` was sent; they are expected to arrive.
    mutating func sent(count: Int, bytes: Int) {
        switch self.state {
        case .replicate:
            if count > 0 {
                self.next = self.next + count
                self.inflight.add(lastIndex: self.next.previous, bytes: bytes)
            }
            self.isFlowPaused = self.inflight.isFull
        case .probe:
            if count > 0 { self.isFlowPaused = true }
        case .snapshot:
            preconditionFailure("Expected no append request while a snapshot is under way")
        }
    }

    /// Whether telling this commit index could move the follower's: not if one was sent that commits all it may have.
    func canRaiseCommit(to index: LogIndex) -> Bool {
        index > self.sentCommit && self.sentCommit < self.next.previous
    }

    /// Takes an acknowledgement; false when it tells nothing new.
    mutating func acknowledge(_ index: LogIndex) -> Bool {
        guard index > self.match else { return false }
        self.match = index
        self.next = max(self.next, index.next)
        self.isFlowPaused = false
        return true
    }

    /// Takes a rejection of the entry before `next`; false when it is out of date.
    mutating func stepBack(rejected: LogIndex, hint: LogIndex) -> Bool {
        if self.state == .replicate {
            guard rejected > self.match else { return false }
            self.next = self.match.next
            self.sentCommit = min(self.sentCommit, self.next.previous)
            return true
        }
        // Probes are sent one at a time, so an answer to anything else is old.
        guard self.next.previous == rejected else { return false }
        self.next = max(min(rejected, hint.next), self.match.next)
        self.sentCommit = min(self.sentCommit, self.next.previous)
        self.isFlowPaused = false
        return true
    }
}

/// What a host may know about one member's progress.
package struct PeerStatus: Hashable, Sendable {
    package let id: NodeID
    package let match: LogIndex
    package let next: LogIndex
    package let state: ReplicationState
    package let isLearner: Bool
    package let isPaused: Bool
    package let isRecentlyActive: Bool
    package let pendingSnapshot: LogIndex
    /// Append requests without an answer.
    package let inflightCount: Int
    package let isInflightFull: Bool

    init(_ progress: PeerProgress) {
        self.id = progress.id
        self.match = progress.match
        self.next = progress.next
        self.state = progress.state
        self.isLearner = progress.isLearner
        self.isPaused = progress.isPaused
        self.isRecentlyActive = progress.isRecentlyActive
        self.pendingSnapshot = progress.pendingSnapshot
        self.inflightCount = progress.inflight.count
        self.isInflightFull = progress.inflight.isFull
    }
}
