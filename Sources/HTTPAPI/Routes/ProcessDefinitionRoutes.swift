import Gateway
import NIOHTTP1
import ProcessEngine

/// Process definitions.
enum ProcessDefinitionRoutes {
    static let routes = [
        Route(.POST, "/v2/process-definitions/search") { try await $0.search(.processDefinition) },
        Route(.GET, "/v2/process-definitions/{processDefinitionKey}") {
            try await $0.row(.processDefinition, key: "processDefinitionKey")
        },
        Route(.GET, "/v2/process-definitions/{processDefinitionKey}/xml", xml),
        Route(.GET, "/v2/process-definitions/{processDefinitionKey}/form", form),
    ]

    @Sendable
    private static func xml(_ call: Call) async throws -> Response {
        let key = try call.key("processDefinitionKey")
        guard let xml = try await call.queries({ try await $0.definitionXML(key, consistency: $1) }) else {
            throw Problem.notFound("Expected a process definition with key '\(key)', but found none")
        }
        let response: Response = xml.isEmpty ? .done() : .bytes(xml, contentType: "text/xml")
        return try response.answering(call)
    }

    /// Forms cannot be deployed, so no definition has one.
    @Sendable
    private static func form(_ call: Call) async throws -> Response {
        _ = try await call.existingRow(.processDefinition, try call.key("processDefinitionKey"))
        return try .done().answering(call)
    }
}
