import Gateway
import HTTPTypes
import JSON
import ProcessEngine
import Testing

@testable import HTTPAPI

/// One request that becomes a command.
struct CommandCase: Sendable, CustomTestStringConvertible {
    var name: String
    var method = "POST"
    var path: String
    var body: String?
    var answer: Answer = .done
    var command: Command
    var status = 204
    /// The expected body of the answer, as JSON.
    var reply: String?

    var testDescription: String { self.name }
}

private func document(_ members: (String, String)...) -> VariableDocument {
    VariableDocument(members.map { VariableDocument.Entry(name: $0.0, value: Array($0.1.utf8)) })
}

private let instance = Answer.InstanceCreated(
    processInstanceKey: Key(7),
    definitionKey: Key(5),
    processID: "order",
    version: 2,
    tenantID: "<default>",
    tags: ["a:b"],
    businessID: "order-1"
)

private let instanceReply = """
    {"processDefinitionId":"order","processDefinitionVersion":2,"tenantId":"<default>","variables":{},\
    "processDefinitionKey":"5","processInstanceKey":"7","tags":["a:b"],"businessId":"order-1"}
    """

private let creations: [CommandCase] = [
    CommandCase(
        name: "create the latest version by id",
        path: "/v2/process-instances",
        body: #"{"processDefinitionId":"order"}"#,
        answer: .instanceCreated(instance),
        command: .createInstance(.init(definition: .processID("order", version: nil))),
        status: 200,
        reply: instanceReply
    ),
    CommandCase(
        name: "-1 is the latest version",
        path: "/v2/process-instances",
        body: #"{"processDefinitionId":"order","processDefinitionVersion":-1,"variables":null}"#,
        answer: .instanceCreated(instance),
        command: .createInstance(.init(definition: .processID("order", version: nil))),
        status: 200
    ),
    CommandCase(
        name: "create a version",
        path: "/v2/process-instances",
        body: #"{"processDefinitionId":"order","processDefinitionVersion":3}"#,
        answer: .instanceCreated(instance),
        command: .createInstance(.init(definition: .processID("order", version: 3))),
        status: 200
    ),
    CommandCase(
        name: "create by key with everything",
        path: "/v2/process-instances",
        body: """
            {"processDefinitionKey":"2251799813686749","processDefinitionVersion":-1,"tenantId":"t.1-x_",
             "variables":{"big":12345678901234567890.10, "text":"\\u00e4\\n", "list":[1, 2], "empty":{}},
             "operationReference":9007199254740993,"startInstructions":[{"elementId":"task"},{"elementId":"b"}],
             "runtimeInstructions":[],"tags":["a:b","c-d.e"],"businessId":"order-1","awaitCompletion":false,
             "fetchVariables":["x"],"requestTimeout":0}
            """,
        answer: .instanceCreated(instance),
        command: .createInstance(
            .init(
                definition: .key(Key(2_251_799_813_686_749)),
                variables: document(
                    ("big", "12345678901234567890.10"),
                    ("text", #""\u00e4\n""#),
                    ("list", "[1, 2]"),
                    ("empty", "{}")
                ),
                tenantID: "t.1-x_",
                startElementIDs: ["task", "b"],
                tags: ["a:b", "c-d.e"],
                businessID: "order-1"
            )
        ),
        status: 200
    ),
]

private let jobs: [CommandCase] = [
    CommandCase(
        name: "complete a job without a body",
        path: "/v2/jobs/12/completion",
        command: .completeJob(Key(12), variables: VariableDocument(), lease: nil)
    ),
    CommandCase(
        name: "complete a job with variables and lease",
        path: "/v2/jobs/12/completion",
        body: #"{"variables":{"x":1.50},"jobLeaseToken":"12:3","result":null}"#,
        command: .completeJob(Key(12), variables: document(("x", "1.50")), lease: "12:3")
    ),
    CommandCase(
        name: "fail a job",
        path: "/v2/jobs/12/failure",
        body: #"{"retries":2,"errorMessage":"no","retryBackOff":1000,"variables":{"a":"b"}}"#,
        command: .failJob(
            Key(12),
            .init(retries: 2, errorMessage: "no", retryBackOffMilliseconds: 1000, variables: document(("a", #""b""#))),
            lease: nil
        )
    ),
    CommandCase(
        name: "a failed job has no retries unless it says so",
        path: "/v2/jobs/12/failure",
        body: "{}",
        command: .failJob(Key(12), .init(retries: 0), lease: nil)
    ),
    CommandCase(
        name: "throw an error",
        path: "/v2/jobs/12/error",
        body: #"{"errorCode":"E","errorMessage":null,"variables":null,"jobLeaseToken":"t"}"#,
        command: .throwJobError(Key(12), .init(errorCode: "E"), lease: "t")
    ),
    CommandCase(
        name: "update a job",
        method: "PATCH",
        path: "/v2/jobs/12",
        body: #"{"changeset":{"retries":3,"timeout":5000,"priority":-7},"operationReference":4}"#,
        command: .updateJob(Key(12), .init(retries: 3, timeoutMilliseconds: 5000, priority: -7), lease: nil)
    ),
]

private let others: [CommandCase] = [
    CommandCase(
        name: "cancel an instance without a body",
        path: "/v2/process-instances/7/cancellation",
        command: .cancelInstance(Key(7))
    ),
    CommandCase(
        name: "cancel an instance with an operation reference",
        path: "/v2/process-instances/-7/cancellation",
        body: #"{"operationReference":1}"#,
        command: .cancelInstance(Key(-7))
    ),
    CommandCase(
        name: "publish a message",
        path: "/v2/messages/publication",
        body: #"{"name":"paid","correlationKey":"k","timeToLive":60000,"messageId":"m","variables":{"x":true}}"#,
        answer: .messagePublished(key: Key(9), tenantID: "<default>"),
        command: .publishMessage(
            .init(
                name: "paid",
                correlationKey: "k",
                timeToLiveMilliseconds: 60_000,
                messageID: "m",
                variables: document(("x", "true"))
            )
        ),
        status: 200,
        reply: #"{"tenantId":"<default>","messageKey":"9"}"#
    ),
    CommandCase(
        name: "correlate a message",
        path: "/v2/messages/correlation",
        body: #"{"name":"paid","correlationKey":"k","tenantId":"t"}"#,
        answer: .messageCorrelated(key: Key(9), tenantID: "t", processInstanceKey: Key(7)),
        command: .correlateMessage(.init(name: "paid", correlationKey: "k", tenantID: "t")),
        status: 200,
        reply: #"{"tenantId":"t","messageKey":"9","processInstanceKey":"7"}"#
    ),
    CommandCase(
        name: "resolve an incident",
        path: "/v2/incidents/8/resolution",
        command: .resolveIncident(Key(8))
    ),
    CommandCase(
        name: "set variables",
        method: "PUT",
        path: "/v2/element-instances/6/variables",
        body: #"{"variables":{"x":[1,{"y":null}]},"local":true}"#,
        command: .setVariables(scope: Key(6), variables: document(("x", #"[1,{"y":null}]"#)), isLocal: true)
    ),
    CommandCase(
        name: "assign a user task",
        path: "/v2/user-tasks/4/assignment",
        body: #"{"assignee":"ann","allowOverride":false,"action":"claim"}"#,
        command: .assignUserTask(Key(4), assignee: "ann", allowOverride: false, action: "claim")
    ),
    CommandCase(
        name: "unassign a user task",
        method: "DELETE",
        path: "/v2/user-tasks/4/assignee",
        command: .unassignUserTask(Key(4))
    ),
    CommandCase(
        name: "complete a user task",
        path: "/v2/user-tasks/4/completion",
        body: #"{"variables":{"ok":false},"action":null}"#,
        command: .completeUserTask(Key(4), variables: document(("ok", "false")), action: nil)
    ),
    CommandCase(
        name: "update a user task",
        method: "PATCH",
        path: "/v2/user-tasks/4",
        body: """
            {"changeset":{"dueDate":"2026-01-02T03:04:05+01:00","followUpDate":"","candidateUsers":[],
             "candidateGroups":["g"],"priority":70,"unknown":1},"action":"update"}
            """,
        command: {
            var change = Command.UserTaskChange()
            change.dueDate = "2026-01-02T03:04:05+01:00"
            change.followUpDate = ""
            change.candidateUsers = []
            change.candidateGroups = ["g"]
            change.priority = 70
            return .updateUserTask(Key(4), change, action: "update")
        }()
    ),
]

@Suite struct CommandTests {
    @Test(arguments: creations + jobs + others)
    func `a request becomes its command and the answer its body`(_ example: CommandCase) async throws {
        let gateway = ScriptedGateway(example.answer)

        try await withAPI(gateway) { client async throws in
            let reply = try await client.send(example.method, example.path, example.body)

            #expect(reply.status == example.status, "\(reply.text)")
            #expect(gateway.submissions.map(\.command) == [example.command])
            if let expected = example.reply { #expect(try reply.json() == JSONParser.parse(expected)) }
        }
    }

    @Test func `an idempotency key is passed on`() async throws {
        let gateway = ScriptedGateway()
        let name = try #require(HTTPField.Name("Idempotency-Key"))

        try await withAPI(gateway) { client async throws in
            _ = try await client.send("POST", "/v2/incidents/8/resolution", nil, headers: [name: "abc"])
            let tooLong = String(repeating: "a", count: 257)
            let refused = try await client.send("POST", "/v2/incidents/8/resolution", nil, headers: [name: tooLong])

            #expect(gateway.submissions.map(\.options.idempotencyKey) == ["abc"])
            #expect(refused.status == 400)
        }
    }

    @Test func `an awaited result is answered with its variables`() async throws {
        var created = instance
        created.variables = document(("n", "9007199254740993"), ("t", #""x""#))
        let gateway = ScriptedGateway(.instanceCreated(created))
        let body = #"{"processDefinitionId":"a","awaitCompletion":true,"fetchVariables":["n"],"requestTimeout":60000}"#

        try await withAPI(gateway) { client async throws in
            let reply = try await client.send("POST", "/v2/process-instances", body)

            #expect(reply.text.contains(#""variables":{"n":9007199254740993,"t":"x"}"#))
            let submission = try #require(gateway.submissions.first)
            guard case .createInstance(let command) = submission.command else {
                Issue.record("Expected a creation, but got \(submission.command)")
                return
            }
            #expect(command.awaitedResult == AwaitedResult(fetchVariables: ["n"]))
            #expect(submission.options.timeout == .seconds(60))
        }
    }

    @Test(arguments: [
        (CommandOutcome.answered(.rejected(Rejection(.notFound, "none"))), 404, "NOT_FOUND"),
        (.answered(.rejected(Rejection(.invalidArgument, "none"))), 400, "INVALID_ARGUMENT"),
        (.answered(.rejected(Rejection(.alreadyExists, "none"))), 409, "ALREADY_EXISTS"),
        (.answered(.rejected(Rejection(.invalidState, "none"))), 409, "INVALID_STATE"),
        (.unavailable(reason: "no leader"), 503, "RESOURCE_EXHAUSTED"),
        (.deadlineExceeded(reason: "late"), 504, "DEADLINE_EXCEEDED"),
        (.failed(reason: "bug"), 500, "INTERNAL_SERVER_ERROR"),
        (.conflictingRequest(reason: "other"), 409, "INVALID_STATE"),
    ])
    func `what became of a command decides status and title`(
        _ outcome: CommandOutcome,
        _ status: Int,
        _ title: String
    ) async throws {
        let gateway = ScriptedGateway(.init(outcome: outcome))

        try await withAPI(gateway) { client async throws in
            let reply = try await client.send("POST", "/v2/jobs/3/completion", "{}")

            #expect(reply.status == status)
            #expect(reply.headers[.contentType] == "application/problem+json")
            let problem = try #require(try reply.json().objectValue)
            #expect(problem.keys == ["type", "title", "status", "detail", "instance"])
            #expect(problem["type"] == .string("about:blank"))
            #expect(problem["title"] == .string(title))
            #expect(problem["status"] == .int(Int64(status)))
            #expect(problem["instance"] == .string("/v2/jobs/3/completion"))
            if case .answered = outcome {
                #expect(problem["detail"] == .string("Command 'COMPLETE_JOB' rejected with code '\(title)': none"))
            }
        }
    }

    @Test func `an answer of another command is a fault of the server`() async throws {
        try await withAPI(ScriptedGateway(.jobsActivated([]))) { client async throws in
            #expect(try await client.send("POST", "/v2/jobs/3/completion", "{}").status == 500)
        }
        try await withAPI(ScriptedGateway(.done)) { client async throws in
            let body = #"{"processDefinitionId":"a"}"#
            #expect(try await client.send("POST", "/v2/process-instances", body).status == 500)
        }
    }
}
