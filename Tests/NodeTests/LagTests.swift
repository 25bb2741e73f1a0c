import RaftCore
import Testing

@testable import Node

private func message(_ body: RaftMessage.Body, term: UInt64 = 1) -> RaftMessage {
    RaftMessage(
        group: GroupID(1),
        incarnation: IncarnationID(1),
        from: NodeID(1),
        to: NodeID(2),
        term: Term(term),
        body: body
    )
}

private func append(_ commit: UInt64, term: UInt64 = 1) -> RaftMessage {
    let previous = EntryID(term: Term(1), index: LogIndex(1))
    return message(.appendRequest(AppendRequest(previous: previous, commit: LogIndex(commit), entries: [])), term: term)
}

private func follower(applied: UInt64, committed: UInt64, leader: UInt64? = 1) -> GroupRunner.Snapshot {
    var snapshot = GroupRunner.Snapshot()
    snapshot.appliedIndex = applied
    snapshot.commitIndex = committed
    snapshot.leader = leader.map { NodeID($0) }
    return snapshot
}

@Suite struct LagTests {
    @Test func `a follower learns how far it is behind from what its leaders say`() {
        let signs = LeaderSigns()
        signs.note(append(50), at: 1_000)
        signs.note(message(.heartbeat(Heartbeat(commit: LogIndex(20)))), at: 1_100)

        let lag = ReplicaLag(follower(applied: 18, committed: 20), signs.seen, now: 1_150)

        #expect(lag.entries == 32)
        #expect(lag.silence == 50)
        #expect(
            lag.reason(node: 2, group: 1)
                == "node 2 is behind by 32 entries: its state of group 1 ends at 18, while node 1, which leads, "
                + "is at 50 or later"
        )
    }

    @Test func `the answer to a read tells how far the group is, too`() {
        let signs = LeaderSigns()
        signs.note(message(.readIndexResponse(ReadRequestID(3), index: LogIndex(70))), at: 1_000)
        signs.note(message(.readIndexResponse(ReadRequestID(4), index: nil)), at: 1_000)

        #expect(signs.seen.committed == 70)
        #expect(signs.seen.heardAt == nil)
    }

    @Test func `whoever led before is no sign of life, but what it committed counts`() {
        let signs = LeaderSigns()
        signs.note(append(50, term: 3), at: 1_000)
        signs.note(append(60, term: 2), at: 2_000)

        #expect(signs.seen.heardAt == 1_000)
        #expect(signs.seen.committed == 60)
    }

    @Test func `a leader and a node that has all are not behind`() {
        let signs = LeaderSigns()
        signs.note(append(50), at: 1_000)
        var leader = follower(applied: 10, committed: 60)
        leader.isLeader = true

        let own = ReplicaLag(leader, signs.seen, now: 9_000)
        let other = ReplicaLag(follower(applied: 50, committed: 40), signs.seen, now: 9_000)

        #expect(own.entries == 0 && own.silence == nil)
        #expect(other.entries == 0 && other.silence == 8_000)
        #expect(other.reason(node: 2, group: 1) == nil)
    }
}

@Suite(.timeLimit(.minutes(2))) struct ReadBarrierTests {
    @Test func `an answer that comes after the question was asked anew still counts`() async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: ReadRequestID.self)
        let barrier = ReadBarrier(firstID: 1) { continuation.yield($0) }
        var questions = stream.makeAsyncIterator()
        async let passed = barrier.pass(now: 0, deadline: 5_000)
        let first = try #require(await questions.next())
        barrier.tick(now: 250)
        let second = try #require(await questions.next())
        #expect(first != second)

        // A node that lags by more than the patience would never pass if only the newest answer counted.
        barrier.answered(first, isReady: true, now: 300)

        #expect(await passed)
    }

    @Test func `an answer to an earlier question is not enough for those who came later`() async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: ReadRequestID.self)
        let barrier = ReadBarrier(firstID: 1) { continuation.yield($0) }
        var questions = stream.makeAsyncIterator()
        async let early = barrier.pass(now: 0, deadline: 5_000)
        let first = try #require(await questions.next())
        async let late = barrier.pass(now: 10, deadline: 20)

        barrier.answered(first, isReady: true, now: 15)
        #expect(await early)
        // Whether it came before or after that answer: a question of its own is asked for it.
        _ = try #require(await questions.next())
        barrier.answered(first, isReady: true, now: 16)
        barrier.tick(now: 21)

        #expect(await late == false)
    }

    @Test func `a question that failed is asked again with the next tick`() async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: ReadRequestID.self)
        let barrier = ReadBarrier(firstID: 1) { continuation.yield($0) }
        var questions = stream.makeAsyncIterator()
        async let passed = barrier.pass(now: 0, deadline: 5_000)
        let first = try #require(await questions.next())
        barrier.answered(first, isReady: false, now: 10)
        barrier.tick(now: 50)

        let second = try #require(await questions.next())
        barrier.answered(second, isReady: true, now: 60)

        #expect(await passed)
    }

    @Test func `nobody waits for ever, and nobody after the end`() async throws {
        let barrier = ReadBarrier(firstID: 1) { _ in }
        async let late = barrier.pass(now: 0, deadline: 0)
        async let closed = barrier.pass(now: 0, deadline: .max)
        barrier.close()
        #expect(await closed == false)
        #expect(await late == false)
        #expect(await barrier.pass(now: 0, deadline: .max) == false)
    }
}
