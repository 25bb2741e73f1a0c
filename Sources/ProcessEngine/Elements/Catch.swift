import BPMNModel

/// Intermediate catch events and receive tasks: wait for a timer or a message.
struct CatchBehavior: ElementBehavior {
    func activate(_ active: ActiveElement, chain: [Key], in execution: Execution) throws {
        var active = active
        let own = try execution.prepareTriggers([active.index], for: active, chain: chain)
        let boundary = try execution.prepareTriggers(active.element.boundaryEvents, for: active, chain: chain)
        try execution.enterActivated(&active)
        try execution.openTriggers(own + boundary, for: active)
    }
}
