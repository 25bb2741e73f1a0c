import ProcessEngine
import SQLite
import StateStore
import Testing

@Suite struct QueryTests {
    @Test func `definitions are found by version, tag and deployment within their tenant`() throws {
        let state = try openState()
        var versions = (1...3).map { Sample.definition(Int64($0) * 10, version: Int32($0)) }
        versions[2].versionTag = "v2"
        for version in versions { try state.insert(version) }
        var elsewhere = Sample.definition(90, version: 9)
        elsewhere.tenantID = "tenant-b"
        try state.insert(elsewhere)

        let tenant = "tenant-a"
        #expect(try state.latestDefinition(processID: "order", tenantID: tenant) == versions[2])
        #expect(try state.latestDefinition(processID: "none", tenantID: tenant) == nil)
        #expect(try state.definition(processID: "order", version: 1, tenantID: tenant) == versions[0])
        #expect(try state.definition(processID: "order", version: 9, tenantID: tenant) == nil)
        #expect(try state.definition(processID: "order", versionTag: "v2", tenantID: tenant) == versions[2])
        let deployed = versions[1].deploymentKey
        #expect(try state.definition(processID: "order", deploymentKey: deployed, tenantID: tenant) == versions[1])
    }

    @Test func `activatable jobs come by priority, then by age, over all tenants`() throws {
        let state = try openState()
        let jobs = [
            Sample.job(1, tenantID: "a", priority: 10), Sample.job(2, tenantID: "b", priority: 90),
            Sample.job(3, tenantID: "a", priority: 90), Sample.job(4, tenantID: "b", priority: 10),
            Sample.job(5, tenantID: "c", priority: 99), Sample.job(6, type: "other", tenantID: "a", priority: 99),
            Sample.job(7, tenantID: "a", priority: 99, state: .activated, deadline: 5),
        ]
        for job in jobs { try state.insert(job) }

        func found(_ tenants: [String], _ limit: Int) throws -> [Int64] {
            try state.activatableJobs(type: "ship", tenantIDs: tenants, limit: limit).map(\.key.counter)
        }

        #expect(try found(["a", "b"], 10) == [2, 3, 1, 4])
        #expect(try found(["b", "a", "b"], 3) == [2, 3, 1])
        #expect(try found(["a"], 10) == [3, 1])
        #expect(try found(["a"], 0) == [])
        #expect(try found([], 10) == [])
    }

    @Test func `an activation counts, sets worker and deadline and takes the job out of the list`() throws {
        let state = try openState()
        var job = Sample.job(1)
        try state.insert(job)

        try state.setJobActivated(job.key, worker: "w-9", deadline: 900, at: 35)

        (job.state, job.worker, job.deadline, job.activations, job.updatedAt) = (.activated, "w-9", 900, 8, 35)
        #expect(try state.job(job.key) == job)
        #expect(try state.activatableJobs(type: "ship", tenantIDs: ["tenant-a"], limit: 10).isEmpty)

        try state.setJobEnded(job.key, state: .completed, at: 36)

        (job.state, job.mark, job.updatedAt, job.endedAt) = (.completed, .completed, 36, 36)
        #expect(try state.job(job.key) == job)
        #expect(try state.dueJobs(now: 10_000, limit: 10).isEmpty)
    }

    @Test func `children of a scope are those that have not ended, by key`() throws {
        let state = try openState()
        let states: [ElementState] = [.activating, .activated, .completing, .terminating, .completed, .terminated]
        for (position, elementState) in states.enumerated() {
            try state.insert(Sample.element(Int64(20 - position), instance: 1, scope: 1, state: elementState))
        }
        try state.insert(Sample.element(30, instance: 1, scope: 2))

        func found(_ limit: Int) throws -> [Int64] {
            try state.activeChildren(scope: Sample.key(1), processInstance: Sample.key(1), limit: limit)
                .map(\.key.counter)
        }

        #expect(try found(10) == [17, 18, 19, 20])
        #expect(try found(2) == [17, 18])
        try state.setElementState(Sample.key(18), .completed, endedAt: 1)
        #expect(try found(10) == [17, 19, 20])
    }

    @Test func `variables of a scope come by name and scopes do not mix`() throws {
        let state = try openState()
        for (counter, name) in ["b", "a", "ä", "Z"].enumerated() {
            try state.insert(Sample.variable(Int64(counter + 1), instance: 100, name: name))
        }
        var local = Sample.variable(9, instance: 100, name: "a")
        local.scopeKey = Sample.key(101)
        try state.insert(local)

        let found = try state.variables(scope: Sample.key(100), processInstance: Sample.key(100))

        #expect(found.map(\.name) == ["Z", "a", "b", "ä"])
        #expect(try state.variables(scope: Sample.key(101), processInstance: Sample.key(100)) == [local])
    }

