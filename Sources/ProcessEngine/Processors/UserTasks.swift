import FEEL

extension Execution {
    private func openTask(_ key: Key) throws -> UserTaskRecord {
        guard let task = try state.userTask(key) else {
            throw Rejection(.notFound, "Expected a user task with key \(key), but there is none")
        }
        guard task.state == .created else {
            throw Rejection(
                .invalidState,
                "Expected user task \(key) to be open, but it was "
                    + (task.state == .completed ? "completed" : "canceled")
            )
        }
        return task
    }

    func assignUserTask(_ key: Key, assignee: String, allowOverride: Bool) throws -> Answer {
        var task = try openTask(key)
        if let current = task.assignee, !allowOverride {
            throw Rejection(
                .invalidState,
                "Expected user task \(key) to be unassigned, but it is assigned to '\(current)'; "
                    + "allow to override it or unassign it first"
            )
        }
        task.assignee = assignee
        try emit(.userTaskChanged(task))
        return .done
    }

    func unassignUserTask(_ key: Key) throws -> Answer {
        var task = try openTask(key)
        task.assignee = nil
        try emit(.userTaskChanged(task))
        return .done
    }

    func updateUserTask(_ key: Key, _ change: Command.UserTaskChange) throws -> Answer {
        var task = try openTask(key)
        if let text = change.dueDate { task.dueDate = try date(text, "dueDate") }
        if let text = change.followUpDate { task.followUpDate = try date(text, "followUpDate") }
        if let users = change.candidateUsers { task.candidateUsers = users }
        if let groups = change.candidateGroups { task.candidateGroups = groups }
        if let priority = change.priority {
            guard (0...100).contains(priority) else {
                throw Rejection(.invalidArgument, "Expected a priority of 0 to 100, but got \(priority)")
            }
            task.priority = priority
        }
        try emit(.userTaskChanged(task))
        return .done
    }

    private func date(_ text: String, _ what: String) throws -> Int64? {
        if text.isEmpty { return nil }
        guard let time = FEELDateTime(text)?.epochMilliseconds(environment.timeZoneRules) else {
            throw Rejection(.invalidArgument, "Expected an ISO-8601 date and time as \(what), but got '\(text)'")
        }
        return time
    }

    func completeUserTask(_ key: Key, variables: VariableDocument) throws -> Answer {
        var task = try openTask(key)
        try checkNames(variables)
        let active = try located(task.elementInstanceKey)
        task.state = .completed
        task.completedAt = now
        try emit(.userTaskChanged(task))
        try complete(active, result: variables)
        return .done
    }
}
