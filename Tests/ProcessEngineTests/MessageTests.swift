import ProcessEngine
import StateStore
import Testing

@Suite struct MessageTests {
    @Test func `a message reaches the receive task that waits for it`() throws {
        try scenario("receive") { engine in
            let instance = try engine.start("receive", ["key": "\"a\""])
            let other = try engine.start("receive", ["key": "\"b\""])

            try engine.publish("go", key: "a", ["x": "1"])

            #expect(try engine.instanceState(instance) == .completed)
            #expect(try engine.variables(of: instance)["x"] == "1")
            #expect(try engine.active(other) == ["wait"])
        }
    }

    @Test func `a number as correlation key is compared as text`() throws {
        try scenario("receive") { engine in
            let instance = try engine.start("receive", ["key": "42"])
            try engine.publish("go", key: "42")
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `output mappings of a catch event take what they name`() throws {
        try scenario("catch") { engine in
            let instance = try engine.start("catch", ["key": "\"a\""])
            try engine.publish("go", key: "a", ["value": "5", "noise": "1"])
            #expect(try engine.variables(of: instance) == ["key": "\"a\"", "got": "5"])
        }
    }

    @Test func `the key of a subscription stays what it was when it was opened`() throws {
        try scenario("receive") { engine in
            let instance = try engine.start("receive", ["key": "\"a\""])
            try engine.send(
                .setVariables(scope: instance, variables: engine.document(["key": "\"b\""]), isLocal: false)
            )

            try engine.publish("go", key: "b")
            #expect(try engine.active(instance) == ["wait"])
            try engine.publish("go", key: "a")
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `a message is buffered for its time to live and not longer`() throws {
        try scenario("receive") { engine in
            try engine.publish("go", key: "a", ttl: 10_000, ["x": "1"])
            try engine.publish("go", key: "b", ttl: 10_000)
            try engine.publish("go", key: "c")
            try engine.pass(milliseconds: 9_999)
            let early = try engine.start("receive", ["key": "\"a\""])
            #expect(try engine.instanceState(early) == .completed)
            #expect(try engine.variables(of: early)["x"] == "1")

            try engine.pass(milliseconds: 1)

            #expect(try engine.active(try engine.start("receive", ["key": "\"b\""])) == ["wait"])
            #expect(try engine.active(try engine.start("receive", ["key": "\"c\""])) == ["wait"])
            #expect(try StateDump.messages(engine.state).isEmpty)
        }
    }

    @Test func `an expired message that was not removed yet correlates no more`() throws {
        try scenario("receive") { engine in
            try engine.publish("go", key: "a", ttl: 10, id: "1")
            try engine.publish("go", key: "b", ttl: 10)
            engine.skip(milliseconds: 10)

            #expect(try engine.active(try engine.start("receive", ["key": "\"b\""])) == ["wait"])
            try engine.publish("go", key: "a", ttl: 10_000, id: "1")
            #expect(try engine.refusal(of: engine.publication("go", key: "a", ttl: 9, id: "1")).code == .alreadyExists)
        }
    }

    @Test func `buffered messages go out in the order in which they were published`() throws {
        try scenario("receive") { engine in
            for number in 1...3 { try engine.publish("go", key: "a", ttl: 60_000, ["n": "\(number)"]) }

            let first = try engine.start("receive", ["key": "\"a\""])

            #expect(try engine.variables(of: first)["n"] == "1")
        }
    }

    @Test func `a message reaches one instance of a process, but one of each process`() throws {
        try scenario("catch", "catch-other") { engine in
            let first = try engine.start("catch", ["key": "\"a\""])
            let second = try engine.start("catch", ["key": "\"a\""])
            let other = try engine.start("catch-other", ["key": "\"a\""])

            try engine.publish("go", key: "a", ttl: 60_000, ["value": "1"])

            let states = try [first, second].map { try engine.instanceState($0) }
            #expect(states.filter { $0 == .completed }.count == 1)
            #expect(try engine.instanceState(other) == .completed)
            let third = try engine.start("catch", ["key": "\"a\""])
            #expect(try engine.active(third) == ["wait"], "once for each process, also from the buffer")
        }
    }

    @Test func `a message id is taken only while the first message is buffered`() throws {
        try scenario { (engine: EngineHarness) throws in
            try engine.publish("go", key: "a", ttl: 1_000, id: "1")

            #expect(try engine.refusal(of: engine.publication("go", key: "a", ttl: 1, id: "1")).code == .alreadyExists)
            try engine.publish("go", key: "b", ttl: 1_000, id: "1")
            try engine.publish("go", key: "a", ttl: 1_000, id: "2")
            try engine.pass(milliseconds: 1_000)
            try engine.publish("go", key: "a", ttl: 0, id: "1")
            try engine.publish("go", key: "a", ttl: 0, id: "1")
        }
    }

    @Test func `a message starts an instance and its payload is in its scope`() throws {
        try scenario("message-start", "message-start-mapped") { engine in
            try engine.publish("order", ["value": "1"])

            let plain = try #require(try engine.instances(of: "message-start").first)
            let mapped = try #require(try engine.instances(of: "message-start-mapped").first)
            #expect(try engine.variables(of: plain.key) == ["value": "1"])
            #expect(try engine.variables(of: mapped.key) == ["got": "1"])
            #expect(try engine.active(plain.key) == ["task"])
            #expect(try engine.active(mapped.key) == ["task"])
        }
    }

    @Test func `messages without a key always start an instance`() throws {
        try scenario("message-start") { engine in
            try engine.publish("order")
            try engine.publish("order")
            #expect(try engine.instances(of: "message-start").count == 2)
        }
    }

    @Test func `with a key the next instance starts when the one before has ended`() throws {
        try scenario("message-start") { engine in
            try engine.publish("order", key: "a", ttl: 600_000, ["n": "1"])
            try engine.publish("order", key: "a", ttl: 600_000, ["n": "2"])
            try engine.publish("order", key: "a", ["n": "3"])
            try engine.publish("order", key: "b", ["n": "4"])
            #expect(try engine.instances(of: "message-start").count == 2)

            let first = try engine.instances(of: "message-start")[0].key
            let job = try #require(try engine.activate("work").first { $0.processInstanceKey == first })
            try engine.complete(job.key)

            let third = try engine.instances(of: "message-start")[2].key
            #expect(try engine.variables(of: third) == ["n": "2"])
            try engine.send(.cancelInstance(third))
            #expect(try engine.instances(of: "message-start").count == 3)
            try engine.publish("order", key: "a")
            #expect(try engine.instances(of: "message-start").count == 4)
        }
    }

    @Test func `a message that starts a process does not also reach an instance of it`() throws {
        try scenario("message-start-and-catch") { engine in
            try engine.publish("order", key: "a", ["id": "\"a\""])
            let first = try engine.instances(of: "message-start-and-catch")[0].key
            #expect(try engine.active(first) == ["wait"])

            try engine.publish("order", key: "a")

            #expect(try engine.instanceState(first) == .completed, "the start is locked, so the waiting one gets it")
            #expect(try engine.instances(of: "message-start-and-catch").count == 1)
        }
    }

    @Test func `messages from before the deployment start nothing`() throws {
        try scenario { (engine: EngineHarness) throws in
            try engine.publish("order", key: "a", ttl: 600_000)
            try engine.deploy(["message-start"])
            #expect(try engine.instances(of: "message-start").isEmpty)
        }
    }

    @Test func `a new version takes the start subscription over`() throws {
        try scenario("versioned") { engine in
            try engine.deploy("versioned", replacing: "id=\"task\"", by: "name=\"new\" id=\"task\"")

            try engine.publish("order")

            let instances = try engine.instances(of: "versioned")
            #expect(try instances.map { try engine.state.definition($0.definitionKey)?.version } == [2])
        }
    }

    @Test func `correlation answers the instance that was started or reached`() throws {
        try scenario("message-start", "receive") { engine in
            let instance = try engine.start("receive", ["key": "\"a\""])

            let reached = try engine.send(.correlateMessage(.init(name: "go", correlationKey: "a")))
            let started = try engine.send(.correlateMessage(.init(name: "order")))

            guard case .messageCorrelated(_, _, let first) = reached,
                case .messageCorrelated(_, _, let second) = started
            else {
                Issue.record("no correlation")
                return
            }
            #expect(first == instance)
            #expect(second == (try engine.instances(of: "message-start").first?.key))
            let nothing = Command.correlateMessage(.init(name: "go", correlationKey: "a"))
            #expect(try engine.refusal(of: nothing).code == .notFound)
            #expect(try StateDump.messages(engine.state).isEmpty)
        }
    }

    @Test func `boundary messages interrupt or not`() throws {
        try scenario("boundary-message") { engine in
            let instance = try engine.start("boundary-message", ["key": "\"a\""])
            try engine.publish("info", key: "a", ["i": "1"])
            try engine.publish("info", key: "a", ["i": "2"])
            #expect(try engine.active(instance) == ["task", "informed", "informed"])
            #expect(try engine.variables(of: instance)["i"] == "2")

            try engine.publish("cancel", key: "a", ["reason": "\"r\"", "noise": "1"])

            #expect(try engine.active(instance) == ["informed", "informed", "canceled"])
            #expect(try engine.states(of: "task", in: instance) == [.terminated])
            #expect(try engine.variables(of: instance)["why"] == "\"r\"")
            #expect(try engine.variables(of: instance)["noise"] == nil)
            #expect(try engine.activate("work").isEmpty)
            for job in try engine.activate("informed") + engine.activate("canceled") { try engine.complete(job.key) }
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `buffered messages trigger boundary events as soon as these are armed`() throws {
        try scenario("boundary-message") { engine in
            for _ in 0..<2 { try engine.publish("info", key: "a", ttl: 60_000) }
            try engine.publish("cancel", key: "b", ttl: 60_000)

            let informed = try engine.start("boundary-message", ["key": "\"a\""])
            let canceled = try engine.start("boundary-message", ["key": "\"b\""])

            #expect(try engine.active(informed) == ["task", "informed", "informed"])
            #expect(try engine.active(canceled) == ["canceled"])
        }
    }

    @Test func `one message reaches many processes up to its limit`() throws {
        var limits = EngineLimits()
        limits.subscriptionsPerMessage = 2
        try scenario("catch", "catch-other", limits: limits) { engine in
            for _ in 0..<2 { _ = try engine.start("catch", ["key": "\"a\""]) }
            let other = try engine.start("catch-other", ["key": "\"a\""])

            try engine.publish("go", key: "a")

            #expect(try engine.instanceState(other) == .completed, "many of one process do not hide another process")
        }
    }
}
