import NIOHTTP1
import ProcessEngine

/// Variables.
enum VariableRoutes {
    static let routes = [
        Route(.POST, "/v2/variables/search") { try await $0.search(.variable) },
        Route(.GET, "/v2/variables/{variableKey}") { try await $0.row(.variable, key: "variableKey") },
    ]
}
