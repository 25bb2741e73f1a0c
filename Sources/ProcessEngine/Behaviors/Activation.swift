import BPMNModel

extension Execution {
    /// Enters an element on a flow.
    func enter(element index: Int, flow: Int32?, scope: Key) throws {
        guard let scopeRecord = try state.elementInstance(scope) else {
            throw EngineFault("Expected scope \(scope) in the state, but it is not there")
        }
        let instance = try instance(scopeRecord.processInstanceKey)
        if scopeRecord.state != .activated {
            try emit(.flowsDropped(scope: scope, count: 1))
            enqueue(.childEnded(scope: scope))
            return
        }
        let element = instance.element(index)
        if element.kind == .parallelGateway && element.incoming.count > 1, let flow {
            try arrive(at: index, flow: flow, scope: scopeRecord, instance: instance)
            return
        }
        let active = newElement(index, scope: scope, instance: instance, consumedFlows: 1)
        try activate(active)
    }

    /// An element instance that is not yet in the state.
    func newElement(
        _ index: Int,
        scope: Key,
        instance: InstanceContext,
        consumedFlows: Int32
    ) -> ActiveElement {
        let element = instance.element(index)
        let record = ElementInstanceRecord(
            key: newKey(),
            processInstanceKey: instance.key,
            elementID: element.id,
            name: element.name,
            kind: element.kind.rawValue,
            scopeKey: scope,
            state: .activating,
            startedAt: now,
            activeChildren: 0
        )
        return ActiveElement(
            record: record,
            index: index,
            instance: instance,
            isNew: true,
            consumedFlows: consumedFlows
        )
    }

    /// Uses up the flows on their way inside a scope; nothing goes on from there.
    func dropFlows(of scope: ElementInstanceRecord, instance: InstanceContext) throws {
        let pending = dropPendingEntries(into: scope.key)
        if pending > 0 { try emit(.flowsDropped(scope: scope.key, count: pending)) }
        let scopeIndex = instance.process.model.index(of: scope.elementID) ?? 0
        for gateway in instance.process.joiningGateways[scopeIndex] ?? [] {
            let waiting = try state.takenFlows(scope: scope.key, gateway: Int32(gateway))
            let flows = waiting.flatMap { Array(repeating: $0.flow, count: Int($0.count)) }
            if !flows.isEmpty {
                try emit(.flowsJoined(scope: scope.key, gateway: Int32(gateway), flows: flows))
            }
        }
    }

    /// Runs an activation: input mappings, then what the element's kind does. A failure becomes an incident and the
    /// element stays ACTIVATING.
    func activate(_ active: ActiveElement) throws {
        if environment.trappingElementIDs.contains(active.element.id) {
            fatalError("element '\(active.element.id)' is set to trap the process")
        }
        do {
            let chain = try scopeChain(active.record)
            try applyInputMappings(active, chain: chain)
            try ElementBehaviors.behavior(of: active.element.kind).activate(active, chain: chain, in: self)
        } catch let failure as StepFailure {
            try enterActivating(active)
            try raise(failure, at: active.record, job: nil)
        }
    }

    private func enterActivating(_ active: ActiveElement) throws {
        guard active.isNew else { return }
        var record = active.record
        record.state = .activating
        try emit(.elementEntered(record, consumedFlows: active.consumedFlows, takenFlows: []))
    }

    func resumeActivation(_ key: Key) throws {
        guard let record = try state.elementInstance(key), record.state == .activating else { return }
        try activate(try located(record))
    }

    /// Marks the element ACTIVATED, waiting for `target`.
    func enterActivated(_ active: inout ActiveElement, waitsFor target: Key? = nil) throws {
        active.record.state = .activated
        active.record.waitsFor = target
        if active.isNew {
            try emit(
                .elementEntered(active.record, consumedFlows: active.consumedFlows, takenFlows: [])
            )
            active.isNew = false
        } else {
            try emit(.elementChanged(active.key, .activated))
            if target != nil { try emit(.elementWaits(active.key, for: target)) }
        }
    }
}
