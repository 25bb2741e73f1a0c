import RaftCore
import Testing

/// Leader election (Raft paper, sections 5.1, 5.2 and 5.4.1; thesis, sections 4.2.3 and 9.6).
struct ElectionTests {
    private func vote(_ term: UInt64, _ index: UInt64, _ phase: ElectionPhase = .vote) -> RaftMessage.Body {
        .voteRequest(VoteRequest(phase: phase, lastEntry: EntryID(term: Term(term), index: LogIndex(index))))
    }

    private func isGranted(_ messages: [RaftMessage]) -> Bool? {
        guard case .voteResponse(let response) = messages.last?.body else { return nil }
        return response.isGranted
    }

    @Test
    func `a node starts as follower and campaigns after its timeout`() throws {
        var node = try makeNode { $0.preVote = false }
        #expect(node.role == .follower)
        for _ in 0..<9 { node.tick() }
        #expect(node.role == .follower)
        for _ in 0..<11 where node.role == .follower { node.tick() }
        #expect(node.role == .candidate)
        #expect(node.term == Term(1) && node.vote == NodeID(1))
        #expect(node.takeMessages().map(\.to) == [NodeID(2), NodeID(3)])
    }

    @Test
    func `election timeouts are spread over one more timeout and depend on the seed`() throws {
        var timeouts: Set<Int> = []
        for seed in 0..<200 {
            var node = try makeNode { $0.randomSeed = UInt64(seed) }
            var ticks = 0
            while node.role == .follower {
                node.tick()
                ticks += 1
            }
            timeouts.insert(ticks)
        }
        #expect(timeouts == Set(10...19))
    }

    @Test
    func `a higher term makes every role a follower of that term`() throws {
        for role in 0..<3 {
            var group = try TestGroup(3)
            if role > 0 { group.elect(1) }
            if role == 2 { group[1].stepDown() }
            group[1].step(.between(2, 1, term: 9, append(0, 0)))
            #expect(group[1].role == .follower)
            #expect(group[1].term == Term(9) && group[1].leader == NodeID(2))
        }
    }

    @Test
    func `a node votes once in a term, for the first who asks`() throws {
        var node = try makeNode()
        node.step(.between(2, 1, term: 1, self.vote(0, 0)))
        #expect(self.isGranted(node.takeMessages()) == true)
        node.step(.between(3, 1, term: 1, self.vote(0, 0)))
        #expect(self.isGranted(node.takeMessages()) == false)
        node.step(.between(2, 1, term: 1, self.vote(0, 0)))
        #expect(self.isGranted(node.takeMessages()) == true, "a repeated request gets the same answer")
    }

    @Test
    func `a vote survives a restart`() throws {
        var node = try makeNode(term: 1, vote: 2)
        node.step(.between(3, 1, term: 1, self.vote(0, 0)))
        #expect(self.isGranted(node.takeMessages()) == false)
    }

    @Test
    func `a vote and its answer leave together, the answer after the disk`() throws {
        var node = try makeNode { $0.asynchronousStorageWrites = true }
        node.step(.between(2, 1, term: 1, self.vote(0, 0)))
        let ready = node.ready()
        #expect(ready.messages == [] && ready.messagesAfterPersist == [])
        #expect(ready.storageAppend?.hardState?.vote == NodeID(2))
        #expect(ready.storageAppend?.responses.count == 1 && ready.mustSync)
    }

    @Test(arguments: [
        ([1], 1, 1, true), ([1], 1, 2, true), ([1, 1], 1, 1, false), ([1], 2, 1, true), ([1, 1], 2, 1, true),
        ([2], 1, 9, false), ([2], 2, 1, true), ([1, 2], 1, 3, false),
    ])
    func `only a log that is at least as up to date gets the vote`(
        terms: [UInt64],
        lastTerm: UInt64,
        lastIndex: UInt64,
        isGranted: Bool
    ) throws {
        var node = try makeNode(logTerms: terms, term: 2)
        node.step(.between(2, 1, term: 3, self.vote(lastTerm, lastIndex)))
        #expect(self.isGranted(node.takeMessages()) == isGranted)
    }

    @Test
    func `a majority makes a leader and a majority of refusals a follower`() throws {
        var group = try TestGroup(5)
        group[1].campaign()
        group.settle { $0.isBetween(1, 4) || $0.isBetween(1, 5) }
        #expect(group[1].role == .leader)
        var other = try TestGroup(5)
        other[1].campaign()
        other.settle { $0.isBetween(1, 3) || $0.isBetween(1, 4) || $0.isBetween(1, 5) }
        #expect(other[1].role == .preCandidate && other[1].term == .zero)
    }

