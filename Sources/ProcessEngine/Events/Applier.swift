/// Carries events out on a state. No decisions: what an event means was decided when it was made.
package enum Applier {
    /// - Throws: whatever the storage throws; the transaction is then to be rolled back.
    package static func apply(_ event: Event, to state: any EngineState) throws {
        switch event {
        case .definitionAdded, .resourceAdded, .startSubscriptionOpened, .startSubscriptionClosed:
            try applyDefinition(event, to: state)
        case .instanceCreated, .instanceEnded, .elementEntered, .elementChanged, .elementCompleted,
            .elementTerminated, .elementInterrupted, .elementWaits, .elementFlowStarted, .flowArrived, .flowsJoined,
            .flowsDropped:
            try applyElement(event, to: state)
        case .variableCreated(let record): try state.insert(record)
        case .variableUpdated(let key, let value): try state.setVariable(key, value: value)
        case .jobCreated, .jobActivated, .jobEnded, .jobChanged, .incidentCreated, .incidentResolved,
            .userTaskCreated, .userTaskChanged:
            try applyWork(event, to: state)
        case .timerScheduled, .timerRemoved, .subscriptionOpened, .subscriptionClosed, .messagePublished,
            .messageCorrelated, .messageRemoved:
            try applyTrigger(event, to: state)
        case .continuationStored, .continuationRemoved, .requestAnswered, .requestsForgotten, .transferQueued,
            .transferAcknowledged, .transferReceived, .quarantined, .quarantineLifted:
            try applyEngine(event, to: state)
        }
    }

    private static func applyDefinition(_ event: Event, to state: any EngineState) throws {
        switch event {
        case .definitionAdded(let record): try state.insert(record)
        case .resourceAdded(let record): try state.insert(record)
        case .startSubscriptionOpened(let record): try state.insert(record)
        case .startSubscriptionClosed(let key): try state.removeStartSubscription(key)
        default: preconditionFailure("not an event of definitions")
        }
    }

    private static func applyElement(_ event: Event, to state: any EngineState) throws {
        switch event {
        case .instanceCreated(let record): try state.insert(record)
        case .instanceEnded(let key, let endState, let time):
            try state.endProcessInstance(key, state: endState, at: time)
        case .elementEntered(let record, let consumed, let taken):
            try state.insert(record)
            let alive: Int32 = record.state.isFinal ? 0 : 1
            try addChildren(record.scopeKey, alive + Int32(taken.count) - consumed, to: state)
        case .elementChanged(let key, let elementState):
            try state.setElementState(key, elementState, endedAt: nil)
        case .elementCompleted(let key, let scope, let time, let taken):
            try state.setElementState(key, .completed, endedAt: time)
            try addChildren(scope, Int32(taken.count) - 1, to: state)
        case .elementTerminated(let key, let scope, let time):
            try state.setElementState(key, .terminated, endedAt: time)
            try addChildren(scope, -1, to: state)
        case .elementInterrupted(let key, let by): try state.setElementInterrupted(key, by: by)
        case .elementWaits(let key, let target): try state.setElementWaitsFor(key, target)
        case .elementFlowStarted(let key): try state.addActiveChildren(key, 1)
        case .flowArrived(let record):
            try state.addTakenFlow(record)
            try state.addActiveChildren(record.scopeKey, -1)
        case .flowsJoined(let scope, let gateway, let flows):
            for flow in flows { try state.removeTakenFlow(scope: scope, gateway: gateway, flow: flow) }
        case .flowsDropped(let scope, let count): try addChildren(scope, -count, to: state)
        default: preconditionFailure("not an event of elements")
        }
    }

    private static func addChildren(_ scope: Key?, _ change: Int32, to state: any EngineState) throws {
        guard let scope, change != 0 else { return }
        try state.addActiveChildren(scope, change)
    }

    private static func applyWork(_ event: Event, to state: any EngineState) throws {
        switch event {
        case .jobCreated(let record): try state.insert(record)
        case .jobActivated(let key, let worker, let deadline, let time):
            try state.setJobActivated(key, worker: worker, deadline: deadline, at: time)
        case .jobEnded(let key, let jobState, let time): try state.setJobEnded(key, state: jobState, at: time)
        case .jobChanged(let record): try state.update(record)
        case .incidentCreated(let record):
            try state.insert(record)
            try state.setElementIncident(record.elementInstanceKey, record.key)
        case .incidentResolved(let key, let elementInstance):
            try state.resolveIncident(key)
            try state.setElementIncident(elementInstance, nil)
        case .userTaskCreated(let record): try state.insert(record)
        case .userTaskChanged(let record): try state.update(record)
        default: preconditionFailure("not an event of work")
        }
    }

    private static func applyTrigger(_ event: Event, to state: any EngineState) throws {
        switch event {
        case .timerScheduled(let record): try state.insert(record)
        case .timerRemoved(let key, _): try state.removeTimer(key)
        case .subscriptionOpened(let record): try state.insert(record)
        case .subscriptionClosed(let key): try state.removeSubscription(key)
        case .messagePublished(let record): try state.insert(record)
        case .messageCorrelated(let key, let processID): try state.setMessageCorrelated(key, processID: processID)
        case .messageRemoved(let key): try state.removeMessage(key)
        default: preconditionFailure("not an event of triggers")
        }
    }

    private static func applyEngine(_ event: Event, to state: any EngineState) throws {
        switch event {
        case .continuationStored(let record): try state.insert(record)
        case .continuationRemoved(let key): try state.removeContinuation(key)
        case .requestAnswered(let record): try state.insert(record)
        case .requestsForgotten(let lane, let time): try state.removeAnsweredRequests(lane, through: time)
        case .transferQueued(let record): try state.insert(record)
        case .transferAcknowledged(let group, let sequence):
            try state.removeOutbox(targetGroup: group, sequence: sequence)
        case .transferReceived(let group, let sequence):
            try state.setReceived(sourceGroup: group, sequence: sequence)
        case .quarantined(let record): try state.insert(record)
        case .quarantineLifted(let subject): try state.removeQuarantine(subject: subject)
        default: preconditionFailure("not an event of the engine")
        }
    }
}
