/// What the engine may ask of a group's state. Every answer shows what was applied before within the open transaction.
///
/// Implementations throw only when the storage fails; a missing row is nil or an empty list. Lists have a fixed order.
package protocol EngineStateReader: AnyObject {
    // Definitions
    func definition(_ key: Key) throws -> DefinitionRecord?
    func latestDefinition(processID: String, tenantID: String) throws -> DefinitionRecord?
    func definition(processID: String, version: Int32, tenantID: String) throws -> DefinitionRecord?
    /// The newest with this tag.
    func definition(processID: String, versionTag: String, tenantID: String) throws -> DefinitionRecord?
    func definition(processID: String, deploymentKey: Key, tenantID: String) throws -> DefinitionRecord?
    func resource(_ key: Key) throws -> ResourceRecord?
    func startSubscriptions(messageName: String, tenantID: String) throws -> [StartSubscriptionRecord]
    func startSubscriptions(definitionKey: Key) throws -> [StartSubscriptionRecord]
    func startTimers(definitionKey: Key) throws -> [TimerRecord]

    // Instances and elements
    func processInstance(_ key: Key) throws -> ProcessInstanceRecord?
    /// Whether an active instance of this process was started by a message with this correlation key.
    func hasActiveInstance(processID: String, tenantID: String, startCorrelationKey: String) throws -> Bool
    func elementInstance(_ key: Key) throws -> ElementInstanceRecord?
    /// Element instances directly inside a scope that have not ended, by key, at most `limit`.
    func activeChildren(scope: Key, processInstance: Key, limit: Int) throws -> [ElementInstanceRecord]
    /// Flows that wait at a joining gateway, by flow.
    func takenFlows(scope: Key, gateway: Int32) throws -> [TakenFlowRecord]

    // Variables
    func variable(_ name: String, scope: Key, processInstance: Key) throws -> VariableRecord?
    /// Variables directly in a scope, by name.
    func variables(scope: Key, processInstance: Key) throws -> [VariableRecord]

    // Jobs and user tasks
    func job(_ key: Key) throws -> JobRecord?
    /// Activatable jobs of a type, highest priority first, then by key, at most `limit`.
    func activatableJobs(type: String, tenantIDs: [String], limit: Int) throws -> [JobRecord]
    func userTask(_ key: Key) throws -> UserTaskRecord?

    // Timers, subscriptions, messages
    func timer(_ key: Key) throws -> TimerRecord?
    func timers(elementInstance: Key) throws -> [TimerRecord]
    func subscription(_ key: Key) throws -> SubscriptionRecord?
    func subscriptions(elementInstance: Key) throws -> [SubscriptionRecord]
    /// Open subscriptions by key, at most `limit`, with keys greater than `after`.
    func subscriptions(
        messageName: String,
        correlationKey: String,
        tenantID: String,
        after: Key,
        limit: Int
    ) throws -> [SubscriptionRecord]
    func message(_ key: Key) throws -> MessageRecord?
    /// Buffered messages by key, expired ones included, at most `limit`, with keys greater than `after`.
    func messages(
        name: String,
        correlationKey: String,
        tenantID: String,
        after: Key,
        limit: Int
    ) throws -> [MessageRecord]
    func bufferedMessage(
        name: String,
        correlationKey: String,
        messageID: String,
        tenantID: String
    ) throws -> MessageRecord?

    // Incidents
    func incident(_ key: Key) throws -> IncidentRecord?

    // Engine
    func continuation(_ key: Key) throws -> ContinuationRecord?
    func answeredRequest(_ id: RequestID) throws -> AnsweredRequest?
    func outbox(targetGroup: UInt32, limit: Int) throws -> [OutboxRecord]
    func outboxRecord(targetGroup: UInt32, sequence: Int64) throws -> OutboxRecord?
    /// The last sequence sent to a group; 0 before the first.
    func lastSequence(sentTo group: UInt32) throws -> Int64
    /// The last sequence received from a group; 0 before the first.
    func lastSequence(receivedFrom group: UInt32) throws -> Int64
    func quarantine(subject: String) throws -> QuarantineRecord?
    /// All quarantined subjects, by subject, at most `limit`.
    func quarantines(limit: Int) throws -> [QuarantineRecord]
}

/// What the scheduler of a leader asks: what is due by group time.
package protocol ScheduleReader: AnyObject {
    /// Timers due at `now`, by due time then key.
    func dueTimers(now: Int64, limit: Int) throws -> [Key]
    /// Activated and backing-off jobs whose deadline is over at `now`, by deadline then key.
    func dueJobs(now: Int64, limit: Int) throws -> [Key]
    /// Buffered messages that are expired at `now`, by expiry then key.
    func expiredMessages(now: Int64, limit: Int) throws -> [Key]
    func continuations(limit: Int) throws -> [Key]
    /// The earliest time anything of the above is due; nil when nothing is.
    func nextDueTime() throws -> Int64?
    /// Number of answered requests kept in a lane, and the time of the oldest.
    func answeredRequests(_ lane: RequestLane) throws -> (count: Int, oldest: Int64?)
    /// The time of the n-th newest answered request of a lane, to forget the ones before it.
    func answeredRequestTime(_ lane: RequestLane, newest position: Int) throws -> Int64?
}

