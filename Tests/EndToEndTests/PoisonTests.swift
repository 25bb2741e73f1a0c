import JSON
import Testing

/// A fault that ends the process in the middle of an execution must not end it again and again.
@Suite(.serialized)
struct PoisonTests {
    private static let trap = ["--trap-element", "Task_Trap"]

    @Test
    func `an instance whose job completion ended the server twice is quarantined until an operator lets it go on`()
        async throws
    {
        try await TestServer.with { server in
            try await server.start(Self.trap)
            try await server.deploy(Locations.model("trap-after-job"))
            try await server.deploy(Locations.example("one-task"))
            let poisoned = try await server.create("trap-after-job")
            let job = try await server.activateOne("before")

            for _ in 1...2 {
                await #expect(throws: (any Error).self) { try await server.complete(job) }
                let ending = try await server.waitForEnd()
                #expect(ending != .exited(0))
                try await server.start(Self.trap)
            }

            // Quarantined, and nothing else is the worse for it.
            let incident = try await self.quarantineIncident(of: poisoned, server)
            let refusal = try await server.complete(job)
            #expect(refusal.status == 409, "\(refusal)")
            try await self.expectService(server)

            // Without the fault, the operator lets it go on.
            try await server.stop()
            try await server.start()
            try await server.call(.post("/v2/incidents/\(incident)/resolution"))
            #expect(try await server.complete(job).status == 204)
            #expect(try await server.instanceState(poisoned) == "COMPLETED")
        }
    }

    @Test
    func `an instance whose timer ended the server twice is quarantined`() async throws {
        try await TestServer.with { server in
            try await server.start(Self.trap)
            try await server.deploy(Locations.model("trap-after-timer"))
            try await server.deploy(Locations.example("one-task"))
            let poisoned = try await server.create("trap-after-timer", variables: #"{"delay":"PT0.3S"}"#)

            // Nobody but the timer does anything; the process may end before it is asked whether it is ready.
            #expect(try await server.waitForEnd() != .exited(0))
            try? await onOwnThread { try server.launch(Self.trap) }
            #expect(try await server.waitForEnd() != .exited(0))
            try await server.start(Self.trap)

            let incident = try await self.quarantineIncident(of: poisoned, server)
            try await self.expectService(server)

            try await server.stop()
            try await server.start()
            try await server.call(.post("/v2/incidents/\(incident)/resolution"))
            _ = try await eventually("the instance to go on", within: .seconds(90)) {
                try await server.instanceState(poisoned) == "COMPLETED" ? true : nil
            }
        }
    }

    @Test
    func `a request that ended the server twice is refused and others are served`() async throws {
        try await TestServer.with { server in
            try await server.start(Self.trap)
            try await server.deploy(Locations.model("trap-at-start"))
            try await server.deploy(Locations.example("one-task"))

            for _ in 1...2 {
                await #expect(throws: (any Error).self) { try await server.create("trap-at-start") }
                #expect(try await server.waitForEnd() != .exited(0))
                try await server.start(Self.trap)
            }

            let refusal = try await server.send(
                .post("/v2/process-instances", #"{"processDefinitionId":"trap-at-start","variables":{}}"#)
            )
            #expect(refusal.status == 409, "\(refusal)")
            #expect(refusal.json.text("detail").contains("quarantined"))
            try await self.expectService(server)
        }
    }

    /// The key of the one incident of a quarantined instance.
    private func quarantineIncident(of instance: String, _ server: TestServer) async throws -> String {
        let incidents = try await eventually("an incident of the quarantined instance") {
            let found = try await server.search("incidents", "{\"processInstanceKey\":\"\(instance)\"}")
            return found.isEmpty ? nil : found
        }
        #expect(incidents.count == 1)
        #expect(incidents.first?.text("errorType") == "UNKNOWN")
        #expect(incidents.first?.text("state") == "ACTIVE")
        let message = incidents.first?.text("errorMessage") ?? ""
        #expect(message.contains("quarantine") || message.contains("ended the"), "\(message)")
        let shown = try await server.call(.get("/v2/process-instances/\(instance)"))
        #expect(shown["hasIncident"].boolValue == true)
        #expect(shown.text("state") == "ACTIVE")
        return incidents.first?.text("incidentKey") ?? ""
    }

    /// Another instance runs from its start to its end.
    private func expectService(_ server: TestServer) async throws {
        let key = try await server.create("one-task")
        let job = try await server.activateOne("work")
        #expect(try await server.complete(job).status == 204)
        #expect(try await server.instanceState(key) == "COMPLETED")
    }
}
