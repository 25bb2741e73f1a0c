import ProcessEngine
import StateStore
import Testing

@Suite struct GatewayTests {
    @Test(arguments: [("5", "small"), ("10", "large"), ("999", "large"), ("1000", "other")])
    func `an exclusive gateway takes the first flow whose condition holds`(amount: String, expected: String) throws {
        try scenario("exclusive") { engine in
            let instance = try engine.start("exclusive", ["amount": amount])
            #expect(try engine.active(instance) == [expected])
            try engine.work(expected)
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `without a flow to take there is an incident until one can be taken`() throws {
        try scenario("exclusive-no-default") { engine in
            let instance = try engine.start("exclusive-no-default", ["answer": "\"maybe\""])
            let incident = try engine.incident(instance)
            #expect(incident.type == .condition)
            #expect(incident.elementID == "choose")
            try engine.resolve(incident.key)
            let second = try engine.incident(instance)
            #expect(second.key != incident.key, "what still fails gets a new incident")

            try engine.send(
                .setVariables(scope: instance, variables: engine.document(["answer": "\"no\""]), isLocal: false)
            )
            try engine.resolve(second.key)

            #expect(try engine.active(instance) == ["no"])
        }
    }

    @Test func `a condition that is no boolean is an incident`() throws {
        try scenario("exclusive") { engine in
            let instance = try engine.start("exclusive")
            let incident = try engine.incident(instance)
            #expect(incident.type == .extractValue)
            try engine.send(.setVariables(scope: instance, variables: engine.document(["amount": "1"]), isLocal: false))
            try engine.resolve(incident.key)
            #expect(try engine.active(instance) == ["small"])
        }
    }

    @Test(arguments: [("1", ["none"]), ("2", ["a"]), ("3", ["a", "b"])])
    func `conditions on the flows of a task select all that hold, else the default`(
        x: String,
        expected: [String]
    ) throws {
        try scenario("conditional-flows") { engine in
            let instance = try engine.start("conditional-flows")
            try engine.work("work", ["x": x])
            #expect(try engine.active(instance) == expected)
            for type in expected { try engine.work(type) }
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `a failing condition behind a task is an incident while completing`() throws {
        try scenario("conditional-flows") { engine in
            let instance = try engine.start("conditional-flows")
            try engine.work("work")
            let incident = try engine.incident(instance)
            #expect(try engine.element("task", in: instance).state == .completing)
            try engine.send(.setVariables(scope: instance, variables: engine.document(["x": "3"]), isLocal: false))
            try engine.resolve(incident.key)
            #expect(try engine.active(instance) == ["a", "b"])
        }
    }

    @Test(arguments: [["a", "b"], ["b", "a"]]) func `a join waits for all its flows`(order: [String]) throws {
        try scenario("parallel") { engine in
            let instance = try engine.start("parallel")
            #expect(try engine.active(instance) == ["a", "b"])
            try engine.work(order[0])
            #expect(try engine.activate("after").isEmpty)
            try engine.work(order[1])
            try engine.work("after")
            #expect(try engine.instanceState(instance) == .completed)
            #expect(try engine.states(of: "join", in: instance) == [.completed])
        }
    }

    @Test func `a join needs each distinct flow and keeps what is left over`() throws {
        try scenario("surplus-join") { engine in
            let instance = try engine.start("surplus-join")
            try engine.work("a")
            try engine.work("b")
            #expect(try engine.activate("after").isEmpty, "two of the same flow are not one of each")

            try engine.work("c")

            try engine.work("after")
            #expect(try engine.instanceState(instance) == .active, "the surplus flow waits")
            #expect(try StateDump.count("taken_flow", engine.state) == 1)
            try engine.send(.cancelInstance(instance))
            #expect(try engine.instanceState(instance) == .terminated)
        }
    }

    @Test func `the first event behind an event-based gateway wins`() throws {
        try scenario("event-gateway") { engine in
            let answered = try engine.start("event-gateway", ["key": "\"a\""])
            let late = try engine.start("event-gateway", ["key": "\"b\""])
            try engine.pass(minutes: 30)
            try engine.publish("answer", key: "a", ["value": "1"])
            try engine.pass(minutes: 30)
            try engine.publish("answer", key: "b")

            #expect(try engine.active(answered) == ["answered"])
            #expect(try engine.variables(of: answered)["got"] == "1")
            #expect(try engine.active(late) == ["late"])
            #expect(try StateDump.timers(engine.state).isEmpty)
            #expect(try StateDump.subscriptions(engine.state).isEmpty)
        }
    }

    @Test func `a buffered message wins at once and a second one is kept`() throws {
        try scenario("event-gateway") { engine in
            for number in 1...2 { try engine.publish("answer", key: "a", ttl: 60_000, ["value": "\(number)"]) }
            let instance = try engine.start("event-gateway", ["key": "\"a\""])
            #expect(try engine.variables(of: instance)["got"] == "1")
            #expect(try StateDump.messages(engine.state).map(\.correlatedProcessIDs) == [["event-gateway"], []])
        }
    }

    @Test func `an event-based gateway without a key is an incident`() throws {
        try scenario("event-gateway") { engine in
            let instance = try engine.start("event-gateway")
            let incident = try engine.incident(instance)
            #expect(incident.type == .extractValue)
            try engine.send(.setVariables(scope: instance, variables: engine.document(["key": "1"]), isLocal: false))
            try engine.resolve(incident.key)
            try engine.publish("answer", key: "1")
            #expect(try engine.active(instance) == ["answered"])
        }
    }
}
