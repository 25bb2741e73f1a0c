import ProcessEngine
import RaftCore
import ReplicaCore
import StateStore
import Testing

@Suite struct RecoveryTests {
    @Test func `after a crash between the log and the state, the state catches up`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        let reference = try ReplicaHarness()
        try reference.define()
        try reference.submit(ReplicaHarness.create)
        harness.holdsPersisting = true
        let id = try harness.submit(ReplicaHarness.create)
        // The entry reaches the disk, then the power goes: the open transaction is lost, nobody was answered.
        harness.persistWithoutTelling()
        try harness.state.inner.rollback()
        #expect(harness.answers[id] == nil)

        let restarted = try ReplicaHarness(storage: harness.storage, state: harness.state.inner)

        #expect(restarted.replica.isReady)
        #expect(try Self.withoutPosition(restarted) == Self.withoutPosition(reference))
        #expect(restarted.jobs(try restarted.submit(ReplicaHarness.activate()))?.count == 1)
    }

    @Test func `a state that lost its last commits is brought up to the log`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        for _ in 0..<5 { try harness.submit(ReplicaHarness.create) }
        let poll = try harness.submit(ReplicaHarness.activate(limit: 3))
        for job in harness.jobs(poll) ?? [] {
            try harness.submit(.completeJob(job.key, variables: .init(), lease: nil))
        }

        let restarted = try ReplicaHarness(storage: harness.storage.copy(), state: SQLiteState.inMemory())

        #expect(try Self.withoutPosition(restarted) == Self.withoutPosition(harness))
        #expect(restarted.state.position.keyCounter == harness.state.position.keyCounter)
        #expect(restarted.state.position.time == harness.state.position.time)
    }

    /// The rows but the position: each leader's first entry moves that on.
    private static func withoutPosition(_ harness: ReplicaHarness) throws -> [String] {
        try rows(harness.state.inner).filter { !$0.hasPrefix("engine_position") }
    }

    @Test func `without space during execution clients are refused and nothing else is lost`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        try harness.save()
        let before = try Self.withoutPosition(harness)
        for writes in 0..<4 {
            harness.state.writesLeft = writes
            let id = try harness.submit(ReplicaHarness.create)
            #expect(harness.isRefused(id))
            #expect(try Self.withoutPosition(harness) == before)
            try harness.pass(milliseconds: 1_000)
        }
        harness.state.writesLeft = 0
        let (first, second) = (harness.newRequest(), harness.newRequest())
        try harness.step([first, second].map { harness.submission($0, ReplicaHarness.create) })
        harness.state.writesLeft = nil
        try harness.pass(milliseconds: 1_000)
        #expect(harness.isRefused(first))
        #expect(harness.created(second) != nil, "what was not tried yet waits")
        #expect(harness.reports.contains { if case .outOfSpace = $0 { true } else { false } })

        let id = try harness.submit(ReplicaHarness.create)
        let fresh = try ReplicaHarness(storage: harness.storage.copy(), state: SQLiteState.inMemory())

        #expect(harness.created(id) != nil)
        #expect(try Self.withoutPosition(fresh) == Self.withoutPosition(harness))
    }

    @Test func `what another group sent is not lost when there is no space`() throws {
        let harness = try ReplicaHarness()
        harness.state.writesLeft = 0
        try harness.define()
        #expect(harness.acknowledgements.isEmpty)

        harness.state.writesLeft = nil
        try harness.pass(milliseconds: 1_000)

        #expect(harness.acknowledgements == [1])
        #expect(harness.created(try harness.submit(ReplicaHarness.create)) != nil)
    }

    @Test func `without space at the save nothing new is taken, and what was answered comes into the state`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        try harness.save()
        let last = harness.state.position.appliedIndex
        harness.state.failsCommits = true

        let id = try harness.submit(ReplicaHarness.create)
        #expect(harness.created(id) != nil, "the log has it")
        try harness.save()
        #expect(harness.state.position.appliedIndex == last)
        let second = try harness.submit(ReplicaHarness.create)
        #expect(harness.isRefused(second))
        try harness.pass(milliseconds: 1_000)
        #expect(try #require(harness.replica.wakeTime) > harness.time)
        harness.state.failsCommits = false
        try harness.pass(milliseconds: 1_000)
        #expect(harness.state.position.appliedIndex == harness.storage.lastIndex.rawValue)

        #expect(harness.created(try harness.submit(ReplicaHarness.create)) != nil)
        let fresh = try ReplicaHarness(storage: harness.storage.copy(), state: SQLiteState.inMemory())
        #expect(try Self.withoutPosition(fresh) == Self.withoutPosition(harness))
    }

    @Test func `without space for archiving the finished instances are removed later`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        try harness.save()
        var removed: [Key] = []
        harness.replica.removeArchived = { keys in
            if harness.state.writesLeft == 0 { throw FailingState.NoSpace() }
            removed += keys
        }
        harness.state.writesLeft = 0
        try harness.step([.archived([Key(1), Key(2)])])
        try harness.save()
        #expect(removed == [])
        #expect(harness.replica.archivedPending == 2)

        harness.state.writesLeft = nil
        try harness.pass(milliseconds: 1_000)

        #expect(removed == [Key(1), Key(2)])
        #expect(harness.replica.archivedPending == 0)
    }

    @Test func `what ended the process twice is quarantined before anything else is executed`() throws {
        let harness = try ReplicaHarness()
        try harness.define(ReplicaHarness.timer)
        let instance = try #require(harness.created(try harness.submit(ReplicaHarness.create)))
        let timer = try #require(try harness.state.dueTimers(now: .max, limit: 1).first)
        // The state has lost everything, so that the timer is known only once the log was read.
        let restarted = try ReplicaHarness(
            storage: harness.storage.copy(),
            state: SQLiteState.inMemory(),
            time: harness.time + 10_000,
            poisons: [ExecutionMark(.scheduled(.triggerTimer(timer)))]
        )

        #expect(try restarted.state.processInstance(instance)?.state == .active)
        #expect(try restarted.state.quarantines(limit: 9).map(\.subject) == ["instance:\(instance)"])
        #expect(restarted.reports.contains(.quarantined("instance:\(instance)")))
    }

    @Test func `transfers are sent until they are acknowledged, and the answer waits for that`() throws {
        let harness = try ReplicaHarness(group: 0)
        let resource = DeploymentResource(name: "p.bpmn", content: Array(ReplicaHarness.oneTask.utf8))
        let id = try harness.submit(.deploy(resources: [resource], tenantID: defaultTenantID))
        #expect(harness.answers[id] == nil)
        #expect(harness.transfers.map(\.sequence) == [1])

        try harness.tick(25)
        #expect(harness.transfers.map(\.sequence) == [1, 1])
        try harness.step([.scheduled(.acknowledge(targetGroup: 1, sequence: 1))])

        guard case .answered(.deployed) = harness.answers[id] else {
            Issue.record("Expected an answer, but got \(String(describing: harness.answers[id]))")
            return
        }
        try harness.tick(25)
        #expect(harness.transfers.count == 2)
    }
}
