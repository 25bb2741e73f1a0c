import ProcessEngine
import RaftCore
import StateStore
import Testing

@testable import ReplicaCore

@Suite struct MembershipTests {
    @Test func `members are stored with the index as of which they hold`() throws {
        let trio = try Trio()
        let leader = try trio.elect(among: [1, 2, 3])

        try leader.step([.changeMembers(RequestID("a"), .addLearner(NodeID(9), address: "host:1"))])
        try trio.settle()
        try leader.tick(3)
        try trio.settle()

        #expect(leader.answers[RequestID("a")] == .done)
        for member in trio.members {
            let stored = try Membership(decoding: member.state.inner.membership)
            #expect(stored.configuration.learners == [NodeID(9)])
            #expect(stored.address(of: NodeID(9)) == "host:1")
            #expect(member.replica.membership == stored)
            #expect(member.memberships.last == stored)
        }
        #expect(Set(trio.members.map(\.state.inner.digest)).count == 1)
    }

    @Test func `a learner that is far behind gets no vote`() throws {
        let trio = try Trio()
        let leader = try trio.elect(among: [1, 2, 3])
        try leader.step([.changeMembers(RequestID("a"), .addLearner(NodeID(9), address: "host:1"))])
        try trio.settle()

        try leader.step([.changeMembers(RequestID("b"), .promote(NodeID(9)))])

        guard case .tooEarly = leader.answers[RequestID("b")] else {
            Issue.record("Expected a refusal, but got \(String(describing: leader.answers[RequestID("b")]))")
            return
        }
    }

    @Test func `asking again for what is done already is answered as done`() throws {
        let trio = try Trio()
        let leader = try trio.elect(among: [1, 2, 3])

        try leader.step([.changeMembers(RequestID("a"), .promote(leader.id))])
        try leader.step([.changeMembers(RequestID("b"), .remove(NodeID(77)))])

        #expect(leader.answers[RequestID("a")] == .done)
        #expect(leader.answers[RequestID("b")] == .done)
    }

    @Test func `only a leader changes members`() throws {
        let trio = try Trio()
        let leader = try trio.elect(among: [1, 2, 3])
        let follower = try #require(trio.members.first { $0.id != leader.id })
        try follower.step([.changeMembers(RequestID("a"), .remove(leader.id))])
        #expect(follower.isRefused(RequestID("a")))
    }

    @Test func `leadership is handed to the voter that is named`() throws {
        let trio = try Trio()
        let leader = try trio.elect(among: [1, 2, 3])
        try leader.define()
        try trio.settle()
        let target = try #require(trio.members.first { $0.id != leader.id })

        try leader.step([.transferLeadership(to: target.id)])
        try trio.settle()

        #expect(target.replica.isReady)
        let id = try target.submit(ReplicaHarness.create)
        try trio.settle()
        #expect(target.created(id) != nil)
    }

    @Test func `a node that may not lead hands over and does not campaign`() throws {
        let trio = try Trio()
        let leader = try trio.elect(among: [1, 2, 3])

        try leader.step([.mayLead(false)])
        try trio.settle()

        #expect(leader.replica.role == .follower)
        let others = trio.members.filter { $0.id != leader.id }
        #expect(others.contains { $0.replica.role == .leader })
        try leader.tick(100)
        #expect(leader.replica.role == .follower)
    }

    @Test func `the death of the leader's process starts an election after the jitter`() throws {
        let trio = try Trio()
        let leader = try trio.elect(among: [1, 2, 3])
        trio.isolated = [leader.id.rawValue]
        let others = trio.members.filter { $0.id != leader.id }

        for (number, member) in others.enumerated() {
            try member.step([.peerDied(leader.id, campaignIn: Int64(10 + 30 * number))])
        }
        #expect(others[0].replica.wakeTime == others[0].time + 10)
        try others[0].pass(milliseconds: 10)
        try trio.settle()

        #expect(others[0].replica.isReady, "no time-out was needed, and the other did not stand by the old leader")
    }

    @Test func `a read on a follower waits until it has what the leader had`() throws {
        let trio = try Trio()
        let leader = try trio.elect(among: [1, 2, 3])
        try leader.define()
        try trio.settle()
        let follower = try #require(trio.members.first { $0.id != leader.id })
        let id = try leader.submit(ReplicaHarness.create)
        // The follower does not hear of it yet.
        for message in leader.takeOutgoing() where message.to != follower.id {
            try trio[message.to.rawValue].step([.received(message)])
        }
        for member in trio.members where member.id != follower.id && member.id != leader.id {
            for message in member.takeOutgoing() where message.to == leader.id { try leader.step([.received(message)]) }
        }
        #expect(leader.created(id) != nil)

        try follower.step([.read(ReadRequestID(1))])
        #expect(follower.readyReads.isEmpty)
        try trio.settle()
        try leader.tick(3)
        try trio.settle()

        #expect(follower.readyReads == [ReadRequestID(1)])
        #expect(follower.state.position == leader.replica.position, "who reads finds it in the database")
    }

    @Test func `a deposed leader confirms no read`() throws {
        let trio = try Trio()
        let old = try trio.elect(among: [1, 2, 3])
        trio.isolated = [old.id.rawValue]
        try old.step([.read(ReadRequestID(1))])
        _ = try trio.elect(among: [UInt64(1), 2, 3].filter { $0 != old.id.rawValue })
        #expect(old.readyReads.isEmpty)
        try old.tick(60)
        #expect(old.readyReads.isEmpty)
        #expect(old.failedReads == [ReadRequestID(1)])
    }

    @Test func `a state that differs from its leader's is noticed with the next entry`() throws {
        let trio = try Trio()
        let leader = try trio.elect(among: [1, 2, 3])
        try leader.define()
        try trio.settle()
        let follower = try #require(trio.members.first { $0.id != leader.id })
        let state = follower.state.inner
        try follower.save()
        try state.begin()
        try state.setReceived(sourceGroup: 7, sequence: 1)
        try state.commit(state.position)

        try leader.submit(ReplicaHarness.create)

        #expect(throws: ReplicaDivergence.self) {
            try trio.settle()
            try leader.tick(3)
            try trio.settle()
        }
    }

    @Test func `members survive their encoding, and damaged bytes are refused`() throws {
        let members = Membership(
            configuration: ClusterConfiguration(
                voters: [NodeID(1), NodeID(2)],
                learners: [NodeID(3)],
                votersOutgoing: [NodeID(1)],
                learnersNext: [],
                autoLeave: true
            ),
            addresses: [.init(node: NodeID(2), text: "b:2"), .init(node: NodeID(1), text: "a:1")]
        )
        let bytes = members.encoded()
        #expect(try Membership(decoding: bytes) == members)
        #expect(try Membership(decoding: []) == Membership())
        for end in 1..<bytes.count {
            #expect(throws: DecodingFailure.self) { try Membership(decoding: Array(bytes[..<end])) }
        }
        #expect(throws: DecodingFailure.self) { try Membership(decoding: bytes + [0]) }
        #expect(throws: DecodingFailure.self) { try Membership(decoding: [1, 0, 200, 1]) }
    }
}
