import Gateway
import JSON
import ProcessEngine
import Testing

@testable import HTTPAPI

@Suite struct ActivationTests {
    private static let job = Answer.ActivatedJob(
        key: Key(2_251_799_813_685_300),
        type: "pay",
        processInstanceKey: Key(7),
        rootProcessInstanceKey: Key(6),
        definitionKey: Key(5),
        processID: "order",
        version: 2,
        elementID: "task",
        elementInstanceKey: Key(8),
        customHeaders: Array(#"{"h":"1"}"#.utf8),
        worker: "w",
        retries: 3,
        deadline: 1_700_000_000_123,
        variables: VariableDocument([.init(name: "n", value: Array("90071992547409930".utf8))]),
        tenantID: "<default>",
        tags: ["t"],
        priority: 50,
        businessID: nil,
        lease: "8:1"
    )

    @Test func `an activated job has every property clients require`() async throws {
        let gateway = ScriptedGateway(.jobsActivated([Self.job]))
        let expected = """
            {"jobs":[{"jobKey":"2251799813685300","type":"pay","kind":"BPMN_ELEMENT","listenerEventType":"UNSPECIFIED",\
            "processInstanceKey":"7","rootProcessInstanceKey":"6","processDefinitionKey":"5",\
            "processDefinitionId":"order","processDefinitionVersion":2,"elementId":"task","elementInstanceKey":"8",\
            "customHeaders":{"h":"1"},"worker":"w","retries":3,"deadline":1700000000123,\
            "variables":{"n":90071992547409930},"tenantId":"<default>","physicalTenantId":"default","userTask":null,\
            "tags":["t"],"priority":50,"businessId":null,"jobLeaseToken":"8:1"}]}
            """

        try await withAPI(gateway) { client async throws in
            let body = #"{"type":"pay","timeout":1000,"maxJobsToActivate":5}"#
            let reply = try await client.send("POST", "/v2/jobs/activation", body)

            #expect(reply.status == 200)
            #expect(reply.text == expected)
        }
    }

    @Test func `all properties of an activation are understood`() async throws {
        let gateway = ScriptedGateway(.jobsActivated([]))
        let body = """
            {"type":"pay","worker":"w","timeout":1000,"maxJobsToActivate":5,"fetchVariable":["a","b"],
             "requestTimeout":-1,"tenantIds":["t1","<default>"],"tenantFilter":"PROVIDED","withLease":true}
            """

        try await withAPI(gateway) { client async throws in
            let reply = try await client.send("POST", "/v2/jobs/activation", body)

            #expect(reply.text == #"{"jobs":[]}"#)
            let command = Command.ActivateJobs(
                type: "pay",
                worker: "w",
                timeoutMilliseconds: 1000,
                limit: 5,
                fetchVariables: ["a", "b"],
                tenantIDs: ["t1", "<default>"],
                withLease: true
            )
            #expect(gateway.submissions.map(\.command) == [.activateJobs(command)])
        }
    }

    @Test func `assigned tenants are the default one`() async throws {
        let gateway = ScriptedGateway(.jobsActivated([]))
        let body = """
            {"type":"pay","timeout":1,"maxJobsToActivate":1,"tenantIds":["t1"],"tenantFilter":"ASSIGNED"}
            """

        try await withAPI(gateway) { client async throws in
            _ = try await client.send("POST", "/v2/jobs/activation", body)

            guard case .activateJobs(let command) = try #require(gateway.submissions.first).command else {
                Issue.record("Expected an activation")
                return
            }
            #expect(command.tenantIDs == ["<default>"])
        }
    }

    @Test(
        arguments: [
            ("0", .seconds(10), .seconds(20)), ("null", .seconds(10), .seconds(20)),
            ("-1", nil, .seconds(10)), ("2500", .milliseconds(2500), .milliseconds(12_500)),
            ("9223372036854775807", .seconds(3600), .seconds(3610)),
        ] as [(String, Duration?, Duration)]
    )
    func `the request timeout decides about long polling`(
        _ requestTimeout: String,
        _ wait: Duration?,
        _ timeout: Duration
    ) async throws {
        let gateway = ScriptedGateway(.jobsActivated([]))
        let body = #"{"type":"pay","timeout":1,"maxJobsToActivate":1,"requestTimeout":\#(requestTimeout)}"#

        try await withAPI(gateway) { client async throws in
            #expect(try await client.send("POST", "/v2/jobs/activation", body).status == 200)

            let options = try #require(gateway.submissions.first).options
            #expect(options.longPolling == wait)
            #expect(options.timeout == timeout)
        }
    }
}
