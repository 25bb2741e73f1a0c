import ProcessEngine
import RaftCore
import ReplicaCore
import StateStore
import Testing

@Suite struct BatchTests {
    private static let createInstance = ReplicaHarness.create

    @Test func `a command is answered once it is durable, not before`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        harness.holdsPersisting = true
        let id = try harness.submit(Self.createInstance)
        #expect(harness.answers[id] == nil)

        try harness.finishPersisting()

        #expect(harness.created(id) != nil)
        #expect(harness.replica.appliedIndex == harness.storage.lastIndex.rawValue)
    }

    @Test func `what waits is executed as one batch`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        let before = harness.replica.statistics.batches
        let ids = (0..<5).map { _ in harness.newRequest() }

        try harness.step(ids.map { harness.submission($0, Self.createInstance) })

        #expect(harness.replica.statistics.batches == before + 1)
        #expect(Set(ids.compactMap { harness.created($0) }).count == 5)
    }

    @Test func `a rejection inside a batch leaves no trace`() throws {
        let harness = try ReplicaHarness()
        let alone = try ReplicaHarness()
        for each in [harness, alone] { try each.define() }
        let (good, bad, last) = (harness.newRequest(), harness.newRequest(), harness.newRequest())

        try harness.step([
            harness.submission(good, Self.createInstance),
            harness.submission(bad, .cancelInstance(Key(9))),
            harness.submission(last, Self.createInstance),
        ])
        try alone.step([
            alone.submission(good, Self.createInstance), alone.submission(last, Self.createInstance),
        ])

        #expect(harness.rejection(bad)?.code == .notFound)
        #expect(try rows(harness.state.inner) == rows(alone.state.inner))
    }

    @Test func `a batch that changes nothing needs no entry`() throws {
        let harness = try ReplicaHarness()
        let last = harness.storage.lastIndex

        let id = try harness.submit(ReplicaHarness.activate())

        #expect(harness.jobs(id) == [])
        #expect(harness.storage.lastIndex == last)
    }

    @Test func `a fault of ours is answered as failed and changes nothing`() throws {
        // A definition whose resource is missing.
        let harness = try ReplicaHarness()
        try harness.save()
        let definition = DefinitionRecord(
            key: Key(group: 0, counter: 1),
            processID: "p",
            version: 1,
            tenantID: defaultTenantID,
            deploymentKey: Key(2),
            resourceName: "p.bpmn",
            resourceHash: 1,
            resourceKey: Key(3),
            deployedAt: 0
        )
        try harness.state.inner.begin()
        try harness.state.inner.insert(definition)
        try harness.state.inner.commit(harness.state.position)
        let before = try rows(harness.state.inner)

        let id = try harness.submit(Self.createInstance)

        guard case .failed = harness.answers[id] else {
            Issue.record("Expected a failure, but got \(String(describing: harness.answers[id]))")
            return
        }
        #expect(try rows(harness.state.inner) == before)
        #expect(harness.replica.statistics.faults == 1)
        #expect(harness.reports.count == 1)
    }

    @Test func `a command that fits into no entry is refused, its neighbours are not`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        let text = "\"\(String(repeating: "x", count: BatchEntry.byteLimit))\""
        let (first, large, last) = (harness.newRequest(), harness.newRequest(), harness.newRequest())

        try harness.step([
            harness.submission(first, Self.createInstance), harness.submission(large, ReplicaHarness.create(text)),
            harness.submission(last, Self.createInstance),
        ])

        #expect(harness.created(first) != nil)
        #expect(harness.rejection(large)?.code == .invalidArgument)
        #expect(harness.created(last) != nil)
    }

    @Test func `commands that fit only alone go into entries of their own`() throws {
        var limits = ReplicaLimits()
        limits.bytesPerBatch = 4 << 20
        let harness = try ReplicaHarness(limits: limits)
        try harness.define()
        let text = "\"\(String(repeating: "x", count: 3 << 20))\""
        let ids = (0..<3).map { _ in harness.newRequest() }

        try harness.step(ids.map { harness.submission($0, ReplicaHarness.create(text)) })

        #expect(ids.allSatisfy { harness.created($0) != nil })
    }

    @Test func `when too many wait, new commands are refused`() throws {
        var limits = ReplicaLimits()
        limits.queuedCommands = 2
        let harness = try ReplicaHarness(limits: limits)
        try harness.define()
        harness.holdsPersisting = true
        let ids = try (0..<4).map { _ in try harness.submit(Self.createInstance) }
        #expect(harness.isRefused(ids[3]))

        try harness.finishPersisting()

        #expect(ids.prefix(3).allSatisfy { harness.created($0) != nil })
    }

    @Test func `group time never goes back`() throws {
        let harness = try ReplicaHarness()
        try harness.define()
        let first = try #require(harness.created(try harness.submit(Self.createInstance)))
        let begin = harness.time

        try harness.step([], at: begin - 60_000)
        let second = try #require(harness.created(try harness.submit(Self.createInstance)))

        #expect(try harness.state.processInstance(second)?.startedAt == begin)
        #expect(harness.replica.position.time == begin)
        try harness.replica.saveAtTheEnd()
        let restarted = try ReplicaHarness(
            storage: harness.storage,
            state: harness.state.inner,
            time: begin - 3_600_000
        )
        let third = try #require(restarted.created(try restarted.submit(Self.createInstance)))
        #expect(try restarted.state.processInstance(third)?.startedAt == begin)
        #expect(first < second && second < third)
    }

    @Test func `timers are carried out when their time comes`() throws {
        let harness = try ReplicaHarness()
        try harness.define(ReplicaHarness.timer)
        let instance = try #require(harness.created(try harness.submit(Self.createInstance)))
        let due = harness.time + 5_000
        try harness.save()
        #expect(harness.replica.wakeTime == due)

        try harness.step([], at: due - 1)
        #expect(try harness.state.processInstance(instance)?.state == .active)
        try harness.pass(milliseconds: 1)

        #expect(try harness.state.processInstance(instance)?.state == .completed)
        try harness.save()
        #expect(harness.replica.wakeTime == nil)
    }

    @Test func `an endless chain and a flood of timers keep nobody out`() throws {
        var engineLimits = EngineLimits()
        engineLimits.stepsPerCommand = 10
        var limits = ReplicaLimits()
        limits.commandsPerBatch = 8
        limits.duePerBatch = 8
        let harness = try ReplicaHarness(limits: limits, engineLimits: engineLimits)
        try harness.define(ReplicaHarness.timer)
        for _ in 0..<100 { try harness.submit(Self.createInstance) }
        try harness.define(ReplicaHarness.endless, sequence: 2)
        harness.holdsPersisting = true
        let endless = try harness.submit(ReplicaHarness.create("1"))
        _ = endless
        try harness.step([], at: harness.time + 5_000)
        let ids = (0..<20).map { _ in harness.newRequest() }
        try harness.step(ids.map { harness.submission($0, .publishMessage(.init(name: "m"))) })

        for _ in 0..<12 { try harness.persistOnce() }

        #expect(ids.allSatisfy { harness.answers[$0] != nil })
        #expect(harness.replica.statistics.timersTriggered > 20)
    }

    @Test func `a batch is made of the events of its entry`() throws {
        let header = BatchEntry.Header(time: 5, keyCounter: 6, digest: StateDigest(high: 7, low: 8))
        var writer = ByteWriter()
        let events: [Event] = [.messageRemoved(Key(1)), .timerRemoved(Key(2), isTriggered: true)]
        for event in events { event.write(to: &writer) }
        let payload = BatchEntry.encode(header, eventBytes: writer.bytes)
        var found: [Event] = []

        let decoded = try BatchEntry.decode(payload) { found.append($0) }

        #expect(decoded == header)
        #expect(found == events)
        #expect(try BatchEntry.time(of: payload) == 5)
        #expect(try BatchEntry.time(of: []) == nil)
        #expect(throws: DecodingFailure.self) { try BatchEntry.decode([9] + payload) { _ in } }
        for end in 0..<payload.count { _ = try? BatchEntry.decode(Array(payload[..<end])) { _ in } }
    }
}
