package import ProcessEngine
import SQLite

/// Moving ended instances out of the state.
struct ArchiveStatements {
    let finished: Statement
    /// Whether any of `groupSize` instances has leftovers.
    let hasLeftovers: Statement
    /// What hangs on elements and should have gone when they ended.
    let leftovers: [Statement]
    /// One after the other for each group of instances; each has `groupSize` keys as parameters.
    let removals: [Statement]

    /// What a statement costs before it finds its first row is shared by this many instances.
    static let groupSize = 32

    init(_ database: Database) throws {
        finished = try database.prepare(
            "SELECT processInstanceKey FROM finished_instance ORDER BY processInstanceKey LIMIT ?"
        )
        let keys = (1...Self.groupSize).map { "?\($0)" }.joined(separator: ",")
        // What hangs on elements has no index by instance: it is found as long as the elements are known.
        let byElement = [
            ("timer", "elementInstanceKey"), ("message_subscription", "elementInstanceKey"), ("taken_flow", "scopeKey"),
        ]
        let exists = byElement.map { "EXISTS(SELECT 1 FROM \($0) WHERE \($1) = element.elementInstanceKey)" }
        hasLeftovers = try database.prepare(
            """
            SELECT 1 FROM element_instance AS element
            WHERE processInstanceKey IN (\(keys)) AND (\(exists.joined(separator: " OR "))) LIMIT 1
            """
        )
        let elements = "SELECT elementInstanceKey FROM element_instance WHERE processInstanceKey IN (\(keys))"
        leftovers = try byElement.map { try database.prepare("DELETE FROM \($0) WHERE \($1) IN (\(elements))") }
        let byInstance = [
            "element_instance", "variable", "job", "user_task", "incident", "process_instance", "finished_instance",
        ]
        removals = try byInstance.map { name in
            try database.prepare("DELETE FROM \(name) WHERE processInstanceKey IN (\(keys))")
        }
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
        recentElements.forgetAll()
        defer { tracker.isMovingOut = false }
        for start in stride(from: 0, to: keys.count, by: ArchiveStatements.groupSize) {
            let group = keys[start..<min(start + ArchiveStatements.groupSize, keys.count)]
            // Hardly ever any: one look is cheaper than three deletions that find nothing.
            if try bind(group, to: archive.hasLeftovers).first({ _ in true }) ?? false {
                for statement in archive.leftovers { try bind(group, to: statement).run() }
            }
            for statement in archive.removals { try bind(group, to: statement).run() }
        }
    }

    /// Parameters that are too many get the last key again.
    private func bind(_ group: ArraySlice<Key>, to statement: Statement) throws -> ParameterWriter {
        var parameters = ParameterWriter(statement)
        for position in 0..<ArchiveStatements.groupSize {
            try parameters.write(group[min(group.startIndex + position, group.endIndex - 1)])
        }
        return parameters
    }
}
