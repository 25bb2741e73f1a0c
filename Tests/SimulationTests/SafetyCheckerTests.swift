import RaftCore
import Simulation
import Testing

/// The checker itself must be able to fail.
@Suite struct SafetyCheckerTests {
    private let one = NodeID(1)
    private let two = NodeID(2)
    private let three = NodeID(3)

    private func vote(from voter: NodeID, for candidate: NodeID, term: Term) -> RaftMessage {
        RaftMessage(
            group: GroupID(1),
            incarnation: IncarnationID(1),
            from: voter,
            to: candidate,
            term: term,
            body: .voteResponse(VoteResponse(phase: .vote, isGranted: true, lastEntry: EntryID()))
        )
    }

    @Test func `two votes in a term are noticed, the same one twice is not`() {
        var checker = SafetyChecker()

        checker.sent(self.vote(from: self.one, for: self.two, term: Term(3)))
        checker.sent(self.vote(from: self.one, for: self.two, term: Term(3)))
        checker.sent(self.vote(from: self.one, for: self.three, term: Term(4)))
        #expect(checker.violations.isEmpty)

        checker.sent(self.vote(from: self.one, for: self.three, term: Term(3)))
        #expect(checker.violations.count == 1)
    }

    @Test func `a durable vote that changes and a term that falls are noticed`() {
        var checker = SafetyChecker()
        checker.persisted(HardState(term: Term(2), vote: self.one), by: self.three)

        checker.persisted(HardState(term: Term(2), vote: self.two), by: self.three)
        checker.persisted(HardState(term: Term(1)), by: self.three)

        #expect(checker.violations.count == 2)
    }

    @Test func `states and members that differ at the same index are noticed`() {
        var checker = SafetyChecker()
        let members = ClusterConfiguration(voters: [self.one])
        checker.applied(at: LogIndex(5), digest: 7, members: members, by: self.one)
        checker.applied(at: LogIndex(5), digest: 7, members: members, by: self.two)
        #expect(checker.violations.isEmpty)

        checker.applied(at: LogIndex(5), digest: 8, members: members, by: self.two)
        checker.applied(at: LogIndex(5), digest: 7, members: ClusterConfiguration(), by: self.two)

        #expect(checker.violations.count == 2)
        #expect(checker.highestApplied == LogIndex(5))
    }

    @Test func `a read that misses what was committed before is noticed`() {
        var checker = SafetyChecker()
        let read = ReadState(request: ReadRequestID(1), index: LogIndex(4))

        checker.served(read, askedAt: LogIndex(4), by: self.one)
        #expect(checker.violations.isEmpty)
        checker.served(read, askedAt: LogIndex(5), by: self.one)
        #expect(checker.violations.count == 1)
    }
}
