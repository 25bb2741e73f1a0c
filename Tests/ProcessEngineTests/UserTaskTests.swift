import ProcessEngine
import StateStore
import Testing

@Suite struct UserTaskTests {
    private static let variables = [
        "owner": "\"zoe\"", "groups": #"["sales","support"]"#, "priority": "80", "decision": "true",
    ]

    @Test func `a user task shows what the model says about it`() throws {
        try scenario("user-task") { engine in
            let instance = try engine.start("user-task", Self.variables)

            let task = try engine.userTask(instance)

            #expect(task.name == "Decide")
            #expect(task.assignee == "zoe")
            #expect(task.candidateUsers == ["ann", "bob"])
            #expect(task.candidateGroups == ["sales", "support"])
            #expect(task.priority == 80)
            #expect(task.dueDate == 1_801_483_200_000)
            #expect(task.followUpDate == 1_801_396_800_000)
            #expect(task.externalFormReference == "form-1")
        }
    }

    @Test func `completing a user task maps its result`() throws {
        try scenario("user-task") { engine in
            let instance = try engine.start("user-task", Self.variables)
            let task = try engine.userTask(instance)

            try engine.send(.completeUserTask(task.key, variables: engine.document(["decision": "false"]), action: nil))

            #expect(try engine.instanceState(instance) == .completed)
            #expect(try engine.variables(of: instance)["approved"] == "false")
            #expect(try engine.variables(of: instance)["decision"] == "true")
            #expect(try engine.state.userTask(task.key)?.state == .completed)
            for command in Self.commands(on: task.key) {
                #expect(try engine.refusal(of: command).code == .invalidState)
            }
        }
    }

    @Test func `user tasks are assigned, unassigned and changed`() throws {
        try scenario("user-task") { engine in
            let instance = try engine.start("user-task", ["priority": "1"])
            let task = try engine.userTask(instance).key
            #expect(try engine.userTask(instance).assignee == nil)

            try engine.send(.assignUserTask(task, assignee: "ann", allowOverride: false, action: nil))
            let second = Command.assignUserTask(task, assignee: "bob", allowOverride: false, action: nil)
            #expect(try engine.refusal(of: second).code == .invalidState)
            try engine.send(.assignUserTask(task, assignee: "bob", allowOverride: true, action: nil))
            #expect(try engine.userTask(instance).assignee == "bob")
            try engine.send(.unassignUserTask(task))
            #expect(try engine.userTask(instance).assignee == nil)

            var change = Command.UserTaskChange()
            change.dueDate = ""
            change.followUpDate = "2027-03-01T00:00:00+01:00"
            change.candidateGroups = []
            change.candidateUsers = ["eve"]
            change.priority = 0
            try engine.send(.updateUserTask(task, change, action: nil))
            let changed = try engine.userTask(instance)
            #expect(changed.dueDate == nil)
            #expect(changed.followUpDate == 1_803_855_600_000)
            #expect(changed.candidateUsers == ["eve"])
            #expect(changed.candidateGroups == [])
            #expect(changed.priority == 0)
        }
    }

    @Test func `a change that makes no sense is refused`() throws {
        try scenario("user-task") { engine in
            let task = try engine.userTask(try engine.start("user-task", ["priority": "1"])).key
            var date = Command.UserTaskChange()
            date.dueDate = "tomorrow"
            var priority = Command.UserTaskChange()
            priority.priority = 101

            #expect(try engine.refusal(of: .updateUserTask(task, date, action: nil)).code == .invalidArgument)
            #expect(try engine.refusal(of: .updateUserTask(task, priority, action: nil)).code == .invalidArgument)
        }
    }

    @Test func `a user task ends with its instance`() throws {
        try scenario("user-task") { engine in
            let instance = try engine.start("user-task", ["priority": "1"])
            let task = try engine.userTask(instance).key

            try engine.send(.cancelInstance(instance))

            #expect(try engine.state.userTask(task)?.state == .canceled)
            for command in Self.commands(on: task) {
                #expect(try engine.refusal(of: command).code == .invalidState)
            }
        }
    }

    @Test func `an unknown user task is not found`() throws {
        try scenario { (engine: EngineHarness) throws in
            for command in Self.commands(on: Key(group: 1, counter: 5)) {
                #expect(try engine.refusal(of: command).code == .notFound)
            }
        }
    }

    private static func commands(on task: Key) -> [Command] {
        [
            .completeUserTask(task, variables: .init(), action: nil), .unassignUserTask(task),
            .assignUserTask(task, assignee: "a", allowOverride: true, action: nil),
            .updateUserTask(task, .init(), action: nil),
        ]
    }
}
