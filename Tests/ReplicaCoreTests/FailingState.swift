import ProcessEngine
import StateStore

/// A state that runs out of space when it is told to.
final class FailingState: TransactionalState {
    struct NoSpace: StorageFailure {
        let isOutOfSpace = true
    }

    let inner: SQLiteState
    /// Writes left before there is no space; nil for any number.
    var writesLeft: Int?
    /// Whether the next commits find no space.
    var failsCommits = false

    init(_ inner: SQLiteState) { self.inner = inner }

    private func useSpace() throws {
        guard let left = writesLeft else { return }
        guard left > 0 else { throw NoSpace() }
        writesLeft = left - 1
    }

    var position: StatePosition { inner.position }
    var membership: [UInt8] { inner.membership }
    var digest: StateDigest { inner.digest }
    func checkDigest() throws { try inner.checkDigest() }
    var changeCount: Int64 { inner.changeCount }
    func begin() throws { try inner.begin() }
    func setSavepoint() throws { try inner.setSavepoint() }
    func releaseSavepoint() throws { try inner.releaseSavepoint() }
    func rollBackToSavepoint() throws { try inner.rollBackToSavepoint() }
    func rollback() throws { try inner.rollback() }

    func commit(_ position: StatePosition) throws {
        if failsCommits { throw NoSpace() }
        try inner.commit(position)
    }

    func setMembership(_ bytes: [UInt8]) throws {
        try useSpace()
        try inner.setMembership(bytes)
    }

    func definition(_ key: Key) throws -> DefinitionRecord? { try inner.definition(key) }

    func latestDefinition(processID: String, tenantID: String) throws -> DefinitionRecord? {
        try inner.latestDefinition(processID: processID, tenantID: tenantID)
    }

    func definition(processID: String, version: Int32, tenantID: String) throws -> DefinitionRecord? {
        try inner.definition(processID: processID, version: version, tenantID: tenantID)
    }

    func definition(processID: String, versionTag: String, tenantID: String) throws -> DefinitionRecord? {
        try inner.definition(processID: processID, versionTag: versionTag, tenantID: tenantID)
    }

    func definition(processID: String, deploymentKey: Key, tenantID: String) throws -> DefinitionRecord? {
        try inner.definition(processID: processID, deploymentKey: deploymentKey, tenantID: tenantID)
    }

    func resource(_ key: Key) throws -> ResourceRecord? { try inner.resource(key) }

    func startSubscriptions(messageName: String, tenantID: String) throws -> [StartSubscriptionRecord] {
        try inner.startSubscriptions(messageName: messageName, tenantID: tenantID)
    }

    func startSubscriptions(definitionKey: Key) throws -> [StartSubscriptionRecord] {
        try inner.startSubscriptions(definitionKey: definitionKey)
    }

    func startTimers(definitionKey: Key) throws -> [TimerRecord] { try inner.startTimers(definitionKey: definitionKey) }

    func processInstance(_ key: Key) throws -> ProcessInstanceRecord? { try inner.processInstance(key) }

    func hasActiveInstance(processID: String, tenantID: String, startCorrelationKey: String) throws -> Bool {
        try inner.hasActiveInstance(processID: processID, tenantID: tenantID, startCorrelationKey: startCorrelationKey)
    }

    func elementInstance(_ key: Key) throws -> ElementInstanceRecord? { try inner.elementInstance(key) }

    func activeChildren(scope: Key, processInstance: Key, limit: Int) throws -> [ElementInstanceRecord] {
        try inner.activeChildren(scope: scope, processInstance: processInstance, limit: limit)
    }

    func takenFlows(scope: Key, gateway: Int32) throws -> [TakenFlowRecord] {
        try inner.takenFlows(scope: scope, gateway: gateway)
    }

    func variable(_ name: String, scope: Key, processInstance: Key) throws -> VariableRecord? {
        try inner.variable(name, scope: scope, processInstance: processInstance)
    }

    func variables(scope: Key, processInstance: Key) throws -> [VariableRecord] {
        try inner.variables(scope: scope, processInstance: processInstance)
    }

