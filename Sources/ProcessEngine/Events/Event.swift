/// A fact. Events are what is replicated: the leader decides them, every replica applies them in the same order.
///
/// An element's whole life is ACTIVATING, ACTIVATED, COMPLETING, COMPLETED (or TERMINATING, TERMINATED). States that
/// are passed through within one command are not written one by one: `elementEntered` carries the state that was
/// reached.
package enum Event: Hashable, Sendable {
    // Definitions
    case definitionAdded(DefinitionRecord)
    case resourceAdded(ResourceRecord)
    case startSubscriptionOpened(StartSubscriptionRecord)
    case startSubscriptionClosed(Key)

    // Instances
    case instanceCreated(ProcessInstanceRecord)
    case instanceEnded(Key, InstanceState, at: Int64)

    // Elements
    /// - consumedFlows: flows on their way to it that are now used up.
    /// - takenFlows: positions of the flows it left by, if the reached state is COMPLETED.
    case elementEntered(ElementInstanceRecord, consumedFlows: Int32, takenFlows: [Int32])
    /// ACTIVATED, COMPLETING or TERMINATING.
    case elementChanged(Key, ElementState)
    case elementCompleted(Key, scope: Key?, at: Int64, takenFlows: [Int32])
    case elementTerminated(Key, scope: Key?, at: Int64)
    /// An interrupting event took over: the instance `by` goes on once this one has terminated.
    case elementInterrupted(Key, by: Key)
    /// What an element instance waits for became known or changed.
    case elementWaits(Key, for: Key?)
    /// A scope that was kept ACTIVATING by an incident now has a flow on its way to its start event.
    case elementFlowStarted(Key)
    /// A flow reached a gateway that waits for others; from now on it is kept there and no longer counts as on its way.
    case flowArrived(TakenFlowRecord)
    /// The gateway took one of each of these waiting flows.
    case flowsJoined(scope: Key, gateway: Int32, flows: [Int32])
    /// Flows on their way inside a scope that is ending lead nowhere any more.
    case flowsDropped(scope: Key, count: Int32)

    // Variables
    case variableCreated(VariableRecord)
    case variableUpdated(Key, value: [UInt8])

    // Jobs
    case jobCreated(JobRecord)
    case jobActivated(Key, worker: String, deadline: Int64, at: Int64)
    /// Completed or canceled.
    case jobEnded(Key, JobState, at: Int64)
    /// Anything else; the record's mark says what.
    case jobChanged(JobRecord)

    // Timers and messages
    case timerScheduled(TimerRecord)
    case timerRemoved(Key, isTriggered: Bool)
    case subscriptionOpened(SubscriptionRecord)
    case subscriptionClosed(Key)
    case messagePublished(MessageRecord)
    case messageCorrelated(Key, processID: String)
    case messageRemoved(Key)

    // Incidents and user tasks
    case incidentCreated(IncidentRecord)
    case incidentResolved(Key, elementInstance: Key)
    case userTaskCreated(UserTaskRecord)
    case userTaskChanged(UserTaskRecord)

    // Engine
    case continuationStored(ContinuationRecord)
    case continuationRemoved(Key)
    case requestAnswered(AnsweredRequest)
    /// Forgets the oldest answered requests, up to and including this time, and beyond this number.
    case requestsForgotten(RequestLane, through: Int64)
    case transferQueued(OutboxRecord)
    case transferAcknowledged(targetGroup: UInt32, sequence: Int64)
    case transferReceived(sourceGroup: UInt32, sequence: Int64)
    case quarantined(QuarantineRecord)
    case quarantineLifted(subject: String)
}
