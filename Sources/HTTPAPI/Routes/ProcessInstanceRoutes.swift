import Gateway
import JSON
import NIOHTTP1
import ProcessEngine

/// Process instances.
enum ProcessInstanceRoutes {
    private static let creationProperties = [
        "processDefinitionId", "processDefinitionVersion", "processDefinitionKey", "variables", "tenantId",
        "operationReference", "startInstructions", "runtimeInstructions", "awaitCompletion", "fetchVariables",
        "requestTimeout", "tags", "businessId",
    ]
    private static let startInstructionLimit = 100

    static let routes = [
        Route(.POST, "/v2/process-instances", create),
        Route(.POST, "/v2/process-instances/search") { try await $0.search(.processInstance) },
        Route(.GET, "/v2/process-instances/{processInstanceKey}") {
            try await $0.row(.processInstance, key: "processInstanceKey")
        },
        Route(.POST, "/v2/process-instances/{processInstanceKey}/cancellation", cancel),
        Route(.POST, "/v2/process-instances/{processInstanceKey}/incidents/search", searchIncidents),
    ]

    // MARK: Creation

    @Sendable
    private static func create(_ call: Call) async throws -> Response {
        let body = try call.object(allowed: Self.creationProperties)
        try body.checkOperationReference()
        if let instructions = try body.objects("runtimeInstructions", allowed: ["type", "afterElementId"], limit: 100),
            !instructions.isEmpty
        {
            try body.refuse("runtimeInstructions")
        }
        var command = Command.CreateInstance(definition: try Self.definition(body))
        command.variables = try body.variables()
        command.tenantID = try body.tenantID()
        command.tags = try body.tags()
        command.businessID = try body.businessID()
        if body.has("startInstructions") {
            let instructions = try body.objects(
                "startInstructions",
                allowed: ["elementId"],
                limit: Self.startInstructionLimit
            )
            command.startElementIDs = try (instructions ?? []).map { try $0.requiredString("elementId") }
        }
        let fetchVariables = try body.strings("fetchVariables") ?? []
        let requestTimeout = try body.integer("requestTimeout", in: 0...Int64.max) ?? 0
        guard try body.bool("awaitCompletion") ?? false else {
            return try Self.response(await call.submit(.createInstance(command), .createProcessInstance))
        }
        command.awaitedResult = AwaitedResult(fetchVariables: fetchVariables)
        var options = try call.options()
        if requestTimeout > 0 { options.timeout = min(.milliseconds(requestTimeout), call.limits.longestWait) }
        let answer = try await call.submitWaiting(.createInstance(command), .createProcessInstance, options: options)
        return try Self.response(answer)
    }

    private static func definition(_ body: RequestObject) throws(Problem) -> DefinitionReference {
        let key = try body.key("processDefinitionKey")
        guard body.has("processDefinitionId") != (key != nil) else {
            throw .invalid(
                "Expected either 'processDefinitionId' or 'processDefinitionKey', but got "
                    + (key == nil ? "neither" : "both")
            )
        }
        let version = try body.integer("processDefinitionVersion", in: -1...Int32.max) ?? -1
        // A key names a version already; the documentation says that another one beside it is ignored.
        if let key { return .key(key) }
        guard version != 0 else {
            throw .invalid("Expected -1 (the latest) or a version from 1 for 'processDefinitionVersion', but got 0")
        }
        return .processID(try body.requiredString("processDefinitionId"), version: version == -1 ? nil : version)
    }

    private static func response(_ answer: Answer) throws(Problem) -> Response {
        guard case .instanceCreated(let instance) = answer else { throw Call.unexpectedAnswer(.createProcessInstance) }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("processDefinitionId", instance.processID)
        writer.member("processDefinitionVersion", instance.version)
        writer.member("tenantId", instance.tenantID)
        writer.key("variables")
        writer.variables(instance.variables ?? VariableDocument())
        writer.keyMember("processDefinitionKey", instance.definitionKey)
        writer.keyMember("processInstanceKey", instance.processInstanceKey)
        writer.stringsMember("tags", instance.tags)
        writer.optionalMember("businessId", instance.businessID)
        writer.endObject()
        return .json(writer)
    }

    // MARK: The rest

    @Sendable
    private static func cancel(_ call: Call) async throws -> Response {
        let key = try call.key("processInstanceKey")
        try call.object(allowed: ["operationReference"], isRequired: false).checkOperationReference()
        return try await call.perform(.cancelInstance(key), .cancelProcessInstance)
    }

    /// Incidents of the instance and of those it called.
    @Sendable
    private static func searchIncidents(_ call: Call) async throws -> Response {
        let key = try call.key("processInstanceKey")
        _ = try await call.existingRow(.processInstance, key)
        return try await call.search(
            .incident,
            within: .any([
                .compare(field: ViewKind.incident.position("processInstanceKey"), .equal, values: [.key(key)]),
                .compare(field: ViewKind.incident.position("rootProcessInstanceKey"), .equal, values: [.key(key)]),
            ])
        )
    }
}