    func job(_ key: Key) throws -> JobRecord? { try inner.job(key) }

    func activatableJobs(type: String, tenantIDs: [String], limit: Int) throws -> [JobRecord] {
        try inner.activatableJobs(type: type, tenantIDs: tenantIDs, limit: limit)
    }

    func userTask(_ key: Key) throws -> UserTaskRecord? { try inner.userTask(key) }

    func timer(_ key: Key) throws -> TimerRecord? { try inner.timer(key) }

    func timers(elementInstance: Key) throws -> [TimerRecord] { try inner.timers(elementInstance: elementInstance) }

    func subscription(_ key: Key) throws -> SubscriptionRecord? { try inner.subscription(key) }

    func subscriptions(elementInstance: Key) throws -> [SubscriptionRecord] {
        try inner.subscriptions(elementInstance: elementInstance)
    }

    func subscriptions(
        messageName: String,
        correlationKey: String,
        tenantID: String,
        after: Key,
        limit: Int
    ) throws -> [SubscriptionRecord] {
        try inner.subscriptions(
            messageName: messageName,
            correlationKey: correlationKey,
            tenantID: tenantID,
            after: after,
            limit: limit
        )
    }

    func message(_ key: Key) throws -> MessageRecord? { try inner.message(key) }

    func messages(
        name: String,
        correlationKey: String,
        tenantID: String,
        after: Key,
        limit: Int
    ) throws -> [MessageRecord] {
        try inner.messages(name: name, correlationKey: correlationKey, tenantID: tenantID, after: after, limit: limit)
    }

    func bufferedMessage(
        name: String,
        correlationKey: String,
        messageID: String,
        tenantID: String
    ) throws -> MessageRecord? {
        try inner.bufferedMessage(name: name, correlationKey: correlationKey, messageID: messageID, tenantID: tenantID)
    }

    func incident(_ key: Key) throws -> IncidentRecord? { try inner.incident(key) }

    func continuation(_ key: Key) throws -> ContinuationRecord? { try inner.continuation(key) }

    func answeredRequest(_ id: RequestID) throws -> AnsweredRequest? { try inner.answeredRequest(id) }

    func outbox(targetGroup: UInt32, limit: Int) throws -> [OutboxRecord] {
        try inner.outbox(targetGroup: targetGroup, limit: limit)
    }

    func outboxRecord(targetGroup: UInt32, sequence: Int64) throws -> OutboxRecord? {
        try inner.outboxRecord(targetGroup: targetGroup, sequence: sequence)
    }

    func lastSequence(sentTo group: UInt32) throws -> Int64 { try inner.lastSequence(sentTo: group) }

    func lastSequence(receivedFrom group: UInt32) throws -> Int64 { try inner.lastSequence(receivedFrom: group) }

    func quarantine(subject: String) throws -> QuarantineRecord? { try inner.quarantine(subject: subject) }

    func quarantines(limit: Int) throws -> [QuarantineRecord] { try inner.quarantines(limit: limit) }

    func dueTimers(now: Int64, limit: Int) throws -> [Key] { try inner.dueTimers(now: now, limit: limit) }

    func dueJobs(now: Int64, limit: Int) throws -> [Key] { try inner.dueJobs(now: now, limit: limit) }

    func expiredMessages(now: Int64, limit: Int) throws -> [Key] { try inner.expiredMessages(now: now, limit: limit) }

    func continuations(limit: Int) throws -> [Key] { try inner.continuations(limit: limit) }

    func nextDueTime() throws -> Int64? { try inner.nextDueTime() }

    func answeredRequests(_ lane: RequestLane) throws -> (count: Int, oldest: Int64?) {
        try inner.answeredRequests(lane)
    }

    func answeredRequestTime(_ lane: RequestLane, newest position: Int) throws -> Int64? {
        try inner.answeredRequestTime(lane, newest: position)
    }

