import ProcessEngine
import StateStore
import Testing

@Suite struct ErrorTests {
    @Test(arguments: [("E1", "own"), ("E2", "specific"), ("E3", "any")])
    func `an error goes to the nearest event that catches it`(code: String, expected: String) throws {
        try scenario("errors") { engine in
            let instance = try engine.start("errors")
            let job = try engine.job("work")

            try engine.throwError(job.key, code, ["detail": "1"])

            #expect(try engine.active(instance).contains("\(expected)-handler"))
            #expect(try engine.states(of: "task", in: instance) == [.terminated])
            #expect(try engine.variables(of: instance)["detail"] == "1")
            let record = try #require(try engine.state.job(job.key))
            #expect(record.state == .canceled)
            #expect(record.mark == .errorThrown)
            #expect(record.errorCode == code)
            try engine.work(expected)
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `an inner event that catches all beats an outer one with the code`() throws {
        try scenario("inner-catch-all") { engine in
            let instance = try engine.start("inner-catch-all")
            try engine.throwError(engine.job("work").key, "E1")
            #expect(try engine.active(instance) == ["inner", "inner-handler"])
        }
    }

    @Test func `an error that nothing catches is an incident, and its job may be tried again`() throws {
        try scenario("service-task") { engine in
            let instance = try engine.start("service-task")
            let job = try engine.job("work")
            try engine.throwError(job.key, "E9")

            let incident = try engine.incident(instance)
            #expect(incident.type == .unhandledError)
            #expect(incident.jobKey == job.key)
            #expect(try engine.state.job(job.key)?.state == .errorThrown)
            #expect(try engine.refusal(of: .completeJob(job.key, variables: .init(), lease: nil)).code == .invalidState)
            try engine.resolve(incident.key)
            try engine.work("work")
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `an error end event is caught outside with its variables`() throws {
        try scenario("error-end") { engine in
            let instance = try engine.start("error-end", ["code": "\"BAD\"", "reason": "\"r\""])
            #expect(try engine.active(instance) == ["handler"])
            #expect(try engine.variables(of: instance)["detail"] == "\"r\"")
            #expect(try engine.states(of: "failed", in: instance) == [.terminated])
            try engine.work("handler")
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `an error end event that nothing catches cannot be resolved, only canceled`() throws {
        try scenario("error-end") { engine in
            let instance = try engine.start("error-end", ["code": "\"OTHER\""])
            let incident = try engine.incident(instance)
            #expect(incident.type == .unhandledError)

            #expect(try engine.refusal(of: .resolveIncident(incident.key)).code == .invalidState)
            try engine.send(.cancelInstance(instance))

            #expect(try engine.instanceState(instance) == .terminated)
            #expect(try engine.incidents(instance).isEmpty)
        }
    }

    @Test func `an error crosses a call and ends the called instance`() throws {
        try scenario("error-across-call") { engine in
            let instance = try engine.start("error-across-call")
            let called = try #require(try engine.instances(of: "error-thrower").first?.key)

            try engine.work("t-work")

            #expect(try engine.instanceState(called) == .terminated)
            #expect(try engine.active(instance) == ["handler"])
            #expect(try engine.variables(of: instance) == ["why": "\"broken\""])
            try engine.work("handler")
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `an error of a job crosses a call too`() throws {
        try scenario("error-across-call") { engine in
            let instance = try engine.start("error-across-call")
            try engine.throwError(engine.job("t-more").key, "BAD", ["detail": "2"])
            #expect(try engine.active(instance) == ["handler"])
            #expect(try engine.variables(of: instance) == ["why": "2"])
        }
    }
}
