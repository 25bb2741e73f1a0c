import ProcessEngine
import StateStore
import Testing

@Suite struct ScopeTests {
    @Test func `undefined and manual tasks and none events pass, with their mappings`() throws {
        try scenario("pass-through") { engine in
            let instance = try engine.start("pass-through")
            #expect(try engine.instanceState(instance) == .completed)
            #expect(try engine.variables(of: instance) == ["x": "1", "y": "\"said\"", "z": "1"])
            #expect(try engine.elements(instance).map(\.elementID) == ["start", "undefined", "manual", "throw", "end"])
        }
    }

    @Test func `a sub-process keeps its local variables and gives what is mapped`() throws {
        try scenario("sub-process") { engine in
            let instance = try engine.start("sub-process", ["known": "1"])
            let inner = try engine.element("inner", in: instance).key
            #expect(try engine.variable("local", in: inner, of: instance) == "1")

            try engine.work("work", ["result": "2", "local": "3", "known": "4"])

            #expect(try engine.active(instance) == ["after"])
            #expect(try engine.variable("local", in: inner, of: instance) == "3")
            #expect(try engine.variables(of: instance) == ["known": "4", "result": "2", "outer": "2"])
            try engine.work("after")
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `a terminate end event ends everything in its scope, which completes`() throws {
        try scenario("terminate") { engine in
            let instance = try engine.start("terminate")
            let other = try engine.job("b")

            try engine.work("a")

            #expect(try engine.instanceState(instance) == .completed)
            #expect(try engine.states(of: "b", in: instance) == [.terminated])
            #expect(try engine.states(of: "stop", in: instance) == [.completed])
            #expect(try engine.refusal(of: .completeJob(other.key, variables: .init(), lease: nil)).code == .notFound)
        }
    }

    @Test func `a terminate end event in a sub-process ends called instances too and goes on outside`() throws {
        try scenario("terminate-inside", "service-task") { engine in
            let instance = try engine.start("terminate-inside")
            let called = try #require(try engine.instances(of: "service-task").first?.key)

            try engine.work("a")

            #expect(try engine.instanceState(called) == .terminated)
            #expect(try engine.states(of: "inner", in: instance) == [.completed])
            #expect(try engine.active(instance) == ["after"])
            #expect(try engine.variables(of: instance)["outcome"] == "\"done\"")
        }
    }

    @Test func `an interrupting event on a sub-process ends all that is inside, then goes on`() throws {
        try scenario("boundary-on-scope", "two-tasks") { engine in
            let instance = try engine.start("boundary-on-scope", ["key": "\"k\""])
            let called = try #require(try engine.instances(of: "two-tasks").first?.key)
            try engine.work("a")

            try engine.publish("cancel", key: "k", ["why": "1"])

            #expect(try engine.active(instance) == ["canceled"])
            #expect(try engine.states(of: "inner", in: instance) == [.terminated])
            #expect(try engine.states(of: "b", in: instance) == [.terminated])
            #expect(try engine.states(of: "called", in: instance) == [.terminated])
            #expect(try engine.instanceState(called) == .terminated)
            #expect(try engine.variables(of: instance)["why"] == "1")
            #expect(try StateDump.count("taken_flow", engine.state) == 0)
            try engine.work("canceled")
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `boundary events of every activity are armed and closed`() throws {
        try scenario("boundary-everywhere") { engine in
            let first = try engine.start("boundary-everywhere", ["key": "1"])
            try engine.pass(minutes: 60)
            #expect(try engine.instanceState(first) == .completed)
            #expect(try engine.states(of: "decide", in: first) == [.terminated])

            let second = try engine.start("boundary-everywhere", ["key": "2"])
            let task = try engine.userTask(second).key
            try engine.send(.completeUserTask(task, variables: .init(), action: nil))
            try engine.pass(minutes: 60)
            #expect(try engine.states(of: "wait", in: second) == [.terminated])

            let third = try engine.start("boundary-everywhere", ["key": "3"])
            try engine.send(.completeUserTask(engine.userTask(third).key, variables: .init(), action: nil))
            try engine.publish("go", key: "3")
            #expect(try engine.instanceState(third) == .completed)
            #expect(try engine.states(of: "manual", in: third) == [.completed])
            #expect(try StateDump.timers(engine.state).isEmpty)
        }
    }

    @Test func `a boundary event also helps out of an incident while completing`() throws {
        var limits = EngineLimits()
        limits.expressionSteps = 10_000
        try scenario("sub-process-output", limits: limits) { engine in
            let instance = try engine.start("sub-process-output", ["limit": "10000"])
            try engine.work("work")
            #expect(try engine.incident(instance).type == .ioMapping)
            #expect(try engine.element("inner", in: instance).state == .completing)

            try engine.pass(minutes: 60)

            #expect(try engine.active(instance) == ["rescue"])
            #expect(try engine.incidents(instance).isEmpty)
        }
    }

    @Test func `mappings build objects and keep their siblings outside`() throws {
        try scenario("mapped-task") { engine in
            let instance = try engine.start("mapped-task", ["kind": "\"w\"", "order": #"{"id":7,"open":true}"#])

            try engine.work("w", ["result": #"{"a":[1,2.50]}"#, "noise": "1"])

            let variables = try engine.variables(of: instance)
            #expect(variables["order"] == #"{"id":7,"open":true,"result":{"a":[1,2.5]}}"#)
            #expect(variables["seen"] == "7")
            #expect(variables["noise"] == nil)
        }
    }

    @Test func `a result goes to the nearest scope that holds its name`() throws {
        try scenario("sub-process") { engine in
            let instance = try engine.start("sub-process")
            let inner = try engine.element("inner", in: instance).key
            let task = try engine.element("task", in: instance).key
            try engine.send(.setVariables(scope: inner, variables: engine.document(["x": "1"]), isLocal: true))
            try engine.send(.setVariables(scope: task, variables: engine.document(["y": "1"]), isLocal: true))

            try engine.work("work", ["x": "2", "y": "2", "z": "2"])

            #expect(try engine.variable("x", in: inner, of: instance) == "2")
            #expect(try engine.variable("y", in: task, of: instance) == "2")
            #expect(try engine.variables(of: instance) == ["z": "2", "outer": "null"])
        }
    }

    @Test func `variables are set locally or where they are known`() throws {
        try scenario("sub-process") { engine in
            let instance = try engine.start("sub-process", ["x": "1"])
            let task = try engine.element("task", in: instance).key
            try engine.send(
                .setVariables(scope: task, variables: engine.document(["x": "2", "n": "3"]), isLocal: false)
            )
            #expect(try engine.variables(of: instance) == ["x": "2", "n": "3"])
            try engine.send(.setVariables(scope: task, variables: engine.document(["x": "9"]), isLocal: true))
            #expect(try engine.job("work").variables.entries.first { $0.name == "x" }?.value == [0x39])
            try engine.complete(engine.element("task", in: instance).waitsFor ?? Key(0))
            let late = Command.setVariables(scope: task, variables: engine.document(["x": "1"]), isLocal: true)
            #expect(try engine.refusal(of: late).code == .notFound)
            let unknown = Command.setVariables(scope: Key(1), variables: .init(), isLocal: false)
            #expect(try engine.refusal(of: unknown).code == .notFound)
        }
    }

    @Test func `scripts compute and give their result`() throws {
        try scenario("script-task") { engine in
            let instance = try engine.start("script-task", ["a": "0.1", "b": "0.2"])
            #expect(try engine.instanceState(instance) == .completed)
            #expect(try engine.variables(of: instance) == ["a": "0.1", "b": "0.2", "total": "0.3", "result": "0.6"])
        }
    }
}
