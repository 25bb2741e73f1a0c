import NIOHTTP1
import ProcessEngine

/// Element instances.
enum ElementInstanceRoutes {
    static let routes = [
        Route(.POST, "/v2/element-instances/search") { try await $0.search(.elementInstance) },
        Route(.GET, "/v2/element-instances/{elementInstanceKey}") {
            try await $0.row(.elementInstance, key: "elementInstanceKey")
        },
        Route(.PUT, "/v2/element-instances/{elementInstanceKey}/variables", setVariables),
        Route(.POST, "/v2/element-instances/{elementInstanceKey}/incidents/search", searchIncidents),
    ]

    @Sendable
    private static func setVariables(_ call: Call) async throws -> Response {
        let key = try call.key("elementInstanceKey")
        let body = try call.object(allowed: ["variables", "local", "operationReference"])
        try body.checkOperationReference()
        let command = Command.setVariables(
            scope: key,
            variables: try body.variables(isRequired: true),
            isLocal: try body.bool("local") ?? false
        )
        return try await call.perform(command, .setVariables)
    }

    @Sendable
    private static func searchIncidents(_ call: Call) async throws -> Response {
        let key = try call.key("elementInstanceKey")
        _ = try await call.existingRow(.elementInstance, key)
        let field = ViewKind.incident.position("elementInstanceKey")
        return try await call.search(.incident, within: .compare(field: field, .equal, values: [.key(key)]))
    }
}
