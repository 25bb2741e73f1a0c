import RaftCore
import Testing

/// Linearizable reads (Raft thesis, section 6.4).
struct ReadIndexTests {
    @Test
    func `a read waits for a quorum of heartbeats`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        try group[1].readIndex(ReadRequestID(5))
        _ = group.handleReady(1)
        #expect(group.members[0].reads == [])
        group.settle()
        #expect(group.members[0].reads == [ReadState(request: ReadRequestID(5), index: LogIndex(1))])
    }

    @Test
    func `a follower's read is answered by the leader`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        try group[2].readIndex(ReadRequestID(5))
        group.settle()
        #expect(group.members[1].reads == [ReadState(request: ReadRequestID(5), index: LogIndex(1))])
    }

    @Test
    func `no read is answered before an entry of the leader's term is committed`() throws {
        var group = try TestGroup(3)
        group[1].campaign()
        group.settle { if case .appendRequest = $0.body { true } else { false } }
        #expect(group[1].role == .leader && group[1].commitIndex == .zero)
        try group[1].readIndex(ReadRequestID(1))
        for _ in 0..<3 { group[1].tick() }
        group.settle { if case .appendRequest = $0.body { true } else { false } }
        #expect(group.members[0].reads == [])
        group[1].tick()
        group.settle()
        #expect(group.members[0].reads == [ReadState(request: ReadRequestID(1), index: LogIndex(1))])
    }

    @Test
    func `an answer to an earlier heartbeat confirms no later read, even with the same request id`() throws {
        // given the answer to a first read's heartbeats arrives late
        var group = try TestGroup(3)
        group.elect(1)
        try group[1].readIndex(ReadRequestID(5))
        _ = group.handleReady(1)
        let heartbeats = group.mail
        group.mail = []
        for message in heartbeats { group[Int(message.to.rawValue)].step(message) }
        _ = group.handleReady(2)
        let late = group.mail
        group.mail = []
        // when the request is repeated under the same id
        try group[1].readIndex(ReadRequestID(5))
        for message in late { group[1].step(message) }
        _ = group.handleReady(1)
        // then only the first one is confirmed
        #expect(group.members[0].reads.count == 1)
    }

    @Test
    func `reads fail when leadership is lost`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        try group[1].readIndex(ReadRequestID(1))
        try group[2].readIndex(ReadRequestID(2))
        group[1].step(.between(3, 1, term: 9, append(0, 0)))
        group[2].step(.between(3, 2, term: 9, append(0, 0)))
        _ = group.handleReady(1)
        _ = group.handleReady(2)
        #expect(group.members[0].failedReads == [ReadRequestID(1)])
        #expect(group.members[1].failedReads == [ReadRequestID(2)])
    }

    @Test
    func `without a leader a read is refused at once, and reads are bounded`() throws {
        var group = try TestGroup(3) { $0.maxPendingReads = 2 }
        #expect(throws: ReadRejection.noLeader) { try group[1].readIndex(ReadRequestID(1)) }
        group.elect(1)
        for number in 1...2 as ClosedRange<UInt64> { try group[1].readIndex(ReadRequestID(number)) }
        #expect(throws: ReadRejection.tooManyReads) { try group[1].readIndex(ReadRequestID(3)) }
    }

    @Test
    func `a joint configuration confirms reads by both halves`() throws {
        var group = try TestGroup(5)
        group.elect(1)
        let steps: [ConfigurationChange.Step] = [.init(.remove, NodeID(4)), .init(.remove, NodeID(5))]
        _ = try group[1].proposeConfigurationChange(ConfigurationChange(steps, transition: .jointExplicit))
        group.settle()
        try group[1].readIndex(ReadRequestID(1))
        group.settle { $0.from.rawValue >= 3 }
        #expect(group.members[0].reads == [])
        group[1].tick()
        group.settle()
        #expect(group.members[0].reads.count == 1)
    }
}

