import ProcessEngine
import StateStore
import Testing

@Suite struct InstanceTests {
    @Test func `instances are created by key, by version and by id`() throws {
        try scenario("service-task") { engine in
            try engine.deploy("service-task", replacing: "type=\"work\"", by: "type=\"new\"")
            let definitions = try (1...2).map {
                try #require(
                    try engine.state.definition(processID: "service-task", version: $0, tenantID: defaultTenantID)
                )
            }

            _ = try engine.create(.init(definition: .processID("service-task", version: 1)))
            _ = try engine.create(.init(definition: .key(definitions[0].key)))
            _ = try engine.create(.init(definition: .processID("service-task", version: nil)))

            #expect(try engine.activate("work").count == 2)
            #expect(try engine.activate("new").count == 1)
        }
    }

    @Test func `an unknown definition is not found`() throws {
        try scenario("service-task", "message-start") { engine in
            let known = try #require(
                try engine.state.latestDefinition(processID: "service-task", tenantID: defaultTenantID)
            )
            let references: [DefinitionReference] = [
                .processID("nothing", version: nil), .processID("service-task", version: 2), .key(Key(7)),
                .processID("service-task", version: -1),
            ]
            for reference in references {
                #expect(try engine.refusal(of: .createInstance(.init(definition: reference))).code == .notFound)
            }
            let foreign = Command.CreateInstance(definition: .key(known.key), tenantID: "other")
            #expect(try engine.refusal(of: .createInstance(foreign)).code == .notFound)
            let started = Command.CreateInstance(definition: .processID("message-start", version: nil))
            #expect(try engine.refusal(of: .createInstance(started)).code == .invalidState)
        }
    }

    @Test func `an instance may start at other elements`() throws {
        try scenario("two-tasks") { engine in
            let instance = try engine.create(
                .init(definition: .processID("two-tasks", version: nil), startElementIDs: ["second", "second"])
            )
            #expect(try engine.active(instance) == ["second", "second"])
            for job in try engine.activate("two") { try engine.complete(job.key) }
            #expect(try engine.instanceState(instance) == .completed)
            for wrong in ["start", "nothing", "two-tasks"] {
                let command = Command.CreateInstance(
                    definition: .processID("two-tasks", version: nil),
                    startElementIDs: [wrong]
                )
                #expect(try engine.refusal(of: .createInstance(command)).code == .invalidArgument)
            }
        }
    }

    @Test func `tags and business id are kept and reach the jobs`() throws {
        try scenario("service-task") { engine in
            _ = try engine.create(
                .init(definition: .processID("service-task", version: nil), tags: ["a", "b"], businessID: "B1")
            )
            let job = try engine.job("work")
            #expect(job.tags == ["a", "b"])
            #expect(job.businessID == "B1")
        }
    }

    @Test func `who awaits the result gets it when the instance completes`() throws {
        try scenario("service-task") { engine in
            let command = Command.CreateInstance(
                definition: .processID("service-task", version: nil),
                variables: engine.document(["a": "1", "b": "2"]),
                awaitedResult: AwaitedResult(fetchVariables: ["b", "c"])
            )
            #expect(try engine.send(.createInstance(command)) == nil)

            try engine.work("work", ["c": "3"])

            guard case .instanceCreated(let created) = engine.laterAnswers.last?.answer else {
                Issue.record("no answer")
                return
            }
            #expect(created.variables == engine.document(["b": "2", "c": "3"]))
        }
    }

    @Test func `who awaits a result of an instance that is canceled is told`() throws {
        try scenario("service-task") { engine in
            let command = Command.CreateInstance(
                definition: .processID("service-task", version: nil),
                awaitedResult: AwaitedResult(fetchVariables: [])
            )
            try engine.send(.createInstance(command))
            let instance = try engine.job("work").processInstanceKey

            try engine.send(.cancelInstance(instance))

            guard case .rejected(let rejection) = engine.laterAnswers.last?.answer else {
                Issue.record("no answer")
                return
            }
            #expect(rejection.code == .invalidState)
        }
    }

    @Test func `an instance without a wait state is complete when it is answered`() throws {
        try scenario("pass-through") { engine in
            let command = Command.CreateInstance(
                definition: .processID("pass-through", version: nil),
                awaitedResult: AwaitedResult(fetchVariables: ["x"])
            )
            guard case .instanceCreated(let created) = try engine.send(.createInstance(command)) else {
                Issue.record("no answer")
                return
            }
            #expect(created.variables == engine.document(["x": "1"]))
        }
    }

    @Test func `a canceled instance leaves nothing behind`() throws {
        try scenario("parallel", "event-gateway", "boundary-message", "user-task") { engine in
            for process in ["parallel", "event-gateway", "boundary-message", "user-task"] {
                let instance = try engine.start(process, ["key": "1", "priority": "1"])
                if process == "parallel" { try engine.work("a") }

                try engine.send(.cancelInstance(instance))

                #expect(try engine.instanceState(instance) == .terminated)
                #expect(try engine.refusal(of: .cancelInstance(instance)).code == .notFound)
            }
            for table in ["timer", "message_subscription", "taken_flow", "continuation"] {
                #expect(try StateDump.count(table, engine.state) == 0, "\(table)")
            }
        }
    }

    @Test func `what is not there cannot be canceled`() throws {
        try scenario("service-task") { engine in
            let task = try engine.job("work", after: engine.start("service-task")).elementInstanceKey
            for key in [task, Key(0), Key(Int64.max)] {
                #expect(try engine.refusal(of: .cancelInstance(key)).code == .notFound)
            }
        }
    }
}

extension EngineHarness {
    fileprivate func job(_ type: String, after _: Key) throws -> Answer.ActivatedJob { try job(type) }
}
