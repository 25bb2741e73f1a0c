import ProcessEngine
import StateStore
import Testing

@Suite struct RoundTripTests {
    @Test func `a definition and its resource come back as they were written`() throws {
        let state = try openState()
        let record = Sample.definition(1)
        var bare = Sample.definition(20, processID: "bare")
        bare.name = nil
        bare.versionTag = nil
        let resource = ResourceRecord(key: Sample.key(3), name: "order.bpmn", content: [0, 1, 2, 255])
        let empty = ResourceRecord(key: Sample.key(4), name: "empty", content: [])

        try state.insert(record)
        try state.insert(bare)
        try state.insert(resource)
        try state.insert(empty)

        #expect(try state.definition(record.key) == record)
        #expect(try state.definition(bare.key) == bare)
        #expect(try state.resource(resource.key) == resource)
        #expect(try state.resource(empty.key) == empty)
        #expect(try state.definition(Sample.key(999)) == nil)
    }

    @Test func `a process instance comes back as it was written`() throws {
        let state = try openState()
        let record = Sample.instance(100, root: 50, parent: 60, startCorrelationKey: "c-1")
        let bare = ProcessInstanceRecord(
            key: Sample.key(101),
            definitionKey: Sample.key(1),
            rootInstanceKey: Sample.key(101),
            state: .completed,
            startedAt: 1,
            endedAt: 2,
            tenantID: "",
            tags: [],
            depth: 0,
            awaitedVariables: []
        )

        try state.insert(record)
        try state.insert(bare)

        #expect(try state.processInstance(record.key) == record)
        #expect(try state.processInstance(bare.key) == bare)
    }

    @Test func `an element instance comes back as it was written`() throws {
        let state = try openState()
        let record = Sample.element(102, instance: 100, scope: 100)
        var bare = Sample.element(103, instance: 100)
        (bare.waitsFor, bare.incidentKey, bare.interruptedBy) = (nil, nil, nil)

        try state.insert(record)
        try state.insert(bare)

        #expect(try state.elementInstance(record.key) == record)
        #expect(try state.elementInstance(bare.key) == bare)
    }

    @Test(arguments: ["null", "\"\u{1F600} \\u0000 ü\"", "{\"a\":[1,2.50]}", "12345678901234567890.10"])
    func `a variable's bytes come back unchanged`(value: String) throws {
        let state = try openState()
        let record = Sample.variable(5, instance: 100, name: "ÄÖ \"x\"", value: value)

        try state.insert(record)

        #expect(try state.variable(record.name, scope: record.scopeKey, processInstance: Sample.key(100)) == record)
        #expect(try state.variable("other", scope: record.scopeKey, processInstance: Sample.key(100)) == nil)
    }

    @Test func `a variable of a megabyte is set and read`() throws {
        let state = try openState()
        var record = Sample.variable(5, instance: 100, name: "big")
        try state.insert(record)

        record.value = Array("\"\(String(repeating: "x", count: 1 << 20))\"".utf8)
        try state.setVariable(record.key, value: record.value)

        #expect(try state.variables(scope: record.scopeKey, processInstance: Sample.key(100)) == [record])
    }

    @Test func `jobs and user tasks come back as they were written and updated`() throws {
        let state = try openState()
        var job = Sample.job(110, deadline: 77)
        var task = Sample.userTask(120)
        try state.insert(job)
        try state.insert(task)
        #expect(try state.job(job.key) == job)
        #expect(try state.userTask(task.key) == task)

        job.state = .failed
        job.mark = .failed
        (job.retries, job.priority, job.worker, job.deadline) = (0, 1, "w", nil)
        (job.errorCode, job.errorMessage, job.updatedAt, job.endedAt) = (nil, nil, 90, 91)
        task.state = .completed
        (task.assignee, task.dueDate, task.followUpDate, task.completedAt) = (nil, nil, nil, 95)
        (task.candidateUsers, task.candidateGroups, task.priority) = ([], ["a,b", "\\"], 0)
        (task.name, task.externalFormReference) = (nil, nil)
        try state.update(job)
        try state.update(task)

        #expect(try state.job(job.key) == job)
        #expect(try state.userTask(task.key) == task)
    }

