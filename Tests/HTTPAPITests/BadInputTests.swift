import HTTPTypes
import ProcessEngine
import Testing

@testable import HTTPAPI

struct BadInput: Sendable, CustomTestStringConvertible {
    var method = "POST"
    var path: String
    var body: String?
    /// What the detail must contain.
    var detail: String
    var status = 400

    init(_ method: String = "POST", _ path: String, _ body: String?, _ detail: String, status: Int = 400) {
        self.method = method
        self.path = path
        self.body = body
        self.detail = detail
        self.status = status
    }

    var testDescription: String { "\(self.method) \(self.path) \(self.body?.prefix(60) ?? "")" }
}

private let create = "/v2/process-instances"
private let activate = "/v2/jobs/activation"

private let inputs: [BadInput] = [
    // Syntax
    BadInput("POST", create, "", "Expected a value"),
    BadInput("POST", create, "{\n \"a\":}", "line 2, column 6"),
    BadInput("POST", create, "[]", "Expected an object"),
    BadInput("POST", create, #"{"processDefinitionId":"a","processDefinitionId":"b"}"#, "unique keys"),
    BadInput("POST", create, "{\"processDefinitionId\":\"\u{1}\"}", "malformed"),
    // Properties
    BadInput("POST", create, #"{"processDefinitonId":"a"}"#, "but got 'processDefinitonId'"),
    BadInput("POST", create, "{}", "but got neither"),
    BadInput("POST", create, #"{"processDefinitionId":"a","processDefinitionKey":"1"}"#, "but got both"),
    BadInput("POST", create, #"{"processDefinitionId":1}"#, "a string for 'processDefinitionId', but got a number"),
    BadInput("POST", create, #"{"processDefinitionId":""}"#, "not empty"),
    BadInput("POST", create, #"{"processDefinitionKey":1}"#, "Expected a key"),
    BadInput("POST", create, #"{"processDefinitionKey":"x1"}"#, "Expected a key"),
    BadInput("POST", create, #"{"processDefinitionKey":"99999999999999999999"}"#, "Expected a key"),
    BadInput("POST", create, #"{"processDefinitionId":"a","processDefinitionVersion":0}"#, "but got 0"),
    BadInput("POST", create, #"{"processDefinitionId":"a","processDefinitionVersion":1.5}"#, "but got '1.5'"),
    BadInput("POST", create, #"{"processDefinitionId":"a","processDefinitionVersion":"1"}"#, "but got a string"),
    BadInput(
        "POST",
        create,
        #"{"processDefinitionId":"a","variables":[]}"#,
        "an object for 'variables', but got an array"
    ),
    BadInput("POST", create, #"{"processDefinitionId":"a","variables":{"":1}}"#, "names of 1 to"),
    BadInput("POST", create, #"{"processDefinitionId":"a","tenantId":"no spaces"}"#, "Expected a tenant id"),
    BadInput("POST", create, #"{"processDefinitionId":"a","operationReference":0}"#, "'operationReference'"),
    BadInput(
        "POST",
        create,
        #"{"processDefinitionId":"a","startInstructions":[{}]}"#,
        "'startInstructions[0].elementId'"
    ),
    BadInput("POST", create, #"{"processDefinitionId":"a","startInstructions":[1]}"#, "an array of objects"),
    BadInput(
        "POST",
        create,
        #"{"processDefinitionId":"a","runtimeInstructions":[{"type":"TERMINATE_PROCESS_INSTANCE","afterElementId":"x"}]}"#,
        "'runtimeInstructions' is not supported"
    ),
    BadInput(
        "POST",
        create,
        #"{"processDefinitionId":"a","awaitCompletion":"yes"}"#,
        "a boolean for 'awaitCompletion'"
    ),
    BadInput("POST", create, #"{"processDefinitionId":"a","fetchVariables":[1]}"#, "but got a number in it"),
    BadInput("POST", create, #"{"processDefinitionId":"a","requestTimeout":-1}"#, "'requestTimeout'"),
    BadInput("POST", create, #"{"processDefinitionId":"a","tags":["1a"]}"#, "Expected a tag"),
    BadInput("POST", create, #"{"processDefinitionId":"a","tags":["a b"]}"#, "Expected a tag"),
    BadInput(
        "POST",
        create,
        #"{"processDefinitionId":"a","tags":["a","b","c","d","e","f","g","h","i","j","k"]}"#,
        "at most 10"
    ),
    BadInput("POST", create, #"{"processDefinitionId":"a","businessId":""}"#, "1 to 256 characters"),
    BadInput(
        "POST",
        create,
        #"{"processDefinitionId":"a","businessId":"\#(String(repeating: "x", count: 257))"}"#,
        "but got 257"
    ),
    // Jobs
    BadInput("POST", activate, #"{"timeout":1,"maxJobsToActivate":1}"#, "a string for 'type', but got none"),
    BadInput("POST", activate, #"{"type":null,"timeout":1,"maxJobsToActivate":1}"#, "but got null"),
    BadInput("POST", activate, #"{"type":"a","maxJobsToActivate":1}"#, "for 'timeout', but got none"),
    BadInput("POST", activate, #"{"type":"a","timeout":0,"maxJobsToActivate":1}"#, "for 'timeout', but got '0'"),
    BadInput("POST", activate, #"{"type":"a","timeout":1,"maxJobsToActivate":0}"#, "for 'maxJobsToActivate'"),
    BadInput("POST", activate, #"{"type":"a","timeout":1,"maxJobsToActivate":2147483648}"#, "for 'maxJobsToActivate'"),
    BadInput("POST", activate, #"{"type":"a","timeout":1e30,"maxJobsToActivate":1}"#, "for 'timeout'"),
    BadInput(
        "POST",
        activate,
        #"{"type":"a","timeout":1,"maxJobsToActivate":1,"tenantFilter":"ALL"}"#,
        "'PROVIDED', 'ASSIGNED'"
    ),
    BadInput("POST", activate, #"{"type":"a","timeout":1,"maxJobsToActivate":1,"tenantIds":[""]}"#, "a tenant id"),
    BadInput("POST", "/v2/jobs/abc/completion", "{}", "for 'jobKey', but got 'abc'"),
    BadInput("POST", "/v2/jobs/1/completion", #"{"result":{"type":"userTask"}}"#, "'result' is not supported"),
    BadInput("POST", "/v2/jobs/1/failure", #"{"retries":-1}"#, "for 'retries'"),
    BadInput("POST", "/v2/jobs/1/error", "{}", "for 'errorCode', but got none"),
    BadInput("PATCH", "/v2/jobs/1", "{}", "an object for 'changeset', but got none"),
    BadInput("PATCH", "/v2/jobs/1", #"{"changeset":{}}"#, "at least one"),
    BadInput("PATCH", "/v2/jobs/1", #"{"changeset":{"retrys":1}}"#, "but got 'changeset.retrys'"),
    // The rest
    BadInput("POST", "/v2/messages/publication", "{}", "for 'name', but got none"),
    BadInput("POST", "/v2/messages/publication", #"{"name":"a","timeToLive":-5}"#, "for 'timeToLive'"),
    BadInput("POST", "/v2/messages/correlation", #"{"name":"a","businessId":"b"}"#, "'businessId' is not supported"),
    BadInput("PUT", "/v2/element-instances/1/variables", "{}", "an object for 'variables', but got none"),
    BadInput("POST", "/v2/user-tasks/1/assignment", #"{"assignee":""}"#, "'assignee'"),
    BadInput("PATCH", "/v2/user-tasks/1", #"{"changeset":{"priority":101}}"#, "from 0 to 100"),
    BadInput("PATCH", "/v2/user-tasks/1", #"{"changeset":{"dueDate":"tomorrow"}}"#, "but got 'tomorrow'"),
    BadInput("GET", "/v2/process-instances/x", nil, "for 'processInstanceKey'"),
    BadInput("GET", "/v2/process-instances/5", nil, "a process instance with key '5'", status: 404),
    BadInput("GET", "/v2/process-definitions/5/xml", nil, "a process definition with key '5'", status: 404),
    BadInput("POST", "/v2/process-instances/5/incidents/search", "{}", "a process instance with key '5'", status: 404),
    BadInput("GET", "/v2/user-tasks/5/form", nil, "a user task with key '5'", status: 404),
    BadInput("POST", "/v2/signals/broadcast", "{}", "is not supported by this version of Thalweg", status: 501),
    BadInput("PUT", "/v2/users/ann", "{}", "is not supported by this version of Thalweg", status: 501),
    BadInput("GET", "/v2/nothing", nil, "Expected a path of this API", status: 404),
    BadInput("GET", "/", nil, "Expected a path of this API", status: 404),
    BadInput("GET", "/v2/jobs/", nil, "Expected a path of this API", status: 404),
    BadInput("DELETE", "/v2/topology", nil, "Expected GET", status: 405),
]

@Suite struct BadInputTests {
    @Test(arguments: inputs)
    func `a bad input is refused with its reason and reaches nobody`(_ input: BadInput) async throws {
        let gateway = ScriptedGateway()

        try await withAPI(gateway) { client async throws in
            let reply = try await client.send(input.method, input.path, input.body)

            #expect(reply.status == input.status)
            #expect(reply.headers[.contentType] == "application/problem+json")
            let detail = try reply.detail()
            #expect(detail.contains(input.detail), "\(detail)")
            #expect(gateway.submissions.isEmpty)
            #expect(gateway.searches.isEmpty)
        }
    }

    @Test func `a wrong method is told the right ones`() async throws {
        try await withAPI(ScriptedGateway()) { client async throws in
            let reply = try await client.send("PUT", "/v2/user-tasks/1")

            #expect(reply.status == 405)
            #expect(reply.headers[.allow] == "GET, PATCH")
        }
    }

    @Test func `a body of another type is refused`() async throws {
        try await withAPI(ScriptedGateway()) { client async throws in
            let text = try await client.send("POST", create, "a=b", headers: [.contentType: "text/plain"])
            let form = try await client.send("POST", "/v2/deployments", "{}")

            #expect(text.status == 415)
            #expect(form.status == 415)
        }
    }

    @Test func `a body that is too large is refused`() async throws {
        var limits = HTTPAPIConfiguration.Limits()
        limits.jsonBodyBytes = 100_000
        let gateway = ScriptedGateway(.messagePublished(key: Key(1), tenantID: "<default>"))
        let fill = String(repeating: "x", count: 100_000 - #"{"name":""}"#.utf8.count)

        try await withAPI(gateway, limits: limits) { client async throws in
            let fits = try await client.send("POST", "/v2/messages/publication", #"{"name":"\#(fill)"}"#)
            let tooLarge = try await client.send("POST", "/v2/messages/publication", #"{"name":"\#(fill)x"}"#)

            #expect(fits.status == 200)
            #expect(tooLarge.status == 413)
            #expect(try tooLarge.title() == "PAYLOAD_TOO_LARGE")
        }
    }

    @Test func `a deep document is refused`() async throws {
        let nested = String(repeating: "[", count: 100_000)
        let deep = String(repeating: "[", count: 127) + String(repeating: "]", count: 127)

        try await withAPI(ScriptedGateway()) { client async throws in
            for path in ["/v2/jobs/1/completion", "/v2/jobs/search"] {
                #expect(try await client.send("POST", path, nested).status == 400)
                #expect(try await client.send("POST", path, #"{"variables":\#(deep)}"#).status == 400)
            }
        }
    }

    @Test(arguments: 0..<20)
    func `random bodies never do harm`(_ seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let samples =
            inputs.compactMap(\.body) + [
                #"{"filter":{"state":{"$in":["ACTIVE"]},"$or":[{"tags":["a"]}]},"sort":[{"field":"state"}],"page":{"limit":5}}"#,
                #"{"type":"a","timeout":1,"maxJobsToActivate":1,"requestTimeout":-1,"fetchVariable":["x"]}"#,
                #"{"variables":{"a":{"b":[1,2,{"c":"\u00e4"}]}},"jobLeaseToken":"x"}"#,
            ]
        let paths = [
            create, activate, "/v2/jobs/1/completion", "/v2/jobs/search", "/v2/process-instances/search",
            "/v2/user-tasks/search", "/v2/variables/search?truncateValues=false", "/v2/messages/publication",
        ]
        var bodies: [(String, [UInt8])] = []
        for _ in 0..<100 {
            var bytes = Array((samples.randomElement(using: &generator) ?? "").utf8)
            for _ in 0..<Int.random(in: 0...4, using: &generator) where !bytes.isEmpty {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: position)
                default: bytes.insert(contentsOf: bytes[position...].prefix(20), at: position)
                }
            }
            bodies.append((paths.randomElement(using: &generator) ?? create, bytes))
        }

        let requests = bodies
        try await withAPI(ScriptedGateway(.jobsActivated([]))) { client async throws in
            for (path, bytes) in requests {
                let headers: HTTPFields = [.contentType: "application/json"]
                let reply = try await client.send("POST", path, bytes: bytes, headers: headers)
                // A valid command gets the activation's answer, which is a 500 for any other command.
                #expect([200, 400, 500].contains(reply.status), "\(String(decoding: bytes, as: UTF8.self))")
                if reply.status == 500 { #expect(try reply.detail().hasPrefix("Expected the answer")) }
            }
        }
    }
}
