import BPMNModel
import FEEL

extension Execution {
    /// What an event will wait for, evaluated before anything is written.
    struct PreparedTrigger {
        enum Kind {
            case timer(dueAt: Int64, repetitions: Int64, cycle: String?)
            case message(name: String, correlationKey: String)
        }
        var element: Int
        var isInterrupting: Bool
        var kind: Kind
    }

    /// Evaluates the timers and messages of the given events as `active` sees them.
    func prepareTriggers(_ events: [Int], for active: ActiveElement, chain: [Key]) throws -> [PreparedTrigger] {
        var prepared: [PreparedTrigger] = []
        for index in events {
            let element = active.model.elements[index]
            let definition: EventDefinition
            if let event = element.event {
                definition = event
            } else if let message = element.message {
                definition = .message(message)
            } else {
                continue
            }
            let kind: PreparedTrigger.Kind
            switch definition {
            case .timer(let timer):
                let value = try evaluate(timer.expression, in: active, chain: chain)
                kind = try preparedTimer(timer.kind, value: value, elementID: element.id)
            case .message(let message):
                let name = try evaluateString(message.name, "the message name", in: active, chain: chain)
                guard let keyExpression = message.correlationKey else {
                    throw StepFailure(
                        type: .extractValue,
                        message: "Expected a correlation key at '\(element.id)', but the model has none"
                    )
                }
                kind = .message(
                    name: name,
                    correlationKey: try evaluateCorrelationKey(keyExpression, in: active, chain: chain)
                )
            case .error, .terminate: continue
            }
            prepared.append(PreparedTrigger(element: index, isInterrupting: element.isInterrupting, kind: kind))
        }
        return prepared
    }

    private func preparedTimer(
        _ kind: TimerKind,
        value: FEELValue,
        elementID: String
    ) throws -> PreparedTrigger.Kind {
        do {
            let schedule = try TimerSchedule(kind: kind, value: value, now: now, rules: environment.timeZoneRules)
            return .timer(dueAt: schedule.dueAt, repetitions: schedule.repetitions, cycle: schedule.cycle)
        } catch let fault as TimerSchedule.Fault {
            throw StepFailure(type: .extractValue, message: "Timer of '\(elementID)': \(fault.message)")
        }
    }

    /// Opens what was prepared; events wait on behalf of `active`.
    func openTriggers(_ triggers: [PreparedTrigger], for active: ActiveElement) throws {
        for trigger in triggers {
            let element = active.model.elements[trigger.element]
            switch trigger.kind {
            case .timer(let dueAt, let repetitions, let cycle):
                try emit(
                    .timerScheduled(
                        TimerRecord(
                            key: newKey(),
                            dueAt: dueAt,
                            processInstanceKey: active.instance.key,
                            elementInstanceKey: active.key,
                            definitionKey: active.instance.record.definitionKey,
                            elementID: element.id,
                            repetitions: repetitions,
                            cycle: cycle,
                            tenantID: active.instance.record.tenantID
                        )
                    )
                )
            case .message(let name, let correlationKey):
                let key = newKey()
                try emit(
                    .subscriptionOpened(
                        SubscriptionRecord(
                            key: key,
                            messageName: name,
                            correlationKey: correlationKey,
                            processInstanceKey: active.instance.key,
                            elementInstanceKey: active.key,
                            elementID: element.id,
                            processID: active.model.id,
                            isInterrupting: trigger.isInterrupting,
                            tenantID: active.instance.record.tenantID
                        )
                    )
                )
                enqueue(.correlateBuffered(subscription: key))
            }
        }
    }

    /// Closes the timers and subscriptions that wait on behalf of an element instance.
    func closeTriggers(of active: ActiveElement) throws {
        let element = active.element
        let waits: Bool =
            switch element.kind {
            case .intermediateCatchEvent, .receiveTask, .eventBasedGateway: true
            default: !element.boundaryEvents.isEmpty
            }
        guard waits else { return }
        for timer in try state.timers(elementInstance: active.key) {
            try emit(.timerRemoved(timer.key, isTriggered: false))
        }
        for subscription in try state.subscriptions(elementInstance: active.key) {
            try emit(.subscriptionClosed(subscription.key))
        }
    }

    /// An event happened for which `host` waits: its own, one behind an event-based gateway, or a boundary event.
    func trigger(_ elementIndex: Int, host: ActiveElement, variables: VariableDocument) throws {
        // A boundary event also helps an element out that an incident keeps from completing.
        guard host.record.state == .activated || host.record.state == .completing && elementIndex != host.index else {
            return
        }
        if elementIndex == host.index {
            try complete(host, result: variables)
        } else if host.element.kind == .eventBasedGateway {
            guard
                let flow = host.element.outgoing.first(where: { host.model.flows[$0].target == elementIndex }),
                let scope = host.record.scopeKey
            else { throw EngineFault("Expected a flow from \(host.element.id) to its event, but there is none") }
            try closeTriggers(of: host)
            try emit(.elementCompleted(host.key, scope: scope, at: now, takenFlows: [Int32(flow)]))
            let event = newElement(elementIndex, scope: scope, instance: host.instance, consumedFlows: 1)
            try complete(event, result: variables)
        } else {
            try triggerBoundary(elementIndex, host: host, variables: variables)
        }
    }

    /// Goes on at a boundary event; an interrupting one first ends its host.
    func triggerBoundary(_ elementIndex: Int, host: ActiveElement, variables: VariableDocument) throws {
        guard let scope = host.record.scopeKey else {
            throw EngineFault("Expected \(host.element.id) inside a scope, but it is a process")
        }
        var event = newElement(elementIndex, scope: scope, instance: host.instance, consumedFlows: 0)
        guard event.element.isInterrupting else {
            try complete(event, result: variables)
            return
        }
        try closeTriggers(of: host)
        try enterActivated(&event)
        let chain = try scopeChain(event.record)
        if event.element.outputMappings.isEmpty {
            try propagateAll(variables, chain: chain[...], instance: host.instance.key)
        } else {
            try setAllLocal(variables, scope: event.key, instance: host.instance.key)
        }
        try emit(.elementInterrupted(host.key, by: event.key))
        try terminate(host.key)
    }
}
