import BPMNModel

extension Execution {
    /// Ends an element instance and all it contains. What is too much for one step goes on in the next.
    func terminate(_ key: Key) throws {
        guard let record = try state.elementInstance(key), !record.state.isFinal else { return }
        let active = try located(record)
        switch active.element.kind {
        case .process, .subProcess: try terminateScope(active)
        case .callActivity: try terminateCall(active)
        default: try finishTermination(active)
        }
    }

    private func terminateScope(_ active: ActiveElement) throws {
        if active.record.state != .terminating {
            if active.record.interruptedBy == nil { try emit(.elementChanged(active.key, .terminating)) }
            try closeTriggers(of: active)
        }
        try dropFlows(of: active.record, instance: active.instance)
        let limit = environment.limits.childrenPerStep
        let children = try state.activeChildren(
            scope: active.key,
            processInstance: active.instance.key,
            limit: limit
        )
        for child in children { enqueue(.terminate(child.key)) }
        if children.count == limit {
            enqueue(.terminate(active.key))
        } else if children.isEmpty {
            enqueue(.childEnded(scope: active.key))
        }
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
        if let next = record.interruptedBy {
            enqueue(.complete(next))
        } else {
            enqueue(.childEnded(scope: scope))
        }
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
