import BPMNModel
import FEEL

/// Starts another process and waits for its end.
struct CallActivityBehavior: ElementBehavior {
    func activate(_ active: ActiveElement, chain: [Key], in execution: Execution) throws {
        guard let definition = active.element.calledElement else {
            throw EngineFault("Expected a called element at '\(active.element.id)', but there is none")
        }
        var active = active
        let called = try calledProcess(definition, active: active, chain: chain, in: execution)
        guard let start = called.model.noneStartEvent(of: 0) else {
            throw StepFailure(
                type: .calledElement,
                message: "Expected a none start event in process '\(called.model.id)', but there is none"
            )
        }
        let depth = active.instance.record.depth + 1
        guard depth <= execution.environment.limits.callDepth else {
            throw StepFailure(
                type: .calledElement,
                message: "Expected at most \(execution.environment.limits.callDepth) calls inside each other, "
                    + "but '\(active.element.id)' would be one more"
            )
        }
        let triggers = try execution.prepareTriggers(active.element.boundaryEvents, for: active, chain: chain)
        let variables =
            definition.propagateAllParentVariables
            ? try execution.visibleVariables(chain: chain, instance: active.instance.key, only: [])
            : try execution.visibleLocals(of: active)
        let child = execution.newKey()
        try execution.enterActivated(&active, waitsFor: child)
        try execution.openTriggers(triggers, for: active)
        let parent = active.instance.record
        try execution.createInstance(
            ProcessInstanceRecord(
                key: child,
                definitionKey: called.definition.key,
                parentInstanceKey: parent.key,
                parentElementInstanceKey: active.key,
                rootInstanceKey: parent.rootInstanceKey,
                state: .active,
                startedAt: execution.now,
                tenantID: parent.tenantID,
                tags: parent.tags,
                depth: depth,
                awaitedVariables: []
            ),
            process: called,
            variables: variables,
            starts: [start]
        )
    }

    private func calledProcess(
        _ definition: CalledElementDefinition,
        active: ActiveElement,
        chain: [Key],
        in execution: Execution
    ) throws -> CompiledProcess {
        let processID = try execution.evaluateString(
            definition.processID,
            "the called process",
            in: active,
            chain: chain
        )
        let tenantID = active.instance.record.tenantID
        let found: DefinitionRecord?
        var wanted = "process '\(processID)'"
        switch definition.bindingType {
        case .latest: found = try execution.state.latestDefinition(processID: processID, tenantID: tenantID)
        case .deployment:
            wanted += " in the same deployment"
            found = try execution.state.definition(
                processID: processID,
                deploymentKey: active.instance.process.definition.deploymentKey,
                tenantID: tenantID
            )
        case .versionTag:
            let tag =
                try definition.versionTag.map {
                    try execution.evaluateString($0, "the version tag", in: active, chain: chain)
                } ?? ""
            wanted += " with version tag '\(tag)'"
            found = try execution.state.definition(processID: processID, versionTag: tag, tenantID: tenantID)
        }
        guard let found else {
            throw StepFailure(
                type: .calledElement,
                message: "Expected \(wanted) to be deployed, but it is not; deploy it and resolve the incident"
            )
        }
        return try execution.process(found.key)
    }
}

extension Execution {
    /// A called instance ended: its variables go to the call activity, which completes, or goes on terminating.
    func calledInstanceEnded(_ key: Key) throws {
        guard let child = try state.processInstance(key), let caller = child.parentElementInstanceKey,
            let record = try state.elementInstance(caller)
        else { return }
        let active = try located(record)
        switch active.record.state {
        case .terminating: try finishTermination(active)
        case .activated:
            guard child.state == .completed else {
                try terminate(active.key)
                return
            }
            var result = VariableDocument()
            let takesAll = active.element.calledElement?.propagateAllChildVariables ?? true
            if takesAll || !active.element.outputMappings.isEmpty {
                result = try visibleVariables(chain: [child.key], instance: child.key, only: [])
            }
            try complete(active, result: result)
        case .activating, .completing, .completed, .terminated: return
        }
    }
}