    @Test func `taken flows add up and go one by one`() throws {
        let state = try openState()
        func flow(_ gateway: Int32, _ flow: Int32, _ count: Int32) -> TakenFlowRecord {
            TakenFlowRecord(
                scopeKey: Sample.key(1),
                processInstanceKey: Sample.key(2),
                gateway: gateway,
                flow: flow,
                count: count
            )
        }
        for record in [flow(7, 3, 1), flow(7, 1, 1), flow(7, 3, 2), flow(8, 1, 1)] { try state.addTakenFlow(record) }
        #expect(try state.takenFlows(scope: Sample.key(1), gateway: 7) == [flow(7, 1, 1), flow(7, 3, 3)])

        try state.removeTakenFlow(scope: Sample.key(1), gateway: 7, flow: 1)
        try state.removeTakenFlow(scope: Sample.key(1), gateway: 7, flow: 3)
        try state.removeTakenFlow(scope: Sample.key(1), gateway: 9, flow: 9)

        #expect(try state.takenFlows(scope: Sample.key(1), gateway: 7) == [flow(7, 3, 2)])
        #expect(try state.takenFlows(scope: Sample.key(1), gateway: 8) == [flow(8, 1, 1)])
    }

    @Test func `the outbox keeps its order and its last sequences`() throws {
        let state = try openState()
        for record in [Sample.outbox(1), Sample.outbox(2), Sample.outbox(1, group: 3)] { try state.insert(record) }
        try state.setReceived(sourceGroup: 2, sequence: 5)
        #expect(try state.outbox(targetGroup: 2, limit: 10) == [Sample.outbox(1), Sample.outbox(2)])
        #expect(try state.outbox(targetGroup: 2, limit: 1) == [Sample.outbox(1)])
        #expect(try state.outboxRecord(targetGroup: 2, sequence: 2) == Sample.outbox(2))

        try state.removeOutbox(targetGroup: 2, sequence: 1)
        try state.removeOutbox(targetGroup: 2, sequence: 2)

        #expect(try state.outbox(targetGroup: 2, limit: 10).isEmpty)
        #expect(try state.outboxRecord(targetGroup: 3, sequence: 1) == Sample.outbox(1, group: 3))
        #expect(try state.lastSequence(sentTo: 2) == 2)
        #expect(try state.lastSequence(receivedFrom: 2) == 5)
        #expect(try state.lastSequence(sentTo: 9) == 0)
        #expect(try state.lastSequence(receivedFrom: 3) == 0)
    }

    @Test func `messages and subscriptions are paged by key`() throws {
        let state = try openState()
        for counter in 1...5 as ClosedRange<Int64> {
            try state.insert(Sample.message(counter, messageID: counter > 2 ? "m-\(counter)" : nil))
            try state.insert(Sample.subscription(counter + 10, correlationKey: counter == 3 ? "o-2" : "o-1"))
        }
        let tenant = "tenant-a"

        let page = try state.messages(
            name: "paid",
            correlationKey: "o-1",
            tenantID: tenant,
            after: Sample.key(2),
            limit: 2
        )
        let waiting = try state.subscriptions(
            messageName: "paid",
            correlationKey: "o-1",
            tenantID: tenant,
            after: Sample.key(11),
            limit: 10
        )
        let buffered = try state.bufferedMessage(
            name: "paid",
            correlationKey: "o-1",
            messageID: "m-4",
            tenantID: tenant
        )
        let missing = try state.bufferedMessage(name: "paid", correlationKey: "x", messageID: "m-4", tenantID: tenant)

        #expect(page.map(\.key.counter) == [3, 4])
        #expect(waiting.map(\.key.counter) == [12, 14, 15])
        #expect(buffered?.key.counter == 4)
        #expect(missing == nil)
    }

    @Test func `a correlation key is taken as long as its instance is active`() throws {
        let state = try openState()
        try state.insert(Sample.definition(1))
        try state.insert(Sample.instance(100, startCorrelationKey: "c-1"))
        func isTaken(_ process: String, _ tenant: String, _ key: String) throws -> Bool {
            try state.hasActiveInstance(processID: process, tenantID: tenant, startCorrelationKey: key)
        }
        #expect(try isTaken("order", "tenant-a", "c-1"))
        #expect(try !isTaken("other", "tenant-a", "c-1"))
        #expect(try !isTaken("order", "tenant-b", "c-1"))
        #expect(try !isTaken("order", "tenant-a", "c-2"))

        try state.endProcessInstance(Sample.key(100), state: .completed, at: 99)

        #expect(try !isTaken("order", "tenant-a", "c-1"))
    }

    @Test func `a second row under the same key is refused`() throws {
        let state = try openState()
        try state.insert(Sample.job(1))

        let error = try #require(throws: SQLiteError.self) { try state.insert(Sample.job(1)) }

        #expect(error.isConstraint)
    }
}
