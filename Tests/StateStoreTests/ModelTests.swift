import ProcessEngine
import Testing

@testable import StateStore

/// Random changes, made to the state and to the model; after each transaction both must say the same.
@Suite struct ModelTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `a state in memory does what the model does`(seed: UInt64) throws {
        var world = World(state: try SQLiteState.inMemory(), seed: seed)
        try world.run(transactions: 60)
    }

    @Test(arguments: [101, 102, 103] as [UInt64])
    func `a state on disk does what the model does, opened anew at times`(seed: UInt64) throws {
        try withFolder { folder in
            let options = StateOptions(cacheBytes: 64 << 10, checkpointBytes: 64 << 10, durableCommitBytes: 200 << 10)
            var world = World(state: try SQLiteState(folder: folder, options: options), seed: seed)
            for _ in 0..<4 {
                try world.run(transactions: 12)
                world.state = try SQLiteState(folder: folder, options: options)
                try world.compare()
            }
        }
    }
}

private struct World {
    var state: SQLiteState
    private var model = ModelState()
    private var generator: SeededGenerator
    private let seed: UInt64
    private var counter: Int64 = 10
    private var time: Int64 = 0
    private var index: UInt64 = 0

    init(state: SQLiteState, seed: UInt64) {
        self.state = state
        self.seed = seed
        self.generator = SeededGenerator(seed: seed)
    }

    mutating func run(transactions: Int) throws {
        for _ in 0..<transactions {
            let committed = model
            let (counterBefore, timeBefore) = (counter, time)
            try state.begin()
            for _ in 0..<chance(8) { try runCommand() }
            if chance(5) == 0 {
                try state.rollback()
                model = committed
                (counter, time) = (counterBefore, timeBefore)
            } else {
                index += 1
                try state.commit(Sample.position(index))
                try state.checkpointIfNeeded()
            }
            try compare()
        }
    }

    private mutating func runCommand() throws {
        let before = model
        try state.setSavepoint()
        for _ in 0..<chance(12) { try change() }
        if chance(4) == 0 {
            try state.rollBackToSavepoint()
            model = before
        } else {
            try state.releaseSavepoint()
        }
    }

