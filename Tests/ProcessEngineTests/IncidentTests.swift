import ProcessEngine
import StateStore
import Testing

@Suite struct IncidentTests {
    struct Case: CustomTestStringConvertible {
        var way: String
        var wrong: [String: String]
        var right: [String: String]
        var type: IncidentType
        var state: ElementState = .activating
        /// Whether the element is done once the incident is resolved.
        var completes = false
        var testDescription: String { "\(way) \(wrong)" }
    }

    static let cases = [
        Case(way: "bad-type", wrong: [:], right: ["missing": "\"t\""], type: .extractValue),
        Case(way: "bad-type", wrong: ["missing": "1"], right: ["missing": "\"t\""], type: .extractValue),
        Case(way: "bad-retries", wrong: ["many": "\"x\""], right: ["many": "2"], type: .extractValue),
        Case(way: "bad-retries", wrong: ["many": "99999999999"], right: ["many": "2"], type: .extractValue),
        Case(
            way: "bad-output",
            wrong: ["limit": "10000"],
            right: ["limit": "1"],
            type: .ioMapping,
            state: .completing,
            completes: true
        ),
        Case(way: "bad-timer", wrong: ["pause": "true"], right: ["pause": "\"PT1S\""], type: .extractValue),
        Case(way: "bad-key", wrong: [:], right: ["key": "1"], type: .extractValue),
        Case(way: "bad-key", wrong: ["key": "[1]"], right: ["key": "\"a\""], type: .extractValue),
        Case(way: "bad-priority", wrong: ["priority": "101"], right: ["priority": "100"], type: .extractValue),
        Case(way: "bad-priority", wrong: [:], right: ["priority": "0"], type: .extractValue),
        Case(way: "bad-assignee", wrong: ["owner": "7"], right: ["owner": "null"], type: .extractValue),
        Case(way: "bad-due", wrong: ["due": "\"soon\""], right: ["due": "null"], type: .extractValue),
        Case(way: "bad-groups", wrong: ["groups": "[1]"], right: ["groups": "[\"a\"]"], type: .extractValue),
        Case(way: "bad-groups", wrong: ["groups": "1"], right: ["groups": "\"a,b\""], type: .extractValue),
        Case(way: "bad-call", wrong: ["wanted": "\"no\""], right: ["wanted": "\"service-task\""], type: .calledElement),
        Case(way: "bad-call", wrong: [:], right: ["wanted": "\"service-task\""], type: .extractValue),
        Case(way: "bad-condition", wrong: [:], right: ["answer": "true"], type: .extractValue, completes: true),
    ]

    @Test(arguments: cases) func `a step that fails waits for an operator and is then run again`(_ item: Case) throws {
        var limits = EngineLimits()
        limits.expressionSteps = 10_000
        try scenario("incidents", "service-task", limits: limits) { engine in
            var variables = item.wrong
            variables["way"] = "\"\(item.way)\""
            let instance = try engine.start("incidents", variables)
            let incident = try engine.incident(instance)
            #expect(incident.type == item.type)
            #expect(incident.elementID == item.way)
            #expect(try engine.element(item.way, in: instance).state == item.state)
            #expect(try engine.instanceState(instance) == .active)

            try engine.resolve(incident.key)
            let second = try engine.incident(instance)
            #expect(second.key != incident.key)
            #expect(try engine.state.incident(incident.key)?.isResolved == true)
            try engine.send(.setVariables(scope: instance, variables: engine.document(item.right), isLocal: false))
            try engine.resolve(second.key)

            #expect(try engine.incidents(instance).isEmpty)
            #expect(try engine.element(item.way, in: instance).state == (item.completes ? .completed : .activated))
            #expect(try engine.refusal(of: .resolveIncident(second.key)).code == .notFound)
            if try engine.instanceState(instance) == .active { try engine.send(.cancelInstance(instance)) }
        }
    }

    @Test func `an endless input mapping is stopped by its limit`() throws {
        var limits = EngineLimits()
        limits.expressionSteps = 10_000
        try scenario("incidents", limits: limits) { engine in
            let instance = try engine.start("incidents", ["way": "\"bad-input\""])
            #expect(try engine.incident(instance).type == .ioMapping)
            try engine.send(.cancelInstance(instance))
            #expect(try engine.instanceState(instance) == .terminated)
        }
    }

    @Test func `an endless script is stopped by its limit and others go on`() throws {
        var limits = EngineLimits()
        limits.expressionSteps = 100_000
        try scenario("endless-expression", "service-task", limits: limits) { engine in
            let instance = try engine.start("endless-expression")
            #expect(try engine.incident(instance).type == .extractValue)
            let other = try engine.start("service-task")
            try engine.work("work")
            #expect(try engine.instanceState(other) == .completed)
        }
    }

    @Test func `an unknown incident is not found`() throws {
        try scenario { (engine: EngineHarness) throws in
            for key in [Key(0), Key(5), Key(Int64.min)] {
                #expect(try engine.refusal(of: .resolveIncident(key)).code == .notFound)
            }
        }
    }

    @Test func `an incident goes with its instance`() throws {
        try scenario("call-dynamic") { engine in
            let instance = try engine.start("call-dynamic")
            let incident = try engine.incident(instance)
            try engine.send(.cancelInstance(instance))
            #expect(try engine.refusal(of: .resolveIncident(incident.key)).code == .notFound)
        }
    }
}
