import BPMNModel

extension Execution {
    /// Lets an instance go on where it stopped: the step that failed is run again.
    func resolveIncident(_ key: Key) throws -> Answer {
        guard let incident = try state.incident(key), !incident.isResolved else {
            throw Rejection(.notFound, "Expected an active incident with key \(key), but there is none")
        }
        let subject = QuarantineSubject.instance(
            incident.processInstanceKey,
            elementInstance: incident.elementInstanceKey
        ).text
        if let quarantine = try state.quarantine(subject: subject), quarantine.incidentKey == key {
            try emit(.quarantineLifted(subject: subject))
            try emit(.incidentResolved(key, elementInstance: incident.elementInstanceKey))
            return .done
        }
        let active = try located(incident.elementInstanceKey)
        if let jobKey = incident.jobKey, var job = try state.job(jobKey) {
            guard job.retries > 0 else {
                throw Rejection(
                    .invalidState,
                    "Expected job \(jobKey) to have retries left, but it has none; "
                        + "update its retries, then resolve incident \(key)"
                )
            }
            job.state = .activatable
            job.updatedAt = now
            try emit(.incidentResolved(key, elementInstance: active.key))
            try emit(.jobChanged(job))
            release(.jobsAvailable(type: job.type, tenantID: job.tenantID))
            return .done
        }
        try emit(.incidentResolved(key, elementInstance: active.key))
        switch active.record.state {
        case .activating: enqueue(.activate(active.key))
        case .completing: enqueue(.complete(active.key))
        case .activated: try rethrow(incident, at: active)
        case .terminating, .completed, .terminated: break
        }
        return .done
    }

    /// An error end event whose error nothing caught fails again: its incident cannot be resolved away.
    private func rethrow(_ incident: IncidentRecord, at active: ActiveElement) throws {
        guard incident.type == .unhandledError else { return }
        throw Rejection(
            .invalidState,
            "Expected an incident that can be resolved, but no event catches the error of end event "
                + "'\(active.element.id)'; cancel process instance \(active.instance.key)"
        )
    }

    /// Keeps a subject from being executed again.
    func quarantine(_ subject: QuarantineSubject, reason: String) throws {
        guard try state.quarantine(subject: subject.text) == nil else { return }
        switch subject {
        case .command:
            try emit(.quarantined(QuarantineRecord(subject: subject.text, incidentKey: nil, at: now)))
        case .startTimer(let key):
            guard try state.timer(key) != nil else { return }
            try emit(.timerRemoved(key, isTriggered: false))
            try emit(.quarantined(QuarantineRecord(subject: subject.text, incidentKey: nil, at: now)))
        case .instance(let instance, let elementInstance):
            guard let record = try quarantineElement(elementInstance, instance: instance) else { return }
            let incident = try raise(StepFailure(type: .unknown, message: reason), at: record, job: nil)
            try emit(.quarantined(QuarantineRecord(subject: subject.text, incidentKey: incident, at: now)))
        }
    }

    /// Where the incident of a quarantine shows: at the element, or, if that has ended or has an incident already, at
    /// the instance.
    private func quarantineElement(_ key: Key, instance: Key) throws -> ElementInstanceRecord? {
        if let record = try state.elementInstance(key), !record.state.isFinal, record.incidentKey == nil {
            return record
        }
        guard let record = try state.elementInstance(instance), !record.state.isFinal else { return nil }
        return record
    }
}
