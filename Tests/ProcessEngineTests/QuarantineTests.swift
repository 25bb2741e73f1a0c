import ProcessEngine
import StateStore
import Testing

@Suite struct QuarantineTests {
    @Test func `a quarantined instance does nothing until its incident is resolved`() throws {
        try scenario("boundary-message") { engine in
            let instance = try engine.start("boundary-message", ["key": "1"])
            let job = try engine.job("work")
            try engine.schedule(.quarantine(subject: Self.subject(job), reason: "it crashed"))
            let incident = try engine.incident(instance)
            #expect(incident.type == .unknown)
            #expect(incident.message == "it crashed")

            #expect(try engine.refusal(of: .completeJob(job.key, variables: .init(), lease: nil)).code == .invalidState)
            let correlation = Command.correlateMessage(.init(name: "cancel", correlationKey: "1"))
            #expect(try engine.refusal(of: correlation).code == .notFound)
            let variables = Command.setVariables(
                scope: instance,
                variables: engine.document(["x": "1"]),
                isLocal: false
            )
            #expect(try engine.refusal(of: variables).code == .invalidState)

            try engine.resolve(incident.key)
            try engine.complete(job.key)
            #expect(try engine.instanceState(instance) == .completed)
            #expect(try engine.state.quarantines(limit: 10).isEmpty)
        }
    }

    @Test func `an instance is quarantined once`() throws {
        try scenario("service-task") { engine in
            let instance = try engine.start("service-task")
            let job = try engine.job("work")
            for _ in 0..<2 { try engine.schedule(.quarantine(subject: Self.subject(job), reason: "it crashed")) }
            #expect(try engine.incidents(instance).count == 1)
        }
    }

    @Test func `a quarantined instance can be canceled`() throws {
        try scenario("service-task") { engine in
            let instance = try engine.start("service-task")
            let job = try engine.job("work")
            try engine.fail(job.key, retries: 0)
            try engine.schedule(.quarantine(subject: Self.subject(job), reason: "it crashed"))
            #expect(try engine.incidents(instance).map(\.type) == [.jobNoRetries, .unknown])

            try engine.send(.cancelInstance(instance))

            #expect(try engine.instanceState(instance) == .terminated)
            #expect(try engine.incidents(instance).isEmpty)
            #expect(try engine.state.quarantines(limit: 10).isEmpty)
        }
    }

    @Test func `an instance that calls a quarantined one can be canceled`() throws {
        try scenario("call") { engine in
            let instance = try engine.start("call")
            let job = try engine.job("called")
            try engine.schedule(.quarantine(subject: Self.subject(job), reason: "it crashed"))

            try engine.send(.cancelInstance(instance))

            #expect(try engine.instanceState(job.processInstanceKey) == .terminated)
            #expect(try engine.state.quarantines(limit: 10).isEmpty)
        }
    }

    @Test func `timers of a quarantined instance are put off`() throws {
        try scenario("boundary-timer") { engine in
            let instance = try engine.start("boundary-timer")
            let job = try engine.job("work")
            try engine.schedule(.quarantine(subject: Self.subject(job), reason: "it crashed"))

            try engine.pass(minutes: 90)

            #expect(try engine.active(instance) == ["task"])
            try engine.resolve(engine.incident(instance).key)
            try engine.pass(minutes: 2)
            #expect(try engine.active(instance) == ["rescue"])
        }
    }

    @Test func `a quarantined command is refused, another one is not`() throws {
        try scenario("service-task") { engine in
            let poison = Command.createInstance(
                .init(definition: .processID("service-task", version: nil), variables: engine.document(["x": "1"]))
            )
            try engine.schedule(.quarantine(subject: .command(CommandHash.of(poison)), reason: "it crashed"))

            #expect(try engine.refusal(of: poison).code == .invalidState)
            _ = try engine.start("service-task", ["x": "2"])
        }
    }

    @Test func `a start timer that ends the process is stopped until the next version`() throws {
        try scenario("timer-start-cycle") { engine in
            let timer = try #require(try StateDump.timers(engine.state).first)
            let mark = ExecutionMark(.scheduled(.triggerTimer(timer.key)))
            let subject = try #require(try engine.instances.engine.subject(of: mark, state: engine.state))

            try engine.schedule(.quarantine(subject: subject, reason: "it crashed"))

            try engine.pass(minutes: 60)
            #expect(try engine.instances(of: "timer-start-cycle").isEmpty)
            try engine.deploy("timer-start-cycle", replacing: "R3/PT10M", by: "R3/PT20M")
            try engine.pass(minutes: 20)
            #expect(try engine.instances(of: "timer-start-cycle").count == 1)
        }
    }

    @Test func `a crash is blamed on what was executed`() throws {
        try scenario("service-task", "user-task", "timer-catch") { engine in
            let instance = try engine.start("service-task")
            let job = try engine.job("work")
            let task = try engine.userTask(try engine.start("user-task", ["priority": "1"]))
            _ = try engine.start("timer-catch", ["pause": "\"PT1H\""])
            let timer = try #require(try StateDump.timers(engine.state).first)
            try engine.fail(job.key, retries: 0)
            let incident = try engine.incident(instance).key
            let cancel = Command.cancelInstance(instance)
            let publish = engine.publication("x")
            let element = job.elementInstanceKey
            let expected: [(EngineInput, QuarantineSubject?)] = [
                (.command(.completeJob(job.key, variables: .init(), lease: nil)), Self.subject(job)),
                (.command(.resolveIncident(incident)), Self.subject(job)),
                (
                    .command(.unassignUserTask(task.key)),
                    .instance(task.processInstanceKey, elementInstance: task.elementInstanceKey)
                ),
                (.command(cancel), .instance(instance, elementInstance: instance)),
                (.command(.setVariables(scope: element, variables: .init(), isLocal: true)), Self.subject(job)),
                (.command(publish), .command(CommandHash.of(publish))),
                (
                    .scheduled(.triggerTimer(timer.key)),
                    .instance(
                        try #require(timer.processInstanceKey),
                        elementInstance: try #require(timer.elementInstanceKey)
                    )
                ),
                (.scheduled(.expireJob(job.key)), nil), (.scheduled(.triggerTimer(Key(9))), nil),
                (.command(.completeJob(Key(9), variables: .init(), lease: nil)), nil),
            ]
            for (input, subject) in expected {
                #expect(try engine.instances.engine.subject(of: ExecutionMark(input), state: engine.state) == subject)
            }
        }
    }

    private static func subject(_ job: Answer.ActivatedJob) -> QuarantineSubject {
        .instance(job.processInstanceKey, elementInstance: job.elementInstanceKey)
    }
}

extension EngineInput {
    fileprivate static func command(_ command: Command) -> EngineInput {
        .client(RequestedCommand(id: RequestID("r"), command: command))
    }
}
