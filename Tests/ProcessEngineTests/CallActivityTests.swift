import ProcessEngine
import StateStore
import Testing

@Suite struct CallActivityTests {
    @Test func `a called process gets the variables and gives its own`() throws {
        try scenario("call") { engine in
            let instance = try engine.start("call", ["order": "1", "other": "2"])
            let called = try #require(try engine.instances(of: "called-process").first)
            #expect(called.parentInstanceKey == instance)
            #expect(called.rootInstanceKey == instance)
            #expect(called.depth == 1)
            #expect(try engine.variables(of: called.key) == ["order": "1", "other": "2", "input": "1"])

            try engine.work("called", ["result": "3", "order": "4"])

            #expect(try engine.instanceState(called.key) == .completed)
            #expect(try engine.active(instance) == ["after"])
            #expect(try engine.variables(of: instance) == ["order": "4", "other": "2", "result": "3"])
        }
    }

    @Test func `with mappings only what they name goes in and out`() throws {
        try scenario("call-mapped") { engine in
            let instance = try engine.start("call-mapped", ["order": "1", "other": "2"])
            let called = try #require(try engine.instances(of: "called-process").first)
            #expect(try engine.variables(of: called.key) == ["input": "1"])

            try engine.work("called", ["result": "3", "noise": "4"])

            #expect(try engine.variables(of: instance) == ["order": "1", "other": "2", "kept": "3"])
        }
    }

    @Test func `without propagation nothing comes out`() throws {
        try scenario("call-nothing") { engine in
            let instance = try engine.start("call-nothing")
            try engine.work("called", ["result": "3"])
            #expect(try engine.variables(of: instance) == [:])
            #expect(try engine.active(instance) == ["after"])
        }
    }

    @Test func `the latest version is called when the activity is entered`() throws {
        try scenario("call") { engine in
            try engine.deploy("call-nothing", replacing: "id=\"c-task\"", by: "name=\"new\" id=\"c-task\"")
            _ = try engine.start("call")
            let called = try #require(try engine.instances(of: "called-process").first)
            #expect(try engine.state.definition(called.definitionKey)?.version == 2)
        }
    }

    @Test func `a binding to the deployment or to a version tag is kept`() throws {
        try scenario { (engine: EngineHarness) throws in
            let binding = "processId=\"called-process\""
            try engine.deploy("call", replacing: binding, by: binding + " bindingType=\"deployment\"")
            try engine.deploy("call-nothing", replacing: "id=\"c-task\"", by: "name=\"new\" id=\"c-task\"")
            _ = try engine.start("call")
            let called = try #require(try engine.instances(of: "called-process").first)
            #expect(try engine.state.definition(called.definitionKey)?.version == 1)

            try engine.deploy(
                "call",
                replacing: binding,
                by: binding + " bindingType=\"versionTag\" versionTag=\"gold\""
            )
            let instance = try engine.start("call")
            #expect(try engine.incident(instance).type == .calledElement)
        }
    }

    @Test func `a missing process is an incident until it is deployed`() throws {
        try scenario("call-dynamic") { engine in
            let instance = try engine.start("call-dynamic", ["wanted": "\"service-task\""])
            let incident = try engine.incident(instance)
            #expect(incident.type == .calledElement)

            try engine.deploy(["service-task"])
            try engine.resolve(incident.key)

            try engine.work("work")
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `a process that only a message starts cannot be called`() throws {
        try scenario("call-dynamic", "message-start") { engine in
            let instance = try engine.start("call-dynamic", ["wanted": "\"message-start\""])
            #expect(try engine.incident(instance).type == .calledElement)
        }
    }

    @Test func `calls inside each other end in an incident, not in a stack`() throws {
        var limits = EngineLimits()
        limits.callDepth = 200
        limits.stepsPerCommand = 50
        try scenario("call-itself", limits: limits) { engine in
            let instance = try engine.start("call-itself")
            let all = try engine.instances(of: "call-itself")
            #expect(all.count == 201)
            let last = try #require(all.last)
            #expect(last.depth == 200)
            #expect(try engine.incident(last.key).type == .calledElement)

            try engine.send(.cancelInstance(instance))

            #expect(try engine.instances(of: "call-itself").allSatisfy { $0.state == .terminated })
        }
    }

    @Test func `only the root can be canceled, and with it goes the called instance`() throws {
        try scenario("call") { engine in
            let instance = try engine.start("call")
            let called = try #require(try engine.instances(of: "called-process").first?.key)
            #expect(try engine.refusal(of: .cancelInstance(called)).code == .invalidState)

            try engine.send(.cancelInstance(instance))

            #expect(try engine.instanceState(called) == .terminated)
            #expect(try engine.instanceState(instance) == .terminated)
        }
    }

    @Test func `an interrupting timer ends the called instance first`() throws {
        try scenario("boundary-on-call", "two-tasks") { engine in
            let instance = try engine.start("boundary-on-call")
            let called = try #require(try engine.instances(of: "two-tasks").first?.key)

            try engine.pass(minutes: 60)

            #expect(try engine.instanceState(called) == .terminated)
            #expect(try engine.active(instance) == ["rescue"])
        }
    }
}
