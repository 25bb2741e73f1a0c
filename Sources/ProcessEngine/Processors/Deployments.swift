import BPMNModel
import FEEL

extension Execution {
    /// Deploys resources in the cluster group and sends the definitions to the groups of instances. The answer comes
    /// when they have them.
    func deploy(_ resources: [DeploymentResource], tenantID: String, request: RequestID?) throws -> Answer? {
        guard !resources.isEmpty else {
            throw Rejection(.invalidArgument, "Expected at least one resource, but got none")
        }
        let parsed = try readModels(resources)
        let deploymentKey = newKey()
        var deployed: [Answer.DeployedProcess] = []
        var definitions: [DefinitionRecord] = []
        var newResources: [ResourceRecord] = []
        for (resource, models) in zip(resources, parsed) {
            let hash = StableHash.of(resource.content)
            var resourceKey: Key?
            for model in models {
                let latest = try state.latestDefinition(processID: model.id, tenantID: tenantID)
                if let latest, latest.resourceHash == hash, latest.resourceName == resource.name,
                    try state.resource(latest.resourceKey)?.content == resource.content
                {
                    deployed.append(answer(latest))
                    continue
                }
                if resourceKey == nil {
                    let record = ResourceRecord(key: newKey(), name: resource.name, content: resource.content)
                    try emit(.resourceAdded(record))
                    newResources.append(record)
                    resourceKey = record.key
                }
                guard let resourceKey else { throw EngineFault("Expected a key for the resource") }
                let definition = DefinitionRecord(
                    key: newKey(),
                    processID: model.id,
                    version: (latest?.version ?? 0) + 1,
                    tenantID: tenantID,
                    name: model.name,
                    versionTag: model.versionTag,
                    deploymentKey: deploymentKey,
                    resourceName: resource.name,
                    resourceHash: hash,
                    resourceKey: resourceKey,
                    deployedAt: now
                )
                try checkStartEvents(CompiledProcess(definition: definition, model: model))
                try emit(.definitionAdded(definition))
                definitions.append(definition)
                deployed.append(answer(definition))
            }
        }
        let result = Answer.deployed(.init(key: deploymentKey, tenantID: tenantID, processes: deployed))
        // Even when all is known: an earlier deployment may still be on its way, and this answer must not overtake it.
        let isNothingOnItsWay =
            try group == EngineGroups.instances || state.outbox(targetGroup: EngineGroups.instances, limit: 1).isEmpty
        if definitions.isEmpty, isNothingOnItsWay { return result }
        return try distribute(definitions, newResources, answer: result, request: request)
    }

    private func readModels(_ resources: [DeploymentResource]) throws -> [[ProcessModel]] {
        var parsed: [[ProcessModel]] = []
        var faults: [String] = []
        var seen: [String: String] = [:]
        for resource in resources {
            do {
                let models = try environment.modelReader.models(in: resource.content, resourceName: resource.name)
                for model in models {
                    if let other = seen.updateValue(resource.name, forKey: model.id) {
                        faults.append(
                            "Expected each process id once in a deployment, but '\(model.id)' is in '\(other)' "
                                + "and in '\(resource.name)'"
                        )
                    }
                }
                parsed.append(models)
            } catch {
                faults.append(error.reason)
            }
        }
        guard faults.isEmpty else { throw Rejection(.invalidArgument, faults.joined(separator: "\n")) }
        return parsed
    }

    /// Timers and message names of start events must have their values without any variable.
    private func checkStartEvents(_ process: CompiledProcess) throws {
        do {
            _ = try startTriggers(of: process)
        } catch let failure as StepFailure {
            throw Rejection(
                .invalidArgument,
                "Expected start events of process '\(process.model.id)' that can be evaluated, but got: "
                    + failure.message
            )
        }
    }

    private func distribute(
        _ definitions: [DefinitionRecord],
        _ resources: [ResourceRecord],
        answer: Answer,
        request: RequestID?
    ) throws -> Answer? {
        let target = EngineGroups.instances
        guard target != group else {
            for definition in definitions {
                let earlier = try state.definition(
                    processID: definition.processID,
                    version: definition.version - 1,
                    tenantID: definition.tenantID
                )
                if let earlier { try closeStartTriggers(of: earlier.key) }
                try openStartTriggers(of: definition)
            }
            return answer
        }
        let record = OutboxRecord(
            targetGroup: target,
            sequence: try state.lastSequence(sentTo: target) + 1,
            content: .definitions(definitions, resources: resources),
            awaitingRequest: request,
            answer: answer
        )
        try emit(.transferQueued(record))
        release(.transfer(targetGroup: target))
        return nil
    }

