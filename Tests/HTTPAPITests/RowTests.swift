import Gateway
import JSON
import ProcessEngine
import Testing

@testable import HTTPAPI

@Suite struct RowTests {
    /// What the official clients require of each item.
    private static let required: [(ViewKind, String, [String])] = [
        (
            .processDefinition, "/v2/process-definitions",
            [
                "name", "resourceName", "version", "versionTag", "processDefinitionId", "tenantId",
                "processDefinitionKey", "hasStartForm", "state",
            ]
        ),
        (
            .processInstance, "/v2/process-instances",
            [
                "processDefinitionId", "processDefinitionName", "processDefinitionVersion",
                "processDefinitionVersionTag", "startDate", "endDate", "state", "suspendedDate", "hasIncident",
                "tenantId", "processInstanceKey", "processDefinitionKey", "parentProcessInstanceKey",
                "parentElementInstanceKey", "rootProcessInstanceKey", "tags", "businessId",
            ]
        ),
        (
            .elementInstance, "/v2/element-instances",
            [
                "processDefinitionId", "startDate", "endDate", "elementId", "elementName", "type", "state",
                "hasIncident", "tenantId", "elementInstanceKey", "processInstanceKey", "rootProcessInstanceKey",
                "processDefinitionKey", "incidentKey",
            ]
        ),
        (
            .job, "/v2/jobs",
            [
                "customHeaders", "deadline", "deniedReason", "elementId", "elementInstanceKey", "endTime", "errorCode",
                "errorMessage", "hasFailedWithRetriesLeft", "isDenied", "jobKey", "kind", "listenerEventType",
                "processDefinitionId", "processDefinitionKey", "processInstanceKey", "rootProcessInstanceKey",
                "businessId", "retries", "state", "tenantId", "type", "worker", "creationTime", "lastUpdateTime",
                "priority",
            ]
        ),
        (
            .incident, "/v2/incidents",
            [
                "processDefinitionId", "errorType", "errorMessage", "elementId", "creationTime", "state", "tenantId",
                "incidentKey", "processDefinitionKey", "processInstanceKey", "rootProcessInstanceKey",
                "elementInstanceKey", "jobKey",
            ]
        ),
        (
            .variable, "/v2/variables",
            [
                "value", "isTruncated", "name", "tenantId", "variableKey", "scopeKey", "processInstanceKey",
                "rootProcessInstanceKey",
            ]
        ),
        (
            .userTask, "/v2/user-tasks",
            [
                "name", "state", "assignee", "elementId", "candidateGroups", "candidateUsers", "processDefinitionId",
                "creationDate", "completionDate", "followUpDate", "dueDate", "tenantId", "externalFormReference",
                "processDefinitionVersion", "customHeaders", "userTaskKey", "elementInstanceKey", "processName",
                "processDefinitionKey", "processInstanceKey", "rootProcessInstanceKey", "businessId", "formKey",
                "tags", "priority",
            ]
        ),
    ]

    @Test(arguments: required)
    func `an item has every required property and no other`(
        _ view: ViewKind,
        _ path: String,
        _ names: [String]
    ) async throws {
        let row = makeRow(view, [:])
        let page = SearchPage(rows: [row], totalItems: 1, hasMoreTotalItems: false)
        let gateway = ScriptedGateway(.init(page: page, rows: [view: [9: row]]))

        try await withAPI(gateway) { client async throws in
            let found = try await client.send("POST", path + "/search").json()
            let item = try #require(found.objectValue?["items"]?.arrayValue?.first?.objectValue)

            #expect(item.keys.sorted() == names.sorted())
            if view == .job { return }
            let single = try #require(try await client.send("GET", path + "/9").json().objectValue)
            #expect(single.keys.sorted() == names.filter { $0 != "isTruncated" }.sorted())
        }
    }

