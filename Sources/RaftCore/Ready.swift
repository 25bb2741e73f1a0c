/// What a member is at present (Raft paper, figure 4, with the pre-candidate of the thesis, section 9.6).
package enum Role: UInt8, Hashable, Sendable {
    case follower
    case preCandidate
    case candidate
    case leader
}

/// What a host may show or route by; not stored.
package struct SoftState: Hashable, Sendable {
    package var leader: NodeID?
    package var role: Role

    package init(leader: NodeID? = nil, role: Role = .follower) {
        self.leader = leader
        self.role = role
    }
}

/// A read that may be answered once the state machine has applied `index`.
package struct ReadState: Hashable, Sendable {
    package var request: ReadRequestID
    package var index: LogIndex

    package init(request: ReadRequestID, index: LogIndex) {
        self.request = request
        self.index = index
    }
}

/// Something an operator must know; the group goes on.
package enum RaftAlarm: Hashable, Sendable {
    /// A follower no longer has entries it once acknowledged: its disk lost durable data. It must be replaced under a
    /// new identifier.
    case followerLostEntries(node: NodeID, acknowledged: LogIndex)
    /// A node claims to lead the term this node leads.
    case secondLeader(node: NodeID, term: Term)
}

/// What the host has to do now. Within one `Ready` the order is: make `snapshot`, `entries` and `hardState` durable,
/// then send `messagesAfterPersist`; `messages` may be sent at once; apply `committedEntries` in order, after the
/// snapshot and not before they are durable here.
package struct Ready: Sendable {
    /// Present when role or leader changed.
    package var softState: SoftState?
    /// Present when it changed; to be made durable.
    package var hardState: HardState?
    /// To be appended durably; they replace whatever the storage holds at or after the first one's index.
    package var entries: [LogEntry] = []
    /// Received from the leader; to be installed durably in place of the log and the state machine.
    package var snapshot: Snapshot?
    /// To be applied to the state machine. An entry of a configuration kind goes to `applyConfigurationChange` too.
    package var committedEntries: [LogEntry] = []
    /// May be sent at once, in parallel with persisting.
    package var messages: [RaftMessage] = []
    /// May be sent only once `snapshot`, `entries` and `hardState` are durable. Empty with asynchronous storage
    /// writes, where they are part of `storageAppend`.
    package var messagesAfterPersist: [RaftMessage] = []
    /// Reads that may be served.
    package var readStates: [ReadState] = []
    /// Reads that will never be; the caller must ask again.
    package var failedReads: [ReadRequestID] = []
    package var alarms: [RaftAlarm] = []
    /// Whether entries, term or vote changed, so that the host must sync before it goes on. A new commit index alone
    /// need not be synced; a snapshot is always made durable by its installation.
    package var mustSync = false
    /// With asynchronous storage writes: the work for the append queue.
    package var storageAppend: StorageAppend?
    /// With asynchronous storage writes: the work for the apply queue.
    package var storageApply: StorageApply?

    package init() {}
}

/// One piece of work for the queue that writes the log. Pieces are done in the order they were issued.
package struct StorageAppend: Hashable, Sendable {
    package var hardState: HardState?
    package var entries: [LogEntry]
    package var snapshot: Snapshot?
    package var mustSync: Bool
    /// To be delivered once the work is durable. One addressed to the node itself goes to its own `step`.
    package var responses: [RaftMessage]
    /// To be given to `persisted` after the responses, once the work is durable.
    package var acknowledgement: AppendAcknowledgement?
}

/// Says which work is durable. It carries the term in which the work was issued and the term of the last entry, so that
/// an old one is recognised when the same indexes were overwritten meanwhile.
package struct AppendAcknowledgement: Hashable, Sendable {
    package var term: Term
    package var lastEntry: EntryID?
    package var snapshot: LogIndex?
}

/// One piece of work for the queue that applies entries. Pieces are done in the order they were issued.
package struct StorageApply: Hashable, Sendable {
    package var entries: [LogEntry]
    /// To be given to `applied` once all entries are applied.
    package var acknowledgement: ApplyAcknowledgement
}

/// Says which entries are applied.
package struct ApplyAcknowledgement: Hashable, Sendable {
    package var index: LogIndex
    /// Sum of `LogEntry.byteCount`.
    package var byteCount: Int
    /// Sum of the payloads alone.
    package var payloadBytes: Int
}

/// Why a proposal was not taken. It is surely not in the log.
package enum ProposalRejection: Error, Hashable, Sendable {
    /// Only the leader takes proposals; here is the leader this node knows.
    case notLeader(leader: NodeID?)
    /// The leader is handing over.
    case transferInProgress(to: NodeID)
    /// The leader was removed from the group.
    case notMember
    /// Too many payload bytes are not committed yet.
    case uncommittedLimit
    /// A change of members is in the log and not applied yet.
    case changeInProgress(index: LogIndex)
    /// A joint configuration must be left first.
    case mustLeaveJoint
    /// There is no joint configuration to leave.
    case notJoint
    /// The change cannot be made on the present members.
    case invalidChange(ConfigurationChangeError)
    /// The node has stopped.
    case stopped(RaftFault)
}

/// Why a read was not accepted.
package enum ReadRejection: Error, Hashable, Sendable {
    /// No leader is known to ask.
    case noLeader
    /// Too many reads are waiting.
    case tooManyReads
    /// The node has stopped.
    case stopped(RaftFault)
}

/// What became of a received message.
package enum StepOutcome: Hashable, Sendable {
    case handled
    case ignored(Reason)

    /// Why a message had no effect.
    package enum Reason: Hashable, Sendable {
        case wrongGroup
        case wrongIncarnation
        case wrongReceiver
        case malformed
        case staleTerm
        /// A vote request while this node hears its leader.
        case leaderIsAlive
        case unknownPeer
        /// Of no use in the present role.
        case wrongRole
        /// A proposal no leader takes.
        case proposalDropped
        case stopped
    }
}