    @Test
    func `a pre-vote that fails changes no term`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        for _ in 0..<50 {
            group[3].tick()
            group.settle { $0.to == NodeID(3) || $0.from == NodeID(3) }
        }
        #expect(group[3].term == Term(1) && group[3].role == .preCandidate)
        group.settle()
        #expect(group[1].role == .leader && group[1].term == Term(1))
    }

    @Test
    func `voters that hear their leader ignore candidates, unless it asked for the election`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        let last = EntryID(term: Term(1), index: LogIndex(1))
        let plain = RaftMessage.Body.voteRequest(VoteRequest(phase: .vote, lastEntry: last))
        #expect(group[2].step(.between(3, 2, term: 5, plain)) == .ignored(.leaderIsAlive))
        #expect(group[2].term == Term(1))
        let asked = RaftMessage.Body.voteRequest(VoteRequest(phase: .vote, lastEntry: last, isTransfer: true))
        #expect(group[2].step(.between(3, 2, term: 5, asked)) == .handled)
        #expect(group[2].term == Term(5))
    }

    @Test
    func `a leader that hears nobody for an election timeout steps down`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        for _ in 0..<20 { group[1].tick() }
        #expect(group[1].role == .follower && group[1].term == Term(1))
    }

    @Test
    func `a stale leader learns the new term from the answer to its heartbeat`() throws {
        var node = try makeNode(term: 7)
        #expect(node.step(.between(2, 1, term: 3, .heartbeat(Heartbeat(commit: .zero)))) == .ignored(.staleTerm))
        let answer = try #require(node.takeMessages().first)
        #expect(answer.term == Term(7) && answer.to == NodeID(2))
    }

    @Test
    func `a pre-candidate of an old term is refused rather than ignored`() throws {
        var node = try makeNode(term: 7)
        #expect(node.step(.between(2, 1, term: 3, self.vote(9, 9, .preVote))) == .ignored(.staleTerm))
        #expect(self.isGranted(node.takeMessages()) == false)
    }

    @Test
    func `grants of an earlier pre-vote or for another log are not counted`() throws {
        var node = try makeNode(logTerms: [1], term: 1)
        node.campaign()
        #expect(node.role == .preCandidate)
        _ = node.takeMessages()
        let own = EntryID(term: Term(1), index: LogIndex(1))
        let old = VoteResponse(phase: .preVote, isGranted: true, lastEntry: own)
        #expect(node.step(.between(2, 1, term: 1, .voteResponse(old))) == .ignored(.staleTerm))
        let longer = EntryID(term: Term(1), index: LogIndex(2))
        let other = VoteResponse(phase: .preVote, isGranted: true, lastEntry: longer)
        #expect(node.step(.between(2, 1, term: 2, .voteResponse(other))) == .ignored(.staleTerm))
        let phase = VoteResponse(phase: .vote, isGranted: true, lastEntry: own)
        #expect(node.step(.between(2, 1, term: 1, .voteResponse(phase))) == .ignored(.wrongRole))
        #expect(node.role == .preCandidate)
        #expect(node.step(.between(2, 1, term: 2, .voteResponse(old))) == .handled)
        #expect(node.role == .candidate && node.term == Term(2))
    }

    @Test
    func `a node that believes to be a learner still votes`() throws {
        let storage = MemoryStorage(voters: [NodeID(2)], learners: [NodeID(1)])
        var node = try RaftNode(configuration: RaftConfiguration(id: NodeID(1)), storage: storage)
        node.step(.between(2, 1, term: 1, self.vote(0, 0)))
        #expect(self.isGranted(node.takeMessages()) == true)
        node.campaign()
        #expect(node.role == .follower, "but it does not campaign")
    }

    @Test
    func `a node that must never lead does not campaign, not even when asked to`() throws {
        var node = try makeNode { $0.electionPriority = .never }
        for _ in 0..<100 { node.tick() }
        node.campaign()
        node.step(.between(2, 1, term: 1, .timeoutNow))
        #expect(node.role == .follower)
    }

    @Test
    func `a lower rank goes first`() throws {
        var node = try makeNode { $0.electionPriority = .rank(2) }
        for _ in 0..<29 { node.tick() }
        #expect(node.role == .follower)
        for _ in 0..<11 { node.tick() }
        #expect(node.role == .preCandidate)
    }

    @Test
    func `a pause makes followers wait again and leaders step down`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        group[1].resumeAfterPause()
        #expect(group[1].role == .follower && group[1].term == Term(1))
        for _ in 0..<9 { group[2].tick() }
        group[2].resumeAfterPause()
        for _ in 0..<9 { group[2].tick() }
        #expect(group[2].role == .follower)
    }

    @Test
    func `two leaders of one term raise an alarm`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        #expect(group[1].step(.between(2, 1, term: 1, .heartbeat(Heartbeat(commit: .zero)))) == .ignored(.wrongRole))
        #expect(group[1].ready().alarms == [.secondLeader(node: NodeID(2), term: Term(1))])
    }
}