    @Test func `timers and subscriptions come back as they were written and go when removed`() throws {
        let state = try openState()
        let timer = Sample.timer(130, dueAt: 500)
        var start = Sample.timer(131, dueAt: 600, element: nil)
        start.cycle = nil
        let subscription = Sample.subscription(140)
        let opened = Sample.startSubscription(150)
        try state.insert(timer)
        try state.insert(start)
        try state.insert(subscription)
        try state.insert(opened)
        #expect(try state.timer(timer.key) == timer)
        #expect(try state.timers(elementInstance: Sample.key(101)) == [timer])
        #expect(try state.startTimers(definitionKey: Sample.key(1)) == [start])
        #expect(try state.subscription(subscription.key) == subscription)
        #expect(try state.subscriptions(elementInstance: Sample.key(101)) == [subscription])
        #expect(try state.startSubscriptions(messageName: "ordered", tenantID: "tenant-a") == [opened])
        #expect(try state.startSubscriptions(definitionKey: Sample.key(1)) == [opened])

        try state.removeTimer(timer.key)
        try state.removeSubscription(subscription.key)
        try state.removeStartSubscription(opened.key)

        #expect(try state.timer(timer.key) == nil)
        #expect(try state.subscription(subscription.key) == nil)
        #expect(try state.startSubscriptions(messageName: "ordered", tenantID: "tenant-a").isEmpty)
    }

    @Test func `a message comes back as it was written and remembers whom it went to`() throws {
        let state = try openState()
        var message = Sample.message(160)
        let anonymous = Sample.message(161, messageID: nil)
        try state.insert(message)
        try state.insert(anonymous)
        #expect(try state.message(message.key) == message)
        #expect(try state.message(anonymous.key) == anonymous)

        for processID in ["order", "invoice", "order"] {
            try state.setMessageCorrelated(message.key, processID: processID)
        }

        message.correlatedProcessIDs = ["order", "invoice"]
        #expect(try state.message(message.key) == message)
    }

    @Test(arguments: IncidentType.allCases)
    func `an incident comes back as it was written`(type: IncidentType) throws {
        let state = try openState()
        var record = Sample.incident(170)
        record.type = type
        try state.insert(record)
        #expect(try state.incident(record.key) == record)

        try state.resolveIncident(record.key)

        record.isResolved = true
        #expect(try state.incident(record.key) == record)
    }

    @Test func `continuations and quarantines come back as they were written`() throws {
        let state = try openState()
        let continuation = ContinuationRecord(
            key: Sample.key(180),
            processInstanceKey: Sample.key(100),
            steps: [
                .enter(element: 4, flow: 2, scope: Sample.key(1)), .enter(element: 5, flow: nil, scope: Sample.key(1)),
                .activate(Sample.key(2)), .complete(Sample.key(3)), .terminate(Sample.key(4)),
                .childEnded(scope: Sample.key(5)), .correlateBuffered(subscription: Sample.key(6)),
                .calledInstanceEnded(instance: Sample.key(7)),
            ]
        )
        let first = QuarantineRecord(subject: "job/1", incidentKey: Sample.key(9), at: 12)
        let second = QuarantineRecord(subject: "timer/2", at: 13)
        try state.insert(continuation)
        try state.insert(second)
        try state.insert(first)
        #expect(try state.continuation(continuation.key) == continuation)
        #expect(try state.quarantine(subject: "job/1") == first)
        #expect(try state.quarantines(limit: 10) == [first, second])
        #expect(try state.quarantines(limit: 1) == [first])

        try state.removeContinuation(continuation.key)
        try state.removeQuarantine(subject: "job/1")

        #expect(try state.continuation(continuation.key) == nil)
        #expect(try state.quarantines(limit: 10) == [second])
    }

    @Test func `an answer comes back as it was given`() throws {
        let state = try openState()
        let record = Sample.answered("client-1/7", at: 10)

        try state.insert(record)

        #expect(try state.answeredRequest(record.id) == record)
        #expect(try state.answeredRequest(RequestID("client-1/8")) == nil)
    }

    @Test func `elements change field by field`() throws {
        let state = try openState()
        var record = Sample.element(102, instance: 100, scope: 100, state: .activating)
        try state.insert(record)

        try state.setElementState(record.key, .terminated, endedAt: 66)
        try state.setElementWaitsFor(record.key, nil)
        try state.setElementIncident(record.key, nil)
        try state.setElementInterrupted(record.key, by: Sample.key(8))
        try state.addActiveChildren(record.key, 4)
        try state.addActiveChildren(record.key, -2)

        (record.state, record.endedAt, record.activeChildren) = (.terminated, 66, 5)
        (record.waitsFor, record.incidentKey, record.interruptedBy) = (nil, nil, Sample.key(8))
        #expect(try state.elementInstance(record.key) == record)
    }
}