/// Handing over leadership (Raft thesis, section 3.10).
struct TransferTests {
    @Test
    func `leadership goes to the named voter, which need not wait`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        group[1].transferLeadership(to: NodeID(2))
        #expect(throws: ProposalRejection.transferInProgress(to: NodeID(2))) { try group[1].propose([1]) }
        group.settle()
        #expect(group[2].role == .leader && group[1].role == .follower && group[2].term == Term(2))
    }

    @Test
    func `a voter that is behind is brought up to date first`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        _ = try group[1].propose([1])
        group.settle { $0.to == NodeID(3) }
        group[1].transferLeadership(to: NodeID(3))
        group[1].tick()
        group.settle()
        #expect(group[3].role == .leader && group.log(3) == group.log(1))
    }

    @Test
    func `a transfer that does not succeed in an election timeout is given up`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        group[1].transferLeadership(to: NodeID(3))
        for _ in 0..<10 {
            group[1].tick()
            group.settle { $0.to == NodeID(3) }
        }
        #expect(group[1].role == .leader)
        _ = try group[1].propose([1])
    }

    @Test
    func `a follower passes the wish on, and strangers and learners are not served`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        group[1].transferLeadership(to: NodeID(9))
        #expect(group[1].proposalRejection == nil)
        group[2].transferLeadership(to: NodeID(3))
        group.settle()
        #expect(group[3].role == .leader)
    }
}

/// Snapshots (Raft paper, section 7).
struct SnapshotTests {
    private func snapshot(_ index: UInt64, term: UInt64, voters: [UInt64] = [1, 2, 3]) -> Snapshot {
        let members = ClusterConfiguration(voters: voters.map { NodeID($0) })
        return Snapshot(metadata: SnapshotMetadata(index: LogIndex(index), term: Term(term), configuration: members))
    }

