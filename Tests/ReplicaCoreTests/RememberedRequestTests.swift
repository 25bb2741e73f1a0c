import ProcessEngine
import ReplicaCore
import StateStore
import Testing

@Suite struct RememberedRequestTests {
    @Test func `the same request again gets the same answer, also after a restart`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        let first = try harness.submit(ReplicaHarness.create, key: "k")
        let again = try harness.submit(ReplicaHarness.create, key: "k")
        try harness.replica.saveAtTheEnd()
        let restarted = try ReplicaHarness(storage: harness.storage, state: harness.state.inner)
        let later = try restarted.submit(ReplicaHarness.create, key: "k")

        #expect(harness.created(first) != nil)
        #expect(harness.answers[again] == harness.answers[first])
        #expect(restarted.answers[later] == harness.answers[first])
    }

    @Test func `twice in one batch is once`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        let (first, second) = (harness.newRequest(), harness.newRequest())

        try harness.step([
            harness.submission(first, ReplicaHarness.create, key: "k"),
            harness.submission(second, ReplicaHarness.create, key: "k"),
        ])

        #expect(harness.created(first) != nil)
        #expect(harness.answers[first] == harness.answers[second])
    }

    @Test func `the same key with another body is refused`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        try harness.submit(ReplicaHarness.create, key: "k")
        let other = try harness.submit(ReplicaHarness.create("1"), key: "k")
        #expect(harness.rejection(other)?.code == .alreadyExists)
    }

    @Test func `answers are forgotten after a day of group time`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        try harness.submit(ReplicaHarness.create, key: "k")
        try harness.pass(milliseconds: 24 * 3_600_000 - 1)
        try harness.tick(40)
        #expect(try harness.state.answeredRequest(RequestID("k")) != nil)

        try harness.pass(milliseconds: 1)
        try harness.tick(40)

        #expect(try harness.state.answeredRequest(RequestID("k")) == nil)
    }

    @Test func `only so many answers are kept`() throws {
        var limits = ReplicaLimits()
        limits.rememberedAnswers = 3
        let harness = try ReplicaHarness(limits: limits)
        for number in 0..<10 {
            try harness.submit(.publishMessage(.init(name: "m")), key: "\(number)")
            try harness.pass(milliseconds: 1)
        }

        try harness.tick(40)

        #expect(try harness.state.answeredRequests(.client).count <= 3)
        #expect(try harness.state.answeredRequest(RequestID("9")) != nil)
    }

    @Test func `upkeep is not kept out by load`() throws {
        let harness = try ReplicaHarness()
        try harness.submit(.publishMessage(.init(name: "m")), key: "k")
        try harness.pass(milliseconds: 25 * 3_600_000)
        harness.holdsPersisting = true
        // Whenever a tick comes, a batch is open.
        for _ in 0..<30 {
            try harness.submit(.publishMessage(.init(name: "m")))
            try harness.tick()
            try harness.persistOnce()
        }
        try harness.finishPersisting()
        #expect(try harness.state.answeredRequest(RequestID("k")) == nil)
    }
}
