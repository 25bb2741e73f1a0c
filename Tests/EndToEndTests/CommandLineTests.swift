import Foundation
import JSON
import Testing

/// The command line client against a real server.
@Suite
struct CommandLineTests {
    @Test
    func `an order goes from deployment to delivery with the command line alone`() async throws {
        try await TestServer.with { server in
            try await server.start()
            let deployed = try await server.client(["deploy", Locations.example("order-process")])
            #expect(deployed.ending == .exited(0), "\(deployed)")
            #expect(deployed.output.contains("order-process"))

            let started = try await server.client([
                "start", "order-process", "--variables", #"{"orderId":"A-1","total":1500}"#,
            ])
            #expect(started.ending == .exited(0), "\(started)")
            let key = try #require(started.lines.first)
            try await self.work(server, "check-stock", #"cat >/dev/null; echo '{"inStock": true}'"#)
            try await self.work(server, "request-payment", "exit 0")

            let published = try await server.client([
                "publish", "payment-received", "--correlation-key", "A-1", "--variables", #"{"paymentId":"P-7"}"#,
            ])
            #expect(published.ending == .exited(0), "\(published)")
            #expect(published.lines.count == 1)

            let tasks = try await server.client(["tasks", "--json"])
            let task = try #require(Self.documents(tasks).first)
            #expect(task.text("name") == "Approve order")
            let completed = try await server.client([
                "tasks", "complete", task.text("userTaskKey"), "--variables", #"{"approved":true}"#,
            ])
            #expect(completed.ending == .exited(0), "\(completed)")
            try await self.work(server, "ship-goods", #"echo '{"trackingNumber":"T-9"}'"#)

            let shown = try await server.client(["instance", key])
            #expect(shown.ending == .exited(0), "\(shown)")
            for text in ["COMPLETED", "EndEvent_Shipped", "trackingNumber", "T-9", "paymentId", "ship-goods"] {
                #expect(shown.output.contains(text), "\(text) in \(shown.output)")
            }
            let document = try #require(Self.documents(try await server.client(["instance", key, "--json"])).first)
            #expect(document["processInstance"].text("state") == "COMPLETED")
            #expect(document["jobs"].arrayValue?.count == 3)
        }
    }

    /// One job, one command.
    private func work(_ server: TestServer, _ type: String, _ command: String) async throws {
        let result = try await server.client(["work", type, "--exec", command, "--once", "--json"])
        #expect(result.ending == .exited(0), "\(result)")
        #expect(Self.documents(result).map { $0.text("outcome") } == ["completed"], "\(result)")
    }

    @Test
    func `a failing command becomes an incident that is resolved with new retries`() async throws {
        try await TestServer.with { server in
            try await server.start()
            _ = try await server.client(["deploy", Locations.example("one-task")])
            let key = try #require(try await server.client(["start", "one-task"]).lines.first)

            let failed = try await server.client([
                "work", "work", "--exec", "echo out of paper >&2; exit 3", "--max-jobs", "3", "--json",
            ])
            #expect(Self.documents(failed).map { $0.text("outcome") } == ["failed", "failed", "failed"], "\(failed)")
            #expect(Self.documents(failed).map { $0["retries"].int64Value } == [2, 1, 0])

            let incidents = try await server.client(["incidents"])
            #expect(incidents.output.contains("JOB_NO_RETRIES"), "\(incidents)")
            #expect(incidents.output.contains(key))
            let incident = try #require(Self.documents(try await server.client(["incidents", "--json"])).first)
            #expect(incident.text("errorMessage").contains("out of paper"))
            let listed = try await server.client(["instances", "--incidents"])
            #expect(listed.output.contains(key) && listed.output.contains("!"), "\(listed)")

            let tooEarly = try await server.client(["resolve", incident.text("incidentKey")])
            #expect(tooEarly.ending == .exited(1), "\(tooEarly)")
            let resolved = try await server.client(["resolve", incident.text("incidentKey"), "--retries", "1"])
            #expect(resolved.ending == .exited(0), "\(resolved)")
            try await self.work(server, "work", #"echo '{"result":1}'"#)
            #expect(try await server.instanceState(key) == "COMPLETED")
            #expect(try await server.client(["incidents"]).lines.isEmpty)
        }
    }

    @Test
    func `a command that throws a BPMN error takes the way of the error`() async throws {
        try await TestServer.with { server in
            try await server.start()
            _ = try await server.client(["deploy", Locations.model("client-worker")])
            let key = try #require(try await server.client(["start", "client-worker"]).lines.first)

            let result = try await server.client([
                "work", "client-work", "--exec", "echo REFUSED; echo too late >&2; exit 100", "--once", "--json",
            ])

            let report = try #require(Self.documents(result).first)
            #expect(report.text("outcome") == "bpmnError")
            #expect(report.text("errorCode") == "REFUSED")
            let document = try #require(Self.documents(try await server.client(["instance", key, "--json"])).first)
            let elements = document["elementInstances"].arrayValue ?? []
            #expect(elements.contains { $0.text("elementId") == "End_Refused" && $0.text("state") == "COMPLETED" })
            #expect(document["processInstance"].text("state") == "COMPLETED")
        }
    }

    @Test
    func `instances are started in numbers, listed, changed and cancelled`() async throws {
        try await TestServer.with { server in
            try await server.start()
            _ = try await server.client(["deploy", Locations.example("one-task")])

            let started = try await server.client(["start", "one-task", "--count", "25", "--idempotency-key", "batch"])
            let again = try await server.client(["start", "one-task", "--count", "25", "--idempotency-key", "batch"])
            #expect(Set(started.lines).count == 25)
            #expect(Set(again.lines) == Set(started.lines))

            let listed = try await server.client([
                "instances", "--process", "one-task", "--state", "active", "--all", "--json",
            ])
            #expect(Set(Self.documents(listed).map { $0.text("processInstanceKey") }) == Set(started.lines))
            let short = try await server.client(["instances", "--limit", "5"])
            #expect(short.lines.count == 6)
            #expect(short.errors.contains("of 25"), "\(short)")

            let key = try #require(started.lines.first)
            let changed = try await server.client(["variables", "set", key, #"{"note":"changed"}"#])
            #expect(changed.ending == .exited(0), "\(changed)")
            let cancelled = try await server.client(["cancel", key])
            #expect(cancelled.ending == .exited(0), "\(cancelled)")
            let shown = try await server.client(["instance", key])
            #expect(shown.output.contains("TERMINATED") && shown.output.contains("changed"), "\(shown)")
            #expect(try await server.client(["cancel", key]).ending == .exited(1))

            let jobs = try await server.client(["jobs", "--state", "created", "--all", "--json"])
            #expect(Self.documents(jobs).count == 24)
        }
    }

    @Test
    func `the status tells a healthy server from one that is away`() async throws {
        try await TestServer.with { server in
            try await server.start()
            let healthy = try await server.client(["status"])
            let document = Self.documents(try await server.client(["status", "--json"])).first
            try await server.stop()
            let away = try await server.client(["status"])
            let other = try await server.client(["start", "one-task"])

            #expect(healthy.ending == .exited(0), "\(healthy)")
            #expect(healthy.output.contains("HEALTHY"))
            #expect(document?.text("verdict").uppercased() == "HEALTHY", "\(document ?? .null)")
            #expect(away.ending == .exited(1), "\(away)")
            #expect(other.ending == .exited(3), "\(other)")
            #expect(other.errors.contains(server.url))
        }
    }

    @Test
    func `an awaited start prints what the instance left`() async throws {
        try await TestServer.with { server in
            try await server.start()
            _ = try await server.client(["deploy", Locations.example("timer")])

            let result = try await server.client([
                "start", "timer", "--variables", #"{"delay":"PT0.2S"}"#, "--await", "--timeout", "20s",
            ])

            #expect(result.ending == .exited(0), "\(result)")
            #expect(result.output.contains("delay"))
        }
    }

    @Test
    func `a worker waits for its server through a kill and a restart`() async throws {
        try await TestServer.with { server in
            try await server.start()
            _ = try await server.client(["deploy", Locations.example("one-task")])
            let port = server.port
            let url = server.url
            async let worker = run(
                [Locations.binary, "work", "work", "--exec", "exit 0", "--max-jobs", "2", "--json"],
                environment: ["THALWEG_URL": url]
            )
            let first = try await server.create("one-task")
            _ = try await eventually("the first job done") {
                try await server.instanceState(first) == "COMPLETED" ? true : nil
            }

            try await server.kill()
            try await server.start(["--port", String(port)])
            let second = try await server.create("one-task")
            let result = try await worker

            #expect(result.ending == .exited(0), "\(result)")
            #expect(Self.documents(result).map { $0.text("outcome") } == ["completed", "completed"])
            #expect(try await server.instanceState(second) == "COMPLETED")
        }
    }

    /// The JSON documents a command printed, one a line.
    private static func documents(_ result: CommandResult) -> [JSONValue] {
        result.lines.compactMap { try? JSONParser.parse($0) }
    }
}
