import NIOHTTP1
import ProcessEngine

/// Incidents.
enum IncidentRoutes {
    static let routes = [
        Route(.POST, "/v2/incidents/search") { try await $0.search(.incident) },
        Route(.GET, "/v2/incidents/{incidentKey}") { try await $0.row(.incident, key: "incidentKey") },
        Route(.POST, "/v2/incidents/{incidentKey}/resolution", resolve),
    ]

    @Sendable
    private static func resolve(_ call: Call) async throws -> Response {
        let key = try call.key("incidentKey")
        try call.object(allowed: ["operationReference"], isRequired: false).checkOperationReference()
        return try await call.perform(.resolveIncident(key), .resolveIncident)
    }
}
