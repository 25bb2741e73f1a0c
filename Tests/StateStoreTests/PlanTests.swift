import SQLite
import Testing

@testable import StateStore

@Suite struct PlanTests {
    /// Statements that read a table in the order of its keys and stop early, or that read a small table.
    private static let orderedScans: Set<String> = [
        "SCAN answered_request", "SCAN continuation", "SCAN finished_instance", "SCAN quarantine",
        "SCAN timer USING COVERING INDEX timer_due", "SCAN message USING COVERING INDEX message_expiry",
        "SCAN job USING COVERING INDEX job_deadline",
    ]

    @Test func `no statement looks through a table or sorts`() throws {
        let state = try SQLiteState.inMemory()
        let groups: [Any] = [
            state.definitions, state.instances, state.elements, state.variableTable, state.jobs, state.userTasks,
            state.timers, state.messages, state.incidents, state.engine, state.schedule,
        ]
        let fields = groups.flatMap { Mirror(reflecting: $0).children.compactMap { $0.value as? Statement } }
        let archive = state.archive
        let statements = fields + archive.removals + archive.leftovers + [archive.finished, archive.hasLeftovers]
        #expect(statements.count > 80)

        for statement in statements {
            let plan = try state.database.prepare("EXPLAIN QUERY PLAN \(statement.sql)")
            while try plan.step() {
                let detail = plan.text(3)
                let isCostly = detail.hasPrefix("SCAN") || detail.contains("TEMP B-TREE")
                #expect(!isCostly || Self.orderedScans.contains(detail), "\(detail): \(statement.sql)")
            }
        }
    }

    @Test func `the hot queries use the index that was made for them`() throws {
        let state = try SQLiteState.inMemory()
        let expected: [(Statement, String)] = [
            (state.elements.activeChildren, "element_instance_active"), (state.jobs.activatable, "job_activatable"),
            (state.schedule.dueJobs, "job_deadline"), (state.schedule.dueTimers, "timer_due"),
            (state.variableTable.byName, "variable_name"), (state.messages.byMessageID, "message_id"),
            (state.instances.hasStarted, "process_instance_start"),
            (state.instances.noteFinished, "process_instance_root"), (state.timers.ofStart, "timer_start"),
        ]

        for (statement, index) in expected {
            let plan = try state.database.prepare("EXPLAIN QUERY PLAN \(statement.sql)")
            var details: [String] = []
            while try plan.step() { details.append(plan.text(3)) }
            #expect(details.contains { $0.contains(index) }, "\(details)")
        }
    }
}