    @Test func `values take the form of their types`() async throws {
        let row = makeRow(
            .processInstance,
            [
                "processInstanceKey": .integer(9_223_372_036_854_775_807), "startDate": .integer(1_700_000_000_123),
                "hasIncident": .integer(0), "tags": .text(#"["a","b"]"#), "processDefinitionName": .text("Ä \"b\""),
            ]
        )
        let gateway = ScriptedGateway(.init(rows: [.processInstance: [1: row]]))

        try await withAPI(gateway) { client async throws in
            let item = try #require(try await client.send("GET", "/v2/process-instances/1").json().objectValue)

            #expect(item["processInstanceKey"] == .string("9223372036854775807"))
            #expect(item["startDate"] == .string("2023-11-14T22:13:20.123Z"))
            #expect(item["endDate"] == .null)
            #expect(item["hasIncident"] == .bool(false))
            #expect(item["tags"] == .array([.string("a"), .string("b")]))
            #expect(item["processDefinitionName"] == .string("Ä \"b\""))
        }
    }

    @Test func `an element without a name goes by its id`() async throws {
        let row = makeRow(.elementInstance, ["elementId": .text("task-1")])
        let gateway = ScriptedGateway(.init(rows: [.elementInstance: [1: row]]))

        try await withAPI(gateway) { client async throws in
            let item = try #require(try await client.send("GET", "/v2/element-instances/1").json().objectValue)

            #expect(item["elementName"] == .string("task-1"))
        }
    }

    @Test func `a variable's value is JSON in a string, cut in searches unless told otherwise`() async throws {
        let long = "\"" + String(repeating: "x", count: 8190) + "😀\""
        let row = makeRow(.variable, ["value": .text(long)])
        let short = makeRow(.variable, ["value": .text(#"{"a": "b"}"#)])
        let page = SearchPage(rows: [row, short], totalItems: 2, hasMoreTotalItems: false)
        let gateway = ScriptedGateway(.init(page: page, rows: [.variable: [1: row]]))
        @Sendable func items(_ reply: Reply) throws -> [JSONObject] {
            try #require(try reply.json().objectValue?["items"]?.arrayValue).compactMap(\.objectValue)
        }

        try await withAPI(gateway) { client async throws in
            let cut = try items(await client.send("POST", "/v2/variables/search"))
            let whole = try items(await client.send("POST", "/v2/variables/search?x=1&truncateValues=false"))
            let single = try await client.send("GET", "/v2/variables/1").json().objectValue
            let wrong = try await client.send("POST", "/v2/variables/search?truncateValues=no")

            // The emoji has two code units, of which only one would fit.
            #expect(cut[0]["value"] == .string("\"" + String(repeating: "x", count: 8190)))
            #expect(cut[0]["isTruncated"] == .bool(true))
            #expect(cut[1]["value"] == .string(#"{"a": "b"}"#))
            #expect(cut[1]["isTruncated"] == .bool(false))
            #expect(whole[0]["value"] == .string(long))
            #expect(whole[0]["isTruncated"] == .bool(false))
            #expect(single?["value"] == .string(long))
            #expect(wrong.status == 400)
        }
    }

    @Test func `incidents of an instance include those of the instances it called`() async throws {
        let gateway = ScriptedGateway(.init(rows: [.processInstance: [5: makeRow(.processInstance, [:])]]))
        let key = ViewValue.integer(5)

        try await withAPI(gateway) { client async throws in
            let body = #"{"filter":{"state":"ACTIVE"}}"#
            let reply = try await client.send("POST", "/v2/process-instances/5/incidents/search", body)

            #expect(reply.status == 200)
            let within = SearchFilter.any([
                .compare(field: ViewKind.incident.position("processInstanceKey"), .equal, values: [key]),
                .compare(field: ViewKind.incident.position("rootProcessInstanceKey"), .equal, values: [key]),
            ])
            let state = SearchFilter.compare(
                field: ViewKind.incident.position("state"),
                .equal,
                values: [.text("ACTIVE")]
            )
            #expect(gateway.searches.map(\.filter) == [.all([within, state])])
        }
    }

    @Test func `a user task sees the variables of all scopes around it`() async throws {
        let task = makeRow(.userTask, ["elementInstanceKey": .integer(30), "processInstanceKey": .integer(10)])
        let element = makeRow(.elementInstance, ["elementInstanceScopeKey": .integer(20)])
        let scope = makeRow(.elementInstance, ["elementInstanceScopeKey": .integer(10)])
        let gateway = ScriptedGateway(
            .init(rows: [.userTask: [4: task], .elementInstance: [30: element, 20: scope]])
        )

        try await withAPI(gateway) { client async throws in
            let reply = try await client.send("POST", "/v2/user-tasks/4/variables/search", "{}")

            #expect(reply.status == 200)
            let within = SearchFilter.compare(
                field: ViewKind.variable.position("scopeKey"),
                .in,
                values: [.integer(30), .integer(20), .integer(10)]
            )
            #expect(gateway.searches.map(\.filter) == [.all([within])])
        }
    }
}
