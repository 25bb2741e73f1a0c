import BPMNModel

/// Intermediate throw events: none events pass, message events are done by a job worker.
struct ThrowEventBehavior: ElementBehavior {
    func activate(_ active: ActiveElement, chain: [Key], in execution: Execution) throws {
        if let job = active.element.job {
            try execution.activateJob(active, definition: job, chain: chain)
        } else {
            try execution.complete(active)
        }
    }
}
