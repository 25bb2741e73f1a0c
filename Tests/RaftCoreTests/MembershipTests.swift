import RaftCore
import Testing

/// Changes of members (Raft thesis, chapter 4).
struct MembershipTests {
    private func voters(_ numbers: UInt64...) -> [NodeID] { numbers.map { NodeID($0) } }

    @Test
    func `one change at a time`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        let remove = ConfigurationChange([.init(.remove, NodeID(3))])
        let place = try group[1].proposeConfigurationChange(remove)
        #expect(throws: ProposalRejection.changeInProgress(index: place.index)) {
            try group[1].proposeConfigurationChange(remove)
        }
        group.settle()
        #expect(group[1].members.voters == self.voters(1, 2))
    }

    @Test
    func `a new leader changes no members before all its earlier entries are applied`() throws {
        var group = try TestGroup(3)
        group[1].campaign()
        while group[1].role != .leader {
            _ = group.handleReady(1)
            _ = group.handleReady(2)
            let mail = group.mail
            group.mail = []
            for message in mail where message.to != NodeID(3) { group[Int(message.to.rawValue)].step(message) }
        }
        _ = try group[1].proposeConfigurationChange(ConfigurationChange([.init(.remove, NodeID(3))]))
        // Entry 1 is its no-op; the change waits behind it and takes effect when applied.
        #expect(group[1].members.voters == self.voters(1, 2, 3))
        group.settle()
        #expect(group[2].members.voters == self.voters(1, 2))
    }

    @Test
    func `several changes go through a joint configuration that the leader leaves`() throws {
        var group = try TestGroup(5)
        group.elect(1)
        let change = ConfigurationChange([.init(.remove, NodeID(4)), .init(.addLearner, NodeID(5))])
        _ = try group[1].proposeConfigurationChange(change)
        group.settle()
        for number in 1...3 {
            #expect(group[number].members == ClusterConfiguration(voters: self.voters(1, 2, 3), learners: [NodeID(5)]))
        }
        let kinds = group.members[0].applied.map(\.kind)
        #expect(kinds == [.normal, .configurationChangeV2, .configurationChangeV2])
    }

    @Test
    func `a joint configuration needs majorities of both halves`() throws {
        var group = try TestGroup(5)
        group.elect(1)
        let steps: [ConfigurationChange.Step] = [.init(.remove, NodeID(4)), .init(.remove, NodeID(5))]
        _ = try group[1].proposeConfigurationChange(ConfigurationChange(steps, transition: .jointExplicit))
        group.settle()
        #expect(group[1].members.isJoint && !group[1].members.autoLeave)
        // given nodes 3, 4 and 5 are cut off: 1 and 2 are a majority of the new half only
        _ = try group[1].propose([7])
        let before = group[1].commitIndex
        group.settle { $0.to.rawValue >= 3 }
        #expect(group[1].commitIndex == before)
        group[1].tick()
        group.settle()
        #expect(group[1].commitIndex > before)
        #expect(throws: ProposalRejection.mustLeaveJoint) {
            try group[1].proposeConfigurationChange(ConfigurationChange([.init(.addVoter, NodeID(4))]))
        }
        _ = try group[1].proposeConfigurationChange(.leaveJoint)
        group.settle()
        #expect(group[1].members == ClusterConfiguration(voters: self.voters(1, 2, 3)))
        #expect(throws: ProposalRejection.notJoint) { try group[1].proposeConfigurationChange(.leaveJoint) }
    }

    @Test
    func `changes that cannot be made are refused before they enter the log`() throws {
        var group = try TestGroup(1)
        group.elect(1)
        let remove = ConfigurationChange([.init(.remove, NodeID(1))])
        #expect(throws: ProposalRejection.invalidChange(.removedAllVoters)) {
            try group[1].proposeConfigurationChange(remove)
        }
        #expect(throws: ProposalRejection.invalidChange(.malformed)) {
            try group[1].proposeConfigurationChange(.leaveJoint, asSingleChange: true)
        }
        #expect(group.log(1).count == 1)
    }

    @Test
    func `a node does not campaign while a committed change is not applied`() throws {
        let change = ConfigurationChange([.init(.remove, NodeID(3))])
        var node = try makeNode()
        let payload = change.encoded()
        let entry = LogEntry(term: Term(1), index: LogIndex(1), kind: .configurationChangeV2, payload: payload)
        node.step(.between(2, 1, term: 1, append(0, 0, commit: 1, [entry])))
        node.campaign()
        node.step(.between(2, 1, term: 1, .timeoutNow))
        #expect(node.role == .follower)
        for entry in node.ready().committedEntries { _ = try node.applyConfigurationChange(entry) }
        node.advance()
        node.campaign()
        #expect(node.role == .preCandidate)
    }

    @Test
    func `an applied change is applied once`() throws {
        let change = ConfigurationChange([.init(.remove, NodeID(3))])
        let entry = LogEntry(term: Term(1), index: LogIndex(1), kind: .configurationChangeV2, payload: change.encoded())
        var node = try makeNode()
        #expect(try node.applyConfigurationChange(entry).voters == self.voters(1, 2))
        #expect(throws: ConfigurationChangeError.superseded) { try node.applyConfigurationChange(entry) }
    }

    @Test
    func `a removed leader steps down and the others go on`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        _ = try group[1].proposeConfigurationChange(ConfigurationChange([.init(.remove, NodeID(1))]))
        group.settle()
        #expect(group[1].role == .follower)
        #expect(throws: ProposalRejection.self) { try group[1].propose([1]) }
        group.elect(2)
        #expect(group[2].role == .leader && group[2].members.voters == self.voters(2, 3))
    }

    @Test
    func `the last one of two learns from a vote that the other is removed`() throws {
        // given a leader removed itself, and its peer did not hear of the commit before the leader stepped down
        var group = try TestGroup(2)
        group.elect(1)
        _ = try group[1].proposeConfigurationChange(ConfigurationChange([.init(.remove, NodeID(1))]))
        _ = try group[1].propose([1])
        while group[1].role == .leader {
            _ = group.handleReady(1)
            _ = group.handleReady(2)
            let mail = group.mail
            group.mail = []
            for message in mail where group[1].commitIndex < LogIndex(2) {
                group[Int(message.to.rawValue)].step(message)
            }
        }
        #expect(group[2].commitIndex < LogIndex(2))
        // when the peer asks for its vote
        group[2].forgetLeader()
        for _ in 0..<5 {
            group[2].campaign()
            group.settle()
        }
        // then it knows, and leads alone
        #expect(group[2].role == .leader && group[2].members.voters == self.voters(2))
    }

    @Test
    func `a change survives its encoding`() throws {
        let steps: [ConfigurationChange.Step] = [.init(.addVoter, NodeID(7)), .init(.addLearner, NodeID(.max))]
        for transition in [ConfigurationChange.Transition.automatic, .jointImplicit, .jointExplicit] {
            let change = ConfigurationChange(steps, transition: transition, context: [1, 2])
            let entry = LogEntry(term: .zero, index: .zero, kind: .configurationChangeV2, payload: change.encoded())
            #expect(try ConfigurationChange(of: entry) == change)
        }
        let single = ConfigurationChange([.init(.update, NodeID(3))], context: [9])
        let payload = try #require(single.encodedAsSingleChange())
        let entry = LogEntry(term: .zero, index: .zero, kind: .configurationChange, payload: payload)
        #expect(try ConfigurationChange(of: entry) == single)
        #expect(ConfigurationChange.leaveJoint.encoded() == [])
    }

    @Test
    func `malformed changes are refused at every length`() {
        let good = ConfigurationChange([.init(.addVoter, NodeID(1)), .init(.remove, NodeID(2))]).encoded()
        for kind in [EntryKind.configurationChange, .configurationChangeV2] {
            for count in 1..<good.count where !(kind == .configurationChange && count >= 10) {
                let entry = LogEntry(term: .zero, index: .zero, kind: kind, payload: Array(good.prefix(count)))
                #expect(throws: ConfigurationChangeError.malformed) { try ConfigurationChange(of: entry) }
            }
        }
        var random = SplitMix64(seed: 1)
        for _ in 0..<2_000 {
            let bytes = (0..<random.next(below: 40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let entry = LogEntry(term: .zero, index: .zero, kind: .configurationChangeV2, payload: bytes)
            _ = try? ConfigurationChange(of: entry)
        }
    }
}
