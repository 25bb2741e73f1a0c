import BPMNModel

/// None, terminate, error and message end events.
struct EndEventBehavior: ElementBehavior {
    func activate(_ active: ActiveElement, chain: [Key], in execution: Execution) throws {
        switch active.element.event {
        case .terminate: try terminateScope(active, in: execution)
        case .error(let definition): try throwError(definition, active: active, chain: chain, in: execution)
        case .message, .timer, .none:
            if let job = active.element.job {
                try execution.activateJob(active, definition: job, chain: chain)
            } else {
                try execution.complete(active)
            }
        }
    }

    /// Ends everything else in the scope; the scope then completes.
    private func terminateScope(_ active: ActiveElement, in execution: Execution) throws {
        guard let scopeKey = active.record.scopeKey, let scope = try execution.state.elementInstance(scopeKey) else {
            throw EngineFault("Expected '\(active.element.id)' inside a scope")
        }
        try execution.leave(active, flows: [])
        // From now on nothing is entered any more, not even by flows that are stored for a later batch.
        try execution.emit(.elementChanged(scopeKey, .completing))
        try execution.dropFlows(of: scope, instance: active.instance)
        execution.enqueue(.terminateChildren(scope: scopeKey))
    }

    private func throwError(
        _ definition: ErrorDefinition,
        active: ActiveElement,
        chain: [Key],
        in execution: Execution
    ) throws {
        var active = active
        let code =
            try definition.code.map {
                try execution.evaluateString($0, "the error code", in: active, chain: chain)
            } ?? ""
        let payload = try execution.visibleLocals(of: active)
        try execution.enterActivated(&active)
        let isCaught = try execution.throwError(
            code: code,
            variables: payload,
            from: active,
            includingOrigin: false
        )
        if !isCaught {
            try execution.raise(
                StepFailure(
                    type: .unhandledError,
                    message: "Expected an event that catches the error with code '\(code)', but there is none"
                ),
                at: active.record,
                job: nil
            )
        }
    }
}

extension Execution {
    /// The variables directly in an element's scope.
    func visibleLocals(of active: ActiveElement) throws -> VariableDocument {
        let variables = try state.variables(scope: active.key, processInstance: active.instance.key)
        return VariableDocument(variables.map { .init(name: $0.name, value: $0.value) })
    }
}