    private mutating func chance(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

    private mutating func newKey() -> Key {
        counter += 1
        return Sample.key(counter)
    }

    /// One of the keys, in an order that does not depend on hashing.
    private mutating func pick(_ keys: some Collection<Key>) -> Key? { keys.sorted().randomElement(using: &generator) }

    // MARK: Changes

    private mutating func change() throws {
        switch chance(23) {
        case 0, 1: try insertInstance()
        case 2, 3, 4: try insertElement()
        case 5: try insertVariable()
        case 6, 7: try insertJob()
        case 8: try insertTriggers()
        case 9: try insertWork()
        case 10, 11: try changeElement()
        case 12: try changeVariable()
        case 13, 14, 15: try changeJob()
        case 16: try removeTriggers()
        case 17: try changeWork()
        case 18: try changeFlows()
        case 19: try changeAnswers()
        case 20: try changeOutbox()
        case 21: try changeMembership()
        default: try endInstance()
        }
    }

    private mutating func insertInstance() throws {
        let key = newKey()
        let parent = chance(3) == 0 ? pick(model.instances.values.filter { $0.state == .active }.map(\.key)) : nil
        let root = parent.flatMap { model.instances[$0]?.rootInstanceKey } ?? key
        let record = Sample.instance(key.counter, root: root.counter, parent: parent?.counter)
        try state.insert(record)
        model.instances[key] = record
    }

    private mutating func insertElement() throws {
        guard let instance = pick(model.instances.keys) else { return }
        let inside = model.elements.values.filter { $0.processInstanceKey == instance }.map(\.key)
        let scope = pick(inside)
        let elementState = ElementState(rawValue: UInt8(chance(6))) ?? .activated
        let record = Sample.element(
            newKey().counter,
            instance: instance.counter,
            scope: scope?.counter,
            state: elementState
        )
        try state.insert(record)
        model.elements[record.key] = record
    }

    private mutating func insertVariable() throws {
        guard let instance = pick(model.instances.keys) else { return }
        let record = Sample.variable(newKey().counter, instance: instance.counter, name: "v\(counter % 37)-\(counter)")
        try state.insert(record)
        model.variables[record.key] = record
    }

    private mutating func insertJob() throws {
        guard let instance = pick(model.instances.keys) else { return }
        let record = Sample.job(
            newKey().counter,
            type: ["ship", "bill"][chance(2)],
            tenantID: ["a", "b", "c"][chance(3)],
            priority: Int32(chance(4)),
            instance: instance.counter
        )
        try state.insert(record)
        model.jobs[record.key] = record
    }

    private mutating func insertTriggers() throws {
        let timer = Sample.timer(newKey().counter, dueAt: Int64(chance(100)), element: chance(3) == 0 ? nil : 101)
        let message = Sample.message(newKey().counter, expiresAt: Int64(chance(100)), messageID: nil)
        let subscription = Sample.subscription(newKey().counter, correlationKey: "o-\(chance(2))")
        try state.insert(timer)
        try state.insert(message)
        try state.insert(subscription)
        model.timers[timer.key] = timer
        model.messages[message.key] = message
        model.subscriptions[subscription.key] = subscription
    }

    private mutating func insertWork() throws {
        guard let instance = pick(model.instances.keys) else { return }
        let task = Sample.userTask(newKey().counter, instance: instance.counter)
        let incident = Sample.incident(newKey().counter, instance: instance.counter)
        try state.insert(task)
        try state.insert(incident)
        model.userTasks[task.key] = task
        model.incidents[incident.key] = incident
    }

    private mutating func changeElement() throws {
        guard let key = pick(model.elements.keys) else { return }
        switch chance(4) {
        case 0:
            let elementState = ElementState(rawValue: UInt8(chance(6))) ?? .activated
            let endedAt: Int64? = elementState.isFinal ? 77 : nil
            try state.setElementState(key, elementState, endedAt: endedAt)
            model.elements[key]?.state = elementState
            model.elements[key]?.endedAt = endedAt
        case 1:
            try state.addActiveChildren(key, -1)
            model.elements[key]?.activeChildren -= 1
        case 2:
            try state.setElementWaitsFor(key, nil)
            model.elements[key]?.waitsFor = nil
        default:
            let incident = newKey()
            try state.setElementIncident(key, incident)
            model.elements[key]?.incidentKey = incident
        }
    }

    private mutating func changeVariable() throws {
        guard let key = pick(model.variables.keys) else { return }
        let value = Array("\"\(String(repeating: "x", count: chance(6000)))\"".utf8)
        try state.setVariable(key, value: value)
        model.variables[key]?.value = value
    }

    private mutating func changeJob() throws {
        guard let key = pick(model.jobs.keys), var job = model.jobs[key] else { return }
        switch chance(3) {
        case 0:
            try state.setJobActivated(key, worker: "w", deadline: Int64(chance(100)) + 5, at: 60)
            job = try #require(try state.job(key))
            #expect(job.activations == model.jobs[key].map { $0.activations + 1 })
        case 1:
            try state.setJobEnded(key, state: .canceled, at: 61)
            (job.state, job.mark, job.updatedAt, job.endedAt) = (.canceled, .canceled, 61, 61)
        default:
            job.state = JobState(rawValue: UInt8(chance(5))) ?? .failed
            job.deadline = job.state == .activated || job.state == .backingOff ? Int64(chance(100)) : nil
            job.priority = Int32(chance(4))
            job.mark = .failed
            try state.update(job)
        }
        model.jobs[key] = job
    }

    private mutating func removeTriggers() throws {
        if let key = pick(model.timers.keys) {
            try state.removeTimer(key)
            model.timers[key] = nil
        }
        if let key = pick(model.messages.keys) {
            try state.removeMessage(key)
            model.messages[key] = nil
        }
        if let key = pick(model.subscriptions.keys) {
            try state.removeSubscription(key)
            model.subscriptions[key] = nil
        }
    }

    private mutating func changeWork() throws {
        if let key = pick(model.userTasks.keys), var task = model.userTasks[key] {
            task.assignee = task.assignee == nil ? "grace" : nil
            task.state = .completed
            try state.update(task)
            model.userTasks[key] = task
        }
        if let key = pick(model.incidents.keys) {
            try state.resolveIncident(key)
            model.incidents[key]?.isResolved = true
        }
    }

    private mutating func changeFlows() throws {
        let flow = Int32(chance(3))
        if chance(2) == 0 {
            let count = Int32(chance(2) + 1)
            try state.addTakenFlow(
                TakenFlowRecord(
                    scopeKey: Sample.key(1),
                    processInstanceKey: Sample.key(1),
                    gateway: 1,
                    flow: flow,
                    count: count
                )
            )
            model.flows[flow, default: 0] += count
        } else {
            try state.removeTakenFlow(scope: Sample.key(1), gateway: 1, flow: flow)
            model.flows[flow] = model.flows[flow].flatMap { $0 > 1 ? $0 - 1 : nil }
        }
    }

    private mutating func changeAnswers() throws {
        if chance(4) == 0 {
            let limit = time - Int64(chance(5))
            try state.removeAnsweredRequests(.client, through: limit)
            model.answers.removeAll { $0.answeredAt <= limit }
        } else {
            time += Int64(chance(3))
            let record = Sample.answered("r-\(newKey())", at: time)
            try state.insert(record)
            model.answers.append(record)
        }
    }

    private mutating func changeMembership() throws {
        let members = (0..<chance(4)).map { UInt8($0) }
        try state.setMembership(members)
        model.membership = members
    }

    private mutating func changeOutbox() throws {
        if chance(2) == 0 {
            let record = Sample.outbox(model.lastSent + 1)
            try state.insert(record)
            model.outbox[record.sequence] = record
            model.lastSent += 1
        } else if let sequence = model.outbox.keys.min() {
            try state.removeOutbox(targetGroup: 2, sequence: sequence)
            model.outbox[sequence] = nil
        }
    }

    private mutating func endInstance() throws {
        if chance(2) == 0, let key = model.finished.first {
            try state.removeArchived(instances: [key])
            model.remove(instance: key)
        } else if let key = pick(model.instances.values.filter { $0.state == .active }.map(\.key)) {
            try state.endProcessInstance(key, state: .completed, at: 80)
            model.instances[key]?.state = .completed
            model.instances[key]?.endedAt = 80
        }
    }

    // MARK: Comparison

    func compare() throws {
        try compareRows()
        try compareLists()
        try compareDigest()
    }

    private func compareDigest() throws {
        let comment = Comment("seed \(seed), transaction \(index)")
        #expect(try SQLiteState.recomputeDigest(state.database) == state.digest, comment)
        #expect(state.membership == model.membership, comment)
    }

    private func compareRows() throws {
        let comment = Comment("seed \(seed), transaction \(index)")
        for key in (10...counter + 1).map({ Sample.key($0) }) {
            #expect(try state.processInstance(key) == model.instances[key], comment)
            #expect(try state.elementInstance(key) == model.elements[key], comment)
            #expect(try state.job(key) == model.jobs[key], comment)
            #expect(try state.userTask(key) == model.userTasks[key], comment)
            #expect(try state.timer(key) == model.timers[key], comment)
            #expect(try state.subscription(key) == model.subscriptions[key], comment)
            #expect(try state.message(key) == model.messages[key], comment)
            #expect(try state.incident(key) == model.incidents[key], comment)
        }
    }

    private func compareLists() throws {
        let comment = Comment("seed \(seed), transaction \(index)")
        let tenants = ["c", "a"]
        for type in ["ship", "bill"] {
            let found = try state.activatableJobs(type: type, tenantIDs: tenants, limit: 5)
            #expect(found == model.activatable(type: type, tenants: tenants, limit: 5), comment)
        }
        for (key, element) in model.elements {
            let found = try state.activeChildren(scope: key, processInstance: element.processInstanceKey, limit: 999)
            #expect(found == model.activeChildren(scope: key), comment)
        }
        for key in model.instances.keys {
            #expect(try state.variables(scope: key, processInstance: key) == model.variables(scope: key, instance: key))
        }
        for now in [0, 50, 1000] as [Int64] {
            #expect(try state.dueJobs(now: now, limit: 999) == model.dueJobs(now: now), comment)
            #expect(try state.dueTimers(now: now, limit: 999) == model.dueTimers(now: now), comment)
            #expect(try state.expiredMessages(now: now, limit: 999) == model.expiredMessages(now: now), comment)
        }
        #expect(try state.nextDueTime() == model.nextDueTime, comment)
        #expect(try state.finishedInstances(limit: 999) == model.finished, comment)
        let flows = try state.takenFlows(scope: Sample.key(1), gateway: 1)
        #expect(flows.map(\.flow) == model.flows.keys.sorted(), comment)
        #expect(flows.map(\.count) == model.flows.keys.sorted().map { model.flows[$0] }, comment)
        let (count, oldest) = try state.answeredRequests(.client)
        #expect(count == model.answers.count, comment)
        #expect(oldest == model.answers.first?.answeredAt, comment)
        #expect(try state.answeredRequestTime(.client, newest: 2) == model.answers.dropLast().last?.answeredAt, comment)
        let outbox = try state.outbox(targetGroup: 2, limit: 999)
        #expect(outbox == model.outbox.keys.sorted().map { model.outbox[$0] }, comment)
        #expect(try state.lastSequence(sentTo: 2) == model.lastSent, comment)
    }
}
