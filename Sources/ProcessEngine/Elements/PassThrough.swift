import BPMNModel

/// Elements that complete as soon as they are activated: start events, undefined and manual tasks.
struct PassThroughBehavior: ElementBehavior {
    func activate(_ active: ActiveElement, chain: [Key], in execution: Execution) throws {
        if active.element.boundaryEvents.isEmpty {
            try execution.complete(active)
            return
        }
        // Boundary events are armed for a moment only; what is due at once is not waited for.
        _ = try execution.prepareTriggers(active.element.boundaryEvents, for: active, chain: chain)
        try execution.complete(active)
    }
}
