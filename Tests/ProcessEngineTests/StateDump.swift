import ProcessEngine
import SQLite
import Testing

@testable import StateStore

/// All rows of all tables of a state that replicas have in common.
struct StateDump: Equatable, CustomStringConvertible {
    private static let nodeLocal: Set<String> = ["store_property"]
    var rows: [String: [[String]]] = [:]

    init(_ state: SQLiteState) throws {
        for name in try StateDump.tables(state) {
            let statement = try state.database.prepare("SELECT * FROM \(name)")
            var found: [[String]] = []
            while try statement.step() {
                found.append(
                    (0..<statement.columnCount).map {
                        statement.isNull($0) ? "NULL" : String(decoding: statement.blob($0), as: UTF8.self)
                    }
                )
            }
            statement.reset()
            rows[name] = found.sorted { $0.lexicographicallyPrecedes($1) }
        }
    }

    private static func tables(_ state: SQLiteState) throws -> [String] {
        let statement = try state.database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        var names: [String] = []
        while try statement.step() { names.append(statement.text(0)) }
        statement.reset()
        return names.filter { !nodeLocal.contains($0) }
    }

    var description: String {
        rows.sorted { $0.key < $1.key }.flatMap { name, rows in rows.map { "\(name): \($0.joined(separator: "|"))" } }
            .joined(separator: "\n")
    }

    /// What is in one dump and not in the other.
    func difference(from other: StateDump) -> String {
        let (left, right) = (description.split(separator: "\n"), other.description.split(separator: "\n"))
        let missing = right.filter { !left.contains($0) }.map { "- \($0)" }
        let surplus = left.filter { !right.contains($0) }.map { "+ \($0)" }
        return (missing + surplus).joined(separator: "\n")
    }

    // MARK: Records

    private static func keys(_ sql: String, _ state: SQLiteState) throws -> [Key] {
        let statement = try state.database.prepare(sql)
        var keys: [Key] = []
        while try statement.step() { keys.append(Key(statement.int64(0))) }
        statement.reset()
        return keys
    }

    static func elementInstances(_ state: SQLiteState) throws -> [ElementInstanceRecord] {
        try keys("SELECT elementInstanceKey FROM element_instance ORDER BY 1", state)
            .compactMap { try state.elementInstance($0) }
    }

    static func processInstances(_ state: SQLiteState) throws -> [ProcessInstanceRecord] {
        try keys("SELECT processInstanceKey FROM process_instance ORDER BY 1", state)
            .compactMap { try state.processInstance($0) }
    }

    static func incidents(_ state: SQLiteState) throws -> [IncidentRecord] {
        try keys("SELECT incidentKey FROM incident ORDER BY 1", state).compactMap { try state.incident($0) }
    }

    static func jobs(_ state: SQLiteState) throws -> [JobRecord] {
        try keys("SELECT jobKey FROM job ORDER BY 1", state).compactMap { try state.job($0) }
    }

    static func userTasks(_ state: SQLiteState) throws -> [UserTaskRecord] {
        try keys("SELECT userTaskKey FROM user_task ORDER BY 1", state).compactMap { try state.userTask($0) }
    }

    static func timers(_ state: SQLiteState) throws -> [TimerRecord] {
        try keys("SELECT timerKey FROM timer ORDER BY 1", state).compactMap { try state.timer($0) }
    }

    static func subscriptions(_ state: SQLiteState) throws -> [SubscriptionRecord] {
        try keys("SELECT subscriptionKey FROM message_subscription ORDER BY 1", state)
            .compactMap { try state.subscription($0) }
    }

    static func messages(_ state: SQLiteState) throws -> [MessageRecord] {
        try keys("SELECT messageKey FROM message ORDER BY 1", state).compactMap { try state.message($0) }
    }

    static func count(_ table: String, _ state: SQLiteState) throws -> Int64 {
        try state.database.int64("SELECT count(*) FROM \(table)") ?? 0
    }

    static func takenFlowScopes(_ state: SQLiteState) throws -> [Key] {
        try keys("SELECT scopeKey FROM taken_flow", state)
    }
}
