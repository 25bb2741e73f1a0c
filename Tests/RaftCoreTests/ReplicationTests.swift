import RaftCore
import Testing

/// Log replication and the commit rule (Raft paper, sections 5.3 and 5.4.2).
struct ReplicationTests {
    private func response(_ messages: [RaftMessage]) -> AppendResponse? {
        guard case .appendResponse(let response) = messages.last?.body else { return nil }
        return response
    }

    @Test
    func `a proposal is applied by all, in order, once a majority has it`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        let place = try group[1].propose([[1], [2], [3]])
        group.settle()
        for member in group.members {
            #expect(member.applied.map(\.payload) == [[], [1], [2], [3]])
            #expect(member.applied.last?.id == place)
        }
    }

    @Test
    func `only leaders take proposals and others name the leader`() throws {
        var group = try TestGroup(3)
        #expect(throws: ProposalRejection.notLeader(leader: nil)) { try group[2].propose([1]) }
        group.elect(1)
        #expect(throws: ProposalRejection.notLeader(leader: NodeID(1))) { try group[2].propose([1]) }
    }

    @Test
    func `entries of earlier terms are committed only by one of the leader's own term`() throws {
        // given a leader of term 3 whose log ends with entries of terms 1 and 2
        var node = try makeNode(logTerms: [1, 2], term: 2) { $0.preVote = false }
        node.campaign()
        _ = node.takeMessages()
        let last = EntryID(term: Term(2), index: LogIndex(2))
        let grant = VoteResponse(phase: .vote, isGranted: true, lastEntry: last)
        node.step(.between(2, 1, term: 3, .voteResponse(grant)))
        _ = node.takeMessages()
        // when a majority has entry 2
        node.step(.between(2, 1, term: 3, .appendResponse(AppendResponse(index: LogIndex(2)))))
        // then it is not committed before the leader's own entry 3 is on a majority
        #expect(node.commitIndex == .zero)
        node.step(.between(2, 1, term: 3, .appendResponse(AppendResponse(index: LogIndex(3)))))
        #expect(node.commitIndex == LogIndex(3))
    }

    @Test
    func `a leader does not count itself before its own disk has the entry`() throws {
        // given a single voter with asynchronous storage
        let storage = MemoryStorage(voters: [NodeID(1)])
        var configuration = RaftConfiguration(id: NodeID(1))
        configuration.asynchronousStorageWrites = true
        var node = try RaftNode(configuration: configuration, storage: storage)
        node.campaign()
        while node.role != .leader {
            let work = try #require(node.ready().storageAppend)
            if let hardState = work.hardState { storage.set(hardState) }
            #expect(node.persisted(work).isEmpty)
        }
        // when its no-op is in the queue but not durable
        let work = try #require(node.ready().storageAppend)
        #expect(!node.hasReady && node.commitIndex == .zero)
        // then only durability commits and applies it
        storage.append(work.entries)
        #expect(node.persisted(work).isEmpty)
        #expect(node.commitIndex == LogIndex(1))
        #expect(node.ready().storageApply?.entries.map(\.index) == [LogIndex(1)])
    }

    @Test
    func `an acknowledgement of overwritten entries is ignored`() throws {
        // given a follower whose entry 1 of term 1 is on its way to the disk
        var node = try makeNode { $0.asynchronousStorageWrites = true }
        node.step(.between(2, 1, term: 1, append(0, 0, [entry(1, 1)])))
        let first = try #require(node.ready().storageAppend)
        // when a leader of term 2 replaces it before the acknowledgement arrives
        node.step(.between(3, 1, term: 2, append(0, 0, commit: 1, [entry(1, 2)])))
        let second = try #require(node.ready().storageAppend)
        _ = node.persisted(first)
        // then the new entry still counts as not durable
        #expect(!node.hasReady)
        node.disk.append(second.entries)
        _ = node.persisted(second)
        #expect(node.ready().storageApply?.entries.map(\.id) == [EntryID(term: Term(2), index: LogIndex(1))])
    }

    @Test(arguments: [
        ([1, 1, 1, 4, 4, 5, 5, 6, 6], 6, 10, 9, 6), ([1, 1, 1, 4], 6, 10, 4, 4),
        ([1, 1, 1, 4, 4, 4, 4], 5, 7, 7, 4), ([1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3], 6, 10, 10, 3),
        ([1, 1, 1, 4, 4, 5, 5, 6, 7, 7, 7], 6, 10, 8, 6),
    ])
    func `a refusal hints at the last entry that may match`(
        terms: [UInt64],
        previousTerm: UInt64,
        previousIndex: UInt64,
        hintIndex: UInt64,
        hintTerm: UInt64
    ) throws {
        var node = try makeNode(logTerms: terms, term: 8)
        node.step(.between(2, 1, term: 8, append(previousIndex, previousTerm)))
        let hint = try #require(self.response(node.takeMessages())?.rejectionHint)
        #expect(hint == EntryID(term: Term(hintTerm), index: LogIndex(hintIndex)))
    }

    @Test
    func `diverged logs become the leader's`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        // given entries only node 1 has
        _ = try group[1].propose([[1], [2], [3]])
        group.settle { $0.from == NodeID(1) }
        // when another leader goes on
        group[1].stepDown()
        group.elect(2)
        _ = try group[2].propose([9])
        group.settle()
        // then all logs are equal and hold nothing of the old ones
        #expect(group.log(1) == group.log(2) && group.log(3) == group.log(2))
        #expect(group.members[0].applied.map(\.payload) == [[], [], [9]])
    }

    @Test
    func `a delayed short request does not cut off newer entries`() throws {
        var node = try makeNode(logTerms: [1, 1, 1], term: 1)
        node.step(.between(2, 1, term: 1, append(0, 0, [entry(1, 1, [0])])))
        #expect(node.lastIndex == LogIndex(3))
        #expect(self.response(node.takeMessages()) == AppendResponse(index: LogIndex(1)))
    }

    @Test
    func `only a conflict truncates, and only from there`() throws {
        var node = try makeNode(logTerms: [1, 1, 1, 1], term: 1, commit: 1)
        node.step(.between(2, 1, term: 2, append(1, 1, [entry(2, 1, [1]), entry(3, 2)])))
        #expect(node.lastIndex == LogIndex(3))
        #expect(node.entryTerm(at: LogIndex(2)) == Term(1) && node.entryTerm(at: LogIndex(3)) == Term(2))
    }

    @Test
    func `a request from before the commit index is answered with it`() throws {
        var node = try makeNode(logTerms: [1, 1, 1], term: 1, commit: 3)
        node.step(.between(2, 1, term: 2, append(1, 1, [entry(2, 2)])))
        #expect(self.response(node.takeMessages()) == AppendResponse(index: LogIndex(3)))
        #expect(node.entryTerm(at: LogIndex(2)) == Term(1))
    }

    @Test
    func `a follower commits no further than what it knows to match`() throws {
        var node = try makeNode(logTerms: [1, 1, 1], term: 1)
        node.step(.between(2, 1, term: 1, append(1, 1, commit: 3, [entry(2, 1, [1])])))
        #expect(node.commitIndex == LogIndex(2))
    }

    @Test
    func `a duplicate or late request changes nothing`() throws {
        var node = try makeNode()
        let request = RaftMessage.between(2, 1, term: 1, append(0, 0, commit: 1, [entry(1, 1), entry(2, 1)]))
        let before = RaftMessage.between(2, 1, term: 1, append(0, 0, [entry(1, 1)]))
        for message in [request, before, request, before] { node.step(message) }
        #expect(node.lastIndex == LogIndex(2) && node.commitIndex == LogIndex(1))
        #expect(node.checkInvariants() == [])
    }

    @Test
    func `late acknowledgements never lower what is known`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        _ = try group[1].propose([[1], [2]])
        group.settle()
        for index in [1, 3, 2] as [UInt64] {
            group[1].step(.between(2, 1, term: 1, .appendResponse(AppendResponse(index: LogIndex(index)))))
        }
        #expect(group[1].status.peers[1].match == LogIndex(3))
    }

    @Test
    func `a follower that lost what it acknowledged stops, and its leader raises an alarm`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        _ = try group[1].propose([1])
        group.settle()
        // given node 3 comes back with an older disk under its old name
        let storage = MemoryStorage(voters: [NodeID(1), NodeID(2), NodeID(3)])
        storage.set(HardState(term: Term(1), vote: NodeID(1)))
        let node = try RaftNode(configuration: RaftConfiguration(id: NodeID(3)), storage: storage)
        group.members[2] = TestGroup.Member(node: node, storage: storage)
        // when it hears the leader
        for _ in 0..<2 { group[1].tick() }
        group.settle()
        // then it neither votes nor acknowledges again
        let lost = RaftFault.acknowledgedEntriesLost(acknowledged: LogIndex(2), lastIndex: .zero)
        #expect(group[3].fault == lost)
        #expect(group.members[0].alarms == [.followerLostEntries(node: NodeID(3), acknowledged: LogIndex(2))])
        #expect(group[3].step(.between(2, 3, term: 9, append(0, 0))) == .ignored(.stopped))
    }

    @Test
    func `lost requests fill the window only until the next heartbeat`() throws {
        var group = try TestGroup(3) { $0.maxInflightMessages = 2 }
        group.elect(1)
        for number in 0..<5 as Range<UInt8> {
            _ = try group[1].propose([number])
            group.settle { $0.to == NodeID(3) }
        }
        #expect(group[1].status.peers[2].isPaused && group[1].status.peers[2].inflightCount == 2)
        group[1].tick()
        group.settle()
        #expect(group.log(3) == group.log(1))
    }

    @Test
    func `the window is bounded in bytes too`() throws {
        var group = try TestGroup(3) { $0.maxInflightBytes = 100 }
        group.elect(1)
        for _ in 0..<9 { _ = try group[1].propose([UInt8](repeating: 7, count: 60)) }
        #expect(group[1].status.peers[1].inflightCount == 2)
        group.settle()
        #expect(group.log(3) == group.log(1) && group.log(1).count == 10)
    }

    @Test
    func `messages keep to their size unless one entry is larger`() throws {
        var group = try TestGroup(3) { $0.maxMessageBytes = 100 }
        group.elect(1)
        group.settle()
        _ = try group[1].propose([[UInt8]](repeating: [UInt8](repeating: 1, count: 30), count: 9))
        var largest = 0
        group.settle { message in
            if case .appendRequest(let request) = message.body { largest = max(largest, request.entries.count) }
            return false
        }
        #expect(largest == 1 && group.log(2) == group.log(1))
        _ = try group[1].propose([UInt8](repeating: 1, count: 5_000))
        group.settle()
        #expect(group.log(2).count == 11)
    }

    @Test
    func `a leader without a quorum stops taking payloads`() throws {
        var group = try TestGroup(3) { $0.maxUncommittedBytes = 100 }
        group.elect(1)
        for _ in 0..<10 { _ = try group[1].propose([UInt8](repeating: 0, count: 10)) }
        #expect(throws: ProposalRejection.uncommittedLimit) { try group[1].propose([0]) }
        _ = try group[1].propose([])
        group.settle()
        _ = try group[1].propose([UInt8](repeating: 0, count: 1_000))
        group.settle()
        #expect(group[1].status.uncommittedBytes == 0)
    }

    @Test
    func `committed entries are handed out in pieces of the configured size`() throws {
        var group = try TestGroup(1) { $0.maxApplyingBytes = 60 }
        group.elect(1)
        _ = try group[1].propose([[1], [2], [3], [4], [5]])
        var sizes: [Int] = []
        while let ready = group.handleReady(1) { sizes.append(ready.committedEntries.count) }
        #expect(sizes.max() == 2 && sizes.reduce(0, +) == 5)
    }
}