    func insert(_ record: DefinitionRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func insert(_ record: ResourceRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func insert(_ record: StartSubscriptionRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func removeStartSubscription(_ key: Key) throws {
        try useSpace()
        try inner.removeStartSubscription(key)
    }

    func insert(_ record: ProcessInstanceRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func endProcessInstance(_ key: Key, state: InstanceState, at: Int64) throws {
        try useSpace()
        try inner.endProcessInstance(key, state: state, at: at)
    }

    func insert(_ record: ElementInstanceRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func setElementState(_ key: Key, _ state: ElementState, endedAt: Int64?) throws {
        try useSpace()
        try inner.setElementState(key, state, endedAt: endedAt)
    }

    func setElementInterrupted(_ key: Key, by: Key) throws {
        try useSpace()
        try inner.setElementInterrupted(key, by: by)
    }

    func setElementWaitsFor(_ key: Key, _ target: Key?) throws {
        try useSpace()
        try inner.setElementWaitsFor(key, target)
    }

    func setElementIncident(_ key: Key, _ incident: Key?) throws {
        try useSpace()
        try inner.setElementIncident(key, incident)
    }

    func addActiveChildren(_ scope: Key, _ change: Int32) throws {
        try useSpace()
        try inner.addActiveChildren(scope, change)
    }

    func addTakenFlow(_ record: TakenFlowRecord) throws {
        try useSpace()
        try inner.addTakenFlow(record)
    }

    func removeTakenFlow(scope: Key, gateway: Int32, flow: Int32) throws {
        try useSpace()
        try inner.removeTakenFlow(scope: scope, gateway: gateway, flow: flow)
    }

    func insert(_ record: VariableRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func setVariable(_ key: Key, value: [UInt8]) throws {
        try useSpace()
        try inner.setVariable(key, value: value)
    }

    func insert(_ record: JobRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func setJobActivated(_ key: Key, worker: String, deadline: Int64, at: Int64) throws {
        try useSpace()
        try inner.setJobActivated(key, worker: worker, deadline: deadline, at: at)
    }

    func setJobEnded(_ key: Key, state: JobState, at: Int64) throws {
        try useSpace()
        try inner.setJobEnded(key, state: state, at: at)
    }

    func update(_ record: JobRecord) throws {
        try useSpace()
        try inner.update(record)
    }

    func insert(_ record: UserTaskRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func update(_ record: UserTaskRecord) throws {
        try useSpace()
        try inner.update(record)
    }

    func insert(_ record: TimerRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func removeTimer(_ key: Key) throws {
        try useSpace()
        try inner.removeTimer(key)
    }

    func insert(_ record: SubscriptionRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func removeSubscription(_ key: Key) throws {
        try useSpace()
        try inner.removeSubscription(key)
    }

    func insert(_ record: MessageRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func setMessageCorrelated(_ key: Key, processID: String) throws {
        try useSpace()
        try inner.setMessageCorrelated(key, processID: processID)
    }

    func removeMessage(_ key: Key) throws {
        try useSpace()
        try inner.removeMessage(key)
    }

    func insert(_ record: IncidentRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func resolveIncident(_ key: Key) throws {
        try useSpace()
        try inner.resolveIncident(key)
    }

    func insert(_ record: ContinuationRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func removeContinuation(_ key: Key) throws {
        try useSpace()
        try inner.removeContinuation(key)
    }

    func insert(_ record: AnsweredRequest) throws {
        try useSpace()
        try inner.insert(record)
    }

    func removeAnsweredRequests(_ lane: RequestLane, through time: Int64) throws {
        try useSpace()
        try inner.removeAnsweredRequests(lane, through: time)
    }

    func insert(_ record: OutboxRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func removeOutbox(targetGroup: UInt32, sequence: Int64) throws {
        try useSpace()
        try inner.removeOutbox(targetGroup: targetGroup, sequence: sequence)
    }

    func setReceived(sourceGroup: UInt32, sequence: Int64) throws {
        try useSpace()
        try inner.setReceived(sourceGroup: sourceGroup, sequence: sequence)
    }

    func insert(_ record: QuarantineRecord) throws {
        try useSpace()
        try inner.insert(record)
    }

    func removeQuarantine(subject: String) throws {
        try useSpace()
        try inner.removeQuarantine(subject: subject)
    }
}
