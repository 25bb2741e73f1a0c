import Gateway
import HTTPTypes
import JSON
import ProcessEngine
import Testing

@testable import HTTPAPI

@Suite struct ClusterTests {
    @Test(arguments: [
        (
            "/v2/topology",
            """
            {"brokers":[{"nodeId":3,"brokerId":"3","host":"node3.example","port":8080,"partitions":[{"partitionId":1,\
            "role":"follower","health":"healthy","state":"active"}],"version":"0.1.0"}],"clusterId":"cluster-1",\
            "clusterSize":1,"partitionsCount":1,"replicationFactor":1,"gatewayVersion":"8.10.0",\
            "lastCompletedChangeId":"-1"}
            """
        ),
        (
            "/v2/license",
            #"{"validLicense":true,"licenseType":"thalweg","isCommercial":false,"expiresAt":null}"#
        ),
        (
            "/v2/authentication/me",
            """
            {"username":"anonymous","displayName":null,"email":null,"authorizedComponents":["*"],"tenants":[{"name":\
            "Default","tenantId":"<default>","description":null}],"groups":[],"roles":[],"salesPlanType":null,\
            "c8Links":{},"canLogout":false}
            """
        ),
    ])
    func `the cluster describes itself`(_ path: String, _ expected: String) async throws {
        try await withAPI(ScriptedGateway()) { client async throws in
            let reply = try await client.send("GET", path)

            #expect(reply.status == 200)
            #expect(reply.text == expected)
        }
    }

    @Test func `the configuration is described`() async throws {
        try await withAPI(ScriptedGateway()) { client async throws in
            let reply = try await client.send("GET", "/v2/system/configuration").json().objectValue

            #expect(reply?.keys == ["jobMetrics", "components", "deployment", "authentication", "cloud"])
        }
    }

    @Test func `a ready node says so`() async throws {
        try await withAPI(ScriptedGateway()) { client async throws in
            #expect(try await client.send("GET", "/v2/status").status == 204)
            #expect(try await client.send("GET", "/thalweg/v1/ready").status == 200)
            #expect(try await client.send("GET", "/thalweg/v1/live").status == 200)
        }
    }

    @Test func `a node that is not ready says why and still lives`() async throws {
        try await withAPI(ScriptedGateway(.init(notReadyReason: "no leader is known"))) { client async throws in
            for path in ["/v2/status", "/thalweg/v1/ready"] {
                let reply = try await client.send("GET", path)
                #expect(reply.status == 503)
                #expect(try reply.detail() == "no leader is known")
            }
            #expect(try await client.send("GET", "/thalweg/v1/live").status == 200)
        }
    }

    @Test func `a node that lags is ready, and says that it is behind`() async throws {
        try await withAPI(ScriptedGateway(.init(lagReason: "node 3 is behind by 7 entries"))) { client async throws in
            let reply = try await client.send("GET", "/thalweg/v1/ready")
            #expect(reply.status == 200)
            #expect(reply.text == "ready, but behind: node 3 is behind by 7 entries\n")
        }
    }

    @Test func `metrics have bounded labels`() async throws {
        try await withAPI(ScriptedGateway()) { client async throws in
            for number in 0..<5 {
                _ = try await client.send("GET", "/v2/unknown-\(number)")
                _ = try await client.send("POST", "/v2/jobs/\(number)/completion", "{}")
            }

            let text = try await client.send("GET", "/metrics").text

            let route = #"method="POST",route="/v2/jobs/{jobKey}/completion""#
            #expect(text.hasPrefix("thalweg_term 1\n"))
            #expect(text.contains("thalweg_http_requests_total{\(route),status=\"2xx\"} 5\n"))
            #expect(text.contains("thalweg_http_requests_total{method=\"other\",route=\"\",status=\"4xx\"} 5\n"))
            #expect(text.contains("thalweg_http_request_duration_seconds_count{\(route)} 5\n"))
            #expect(!text.contains("unknown"))
        }
    }

    @Test func `a definition's model is served as it was deployed`() async throws {
        let xml = "<definitions/>"
        try await withAPI(ScriptedGateway(.init(xml: Array(xml.utf8)))) { client async throws in
            let reply = try await client.send("GET", "/v2/process-definitions/1/xml")

            #expect(reply.headers[.contentType] == "text/xml")
            #expect(reply.text == xml)
        }
    }

    @Test func `tasks and definitions have no forms`() async throws {
        let script = ScriptedGateway.Script(rows: [
            .userTask: [1: makeRow(.userTask, [:])], .processDefinition: [1: makeRow(.processDefinition, [:])],
        ])
        try await withAPI(ScriptedGateway(script)) { client async throws in
            #expect(try await client.send("GET", "/v2/user-tasks/1/form").status == 204)
            #expect(try await client.send("GET", "/v2/process-definitions/1/form").status == 204)
        }
    }
}