/// What appliers may do to a group's state: plain changes of rows, no decisions.
package protocol EngineState: EngineStateReader, ScheduleReader {
    func insert(_ record: DefinitionRecord) throws
    func insert(_ record: ResourceRecord) throws
    func insert(_ record: StartSubscriptionRecord) throws
    func removeStartSubscription(_ key: Key) throws

    func insert(_ record: ProcessInstanceRecord) throws
    /// Ends an instance; from then on it may be moved to the history at any time.
    func endProcessInstance(_ key: Key, state: InstanceState, at: Int64) throws
    func insert(_ record: ElementInstanceRecord) throws
    func setElementState(_ key: Key, _ state: ElementState, endedAt: Int64?) throws
    func setElementInterrupted(_ key: Key, by: Key) throws
    func setElementWaitsFor(_ key: Key, _ target: Key?) throws
    func setElementIncident(_ key: Key, _ incident: Key?) throws
    func addActiveChildren(_ scope: Key, _ change: Int32) throws
    /// Adds `record.count` to what waits already.
    func addTakenFlow(_ record: TakenFlowRecord) throws
    /// Takes one away; the row goes when none is left.
    func removeTakenFlow(scope: Key, gateway: Int32, flow: Int32) throws

    func insert(_ record: VariableRecord) throws
    func setVariable(_ key: Key, value: [UInt8]) throws

    func insert(_ record: JobRecord) throws
    /// Sets ACTIVATED, the worker and the deadline, and counts the activation.
    func setJobActivated(_ key: Key, worker: String, deadline: Int64, at: Int64) throws
    func setJobEnded(_ key: Key, state: JobState, at: Int64) throws
    func update(_ record: JobRecord) throws
    func insert(_ record: UserTaskRecord) throws
    func update(_ record: UserTaskRecord) throws

    func insert(_ record: TimerRecord) throws
    func removeTimer(_ key: Key) throws
    func insert(_ record: SubscriptionRecord) throws
    func removeSubscription(_ key: Key) throws
    func insert(_ record: MessageRecord) throws
    func setMessageCorrelated(_ key: Key, processID: String) throws
    func removeMessage(_ key: Key) throws

    func insert(_ record: IncidentRecord) throws
    func resolveIncident(_ key: Key) throws

    func insert(_ record: ContinuationRecord) throws
    func removeContinuation(_ key: Key) throws
    func insert(_ record: AnsweredRequest) throws
    func removeAnsweredRequests(_ lane: RequestLane, through time: Int64) throws
    func insert(_ record: OutboxRecord) throws
    func removeOutbox(targetGroup: UInt32, sequence: Int64) throws
    func setReceived(sourceGroup: UInt32, sequence: Int64) throws
    func insert(_ record: QuarantineRecord) throws
    func removeQuarantine(subject: String) throws
}

/// A group's state with its transactions. One write transaction is open from `begin` to `commit` or `rollback`.
package protocol TransactionalState: EngineState {
    /// What the last committed transaction holds.
    var position: StatePosition { get }
    /// The members of the group as the last committed transaction holds them, in a form of the owner's; empty before
    /// the first `setMembership`.
    var membership: [UInt8] { get }
    /// Of everything that replicas have in common but the position, the open transaction included: equal wherever the
    /// same entries were applied. After a rollback, to the savepoint too, it is what it was before.
    var digest: StateDigest { get }
    /// - Throws: why the digest is not that of the rows: a changed row could not be read.
    func checkDigest() throws
    /// Grows with every row that is changed, whatever becomes of the change.
    var changeCount: Int64 { get }
    func begin() throws
    /// Replaces the members, as part of the open transaction: at most `StateLimits.membershipBytes`.
    func setMembership(_ bytes: [UInt8]) throws
    /// Marks a point that the open transaction can go back to. Savepoints do not nest.
    func setSavepoint() throws
    func releaseSavepoint() throws
    func rollBackToSavepoint() throws
    /// Commits everything since `begin` together with the position.
    func commit(_ position: StatePosition) throws
    func rollback() throws
}

/// Bounds of what a state keeps.
package enum StateLimits {
    /// Bytes of the members of a group.
    package static let membershipBytes = 64 << 10
}

/// How far a group's state is: written in the same transaction as the effects it stands for.
package struct StatePosition: Hashable, Sendable {
    /// Index of the last log entry whose effects are in the state.
    package var appliedIndex: UInt64
    package var appliedTerm: UInt64
    /// Group time, milliseconds since 1970; never goes back.
    package var time: Int64
    /// The last key counter that was given out.
    package var keyCounter: Int64

    package init(appliedIndex: UInt64 = 0, appliedTerm: UInt64 = 0, time: Int64 = 0, keyCounter: Int64 = 0) {
        self.appliedIndex = appliedIndex
        self.appliedTerm = appliedTerm
        self.time = time
        self.keyCounter = keyCounter
    }
}

/// An error of the storage that may pass.
package protocol StorageFailure: Error {
    /// There is no space left; the transaction is to be rolled back, and may be tried again later.
    var isOutOfSpace: Bool { get }
}
