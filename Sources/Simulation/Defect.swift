package import RaftCore

/// A classic mistake, planted to prove that the default scenario finds it.
package enum Defect: String, CaseIterable, Hashable, Sendable {
    // In the consensus core.
    case voteNotPersisted = "vote-not-persisted"
    case voteSentBeforePersisted = "vote-sent-before-persisted"
    case entriesAcknowledgedBeforePersisted = "entries-acknowledged-before-persisted"
    case ownEntriesCountedBeforePersisted = "own-entries-counted-before-persisted"
    case readsBeforeCommitInTerm = "reads-before-commit-in-term"
    case truncatesOnMatch = "truncates-on-match"
    case commitsEarlierTermsByCounting = "commits-earlier-terms-by-counting"
    case jointQuorumOfUnion = "joint-quorum-of-union"
    case jointQuorumOfIncomingHalf = "joint-quorum-of-incoming-half"
    case learnersInQuorum = "learners-in-quorum"
    case votesForShorterLogs = "votes-for-shorter-logs"
    case staleAcknowledgements = "stale-acknowledgements"
    case changesAppliedAtAppend = "changes-applied-at-append"
    case heartbeatsCommitUnmatchedEntries = "heartbeats-commit-unmatched-entries"
    case staleTermsAccepted = "stale-terms-accepted"
    // In the host.
    case noSync = "no-sync"
    case appliedIndexApart = "applied-index-apart"
    case identityReused = "identity-reused"
    case snapshotNotDurable = "snapshot-not-durable"
    case snapshotRacesApply = "snapshot-races-apply"
    case compactsBeyondDurable = "compacts-beyond-durable"
    case dispatchesBeforeCommit = "dispatches-before-commit"
    case wallClockTime = "wall-clock-time"
    // In the state machine and its answers.
    case sessionsLostInSnapshot = "sessions-lost-in-snapshot"
    case noDeduplication = "no-deduplication"
    case answersBeforeCommit = "answers-before-commit"
    case deposedLeaderAnswers = "deposed-leader-answers"
    case staleReadAfterPause = "stale-read-after-pause"
    case readsBeforeApplied = "reads-before-applied"

    /// What it switches on in the core; empty for a defect of the host.
    package var planted: PlantedDefects {
        switch self {
        case .voteNotPersisted: .voteNotPersisted
        case .voteSentBeforePersisted: .voteSentBeforePersisted
        case .entriesAcknowledgedBeforePersisted: .entriesAcknowledgedBeforePersisted
        case .ownEntriesCountedBeforePersisted: .ownEntriesCountedBeforePersisted
        case .readsBeforeCommitInTerm: .readsBeforeCommitInTerm
        case .truncatesOnMatch: .truncatesOnMatch
        case .commitsEarlierTermsByCounting: .commitsEarlierTermsByCounting
        case .jointQuorumOfUnion: .jointQuorumOfUnion
        case .jointQuorumOfIncomingHalf: .jointQuorumOfIncomingHalf
        case .learnersInQuorum: .learnersInQuorum
        case .votesForShorterLogs: .votesForShorterLogs
        case .staleAcknowledgements: .staleAcknowledgements
        case .changesAppliedAtAppend: .changesAppliedAtAppend
        case .heartbeatsCommitUnmatchedEntries: .heartbeatsCommitUnmatchedEntries
        case .staleTermsAccepted: .staleTermsAccepted
        case .noSync, .appliedIndexApart, .identityReused, .snapshotNotDurable, .snapshotRacesApply,
            .compactsBeyondDurable, .sessionsLostInSnapshot, .noDeduplication, .answersBeforeCommit,
            .deposedLeaderAnswers, .staleReadAfterPause, .readsBeforeApplied, .dispatchesBeforeCommit, .wallClockTime:
            []
        }
    }
}

extension Set<Defect> {
    /// What is switched on in the core.
    package var planted: PlantedDefects { self.reduce(into: []) { $0.formUnion($1.planted) } }
}
