import BPMNModel

extension Execution {
    /// A timer's time has come.
    func triggerTimer(_ key: Key) throws {
        guard let timer = try state.timer(key), timer.dueAt <= now else { return }
        guard let hostKey = timer.elementInstanceKey else {
            try emit(.timerRemoved(key, isTriggered: true))
            try triggerStart(timer)
            return
        }
        let host: ActiveElement
        do {
            host = try located(hostKey)
        } catch is Rejection {
            try putOff(timer)
            return
        }
        guard let index = host.model.index(of: timer.elementID) else {
            throw EngineFault("Expected element \(timer.elementID) in \(host.model.id)")
        }
        try emit(.timerRemoved(key, isTriggered: true))
        if index != host.index, !host.model.elements[index].isInterrupting { try scheduleNext(timer) }
        try trigger(index, host: host, variables: VariableDocument())
    }

    /// A quarantined instance takes no timers; they are tried again later.
    private func putOff(_ timer: TimerRecord) throws {
        var later = timer
        later.dueAt = now + environment.limits.quarantineDelay
        try emit(.timerRemoved(timer.key, isTriggered: false))
        try emit(.timerScheduled(later))
    }

    private func scheduleNext(_ timer: TimerRecord) throws {
        let next: TimerRecord?
        do {
            next = try TimerSchedule.next(after: timer, now: now, rules: environment.timeZoneRules)
        } catch is TimerSchedule.Fault {
            // The cycle has left the calendar.
            return
        }
        guard var next else { return }
        next.key = newKey()
        try emit(.timerScheduled(next))
    }

    private func triggerStart(_ timer: TimerRecord) throws {
        guard let definition = try state.definition(timer.definitionKey) else {
            throw EngineFault("Expected definition \(timer.definitionKey) of a start timer")
        }
        try scheduleNext(timer)
        _ = try createInstance(
            of: definition,
            startElementID: timer.elementID,
            variables: VariableDocument(),
            correlationKey: nil
        )
    }

    /// Goes on with a chain that was too long for one command.
    func continueSteps(_ key: Key) throws {
        guard let record = try state.continuation(key) else { return }
        try emit(.continuationRemoved(key))
        for step in record.steps { enqueue(step) }
    }
}
