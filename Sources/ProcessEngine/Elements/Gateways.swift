import BPMNModel

/// Takes the first flow whose condition holds, in the order of the file, else the default flow.
struct ExclusiveGatewayBehavior: ElementBehavior {
    func activate(_ active: ActiveElement, chain: [Key], in execution: Execution) throws {
        try execution.leave(active, flows: try chosenFlow(active, chain: chain, in: execution))
    }

    private func chosenFlow(_ active: ActiveElement, chain: [Key], in execution: Execution) throws -> [Int] {
        let outgoing = active.element.outgoing
        if outgoing.count == 1, active.model.flows[outgoing[0]].condition == nil { return outgoing }
        for index in outgoing where index != active.element.defaultFlow {
            let flow = active.model.flows[index]
            if flow.condition != nil, try execution.holds(flow, active: active, chain: chain) { return [index] }
        }
        if let fallback = active.element.defaultFlow { return [fallback] }
        if outgoing.isEmpty { return [] }
        throw StepFailure(
            type: .condition,
            message: "Expected a flow out of '\(active.element.id)' whose condition holds, or a default flow, "
                + "but there is none"
        )
    }
}

/// Takes all flows. Where several come in, it first waits for one on each of them.
struct ParallelGatewayBehavior: ElementBehavior {
    func activate(_ active: ActiveElement, chain: [Key], in execution: Execution) throws {
        try execution.leave(active, flows: active.element.outgoing)
    }
}

/// Waits for the first of several events.
struct EventBasedGatewayBehavior: ElementBehavior {
    func activate(_ active: ActiveElement, chain: [Key], in execution: Execution) throws {
        var active = active
        let events = active.element.outgoing.map { active.model.flows[$0].target }
        let triggers = try execution.prepareTriggers(events, for: active, chain: chain)
        try execution.enterActivated(&active)
        try execution.openTriggers(triggers, for: active)
    }
}

extension Execution {
    /// A flow reached a gateway with several incoming flows. It goes on once each distinct one was taken; surplus
    /// ones keep waiting (camunda8.md, section 2.11).
    func arrive(
        at index: Int,
        flow: Int32,
        scope: ElementInstanceRecord,
        instance: InstanceContext
    ) throws {
        let element = instance.element(index)
        let waiting = try state.takenFlows(scope: scope.key, gateway: Int32(index)).map(\.flow)
        let missing = element.incoming.filter { $0 != Int(flow) && !waiting.contains(Int32($0)) }
        guard missing.isEmpty else {
            try emit(
                .flowArrived(
                    TakenFlowRecord(
                        scopeKey: scope.key,
                        processInstanceKey: instance.key,
                        gateway: Int32(index),
                        flow: flow,
                        count: 1
                    )
                )
            )
            enqueue(.childEnded(scope: scope.key))
            return
        }
        // The flow that just arrived was never stored; of the others one each is used up.
        let joined = element.incoming.map { Int32($0) }.filter { $0 != flow }
        try emit(.flowsJoined(scope: scope.key, gateway: Int32(index), flows: joined))
        try activate(newElement(index, scope: scope.key, instance: instance, consumedFlows: 1))
    }
}
