import HTTPTypes
import HummingbirdCore
import ProcessEngine

/// Incidents.
enum IncidentRoutes {
    static let routes = [
        Route(.post, "/v2/incidents/search") { try await $0.search(.incident) },
        Route(.get, "/v2/incidents/{incidentKey}") { try await $0.row(.incident, key: "incidentKey") },
        Route(.post, "/v2/incidents/{incidentKey}/resolution", resolve),
    ]

    @Sendable
    private static func resolve(_ call: Call) async throws -> Response {
        let key = try call.key("incidentKey")
        try await call.object(allowed: ["operationReference"], isRequired: false).checkOperationReference()
        return try await call.perform(.resolveIncident(key), .resolveIncident)
    }
}
