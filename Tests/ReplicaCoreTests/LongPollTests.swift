import ProcessEngine
import ReplicaCore
import Testing

@Suite struct LongPollTests {
    @Test func `an activation waits for a job and gets it`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        let poll = try harness.submit(ReplicaHarness.activate(), waitsFor: 10_000)
        #expect(harness.answers[poll] == nil)
        #expect(harness.replica.parkedActivations == 1)

        try harness.submit(ReplicaHarness.create)

        #expect(harness.jobs(poll)?.count == 1)
        #expect(harness.replica.parkedActivations == 0)
    }

    @Test func `each job wakes one, the one that has waited longest`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        let polls = try (0..<3).map { _ in try harness.submit(ReplicaHarness.activate(), waitsFor: 10_000) }

        try harness.submit(ReplicaHarness.create)
        #expect(polls.map { harness.jobs($0)?.count } == [1, nil, nil])
        try harness.submit(ReplicaHarness.create)

        #expect(polls.map { harness.jobs($0)?.count } == [1, 1, nil])
    }

    @Test func `a job that is offered again wakes too`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        try harness.submit(ReplicaHarness.create)
        #expect(harness.jobs(try harness.submit(ReplicaHarness.activate()))?.count == 1)
        let poll = try harness.submit(ReplicaHarness.activate(), waitsFor: 600_000)

        try harness.pass(milliseconds: 60_000)

        #expect(harness.jobs(poll)?.count == 1)
    }

    @Test func `a poll ends with no jobs when its time is over`() throws {
        let harness = try ReplicaHarness()
        try harness.save()
        let poll = try harness.submit(ReplicaHarness.activate(), waitsFor: 10_000)
        #expect(harness.replica.wakeTime == harness.time + 10_000)
        try harness.pass(milliseconds: 9_999)
        #expect(harness.answers[poll] == nil)
        try harness.pass(milliseconds: 1)
        #expect(harness.jobs(poll) == [])
    }

    @Test func `a poll that nobody waits for takes no job`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        let poll = try harness.submit(ReplicaHarness.activate(), waitsFor: 10_000)
        try harness.step([.abandoned(poll)])

        try harness.submit(ReplicaHarness.create)

        #expect(harness.answers[poll] == nil)
        #expect(harness.jobs(try harness.submit(ReplicaHarness.activate()))?.count == 1)
    }

    @Test func `a poll that is given up after it was woken passes the job on`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        let first = try harness.submit(ReplicaHarness.activate(), waitsFor: 10_000)
        let second = try harness.submit(ReplicaHarness.activate(), waitsFor: 10_000)
        harness.holdsPersisting = true
        try harness.submit(ReplicaHarness.create)
        let other = harness.newRequest()
        // The creation commits and another batch is under way when the first poll is given up.
        try harness.finishPersisting(with: [.abandoned(first), harness.submission(other, ReplicaHarness.create)])

        #expect(harness.jobs(second)?.count == 1)
    }

    @Test func `a job of one tenant does not wake who waits for another`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        let other = try harness.submit(ReplicaHarness.activate(tenantIDs: ["other"]), waitsFor: 10_000)
        let poll = try harness.submit(ReplicaHarness.activate(), waitsFor: 10_000)

        try harness.submit(ReplicaHarness.create)

        #expect(harness.jobs(poll)?.count == 1)
        #expect(harness.answers[other] == nil)
    }

    @Test func `no more polls wait than the limit allows`() throws {
        var limits = ReplicaLimits()
        limits.parkedActivations = 1
        let harness = try ReplicaHarness(limits: limits)
        let first = try harness.submit(ReplicaHarness.activate(), waitsFor: 10_000)
        let second = try harness.submit(ReplicaHarness.activate(), waitsFor: 10_000)
        #expect(harness.answers[first] == nil)
        #expect(harness.jobs(second) == [])
    }

    @Test func `a poll with an idempotency key still gets its job`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        let poll = try harness.submit(ReplicaHarness.activate(), key: "k", waitsFor: 10_000)

        try harness.submit(ReplicaHarness.create)

        #expect(harness.jobs(poll)?.count == 1)
        let again = try harness.submit(ReplicaHarness.activate(), key: "k")
        #expect(harness.answers[again] == harness.answers[poll])
    }
}
