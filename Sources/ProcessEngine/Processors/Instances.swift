import BPMNModel

extension Execution {
    /// Creates an instance as a client asked.
    func process(_ command: Command.CreateInstance, request: RequestID?) throws -> Answer? {
        let definition = try wantedDefinition(command.definition, tenantID: command.tenantID)
        let process = try process(definition.key)
        let starts = try startElements(command.startElementIDs, of: process)
        try checkNames(command.variables)
        let key = newKey()
        try createInstance(
            ProcessInstanceRecord(
                key: key,
                definitionKey: definition.key,
                rootInstanceKey: key,
                state: .active,
                startedAt: now,
                tenantID: command.tenantID,
                tags: command.tags,
                businessID: command.businessID,
                depth: 0,
                awaitingRequest: command.awaitedResult == nil ? nil : request,
                awaitedVariables: command.awaitedResult?.fetchVariables ?? []
            ),
            process: process,
            variables: command.variables,
            starts: starts
        )
        let answer = Answer.instanceCreated(created(try instance(key), variables: nil))
        guard command.awaitedResult == nil else {
            interimAnswer = answer
            return nil
        }
        return answer
    }

    func checkNames(_ document: VariableDocument) throws {
        let limit = environment.limits.variableNameBytes
        var names = Set<[UInt8]>(minimumCapacity: document.entries.count)
        for entry in document.entries {
            guard !entry.name.isEmpty, entry.name.utf8.count <= limit else {
                throw Rejection(
                    .invalidArgument,
                    "Expected variable names of 1 to \(limit) bytes, but got one of \(entry.name.utf8.count) bytes"
                )
            }
            guard names.insert(Array(entry.name.utf8)).inserted else {
                throw Rejection(
                    .invalidArgument,
                    "Expected each variable once, but got '\(entry.name.prefix(100))' more than once"
                )
            }
        }
    }

    private func wantedDefinition(_ reference: DefinitionReference, tenantID: String) throws -> DefinitionRecord {
        switch reference {
        case .key(let key):
            guard let found = try state.definition(key), found.tenantID == tenantID else {
                throw Rejection(
                    .notFound,
                    "Expected a process definition with key \(key), but there is none for tenant '\(tenantID)'; "
                        + "deploy it first"
                )
            }
            return found
        case .processID(let processID, let version?):
            guard let found = try state.definition(processID: processID, version: version, tenantID: tenantID) else {
                throw Rejection(
                    .notFound,
                    "Expected version \(version) of process '\(processID)', but there is none for tenant '\(tenantID)'"
                )
            }
            return found
        case .processID(let processID, nil):
            guard let found = try state.latestDefinition(processID: processID, tenantID: tenantID) else {
                throw Rejection(
                    .notFound,
                    "Expected a process with id '\(processID)', but none is deployed for tenant '\(tenantID)'; "
                        + "deploy it first"
                )
            }
            return found
        }
    }

    private func startElements(_ ids: [String], of process: CompiledProcess) throws -> [Int] {
        guard !ids.isEmpty else {
            guard let start = process.model.noneStartEvent(of: 0) else {
                throw Rejection(
                    .invalidState,
                    "Expected a none start event in process '\(process.model.id)', but there is none; "
                        + "it is started by a message or a timer"
                )
            }
            return [start]
        }
        return try ids.map { id in
            guard let index = process.model.index(of: id), index != 0 else {
                throw Rejection(
                    .invalidArgument,
                    "Expected an element of process '\(process.model.id)' to start at, but got '\(id)'"
                )
            }
            let element = process.model.elements[index]
            guard element.parent == 0, element.kind != .startEvent, element.kind != .boundaryEvent else {
                throw Rejection(
                    .invalidArgument,
                    "Expected an element directly inside the process to start at, but got '\(id)': starting at start "
                        + "or boundary events or inside a sub-process is not supported"
                )
            }
            return index
        }
    }

    /// Creates an instance whose flows to `starts` are on their way.
    func createInstance(
        _ record: ProcessInstanceRecord,
        process: CompiledProcess,
        variables: VariableDocument,
        starts: [Int]
    ) throws {
        try emit(.instanceCreated(record))
        _ = try remember(record)
        try emit(
            .elementEntered(
                ElementInstanceRecord(
                    key: record.key,
                    processInstanceKey: record.key,
                    elementID: process.model.id,
                    name: process.model.name,
                    kind: ElementKind.process.rawValue,
                    scopeKey: nil,
                    state: .activated,
                    startedAt: now,
                    activeChildren: Int32(starts.count)
                ),
                consumedFlows: 0,
                takenFlows: []
            )
        )
        try createAll(variables, scope: record.key, instance: record.key)
        for start in starts { enqueue(.enter(element: Int32(start), flow: nil, scope: record.key)) }
    }

    /// Creates an instance at a start event that was triggered; the payload goes to the process scope, or through the
    /// event's output mappings.
    func createInstance(
        of definition: DefinitionRecord,
        startElementID: String,
        variables: VariableDocument,
        correlationKey: String?
    ) throws -> Key {
        let process = try process(definition.key)
        guard let start = process.model.index(of: startElementID) else {
            throw EngineFault("Expected start event \(startElementID) in definition \(definition.key)")
        }
        let key = newKey()
        let record = ProcessInstanceRecord(
            key: key,
            definitionKey: definition.key,
            rootInstanceKey: key,
            state: .active,
            startedAt: now,
            tenantID: definition.tenantID,
            tags: [],
            startCorrelationKey: correlationKey,
            depth: 0,
            awaitedVariables: []
        )
        let isMapped = !process.model.elements[start].outputMappings.isEmpty
        try createInstance(
            record,
            process: process,
            variables: isMapped ? VariableDocument() : variables,
            starts: isMapped ? [] : [start]
        )
        if isMapped {
            let event = newElement(start, scope: key, instance: try instance(key), consumedFlows: 0)
            try complete(event, result: variables)
        }
        return key
    }

    /// Cancels a root instance.
    func cancelInstance(_ key: Key) throws -> Answer {
        guard let record = try state.processInstance(key), record.state == .active else {
            throw Rejection(.notFound, "Expected an active process instance with key \(key), but there is none")
        }
        if let parent = record.parentInstanceKey {
            throw Rejection(
                .invalidState,
                "Expected a root process instance, but instance \(key) was called by instance \(parent); "
                    + "cancel instance \(record.rootInstanceKey) instead"
            )
        }
        try terminate(key)
        return .done
    }

    /// Sets variables from outside.
    func setVariables(scope: Key, variables: VariableDocument, isLocal: Bool) throws -> Answer {
        guard let record = try state.elementInstance(scope), !record.state.isFinal else {
            throw Rejection(.notFound, "Expected an active element instance with key \(scope), but there is none")
        }
        try checkNames(variables)
        _ = try instance(record.processInstanceKey)
        if isLocal {
            try setAllLocal(variables, scope: scope, instance: record.processInstanceKey)
        } else {
            try propagateAll(variables, chain: try scopeChain(record)[...], instance: record.processInstanceKey)
        }
        return .done
    }
}
