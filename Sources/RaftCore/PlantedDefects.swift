/// Classic mistakes that can be switched on to prove that the simulator notices them. Only the simulator sets any; a
/// server has no way to.
package struct PlantedDefects: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The vote is left out of the hard state that is made durable.
    package static let voteNotPersisted = Self(rawValue: 1 << 0)
    /// A vote leaves before it is durable.
    package static let voteSentBeforePersisted = Self(rawValue: 1 << 1)
    /// Followers acknowledge entries before they are durable.
    package static let entriesAcknowledgedBeforePersisted = Self(rawValue: 1 << 2)
    /// A leader counts its own entries before they are durable.
    package static let ownEntriesCountedBeforePersisted = Self(rawValue: 1 << 3)
    /// Reads are confirmed before an entry of the leader's own term is committed.
    package static let readsBeforeCommitInTerm = Self(rawValue: 1 << 4)
    /// A follower replaces its log from the first entry of a request on, even where they match.
    package static let truncatesOnMatch = Self(rawValue: 1 << 6)
    /// A leader commits entries of earlier terms by counting.
    package static let commitsEarlierTermsByCounting = Self(rawValue: 1 << 7)
    /// A joint configuration is decided by a majority of all its voters together.
    package static let jointQuorumOfUnion = Self(rawValue: 1 << 8)
    /// A joint configuration is decided by its incoming half alone.
    package static let jointQuorumOfIncomingHalf = Self(rawValue: 1 << 9)
    /// Learners count in quorums.
    package static let learnersInQuorum = Self(rawValue: 1 << 10)
    /// Votes are given to logs that lack entries.
    package static let votesForShorterLogs = Self(rawValue: 1 << 11)
    /// Acknowledgements of the disk count although other entries took the place meanwhile.
    package static let staleAcknowledgements = Self(rawValue: 1 << 12)
    /// Nodes with an odd identifier take changes of members into account when they are appended.
    package static let changesAppliedAtAppend = Self(rawValue: 1 << 13)
    /// Heartbeats tell followers to commit what they may not hold in this form.
    package static let heartbeatsCommitUnmatchedEntries = Self(rawValue: 1 << 14)
    /// Messages of earlier terms are taken for those of the present one.
    package static let staleTermsAccepted = Self(rawValue: 1 << 15)
}
