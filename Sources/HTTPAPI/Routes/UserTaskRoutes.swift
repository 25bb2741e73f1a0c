import Gateway
import NIOHTTP1
import ProcessEngine

/// User tasks.
enum UserTaskRoutes {
    /// Scopes above a task that are looked at; models do not nest deeper.
    private static let scopeLimit = 200

    static let routes = [
        Route(.POST, "/v2/user-tasks/search") { try await $0.search(.userTask) },
        Route(.GET, "/v2/user-tasks/{userTaskKey}") { try await $0.row(.userTask, key: "userTaskKey") },
        Route(.PATCH, "/v2/user-tasks/{userTaskKey}", update),
        Route(.POST, "/v2/user-tasks/{userTaskKey}/assignment", assign),
        Route(.DELETE, "/v2/user-tasks/{userTaskKey}/assignee", unassign),
        Route(.POST, "/v2/user-tasks/{userTaskKey}/completion", complete),
        Route(.GET, "/v2/user-tasks/{userTaskKey}/form", form),
        Route(.POST, "/v2/user-tasks/{userTaskKey}/variables/search", searchVariables),
    ]

    // MARK: Commands

    @Sendable
    private static func assign(_ call: Call) async throws -> Response {
        let key = try call.key("userTaskKey")
        let body = try call.object(allowed: ["assignee", "allowOverride", "action"])
        let command = Command.assignUserTask(
            key,
            assignee: try body.requiredString("assignee"),
            allowOverride: try body.bool("allowOverride") ?? true,
            action: try body.string("action")
        )
        return try await call.perform(command, .assignUserTask)
    }

    @Sendable
    private static func unassign(_ call: Call) async throws -> Response {
        try await call.perform(.unassignUserTask(try call.key("userTaskKey")), .unassignUserTask)
    }

    @Sendable
    private static func complete(_ call: Call) async throws -> Response {
        let key = try call.key("userTaskKey")
        let body = try call.object(allowed: ["variables", "action"], isRequired: false)
        let command = Command.completeUserTask(
            key,
            variables: try body.variables(),
            action: try body.string("action")
        )
        return try await call.perform(command, .completeUserTask)
    }

    @Sendable
    private static func update(_ call: Call) async throws -> Response {
        let key = try call.key("userTaskKey")
        let body = try call.object(allowed: ["changeset", "action"], isRequired: false)
        var change = Command.UserTaskChange()
        // The documentation says that further attributes of the changeset are ignored.
        if let changes = try body.object("changeset", allowed: nil) {
            change.dueDate = try changes.dateOrEmpty("dueDate")
            change.followUpDate = try changes.dateOrEmpty("followUpDate")
            change.candidateUsers = try changes.strings("candidateUsers")
            change.candidateGroups = try changes.strings("candidateGroups")
            change.priority = try changes.integer("priority", in: 0...100)
        }
        let command = Command.updateUserTask(key, change, action: try body.string("action"))
        return try await call.perform(command, .updateUserTask)
    }

    // MARK: Queries

    /// Forms cannot be deployed, so no task has one.
    @Sendable
    private static func form(_ call: Call) async throws -> Response {
        _ = try await call.existingRow(.userTask, try call.key("userTaskKey"))
        return try .done().answering(call)
    }

    /// The variables that the task sees: those of its own scope and of all scopes around it.
    @Sendable
    private static func searchVariables(_ call: Call) async throws -> Response {
        let task = try await call.existingRow(.userTask, try call.key("userTaskKey"))
        let scopeField = ViewKind.elementInstance.position("elementInstanceScopeKey")
        let instance = task.values[ViewKind.userTask.position("processInstanceKey")]
        var scopes = [task.values[ViewKind.userTask.position("elementInstanceKey")]]
        while scopes.count < Self.scopeLimit, let scope = scopes.last, scope != instance,
            case .integer(let key) = scope,
            let row = try await call.queries({
                try await $0.row(.elementInstance, key: Key(rawValue: key), consistency: $1)
            })
        {
            let outer = row.values[scopeField]
            if outer == scope || outer == .null { break }
            scopes.append(outer)
        }
        if scopes.last != instance { scopes.append(instance) }
        let field = ViewKind.variable.position("scopeKey")
        return try await call.search(
            .variable,
            schema: .userTaskVariable,
            within: .compare(field: field, .in, values: scopes)
        )
    }
}

extension RequestObject {
    /// A date-time, or an empty text, which clears.
    fileprivate func dateOrEmpty(_ name: String) throws(Problem) -> String? {
        guard let text = try self.string(name) else { return nil }
        guard text.isEmpty || DateTime.milliseconds(text) != nil else {
            throw .invalid("Expected an ISO-8601 date-time or '' for '\(name)', but got \(Problem.quoted(text))")
        }
        return text
    }
}
