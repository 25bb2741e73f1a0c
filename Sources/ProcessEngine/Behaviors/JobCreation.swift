import BPMNModel

extension Execution {
    /// Activates an element that is done by a job worker.
    func activateJob(_ active: ActiveElement, definition: JobDefinition, chain: [Key]) throws {
        var active = active
        let type = try evaluateString(definition.type, "the job type", in: active, chain: chain)
        let retries = try evaluateInteger(definition.retries, "the retries", in: active, chain: chain)
        let triggers = try prepareTriggers(active.element.boundaryEvents, for: active, chain: chain)
        let key = newKey()
        try enterActivated(&active, waitsFor: key)
        try openTriggers(triggers, for: active)
        try emit(
            .jobCreated(
                JobRecord(
                    key: key,
                    type: type,
                    processInstanceKey: active.instance.key,
                    elementInstanceKey: active.key,
                    elementID: active.element.id,
                    state: .activatable,
                    mark: .created,
                    retries: retries,
                    priority: 0,
                    worker: "",
                    activations: 0,
                    headers: definition.headers.isEmpty
                        ? Array("{}".utf8)
                        : VariableConversion.object(definition.headers.map { ($0.key, $0.value) }),
                    tenantID: active.instance.record.tenantID,
                    createdAt: now,
                    updatedAt: now
                )
            )
        )
        release(.jobsAvailable(type: type, tenantID: active.instance.record.tenantID))
    }
}
