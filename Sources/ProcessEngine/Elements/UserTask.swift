import BPMNModel
import FEEL

/// User tasks: wait for a person. Without the `zeebe:userTask` marker they are jobs.
struct UserTaskBehavior: ElementBehavior {
    func activate(_ active: ActiveElement, chain: [Key], in execution: Execution) throws {
        guard let definition = active.element.userTask else {
            try JobTaskBehavior().activate(active, chain: chain, in: execution)
            return
        }
        var active = active
        let triggers = try execution.prepareTriggers(active.element.boundaryEvents, for: active, chain: chain)
        var task = try prepare(definition, active: active, chain: chain, in: execution)
        task.key = execution.newKey()
        try execution.enterActivated(&active, waitsFor: task.key)
        try execution.openTriggers(triggers, for: active)
        try execution.emit(.userTaskCreated(task))
    }

    private func prepare(
        _ definition: UserTaskDefinition,
        active: ActiveElement,
        chain: [Key],
        in execution: Execution
    ) throws -> UserTaskRecord {
        let priority = try definition.priority.map {
            try execution.evaluateInteger($0, "the priority", in: active, chain: chain)
        }
        guard (0...100).contains(priority ?? 50) else {
            throw StepFailure(
                type: .extractValue,
                message: "Expected the priority of '\(active.element.id)' to be 0 to 100, but got \(priority ?? 50)"
            )
        }
        return UserTaskRecord(
            key: Key(0),
            processInstanceKey: active.instance.key,
            elementInstanceKey: active.key,
            elementID: active.element.id,
            name: active.element.name,
            state: .created,
            assignee: try optionalText(definition.assignee, "the assignee", active, chain, execution),
            candidateUsers: try execution.evaluateNames(
                definition.candidateUsers,
                "the candidate users",
                in: active,
                chain: chain
            ),
            candidateGroups: try execution.evaluateNames(
                definition.candidateGroups,
                "the candidate groups",
                in: active,
                chain: chain
            ),
            dueDate: try date(definition.dueDate, "the due date", active, chain, execution),
            followUpDate: try date(definition.followUpDate, "the follow-up date", active, chain, execution),
            priority: priority ?? 50,
            externalFormReference: try optionalText(
                definition.externalFormReference,
                "the form reference",
                active,
                chain,
                execution
            ),
            headers: VariableConversion.object(definition.headers.map { ($0.key, $0.value) }),
            createdAt: execution.now,
            tenantID: active.instance.record.tenantID
        )
    }

    private func optionalText(
        _ expression: ModelExpression?,
        _ what: String,
        _ active: ActiveElement,
        _ chain: [Key],
        _ execution: Execution
    ) throws -> String? {
        guard let expression else { return nil }
        switch try execution.evaluate(expression, in: active, chain: chain) {
        case .null: return nil
        case .string(let text): return text.isEmpty ? nil : text
        case let other:
            throw StepFailure(
                type: .extractValue,
                message: "Expected \(what) of '\(active.element.id)' to be a STRING, but got \(other.typeName)"
            )
        }
    }

    private func date(
        _ expression: ModelExpression?,
        _ what: String,
        _ active: ActiveElement,
        _ chain: [Key],
        _ execution: Execution
    ) throws -> Int64? {
        guard let expression else { return nil }
        let value = try execution.evaluate(expression, in: active, chain: chain)
        let dateTime: FEELDateTime?
        switch value {
        case .null: return nil
        case .string(let text) where text.isEmpty: return nil
        case .string(let text): dateTime = FEELDateTime(text)
        case .dateTime(let known): dateTime = known
        default: dateTime = nil
        }
        guard let time = dateTime?.epochMilliseconds(execution.environment.timeZoneRules) else {
            throw StepFailure(
                type: .extractValue,
                message: "Expected \(what) of '\(active.element.id)' to be a date and time, but got \(value.typeName)"
            )
        }
        return time
    }
}
