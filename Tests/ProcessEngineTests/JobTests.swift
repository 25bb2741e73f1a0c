import ProcessEngine
import StateStore
import Testing

@Suite struct JobTests {
    @Test func `a service task waits for its job and completes with it`() throws {
        try scenario("service-task") { engine in
            let instance = try engine.start("service-task", ["x": "1"])

            #expect(try engine.active(instance) == ["task"])
            #expect(try engine.element("task", in: instance).name == "Do the work")
            let job = try engine.job("work")
            #expect(job.elementID == "task")
            #expect(job.retries == 3)
            #expect(job.processID == "service-task")
            #expect(job.version == 1)
            #expect(job.customHeaders == Array(#"{"color":"red"}"#.utf8))
            #expect(job.deadline == engine.now + 60_000)
            #expect(job.variables == engine.document(["x": "1"]))
            try engine.complete(job.key, ["y": "2"])

            #expect(try engine.instanceState(instance) == .completed)
            #expect(try engine.variables(of: instance) == ["x": "1", "y": "2"])
            #expect(engine.availableTypes == ["work"])
        }
    }

    @Test func `only the variables a worker asks for are handed out`() throws {
        try scenario("service-task") { engine in
            _ = try engine.start("service-task", ["a": "1", "b": "2", "c": "3"])

            let jobs = try engine.activate("work", fetch: ["c", "a", "a", "missing"])

            #expect(jobs.first?.variables.entries.map(\.name) == ["c", "a"])
        }
    }

