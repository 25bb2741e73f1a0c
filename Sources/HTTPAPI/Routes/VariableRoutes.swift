import HTTPTypes
import HummingbirdCore
import ProcessEngine

/// Variables.
enum VariableRoutes {
    static let routes = [
        Route(.post, "/v2/variables/search") { try await $0.search(.variable) },
        Route(.get, "/v2/variables/{variableKey}") { try await $0.row(.variable, key: "variableKey") },
    ]
}
