/// What an entry's payload means to the consensus core.
package enum EntryKind: UInt8, Hashable, Sendable {
    /// Bytes for the state machine; empty for the entry a new leader commits first.
    case normal = 0
    /// A change of one member in its first encoding.
    case configurationChange = 1
    /// A change of any number of members, joint if need be.
    case configurationChangeV2 = 2
}

/// One entry of a group's replicated log.
package struct LogEntry: Hashable, Sendable {
    package var term: Term
    package var index: LogIndex
    package var kind: EntryKind
    package var payload: [UInt8]

    package init(term: Term, index: LogIndex, kind: EntryKind = .normal, payload: [UInt8] = []) {
        self.term = term
        self.index = index
        self.kind = kind
        self.payload = payload
    }
}

/// What a node must have on disk before it answers a message of its term (Raft paper, figure 2, "persistent state").
package struct HardState: Hashable, Sendable {
    package var term: Term
    /// The candidate voted for in `term`, if any.
    package var vote: NodeID?
    /// The highest index known to be committed. Not needed for safety; it shortens recovery.
    package var commit: LogIndex

    package init(term: Term = .zero, vote: NodeID? = nil, commit: LogIndex = .zero) {
        self.term = term
        self.vote = vote
        self.commit = commit
    }
}

/// The members of a group, joint while a change is under way (Raft thesis, section 4.3). Lists are sorted and unique.
package struct ClusterConfiguration: Hashable, Sendable {
    package var voters: [NodeID]
    package var learners: [NodeID]
    /// The voters of the outgoing half of a joint configuration; empty outside a change.
    package var votersOutgoing: [NodeID]
    /// Voters of the outgoing half that become learners when the joint configuration is left.
    package var learnersNext: [NodeID]
    /// Whether the leader leaves the joint configuration by itself.
    package var autoLeave: Bool

    package init(
        voters: [NodeID] = [],
        learners: [NodeID] = [],
        votersOutgoing: [NodeID] = [],
        learnersNext: [NodeID] = [],
        autoLeave: Bool = false
    ) {
        self.voters = voters
        self.learners = learners
        self.votersOutgoing = votersOutgoing
        self.learnersNext = learnersNext
        self.autoLeave = autoLeave
    }
}

/// What a snapshot stands for: everything up to `index`, and the members at that point.
package struct SnapshotMetadata: Hashable, Sendable {
    package var index: LogIndex
    package var term: Term
    package var configuration: ClusterConfiguration

    package init(
        index: LogIndex = .zero,
        term: Term = .zero,
        configuration: ClusterConfiguration = ClusterConfiguration()
    ) {
        self.index = index
        self.term = term
        self.configuration = configuration
    }
}