    @Test func `jobs go out by priority, then oldest first, never twice and never more than asked for`() throws {
        try scenario("service-task") { engine in
            let instances = try (0..<5).map { _ in try engine.start("service-task") }
            let keys = try instances.map { try #require(try engine.element("task", in: $0).waitsFor) }
            try engine.send(.updateJob(keys[3], .init(priority: 7), lease: nil))

            let first = try engine.activate("work", limit: 2)
            let rest = try engine.activate("work", limit: 10)

            #expect(first.map(\.key) == [keys[3], keys[0]])
            #expect(rest.map(\.key) == [keys[1], keys[2], keys[4]])
            #expect(try engine.activate("work").isEmpty)
            #expect(try engine.activate("other").isEmpty)
        }
    }

    @Test func `one activation hands out no more jobs than its limit allows`() throws {
        var limits = EngineLimits()
        limits.jobsPerActivation = 3
        try scenario("service-task", limits: limits) { engine in
            for _ in 0..<5 { _ = try engine.start("service-task") }

            #expect(try engine.activate("work", limit: .max).count == 3)
            #expect(try engine.activate("work", limit: .max).count == 2)
        }
    }

    @Test func `jobs of another tenant are not handed out`() throws {
        try scenario("service-task") { engine in
            _ = try engine.start("service-task")
            let command = Command.ActivateJobs(
                type: "work",
                worker: "w",
                timeoutMilliseconds: 1,
                limit: 1,
                tenantIDs: ["other"]
            )

            #expect(try engine.send(.activateJobs(command)) == .jobsActivated([]))
        }
    }

    @Test func `a failed job with retries left is offered again at once, with its variables at the task`() throws {
        try scenario("service-task") { engine in
            let instance = try engine.start("service-task")
            let job = try engine.job("work")

            try engine.fail(job.key, retries: 2, ["note": "\"x\""])

            let again = try engine.job("work")
            #expect(again.key == job.key)
            #expect(again.retries == 2)
            #expect(again.variables == engine.document(["note": "\"x\""]))
            #expect(try engine.variables(of: instance).isEmpty)
            #expect(try engine.state.job(job.key)?.errorMessage == "it broke")
        }
    }

    @Test func `a failed job with a back-off is offered again when it is over`() throws {
        try scenario("service-task") { engine in
            _ = try engine.start("service-task")
            let job = try engine.job("work")
            try engine.fail(job.key, retries: 1, backOff: 10_000)

            try engine.pass(milliseconds: 9_999)
            #expect(try engine.activate("work").isEmpty)
            try engine.pass(milliseconds: 1)

            #expect(try engine.job("work").key == job.key)
            #expect(try engine.state.job(job.key)?.activations == 2)
        }
    }

    @Test func `a job without retries becomes an incident, and the same job is offered again`() throws {
        try scenario("service-task") { engine in
            let instance = try engine.start("service-task")
            let job = try engine.job("work")

            try engine.fail(job.key, retries: 0)

            let incident = try engine.incident(instance)
            #expect(incident.type == .jobNoRetries)
            #expect(incident.message == "it broke")
            #expect(incident.jobKey == job.key)
            #expect(try engine.activate("work").isEmpty)
            #expect(try engine.refusal(of: .resolveIncident(incident.key)).code == .invalidState)
            #expect(try engine.refusal(of: .completeJob(job.key, variables: .init(), lease: nil)).code == .invalidState)
            try engine.send(.updateJob(job.key, .init(retries: 1), lease: nil))
            try engine.resolve(incident.key)
            #expect(try engine.job("work").key == job.key)
            try engine.complete(job.key)
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `a job whose time is over is offered again and may still be completed by who is first`() throws {
        try scenario("service-task") { engine in
            let instance = try engine.start("service-task")
            let job = try engine.job("work")
            try engine.pass(milliseconds: 60_000)
            #expect(try engine.state.job(job.key)?.state == .activatable)
            #expect(try engine.state.job(job.key)?.mark == .timedOut)
            let second = try engine.job("work")
            #expect(second.retries == 3)

            try engine.complete(job.key)

            #expect(try engine.instanceState(instance) == .completed)
            #expect(try engine.refusal(of: .completeJob(second.key, variables: .init(), lease: nil)).code == .notFound)
        }
    }

    @Test func `a late worker completes a job that nobody took again`() throws {
        try scenario("service-task") { engine in
            let instance = try engine.start("service-task")
            let job = try engine.job("work")
            try engine.pass(minutes: 5)

            try engine.complete(job.key)

            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `a stale lease is refused, the last one is not`() throws {
        try scenario("service-task") { engine in
            let instance = try engine.start("service-task")
            let first = try #require(try engine.activate("work", withLease: true).first)
            try engine.pass(minutes: 1)
            let expired = Command.completeJob(first.key, variables: .init(), lease: first.lease)
            #expect(try engine.refusal(of: expired).code == .invalidState)
            let second = try #require(try engine.activate("work", withLease: true).first)
            #expect(first.lease != second.lease)

            #expect(try engine.refusal(of: expired).code == .invalidState)
            #expect(
                try engine.refusal(of: .failJob(first.key, .init(retries: 1), lease: first.lease)).code == .invalidState
            )
            try engine.send(.completeJob(second.key, variables: .init(), lease: second.lease))

            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `a worker's time may be prolonged while it works`() throws {
        try scenario("service-task") { engine in
            _ = try engine.start("service-task")
            let job = try engine.job("work")
            try engine.pass(milliseconds: 30_000)

            try engine.send(.updateJob(job.key, .init(timeoutMilliseconds: 60_000), lease: nil))

            try engine.pass(milliseconds: 59_999)
            #expect(try engine.state.job(job.key)?.state == .activated)
            try engine.pass(milliseconds: 1)
            #expect(try engine.state.job(job.key)?.state == .activatable)
            let change = Command.updateJob(job.key, .init(timeoutMilliseconds: 1), lease: nil)
            #expect(try engine.refusal(of: change).code == .invalidState)
        }
    }

    @Test func `a job that reached nobody is offered again, but not if somebody else has it by now`() throws {
        try scenario("service-task") { engine in
            _ = try engine.start("service-task")
            let first = try engine.job("work")
            try engine.schedule(.returnJob(first.key, deadline: first.deadline))
            try engine.pass(milliseconds: 1)
            let second = try engine.job("work")

            try engine.schedule(.returnJob(first.key, deadline: first.deadline))

            #expect(try engine.state.job(second.key)?.state == .activated)
        }
    }

    @Test func `a deadline beyond the range of times is no reason to trap`() throws {
        try scenario("service-task") { engine in
            _ = try engine.start("service-task")
            let job = try #require(try engine.activate("work", timeout: .max).first)
            #expect(job.deadline == .max)
            try engine.send(.updateJob(job.key, .init(timeoutMilliseconds: .max), lease: nil))
            try engine.fail(job.key, retries: 1, backOff: .max)
            #expect(try engine.state.job(job.key)?.deadline == .max)
        }
    }

    @Test func `variables that fit into no answer become an incident and do not block those behind`() throws {
        var limits = EngineLimits()
        limits.activationBytes = 1_000
        try scenario("service-task", limits: limits) { engine in
            let large = try engine.start("service-task", ["x": "\"\(String(repeating: "a", count: 2_000))\""])
            let small = try engine.start("service-task", ["x": "1"])

            let jobs = try engine.activate("work")

            #expect(jobs.map(\.processInstanceKey) == [small])
            let incident = try engine.incident(large)
            #expect(incident.type == .messageSizeExceeded)
            try engine.send(.setVariables(scope: large, variables: engine.document(["x": "1"]), isLocal: false))
            try engine.resolve(incident.key)
            #expect(try engine.job("work").processInstanceKey == large)
        }
    }

    @Test func `what an answer has no room for stays for the next activation`() throws {
        var limits = EngineLimits()
        limits.activationBytes = 1_000
        try scenario("service-task", limits: limits) { engine in
            for _ in 0..<3 {
                _ = try engine.start("service-task", ["x": "\"\(String(repeating: "a", count: 400))\""])
            }

            #expect(try engine.activate("work").count == 2)
            #expect(try engine.activate("work").count == 1)
        }
    }

    @Test func `a completed job is done once`() throws {
        try scenario("service-task") { engine in
            _ = try engine.start("service-task")
            let job = try engine.job("work")
            try engine.complete(job.key)

            for command in JobTests.commands(on: job.key) {
                #expect(try engine.refusal(of: command).code == .notFound)
            }
        }
    }

    @Test func `a job of a canceled instance is gone`() throws {
        try scenario("service-task") { engine in
            let instance = try engine.start("service-task")
            let job = try engine.job("work")
            try engine.send(.cancelInstance(instance))

            #expect(try engine.state.job(job.key)?.state == .canceled)
            for command in JobTests.commands(on: job.key) {
                #expect(try engine.refusal(of: command).code == .notFound)
            }
        }
    }

    @Test func `an unknown job is not found`() throws {
        try scenario { (engine: EngineHarness) throws in
            for key in [Key(group: 1, counter: 99), Key(0), Key(-1), Key(Int64.min), Key(Int64.max)] {
                for command in JobTests.commands(on: key) {
                    #expect(try engine.refusal(of: command).code == .notFound)
                }
            }
        }
    }

    @Test(arguments: [0, -1, Int32.min]) func `retries below one are refused`(retries: Int32) throws {
        try scenario("service-task") { engine in
            _ = try engine.start("service-task")
            let job = try engine.job("work")

            let change = Command.updateJob(job.key, .init(retries: retries), lease: nil)

            #expect(try engine.refusal(of: change).code == .invalidArgument)
        }
    }

    @Test func `a variable that comes twice is refused`() throws {
        try scenario("service-task") { engine in
            _ = try engine.start("service-task")
            let job = try engine.job("work")
            let twice = VariableDocument([.init(name: "x", value: [0x31]), .init(name: "x", value: [0x32])])

            #expect(
                try engine.refusal(of: .completeJob(job.key, variables: twice, lease: nil)).code == .invalidArgument
            )
            let creation = Command.CreateInstance(
                definition: .processID("service-task", version: nil),
                variables: twice
            )
            #expect(try engine.refusal(of: .createInstance(creation)).code == .invalidArgument)
        }
    }

    @Test func `job type, retries and inputs come from expressions`() throws {
        try scenario("mapped-task") { engine in
            let instance = try engine.start("mapped-task", ["kind": "\"special\"", "order": #"{"id":7,"open":true}"#])

            let job = try engine.job("special")

            #expect(job.retries == 5)
            let task = try engine.element("task", in: instance).key
            #expect(try engine.variable("id", in: task, of: instance) == "7")
            #expect(try engine.variable("next", in: task, of: instance) == "8")
            #expect(try engine.variable("address", in: task, of: instance) == #"{"city":1}"#)
        }
    }

    @Test func `user tasks without the marker, send tasks and message throw events are jobs`() throws {
        try scenario("job-user-task", "send-and-throw") { engine in
            let user = try engine.start("job-user-task")
            try engine.work("io.camunda.zeebe:userTask")
            #expect(try engine.instanceState(user) == .completed)

            let instance = try engine.start("send-and-throw")
            try engine.work("send")
            try engine.work("throw")
            try engine.work("last")
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    static func commands(on job: Key) -> [Command] {
        [
            .completeJob(job, variables: .init(), lease: nil), .failJob(job, .init(retries: 1), lease: nil),
            .throwJobError(job, .init(errorCode: "E"), lease: nil), .updateJob(job, .init(retries: 3), lease: nil),
        ]
    }
}
