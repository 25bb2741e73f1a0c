extension Execution {
    /// Makes an incident of a failure. The element stays in the state it is in.
    @discardableResult
    func raise(_ failure: StepFailure, at record: ElementInstanceRecord, job: JobRecord?) throws -> Key {
        let key = newKey()
        try emit(
            .incidentCreated(
                IncidentRecord(
                    key: key,
                    type: failure.type,
                    message: String(failure.message.prefix(4_096)),
                    isResolved: false,
                    createdAt: now,
                    elementID: record.elementID,
                    elementInstanceKey: record.key,
                    processInstanceKey: record.processInstanceKey,
                    jobKey: job?.key,
                    tenantID: try instance(record.processInstanceKey).record.tenantID
                )
            )
        )
        return key
    }
}
