import ProcessEngine

/// What a state means, in dictionaries: as plain as it can be, to compare with. Savepoints and rollbacks are copies.
struct ModelState {
    var instances: [Key: ProcessInstanceRecord] = [:]
    var elements: [Key: ElementInstanceRecord] = [:]
    var variables: [Key: VariableRecord] = [:]
    var jobs: [Key: JobRecord] = [:]
    var userTasks: [Key: UserTaskRecord] = [:]
    var timers: [Key: TimerRecord] = [:]
    var subscriptions: [Key: SubscriptionRecord] = [:]
    var messages: [Key: MessageRecord] = [:]
    var incidents: [Key: IncidentRecord] = [:]
    /// Count of the flows of gateway 1 in scope 1, by flow.
    var flows: [Int32: Int32] = [:]
    var answers: [AnsweredRequest] = []
    var outbox: [Int64: OutboxRecord] = [:]
    var lastSent: Int64 = 0
    var membership: [UInt8] = []

    func activatable(type: String, tenants: [String], limit: Int) -> [JobRecord] {
        let found = jobs.values.filter { $0.state == .activatable && $0.type == type && tenants.contains($0.tenantID) }
        return Array(found.sorted { ($1.priority, $0.key) < ($0.priority, $1.key) }.prefix(limit))
    }

    func activeChildren(scope: Key) -> [ElementInstanceRecord] {
        elements.values.filter { $0.scopeKey == scope && !$0.state.isFinal }.sorted { $0.key < $1.key }
    }

    func variables(scope: Key, instance: Key) -> [VariableRecord] {
        variables.values.filter { $0.scopeKey == scope && $0.processInstanceKey == instance }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    func dueJobs(now: Int64) -> [Key] {
        dueJobRecords.filter { $0.0 <= now }.map(\.1)
    }

    private var dueJobRecords: [(Int64, Key)] {
        jobs.values.filter { $0.state == .activated || $0.state == .backingOff }
            .compactMap { job in job.deadline.map { ($0, job.key) } }
            .sorted { $0 < $1 }
    }

    func dueTimers(now: Int64) -> [Key] {
        timers.values.filter { $0.dueAt <= now }.map { ($0.dueAt, $0.key) }.sorted { $0 < $1 }.map(\.1)
    }

    func expiredMessages(now: Int64) -> [Key] {
        messages.values.filter { $0.expiresAt <= now }.map { ($0.expiresAt, $0.key) }.sorted { $0 < $1 }.map(\.1)
    }

    var nextDueTime: Int64? {
        (timers.values.map(\.dueAt) + messages.values.map(\.expiresAt) + dueJobRecords.map(\.0)).min()
    }

    /// Ended instances whose root has ended.
    var finished: [Key] {
        instances.values.filter { instance in
            instance.state != .active && instances[instance.rootInstanceKey].map { $0.state != .active } ?? true
        }.map(\.key).sorted()
    }

    mutating func remove(instance key: Key) {
        instances[key] = nil
        let ended = Set(elements.values.filter { $0.processInstanceKey == key }.map { Optional($0.key) })
        timers = timers.filter { $0.value.elementInstanceKey == nil || !ended.contains($0.value.elementInstanceKey) }
        subscriptions = subscriptions.filter { !ended.contains($0.value.elementInstanceKey) }
        elements = elements.filter { $0.value.processInstanceKey != key }
        variables = variables.filter { $0.value.processInstanceKey != key }
        jobs = jobs.filter { $0.value.processInstanceKey != key }
        userTasks = userTasks.filter { $0.value.processInstanceKey != key }
        incidents = incidents.filter { $0.value.processInstanceKey != key }
    }
}
