import Foundation
import JSON
import Testing

/// What waits goes on waiting through a `kill -9`, and comes at its time.
@Suite
struct RestartTests {
    @Test
    func `a timer that is due while the server is away fires after the restart`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("timer"))
            let key = try await server.create("timer", variables: #"{"delay":"PT1S"}"#)

            try await server.kill()
            try await Task.sleep(for: .milliseconds(1_200))
            try await server.start()

            _ = try await eventually("the timer to fire") {
                try await server.instanceState(key) == "COMPLETED" ? true : nil
            }
        }
    }

    @Test
    func `a timer does not fire before its time because of a restart`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("timer"))
            let key = try await server.create("timer", variables: #"{"delay":"PT3S"}"#)

            try await server.kill()
            try await server.start()
            let instance: JSONValue = try await eventually("the timer to fire") {
                let instance = try await server.call(.get("/v2/process-instances/\(key)"))
                return instance.text("state") == "COMPLETED" ? instance : nil
            }

            let start = try #require(Self.milliseconds(instance.text("startDate")))
            let end = try #require(Self.milliseconds(instance.text("endDate")))
            #expect(end - start >= 3_000)
            #expect(end - start < 10_000)
        }
    }

    @Test
    func `a message that is kept for later is correlated after a restart`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("message"))
            try await server.call(
                .post(
                    "/v2/messages/publication",
                    #"{"name":"message-arrived","correlationKey":"k","timeToLive":600000,"variables":{"from":1}}"#
                )
            )

            try await server.kill()
            try await server.start()
            let key = try await server.create("message", variables: #"{"key":"k"}"#)

            _ = try await eventually("the kept message to arrive") {
                try await server.instanceState(key) == "COMPLETED" ? true : nil
            }
            let filter = "{\"processInstanceKey\":\"\(key)\",\"name\":\"from\"}"
            let variables = try await server.search("variables", filter)
            #expect(variables.map { $0.text("value") } == ["1"])
        }
    }

    @Test
    func `a subscription opened before a restart takes a message published after it`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("message"))
            let key = try await server.create("message", variables: #"{"key":"later"}"#)

            try await server.kill()
            try await server.start()
            let answer = try await server.call(
                .post("/v2/messages/correlation", #"{"name":"message-arrived","correlationKey":"later"}"#)
            )

            #expect(answer.text("processInstanceKey") == key)
            #expect(try await server.instanceState(key) == "COMPLETED")
        }
    }

    @Test
    func `an activated job is offered again when its time is over, also after a restart`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("one-task"))
            _ = try await server.create("one-task")
            let first = try await server.activate("work", timeoutMilliseconds: 12_000)

            try await server.kill()
            try await server.start()
            let tooEarly = try await server.activate("work", waitMilliseconds: -1)
            let second = try await server.activate("work", waitMilliseconds: 60_000)

            #expect(first.count == 1)
            #expect(tooEarly.isEmpty)
            #expect(second.map { $0.text("jobKey") } == first.map { $0.text("jobKey") })
            let firstDeadline = try #require(first.first?["deadline"].int64Value)
            let secondDeadline = try #require(second.first?["deadline"].int64Value)
            #expect(secondDeadline > firstDeadline)
        }
    }

    @Test
    func `a job activated before a restart may be completed after it`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("one-task"))
            let key = try await server.create("one-task")
            let job = try await server.activateOne("work")

            try await server.kill()
            try await server.start()
            let completion = try await server.complete(job)
            let again = try await server.complete(job)

            #expect(completion.status == 204)
            #expect(again.status == 404)
            #expect(try await server.instanceState(key) == "COMPLETED")
        }
    }

    @Test
    func `a repeated request gets its first answer after a restart and another body under its key is refused`()
        async throws
    {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("one-task"))
            let request = HTTPRequest.post(
                "/v2/process-instances",
                #"{"processDefinitionId":"one-task","variables":{"n":1}}"#,
                idempotencyKey: "once"
            )
            let first = try await server.call(request)

            try await server.kill()
            try await server.start()
            let second = try await server.call(request)
            let other = try await server.send(
                .post(
                    "/v2/process-instances",
                    #"{"processDefinitionId":"one-task","variables":{"n":2}}"#,
                    idempotencyKey: "once"
                )
            )

            #expect(second == first)
            #expect(other.status == 409, "\(other)")
            #expect(try await server.search("process-instances", "{}").count == 1)
        }
    }

    @Test
    func `whoever waits for the end of an instance gets its variables`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("one-task"))
            async let waiting = server.call(
                .post(
                    "/v2/process-instances",
                    #"{"processDefinitionId":"one-task","variables":{"a":1},"awaitCompletion":true,"requestTimeout":20000}"#
                )
            )
            let job = try await server.activateOne("work")
            try await server.complete(job, variables: #"{"b":"two"}"#)

            let result = try await waiting
            #expect(result["variables"]["a"].int64Value == 1)
            #expect(result["variables"].text("b") == "two")
        }
    }

    @Test
    func `whoever waits too long for the end of an instance is told so and the instance goes on`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("one-task"))
            let reply = try await server.send(
                .post(
                    "/v2/process-instances",
                    #"{"processDefinitionId":"one-task","awaitCompletion":true,"requestTimeout":300}"#
                )
            )

            #expect(reply.status == 504, "\(reply)")
            #expect(reply.json.text("title") == "DEADLINE_EXCEEDED")
            #expect(try await server.search("process-instances", #"{"state":"ACTIVE"}"#).count == 1)
        }
    }

    @Test
    func `a waiting activation gets a job that is created later`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("one-task"))
            let start = ContinuousClock.now
            async let waiting = server.activate("work", waitMilliseconds: 20_000)
            try await Task.sleep(for: .milliseconds(300))
            let key = try await server.create("one-task")

            let jobs = try await waiting
            #expect(jobs.map { $0.text("processInstanceKey") } == [key])
            #expect(ContinuousClock.now - start < .seconds(10))
        }
    }

    @Test
    func `SIGTERM ends the server in order with exit code 0 and nothing is lost`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("one-task"))
            let key = try await server.create("one-task")

            let ending = try await server.stop()
            try await server.start()

            #expect(ending == .exited(0))
            #expect(try await server.instanceState(key) == "ACTIVE")
        }
    }

    @Test
    func `SIGTERM does not wait for a long poll`() async throws {
        try await TestServer.with { server in
            try await server.start()
            async let waiting = server.send(
                .post(
                    "/v2/jobs/activation",
                    #"{"type":"none","worker":"w","timeout":1000,"maxJobsToActivate":1,"requestTimeout":60000}"#
                )
            )
            try await Task.sleep(for: .milliseconds(300))
            let start = ContinuousClock.now
            let ending = try await server.stop()
            let elapsed = ContinuousClock.now - start
            _ = try? await waiting

            #expect(ending == .exited(0))
            #expect(elapsed < .seconds(10))
        }
    }

    /// Milliseconds since 1970 of an ISO 8601 time.
    private static func milliseconds(_ text: String) -> Int64? {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains("."))
        return (try? style.parse(text)).map { Int64(($0.timeIntervalSince1970 * 1_000).rounded()) }
    }
}
