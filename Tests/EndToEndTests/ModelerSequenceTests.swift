import Foundation
import JSON
import Testing

/// The calls that Camunda Modeler makes to deploy and run a diagram, in their order.
@Suite
struct ModelerSequenceTests {
    @Test
    func `topology, deployment, start and searches answer everything the Modeler reads`() async throws {
        try await TestServer.with { server in
            try await server.start()

            // Connecting: the version decides what the Modeler offers.
            let topology = try await server.call(.get("/v2/topology"))
            #expect(topology.text("gatewayVersion").hasPrefix("8."))
            for name in ["clusterSize", "partitionsCount", "replicationFactor"] {
                #expect(topology[name].int64Value == 1, "\(name)")
            }
            let broker = try #require(topology["brokers"].arrayValue?.first)
            #expect(broker["port"].int64Value == Int64(server.port))
            #expect(broker["partitions"].arrayValue?.first?.text("health") == "healthy")
            #expect(broker["partitions"].arrayValue?.first?.text("role") == "leader")

            // Deploying the same bytes again keeps the version.
            let first = try await server.deploy(Locations.example("order-process"))
            let second = try await server.deploy(Locations.example("order-process"))
            let definition = try #require(first["deployments"].arrayValue?.first)["processDefinition"]
            #expect(definition.text("processDefinitionId") == "order-process")
            #expect(definition["processDefinitionVersion"].int64Value == 1)
            #expect(second["deployments"].arrayValue?.first?["processDefinition"] == definition)
            let definitionKey = definition.text("processDefinitionKey")
            let model = try await server.send(.get("/v2/process-definitions/\(definitionKey)/xml"))
            #expect(model.body == (try Locations.contents(Locations.example("order-process"))))

            // Starting.
            let created = try await server.call(
                .post(
                    "/v2/process-instances",
                    "{\"processDefinitionKey\":\"\(definitionKey)\",\"variables\":{\"orderId\":\"A-1\",\"total\":50}}"
                )
            )
            let key = created.text("processInstanceKey")
            #expect(created.text("processDefinitionId") == "order-process")
            #expect(created["processDefinitionVersion"].int64Value == 1)

            try await self.expectSearches(key, server)
            try await self.expectIncident(key, server)
        }
    }

    /// What a command did is shown by the very next query.
    private func expectSearches(_ key: String, _ server: TestServer) async throws {
        let byInstance = "{\"processInstanceKey\":\"\(key)\"}"
        let instance = try #require(try await server.search("process-instances", byInstance).first)
        #expect(instance.text("state") == "ACTIVE")
        #expect(instance["hasIncident"].boolValue == false)
        for name in ["startDate", "processDefinitionName", "tenantId"] {
            #expect(!instance.text(name).isEmpty, "\(name)")
        }
        #expect(try await server.call(.get("/v2/process-instances/\(key)")) == instance)

        let elements = try await server.search("element-instances", byInstance)
        #expect(elements.contains { $0.text("elementId") == "Task_CheckStock" && $0.text("state") == "ACTIVE" })
        #expect(
            elements.contains { $0.text("elementId") == "StartEvent_OrderReceived" && $0.text("state") == "COMPLETED" }
        )
        for element in elements {
            for name in ["elementInstanceKey", "type", "startDate"] { #expect(!element.text(name).isEmpty, "\(name)") }
        }

        let variables = try await server.search("variables", byInstance)
        #expect(variables.map { "\($0.text("name"))=\($0.text("value"))" }.sorted() == ["orderId=\"A-1\"", "total=50"])
        #expect(variables.allSatisfy { $0.text("scopeKey") == key && $0["isTruncated"].boolValue == false })
    }

    private func expectIncident(_ key: String, _ server: TestServer) async throws {
        let job = try await server.activateOne("check-stock")
        try await server.call(.post("/v2/jobs/\(job)/failure", #"{"retries":0,"errorMessage":"no stock list"}"#))

        let incident = try #require(
            try await server.search("incidents", "{\"processInstanceKey\":\"\(key)\",\"state\":\"ACTIVE\"}").first
        )
        #expect(incident.text("errorType") == "JOB_NO_RETRIES")
        #expect(incident.text("errorMessage").contains("no stock list"))
        #expect(incident.text("elementId") == "Task_CheckStock")
        #expect(incident.text("jobKey") == job)
        #expect(try await server.call(.get("/v2/process-instances/\(key)"))["hasIncident"].boolValue == true)

        // Retries first, then the resolution; the same job is offered again.
        let incidentKey = incident.text("incidentKey")
        #expect(try await server.send(.post("/v2/incidents/\(incidentKey)/resolution")).status == 409)
        try await server.call(.patch("/v2/jobs/\(job)", #"{"changeset":{"retries":1}}"#))
        try await server.call(.post("/v2/incidents/\(incidentKey)/resolution"))
        #expect(try await server.activateOne("check-stock") == job)

        try await server.call(.post("/v2/process-instances/\(key)/cancellation"))
        #expect(try await server.instanceState(key) == "TERMINATED")
        #expect(try await server.search("incidents", #"{"state":"ACTIVE"}"#).isEmpty)
    }

    @Test
    func `a model with faults is refused with all of them and changes nothing`() async throws {
        try await TestServer.with { server in
            try await server.start()
            let model = """
                <bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t">
                  <bpmn:process id="faulty" isExecutable="true">
                    <bpmn:startEvent id="Start"/>
                    <bpmn:serviceTask id="Task_Untyped"/>
                    <bpmn:complexGateway id="Gateway_Complex"/>
                    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Nowhere"/>
                  </bpmn:process>
                </bpmn:definitions>
                """

            let reply = try await server.send(.deployment([("faulty.bpmn", Array(model.utf8))]))

            #expect(reply.status == 400)
            #expect(reply.header("content-type") == "application/problem+json")
            #expect(reply.json.text("title") == "INVALID_ARGUMENT")
            for name in ["Task_Untyped", "Gateway_Complex", "Nowhere"] {
                #expect(reply.json.text("detail").contains(name), "\(name) in \(reply)")
            }
            #expect(try await server.search("process-definitions", "{}").isEmpty)
        }
    }

    @Test
    func `metrics, liveness and readiness are there for operators`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("one-task"))
            _ = try await server.create("one-task")

            let metrics = try await server.send(.get("/metrics"))
            #expect(metrics.status == 200)
            #expect(metrics.header("content-type")?.hasPrefix("text/plain") == true)
            #expect(metrics.text.contains("thalweg_instances_created_total{group=\"1\"} 1"), "\(metrics.text)")
            #expect(metrics.text.contains("thalweg_http_requests_total"))
            #expect(try await server.send(.get("/thalweg/v1/live")).status == 200)
            #expect(try await server.send(.get("/thalweg/v1/ready")).status == 200)
            #expect(try await server.send(.get("/v2/status")).status == 204)
            #expect(try await server.call(.get("/v2/license"))["validLicense"].boolValue == true)
            #expect(try await server.call(.get("/v2/authentication/me"))["tenants"].arrayValue?.count == 1)
        }
    }
}