    @Test
    func `a follower behind the compacted log gets a snapshot and goes on from there`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        _ = try group[1].propose([[1], [2], [3]])
        group.settle { $0.to == NodeID(3) }
        let storage = group.members[0].storage
        storage.makeSnapshot(at: LogIndex(4), configuration: group[1].members)
        storage.compact(through: LogIndex(4))
        group[1].tick()
        group.settle()
        #expect(group[3].commitIndex == LogIndex(4) && group.members[2].storage.firstIndex == LogIndex(5))
        _ = try group[1].propose([4])
        group.settle()
        #expect(group.members[2].applied.last?.payload == [4])
        #expect(group[1].status.peers[2].state == .replicate)
    }

    @Test
    func `an older snapshot is ignored and answered with the commit index`() throws {
        var node = try makeNode(logTerms: [1, 1, 1], term: 1, commit: 3)
        node.step(.between(2, 1, term: 1, .snapshot(self.snapshot(2, term: 1))))
        let messages = node.takeMessages()
        #expect(messages.map(\.body) == [.appendResponse(AppendResponse(index: LogIndex(3)))])
        #expect(node.lastIndex == LogIndex(3))
    }

    @Test
    func `a snapshot of what is in the log only raises the commit index`() throws {
        var node = try makeNode(logTerms: [1, 1, 1], term: 1)
        node.step(.between(2, 1, term: 1, .snapshot(self.snapshot(2, term: 1))))
        #expect(node.commitIndex == LogIndex(2) && node.lastIndex == LogIndex(3))
        #expect(node.ready().snapshot == nil)
    }

    @Test
    func `a node neither campaigns nor applies while a snapshot waits for its installation`() throws {
        var node = try makeNode { $0.asynchronousStorageWrites = true }
        node.step(.between(2, 1, term: 1, .snapshot(self.snapshot(5, term: 1))))
        node.step(.between(2, 1, term: 1, append(5, 1, commit: 6, [entry(6, 1)])))
        node.campaign()
        #expect(node.role == .follower)
        let ready = node.ready()
        #expect(ready.storageApply == nil && ready.storageAppend?.snapshot?.id.index == LogIndex(5))
        let work = try #require(ready.storageAppend)
        node.disk.install(self.snapshot(5, term: 1))
        node.disk.append(work.entries)
        _ = node.persisted(work)
        #expect(node.appliedIndex == LogIndex(5))
        #expect(node.ready().storageApply?.entries.map(\.index) == [LogIndex(6)])
    }

    @Test
    func `of two snapshots in quick succession the newer one wins`() throws {
        var node = try makeNode { $0.asynchronousStorageWrites = true }
        node.step(.between(2, 1, term: 1, .snapshot(self.snapshot(5, term: 1))))
        let first = try #require(node.ready().storageAppend)
        node.step(.between(2, 1, term: 1, .snapshot(self.snapshot(9, term: 1))))
        let second = try #require(node.ready().storageAppend)
        node.disk.install(self.snapshot(5, term: 1))
        _ = node.persisted(first)
        #expect(node.lastIndex == LogIndex(9))
        node.disk.install(self.snapshot(9, term: 1))
        _ = node.persisted(second)
        #expect(node.appliedIndex == LogIndex(9) && node.checkInvariants() == [])
    }

    @Test
    func `a snapshot may bring any members, with or without this node, voter or learner`() throws {
        var demoted = try makeNode(term: 1)
        var metadata = self.snapshot(5, term: 1, voters: [2, 3]).metadata
        metadata.configuration.learners = [NodeID(1)]
        demoted.step(.between(2, 1, term: 1, .snapshot(Snapshot(metadata: metadata))))
        #expect(demoted.members == metadata.configuration && demoted.checkInvariants() == [])
        var stranger = try makeNode(term: 1)
        stranger.step(.between(2, 1, term: 1, .snapshot(self.snapshot(5, term: 1, voters: [2, 3]))))
        #expect(stranger.lastIndex == LogIndex(5))
        var joint = try makeNode(term: 1)
        metadata.configuration.votersOutgoing = [NodeID(3), NodeID(4)]
        metadata.configuration.learnersNext = [NodeID(4)]
        joint.step(.between(2, 1, term: 1, .snapshot(Snapshot(metadata: metadata))))
        #expect(joint.members == metadata.configuration && joint.checkInvariants() == [])
    }

    @Test
    func `entries handed out before a snapshot arrived still change the members the host stores`() throws {
        // given a committed change is in the apply queue
        let change = ConfigurationChange([.init(.remove, NodeID(3))])
        let entry = LogEntry(term: Term(1), index: LogIndex(1), kind: .configurationChangeV2, payload: change.encoded())
        var node = try makeNode()
        node.step(.between(2, 1, term: 1, append(0, 0, commit: 1, [entry])))
        _ = node.ready()
        // when a snapshot with other members arrives before it is applied
        node.step(.between(2, 1, term: 1, .snapshot(self.snapshot(5, term: 1, voters: [1, 2, 4]))))
        // then the host gets the members as of the entry, and the node keeps those of the snapshot
        #expect(try node.applyConfigurationChange(entry).voters == [NodeID(1), NodeID(2)])
        #expect(node.members.voters == [NodeID(1), NodeID(2), NodeID(4)])
    }

    @Test
    func `a failed transfer of a snapshot leads to another try`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        _ = try group[1].propose([[1], [2]])
        group.settle { $0.to == NodeID(3) }
        let storage = group.members[0].storage
        storage.makeSnapshot(at: LogIndex(3), configuration: group[1].members)
        storage.compact(through: LogIndex(3))
        group[1].tick()
        group.settle { if case .snapshot = $0.body { true } else { false } }
        #expect(group[1].status.peers[2].state == .snapshot)
        group[1].reportSnapshot(to: NodeID(3), succeeded: false)
        group[1].tick()
        group.settle()
        #expect(group[3].commitIndex == LogIndex(3))
    }
}
