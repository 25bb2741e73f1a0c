package import ProcessEngine
import SQLite

/// Moving ended instances out of the state.
struct ArchiveStatements {
    let finished: Statement
    let hasLeftovers: Statement
    /// What hangs on elements and should have gone when they ended.
    let leftovers: [Statement]
    /// One after the other for each instance; each has the instance's key as its only parameter.
    let removals: [Statement]

    init(_ database: Database) throws {
        finished = try database.prepare(
            "SELECT processInstanceKey FROM finished_instance ORDER BY processInstanceKey LIMIT ?"
        )
        // What hangs on elements has no index by instance: it is found as long as the elements are known.
        let byElement = [
            ("timer", "elementInstanceKey"), ("message_subscription", "elementInstanceKey"), ("taken_flow", "scopeKey"),
        ]
        let exists = byElement.map { "EXISTS(SELECT 1 FROM \($0) WHERE \($1) = element.elementInstanceKey)" }
        hasLeftovers = try database.prepare(
            """
            SELECT 1 FROM element_instance AS element
            WHERE processInstanceKey = ? AND (\(exists.joined(separator: " OR "))) LIMIT 1
            """
        )
        let elements = "(SELECT elementInstanceKey FROM element_instance WHERE processInstanceKey = ?)"
        leftovers = try byElement.map { try database.prepare("DELETE FROM \($0) WHERE \($1) IN \(elements)") }
        let byInstance = [
            "element_instance", "variable", "job", "user_task", "incident", "process_instance", "finished_instance",
        ]
        removals = try byInstance.map { try database.prepare("DELETE FROM \($0) WHERE processInstanceKey = ?") }
    }
}

extension SQLiteState {
    /// Instances that have ended together with their root, by key, at most `limit`: what may be moved to the history.
    package func finishedInstances(limit: Int) throws -> [Key] {
        var parameters = ParameterWriter(archive.finished)
        try parameters.write(Int64(max(0, limit)))
        return try parameters.rows { $0.key() }
    }

    /// Deletes all rows of instances that are safe in the history, inside the open transaction. Continuations stay:
    /// they are the engine's queue of work, which takes each of them out itself.
    package func removeArchived(instances keys: [Key]) throws {
        // Each node archives in its own time: for the digest the rows are still there.
        tracker.isMovingOut = true
        defer { tracker.isMovingOut = false }
        for key in keys {
            // Hardly ever any: one look is cheaper than three deletions that find nothing.
            var parameters = ParameterWriter(archive.hasLeftovers)
            try parameters.write(key)
            if try parameters.first({ _ in true }) ?? false {
                for statement in archive.leftovers { try run(statement, key) }
            }
            for statement in archive.removals { try run(statement, key) }
        }
    }
}