    private func answer(_ definition: DefinitionRecord) -> Answer.DeployedProcess {
        Answer.DeployedProcess(
            definitionKey: definition.key,
            processID: definition.processID,
            version: definition.version,
            resourceName: definition.resourceName,
            tenantID: definition.tenantID
        )
    }

    /// Takes over what another group sent; a repetition is only acknowledged.
    func receive(_ transfer: Transfer, sourceGroup: UInt32, sequence: Int64) throws {
        let last = try state.lastSequence(receivedFrom: sourceGroup)
        if sequence > last {
            // One before it is missing: both will be sent again, in order.
            guard sequence == last + 1 else { return }
            switch transfer {
            case .definitions(let definitions, let resources):
                for resource in resources { try emit(.resourceAdded(resource)) }
                for definition in definitions {
                    let earlier = try state.latestDefinition(
                        processID: definition.processID,
                        tenantID: definition.tenantID
                    )
                    try emit(.definitionAdded(definition))
                    if let earlier { try closeStartTriggers(of: earlier.key) }
                    try openStartTriggers(of: definition)
                }
            }
            try emit(.transferReceived(sourceGroup: sourceGroup, sequence: sequence))
        }
        release(.acknowledge(sourceGroup: sourceGroup, sequence: sequence))
    }

    /// The target has a transfer: the request that led to it gets its answer.
    func acknowledged(targetGroup: UInt32, sequence: Int64) throws {
        guard let record = try state.outboxRecord(targetGroup: targetGroup, sequence: sequence) else { return }
        try emit(.transferAcknowledged(targetGroup: targetGroup, sequence: sequence))
        if let request = record.awaitingRequest { release(.answer(request, record.answer)) }
    }

    private struct StartTriggers {
        var messages: [(name: String, elementID: String)] = []
        var timers: [(schedule: TimerSchedule, elementID: String)] = []
    }

    private func startTriggers(of process: CompiledProcess) throws -> StartTriggers {
        var triggers = StartTriggers()
        for index in process.model.elements[0].children {
            let element = process.model.elements[index]
            guard element.kind == .startEvent else { continue }
            switch element.event {
            case .message(let message):
                guard case .string(let name) = try evaluateStatic(message.name, process: process) else {
                    throw StepFailure(type: .extractValue, message: "Expected a message name at '\(element.id)'")
                }
                triggers.messages.append((name, element.id))
            case .timer(let timer):
                let value = try evaluateStatic(timer.expression, process: process)
                do {
                    let schedule = try TimerSchedule(
                        kind: timer.kind,
                        value: value,
                        now: now,
                        rules: environment.timeZoneRules
                    )
                    triggers.timers.append((schedule, element.id))
                } catch let fault as TimerSchedule.Fault {
                    throw StepFailure(type: .extractValue, message: "Timer of '\(element.id)': \(fault.message)")
                }
            case .error, .terminate, .none: continue
            }
        }
        return triggers
    }

    private func openStartTriggers(of definition: DefinitionRecord) throws {
        let triggers: StartTriggers
        do {
            triggers = try startTriggers(of: try process(definition.key))
        } catch is StepFailure {
            // The deployment checked them, but an expression may read the clock. A definition that nothing starts by
            // itself is better than one that keeps all later ones out.
            return
        }
        for (name, elementID) in triggers.messages {
            try emit(
                .startSubscriptionOpened(
                    StartSubscriptionRecord(
                        key: newKey(),
                        messageName: name,
                        definitionKey: definition.key,
                        processID: definition.processID,
                        elementID: elementID,
                        tenantID: definition.tenantID
                    )
                )
            )
        }
        for (schedule, elementID) in triggers.timers {
            try emit(
                .timerScheduled(
                    TimerRecord(
                        key: newKey(),
                        dueAt: schedule.dueAt,
                        definitionKey: definition.key,
                        elementID: elementID,
                        repetitions: schedule.repetitions,
                        cycle: schedule.cycle,
                        tenantID: definition.tenantID
                    )
                )
            )
        }
    }

    private func closeStartTriggers(of definitionKey: Key) throws {
        for subscription in try state.startSubscriptions(definitionKey: definitionKey) {
            try emit(.startSubscriptionClosed(subscription.key))
        }
        for timer in try state.startTimers(definitionKey: definitionKey) {
            try emit(.timerRemoved(timer.key, isTriggered: false))
        }
    }
}

/// Which groups there are.
package enum EngineGroups {
    /// Keeps the cluster's state: definitions and members.
    package static let cluster: UInt32 = 0
    /// Keeps the process instances.
    package static let instances: UInt32 = 1
}

/// A hash that is the same on every machine and in every release (FNV-1a, 64 bits).
package enum StableHash {
    package static func of(_ bytes: [UInt8]) -> Int64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes {
            hash ^= UInt64(byte)
            hash = hash &* 0x100_0000_01b3
        }
        return Int64(bitPattern: hash)
    }
}
