import BPMNModel

/// Script tasks: a FEEL expression, or a job worker.
struct ScriptTaskBehavior: ElementBehavior {
    func activate(_ active: ActiveElement, chain: [Key], in execution: Execution) throws {
        guard let script = active.element.script else {
            try JobTaskBehavior().activate(active, chain: chain, in: execution)
            return
        }
        var active = active
        let triggers = try execution.prepareTriggers(active.element.boundaryEvents, for: active, chain: chain)
        let value = try execution.evaluate(script.expression, in: active, chain: chain)
        if !triggers.isEmpty { try execution.enterActivated(&active) }
        let result = VariableDocument([
            .init(name: script.resultVariable, value: VariableConversion.json(of: value))
        ])
        try execution.complete(active, result: result)
    }
}
