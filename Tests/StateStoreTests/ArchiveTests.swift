import ProcessEngine
import SQLite
import StateStore
import Testing

@Suite struct ArchiveTests {
    @Test func `an instance is finished when it has ended`() throws {
        let state = try openState()
        try state.insert(Sample.instance(100))
        try state.insert(Sample.instance(90))
        #expect(try state.finishedInstances(limit: 9).isEmpty)

        try state.endProcessInstance(Sample.key(100), state: .completed, at: 55)
        try state.endProcessInstance(Sample.key(90), state: .terminated, at: 56)
        try state.endProcessInstance(Sample.key(7), state: .terminated, at: 56)

        #expect(try state.finishedInstances(limit: 9).map(\.counter) == [90, 100])
        #expect(try state.finishedInstances(limit: 1).map(\.counter) == [90])
        let ended = try #require(try state.processInstance(Sample.key(100)))
        #expect(ended.state == .completed)
        #expect(ended.endedAt == 55)
    }

    @Test func `called instances wait for their root`() throws {
        let state = try openState()
        try state.insert(Sample.instance(100))
        try state.insert(Sample.instance(110, root: 100, parent: 100))
        try state.insert(Sample.instance(120, root: 100, parent: 110))
        try state.insert(Sample.instance(130, root: 100, parent: 100))
        try state.endProcessInstance(Sample.key(120), state: .completed, at: 1)
        try state.endProcessInstance(Sample.key(110), state: .completed, at: 2)
        #expect(try state.finishedInstances(limit: 9).isEmpty)

        try state.endProcessInstance(Sample.key(100), state: .completed, at: 3)
        #expect(try state.finishedInstances(limit: 9).map(\.counter) == [100, 110, 120])

        try state.endProcessInstance(Sample.key(130), state: .completed, at: 4)
        #expect(try state.finishedInstances(limit: 9).map(\.counter) == [100, 110, 120, 130])
    }

    @Test func `a called instance whose root is gone is finished at once`() throws {
        let state = try openState()
        try state.insert(Sample.instance(110, root: 100, parent: 100))

        try state.endProcessInstance(Sample.key(110), state: .completed, at: 2)

        #expect(try state.finishedInstances(limit: 9).map(\.counter) == [110])
    }

    @Test func `removing archived instances leaves the rows of others`() throws {
        try withFolder { folder in
            let state = try SQLiteState(folder: folder)
            try state.begin()
            for instance in [100, 200] as [Int64] { try fill(state, instance) }
            for instance in [100, 200] as [Int64] {
                try state.endProcessInstance(Sample.key(instance), state: .completed, at: 9)
            }
            try state.commit(Sample.position(1))
            let reader = try state.openReader()
            #expect(try counts(reader).allSatisfy { $0 == 2 })

            try state.begin()
            try state.removeArchived(instances: [Sample.key(100), Sample.key(999)])
            try state.commit(Sample.position(1))

            #expect(try counts(reader).allSatisfy { $0 == 1 })
            #expect(try state.finishedInstances(limit: 9) == [Sample.key(200)])
            #expect(try state.processInstance(Sample.key(200)) != nil)
        }
    }

    private static let tables = [
        "process_instance", "element_instance", "variable", "job", "user_task", "incident", "timer",
        "message_subscription", "taken_flow", "finished_instance",
    ]

    private func counts(_ reader: Database) throws -> [Int64] {
        try Self.tables.map { try #require(try reader.int64("SELECT count(*) FROM \($0)")) }
    }

    /// One row in each table.
    private func fill(_ state: SQLiteState, _ instance: Int64) throws {
        try state.insert(Sample.instance(instance))
        try state.insert(Sample.element(instance + 1, instance: instance, scope: instance))
        try state.insert(Sample.variable(instance + 2, instance: instance, name: "a"))
        try state.insert(Sample.job(instance + 3, instance: instance))
        try state.insert(Sample.userTask(instance + 4, instance: instance))
        try state.insert(Sample.incident(instance + 5, instance: instance))
        try state.insert(Sample.timer(instance + 6, dueAt: 1, element: instance + 1))
        var subscription = Sample.subscription(instance + 7)
        subscription.processInstanceKey = Sample.key(instance)
        subscription.elementInstanceKey = Sample.key(instance + 1)
        try state.insert(subscription)
        var flow = Sample.takenFlow(count: 1)
        flow.scopeKey = Sample.key(instance + 1)
        flow.processInstanceKey = Sample.key(instance)
        try state.addTakenFlow(flow)
    }
}
