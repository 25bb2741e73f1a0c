import BPMNModel

/// Embedded sub-processes. (The process itself is entered by its instance's creation.)
struct ScopeBehavior: ElementBehavior {
    func activate(_ active: ActiveElement, chain: [Key], in execution: Execution) throws {
        var active = active
        guard let start = active.model.noneStartEvent(of: active.index) else {
            throw EngineFault("Expected a none start event in '\(active.element.id)', but there is none")
        }
        let triggers = try execution.prepareTriggers(active.element.boundaryEvents, for: active, chain: chain)
        if active.isNew {
            active.record.activeChildren = 1
        } else {
            // The flow to the start event is counted by an event, since the row is there already.
            try execution.emit(.elementFlowStarted(active.key))
        }
        try execution.enterActivated(&active)
        try execution.openTriggers(triggers, for: active)
        execution.enqueue(.enter(element: Int32(start), flow: nil, scope: active.key))
    }
}
