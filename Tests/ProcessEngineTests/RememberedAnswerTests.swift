import ProcessEngine
import StateStore
import Testing

@Suite struct RememberedAnswerTests {
    @Test func `a repeated request gets the first answer and happens once`() throws {
        try scenario("service-task") { engine in
            let command = Command.createInstance(.init(definition: .processID("service-task", version: nil)))

            let first = try engine.send(command, idempotencyKey: "k")
            let second = try engine.send(command, idempotencyKey: "k")
            let other = try engine.send(command, idempotencyKey: "l")

            #expect(first == second)
            #expect(first != other)
            #expect(try engine.instances(of: "service-task").count == 2)
        }
    }

    @Test func `the same key with another request is refused`() throws {
        try scenario("service-task") { engine in
            try engine.send(engine.publication("a"), idempotencyKey: "k")
            let rejection = #expect(throws: Rejection.self) {
                try engine.send(engine.publication("b"), idempotencyKey: "k")
            }
            #expect(rejection?.code == .alreadyExists)
        }
    }

    @Test func `a request that was refused is not remembered`() throws {
        try scenario { (engine: EngineHarness) throws in
            let command = Command.createInstance(.init(definition: .processID("service-task", version: nil)))
            #expect(throws: Rejection.self) { try engine.send(command, idempotencyKey: "k") }
            try engine.deploy(["service-task"])
            #expect(try engine.send(command, idempotencyKey: "k") != nil)
        }
    }

    @Test func `repeating an awaited creation learns the instance and creates no second one`() throws {
        try scenario("service-task") { engine in
            let command = Command.createInstance(
                .init(
                    definition: .processID("service-task", version: nil),
                    awaitedResult: AwaitedResult(fetchVariables: [])
                )
            )
            #expect(try engine.send(command, idempotencyKey: "k") == nil)

            guard case .instanceCreated(let created) = try engine.send(command, idempotencyKey: "k") else {
                Issue.record("no answer")
                return
            }
            #expect(try engine.instances(of: "service-task").map(\.key) == [created.processInstanceKey])
        }
    }

    @Test func `that there were no jobs is not remembered, but jobs are`() throws {
        try scenario("service-task") { engine in
            let command = Command.activateJobs(
                .init(type: "work", worker: "w", timeoutMilliseconds: 1_000, limit: 1)
            )
            #expect(try engine.send(command, idempotencyKey: "k") == .jobsActivated([]))
            for _ in 0..<2 { _ = try engine.start("service-task") }

            let first = try engine.send(command, idempotencyKey: "k")
            let second = try engine.send(command, idempotencyKey: "k")

            #expect(first == second)
            #expect(first != .jobsActivated([]))
            #expect(try engine.activate("work").count == 1)
        }
    }

    @Test func `old answers are forgotten`() throws {
        try scenario { (engine: EngineHarness) throws in
            try engine.send(engine.publication("a"), idempotencyKey: "old")
            try engine.pass(minutes: 1)
            try engine.send(engine.publication("a"), idempotencyKey: "new")

            try engine.schedule(.forgetRequests(.client, through: engine.now - 60_000))

            #expect(try engine.state.answeredRequest(RequestID("old")) == nil)
            #expect(try engine.state.answeredRequest(RequestID("new")) != nil)
        }
    }
}
