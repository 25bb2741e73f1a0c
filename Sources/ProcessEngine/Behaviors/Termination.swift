import BPMNModel

extension Execution {
    /// Ends an element instance and all it contains. What is too much for one step goes on in the next.
    func terminate(_ key: Key) throws {
        guard let record = try state.elementInstance(key), !record.state.isFinal else { return }
        try liftQuarantine(ofInstance: record.processInstanceKey)
        let active = try located(record)
        switch active.element.kind {
        case .process, .subProcess: try terminateScope(active)
        case .callActivity: try terminateCall(active)
        default: try finishTermination(active)
        }
    }

    private func terminateScope(_ active: ActiveElement) throws {
        if active.record.state != .terminating {
            try emit(.elementChanged(active.key, .terminating))
            try closeTriggers(of: active)
        }
        try dropFlows(of: active.record, instance: active.instance)
        if try enqueueTermination(ofChildrenOf: active.record) { enqueue(.terminate(active.key)) }
    }

    /// Ends everything inside a scope that completes because of a terminate end event.
    func terminateChildren(of scope: Key) throws {
        guard let record = try state.elementInstance(scope), record.state == .completing else { return }
        if try enqueueTermination(ofChildrenOf: record) { enqueue(.terminateChildren(scope: scope)) }
    }

    /// - Returns: whether there may be more children than one step ends.
    private func enqueueTermination(ofChildrenOf scope: ElementInstanceRecord) throws -> Bool {
        let limit = environment.limits.childrenPerStep
        let children = try state.activeChildren(
            scope: scope.key,
            processInstance: scope.processInstanceKey,
            limit: limit
        )
        // What is terminating already is on its way.
        for child in children where child.state != .terminating { enqueue(.terminate(child.key)) }
        if children.isEmpty { enqueue(.childEnded(scope: scope.key)) }
        return children.count == limit
    }

    private func terminateCall(_ active: ActiveElement) throws {
        guard let called = active.record.waitsFor, let instance = try state.processInstance(called),
            instance.state == .active
        else {
            try finishTermination(active)
            return
        }
        if active.record.state != .terminating {
            try emit(.elementChanged(active.key, .terminating))
            try closeTriggers(of: active)
        }
        enqueue(.terminate(called))
    }

    /// Marks the element TERMINATED and goes on with what interrupted it.
    func finishTermination(_ active: ActiveElement) throws {
        guard let record = try state.elementInstance(active.key), !record.state.isFinal else { return }
        try closeTriggers(of: active)
        try cancelWork(of: record)
        if let incident = record.incidentKey {
            try emit(.incidentResolved(incident, elementInstance: record.key))
        }
        try emit(.elementTerminated(record.key, scope: record.scopeKey, at: now))
        guard let scope = record.scopeKey else {
            try emit(.instanceEnded(record.key, .terminated, at: now))
            if let request = active.instance.record.awaitingRequest {
                release(
                    .answer(
                        request,
                        .rejected(
                            Rejection(
                                .invalidState,
                                "Expected process instance \(record.key) to complete, but it was terminated"
                            )
                        )
                    )
                )
            }
            try instanceEnded(active.instance.record)
            return
        }
        if let next = record.interruptedBy { enqueue(.complete(next)) }
        // Also when an event goes on: it may have been terminated with the scope.
        enqueue(.childEnded(scope: scope))
    }

    /// Takes back the job or user task of an element instance.
    private func cancelWork(of record: ElementInstanceRecord) throws {
        guard let target = record.waitsFor else { return }
        if let job = try state.job(target) {
            switch job.state {
            case .completed, .canceled: break
            default: try emit(.jobEnded(job.key, .canceled, at: now))
            }
        } else if var task = try state.userTask(target), task.state == .created {
            task.state = .canceled
            task.completedAt = now
            try emit(.userTaskChanged(task))
        }
    }
}
