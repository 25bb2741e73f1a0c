import BPMNModel

/// Service, send and business rule tasks: a job worker does them.
struct JobTaskBehavior: ElementBehavior {
    func activate(_ active: ActiveElement, chain: [Key], in execution: Execution) throws {
        guard let job = active.element.job else {
            throw EngineFault("Expected a job definition at '\(active.element.id)', but there is none")
        }
        try execution.activateJob(active, definition: job, chain: chain)
    }
}
