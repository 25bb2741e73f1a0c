/// How willing a member is to lead.
package enum ElectionPriority: Hashable, Sendable {
    /// Votes and stores, but never campaigns: for a third site that only completes a quorum.
    case never
    /// Waits that many election timeouts longer than rank 0 before it campaigns, so that lower ranks go first.
    case rank(UInt8)

    /// The highest rank that makes a difference; higher ones are treated as this one.
    package static let largestRank: UInt8 = 8
}

/// The settings of one member of one group.
///
/// The defaults are the safe ones. Those marked "conformance" exist because the public conformance files need both
/// settings; a server does not offer them.
package struct RaftConfiguration: Sendable {
    /// This member. Not zero, and never reused for another data directory.
    package var id: NodeID
    package var group: GroupID
    package var incarnation: IncarnationID

    /// Ticks without a leader's message before a follower campaigns, to which up to as many are added at random; also
    /// the time in which a leader must hear from a quorum. At least 2, and more than `heartbeatTicks`.
    package var electionTicks: Int = 10
    /// Ticks between a leader's heartbeats. At least 1.
    package var heartbeatTicks: Int = 1
    /// The source of all randomness. A host gives a fresh number at every start, a test a fixed one.
    package var randomSeed: UInt64 = 0
    package var electionPriority: ElectionPriority = .rank(0)

    /// The index the state machine has applied durably; entries up to it are not handed out again.
    package var applied: LogIndex = .zero

    /// The size an append request keeps to unless a single entry is larger.
    package var maxMessageBytes: Int = 1 << 20
    /// The size of committed entries handed out and not yet acknowledged as applied, kept to unless a single entry is
    /// larger.
    package var maxApplyingBytes: Int = 64 << 20
    /// Payload bytes a leader accepts beyond its commit index; a single larger proposal passes when there are none.
    package var maxUncommittedBytes: Int = 256 << 20
    /// Append requests a leader sends to one follower without an answer.
    package var maxInflightMessages: Int = 256
    /// Payload bytes a leader sends to one follower without an answer.
    package var maxInflightBytes: Int = 64 << 20
    /// Reads that may wait for their confirmation.
    package var maxPendingReads: Int = 65_536

    /// Whether acknowledgements of storage work arrive through `persisted` and `applied` instead of `advance`.
    package var asynchronousStorageWrites: Bool = false

    /// Conformance: ask for pre-votes before raising the term.
    package var preVote: Bool = true
    /// Conformance: a leader that does not hear from a quorum steps down, and voters stand by a leader they hear.
    package var checkQuorum: Bool = true
    /// Conformance: a leader that is removed or demoted steps down once the change is applied.
    package var stepDownOnRemoval: Bool = true
    /// Conformance: refuse membership changes while another is under way.
    package var validatesConfigurationChanges: Bool = true
    /// Conformance: tell in votes what is committed. Members that are removed or demoted may be the only ones who know;
    /// without being told the others could need their votes for ever.
    package var sharesCommitInVotes: Bool = true
    /// Conformance: pass proposals that arrive as messages on to the leader. A server routes them itself.
    package var forwardsProposals: Bool = false

    /// Mistakes to be made on purpose; empty but in the simulator, which proves itself by finding them.
    package var plantedDefects: PlantedDefects = []

    package init(id: NodeID, group: GroupID = GroupID(1), incarnation: IncarnationID = IncarnationID(1)) {
        self.id = id
        self.group = group
        self.incarnation = incarnation
    }

    /// The first reason why no member can run with these settings.
    func problem() -> String? {
        if self.id.rawValue == 0 { return "Expected a node id other than 0, but got 0" }
        if self.heartbeatTicks < 1 { return "Expected heartbeatTicks of at least 1, but got \(self.heartbeatTicks)" }
        if self.electionTicks <= self.heartbeatTicks || self.electionTicks > 1 << 20 {
            return "Expected electionTicks above heartbeatTicks and at most 1048576, but got \(self.electionTicks)"
        }
        if !self.preVote, case .rank(1...) = self.electionPriority {
            // Whoever may campaign early would raise the term again and again, and keep those behind it from their
            // turn.
            return "Expected pre-votes with an election rank above 0, but got none"
        }
        let limits = [
            self.maxMessageBytes, self.maxApplyingBytes, self.maxUncommittedBytes, self.maxInflightMessages,
            self.maxInflightBytes, self.maxPendingReads,
        ]
        if let wrong = limits.first(where: { $0 < 1 }) { return "Expected a limit of at least 1, but got \(wrong)" }
        return nil
    }
}

/// Why a member cannot start.
package enum RaftStartError: Error, Hashable, Sendable {
    case invalidConfiguration(String)
    /// What the storage holds contradicts itself, or could not be read.
    case invalidStorage(String)
}
