import BPMNModel
import FEEL

extension Execution {
    /// Completes an element instance that is in the state; its result, if any, is in its scope already.
    func complete(_ key: Key) throws {
        guard let record = try state.elementInstance(key), !record.state.isFinal, record.state != .terminating else {
            return
        }
        try complete(try located(record))
    }

    /// Completes an element with a result: with output mappings it stays local and only what is mapped leaves, without
    /// them it propagates (camunda8.md, section 2.3).
    func complete(_ active: ActiveElement, result: VariableDocument) throws {
        if !result.isEmpty {
            let chain = try scopeChain(active.record)
            if active.element.outputMappings.isEmpty {
                try propagateAll(result, chain: chain[...], instance: active.instance.key)
            } else {
                try setAllLocal(result, scope: active.key, instance: active.instance.key)
            }
        }
        try complete(active)
    }

    /// Output mappings, then leaving by all outgoing flows. A failure becomes an incident in COMPLETING.
    func complete(_ active: ActiveElement) throws {
        let flows: [Int]
        do {
            if !active.element.outputMappings.isEmpty {
                try applyOutputMappings(active, chain: try scopeChain(active.record))
            }
            flows = try takenFlows(active)
        } catch let failure as StepFailure {
            if active.isNew {
                var record = active.record
                record.state = .completing
                try emit(.elementEntered(record, consumedFlows: active.consumedFlows, takenFlows: []))
            } else if active.record.state != .completing {
                try emit(.elementChanged(active.key, .completing))
            }
            try raise(failure, at: active.record, job: nil)
            return
        }
        try leave(active, flows: flows)
    }

    /// All outgoing flows; of those with a condition only the ones it holds for, else the default flow.
    private func takenFlows(_ active: ActiveElement) throws -> [Int] {
        let outgoing = active.element.outgoing
        guard outgoing.contains(where: { active.model.flows[$0].condition != nil }) else {
            return outgoing.count == 1 ? outgoing : outgoing.filter { $0 != active.element.defaultFlow }
        }
        let chain = try scopeChain(active.record)
        let taken = try outgoing.filter { index in
            guard index != active.element.defaultFlow else { return false }
            return try holds(active.model.flows[index], active: active, chain: chain)
        }
        if !taken.isEmpty { return taken }
        if let fallback = active.element.defaultFlow { return [fallback] }
        throw StepFailure(
            type: .condition,
            message: "Expected a flow out of '\(active.element.id)' whose condition holds, or a default flow, "
                + "but there is none"
        )
    }

    /// Whether a flow's condition holds; a flow without one always does.
    func holds(_ flow: SequenceFlow, active: ActiveElement, chain: [Key]) throws -> Bool {
        guard let condition = flow.condition else { return true }
        switch try evaluate(condition, in: active, chain: chain) {
        case .boolean(let value): return value
        case let other:
            throw StepFailure(
                type: .extractValue,
                message: "Expected the condition of flow '\(flow.id)' to be a BOOLEAN, but got \(other.typeName)"
            )
        }
    }

    /// Marks the element COMPLETED and takes the flows.
    func leave(_ active: ActiveElement, flows: [Int]) throws {
        if !active.isNew { try closeTriggers(of: active) }
        let taken = flows.map { Int32($0) }
        if active.isNew {
            var record = active.record
            record.state = .completed
            record.endedAt = now
            try emit(.elementEntered(record, consumedFlows: active.consumedFlows, takenFlows: taken))
        } else {
            try emit(
                .elementCompleted(active.key, scope: active.record.scopeKey, at: now, takenFlows: taken)
            )
        }
        guard let scope = active.record.scopeKey else {
            try instanceCompleted(active)
            return
        }
        for flow in flows {
            let target = active.model.flows[flow].target
            enqueue(.enter(element: Int32(target), flow: Int32(flow), scope: scope))
        }
        if flows.isEmpty { enqueue(.childEnded(scope: scope)) }
    }

    /// A child of the scope ended: if it was the last, the scope ends too.
    func childEnded(_ scope: Key) throws {
        guard let record = try state.elementInstance(scope), record.activeChildren <= 0 else { return }
        switch record.state {
        case .terminating: try finishTermination(try located(record))
        case .activated:
            let active = try located(record)
            for gateway in active.instance.process.joiningGateways[active.index] ?? [] {
                guard try state.takenFlows(scope: scope, gateway: Int32(gateway)).isEmpty else { return }
            }
            try complete(active)
        case .completing:
            // A terminate end event ended the rest. With an incident it is the operator who goes on.
            if record.incidentKey == nil { try complete(try located(record)) }
        case .activating, .completed, .terminated: return
        }
    }

    private func instanceCompleted(_ active: ActiveElement) throws {
        let instance = active.instance.record
        try emit(.instanceEnded(instance.key, .completed, at: now))
        if let request = instance.awaitingRequest {
            let variables = try visibleVariables(
                chain: [instance.key],
                instance: instance.key,
                only: instance.awaitedVariables
            )
            release(.answer(request, .instanceCreated(created(active.instance, variables: variables))))
        }
        try instanceEnded(instance)
    }

    /// What follows from the end of an instance, however it ended.
    func instanceEnded(_ instance: ProcessInstanceRecord) throws {
        if instance.parentInstanceKey != nil { enqueue(.calledInstanceEnded(instance: instance.key)) }
        if let correlationKey = instance.startCorrelationKey {
            try startNextBuffered(
                processID: try process(instance.definitionKey).definition.processID,
                tenantID: instance.tenantID,
                correlationKey: correlationKey
            )
        }
    }

    func created(_ instance: InstanceContext, variables: VariableDocument?) -> Answer.InstanceCreated {
        let definition = instance.process.definition
        return Answer.InstanceCreated(
            processInstanceKey: instance.key,
            definitionKey: definition.key,
            processID: definition.processID,
            version: definition.version,
            tenantID: definition.tenantID,
            tags: instance.record.tags,
            businessID: instance.record.businessID,
            variables: variables
        )
    }
}
