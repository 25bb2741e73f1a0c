import Gateway
import JSON
import ProcessEngine
import Testing

@testable import HTTPAPI

/// One search body and the filter it means.
struct FilterCase: Sendable, CustomTestStringConvertible {
    var view: ViewKind
    var path: String
    var filter: String
    var expected: [SearchFilter]

    init(_ view: ViewKind, _ path: String, _ filter: String, _ expected: [SearchFilter]) {
        self.view = view
        self.path = path
        self.filter = filter
        self.expected = expected
    }

    var testDescription: String { "\(self.path) \(self.filter)" }
}

private func field(
    _ view: ViewKind,
    _ name: String,
    _ comparison: ComparisonOperator,
    _ values: ViewValue...
) -> SearchFilter {
    .compare(field: view.position(name), comparison, values: values)
}

private let instances = "/v2/process-instances/search"
private let nothing = SearchFilter.compare(field: 0, .exists, values: [.integer(0)])

private let filters: [FilterCase] = [
    FilterCase(.processInstance, instances, "{}", []),
    FilterCase(
        .processInstance,
        instances,
        #"{"state":"ACTIVE","processInstanceKey":"7","hasIncident":false,"processDefinitionVersion":2}"#,
        [
            field(.processInstance, "state", .equal, .text("ACTIVE")),
            field(.processInstance, "processInstanceKey", .equal, .integer(7)),
            field(.processInstance, "hasIncident", .equal, .integer(0)),
            field(.processInstance, "processDefinitionVersion", .equal, .integer(2)),
        ]
    ),
    FilterCase(
        .processInstance,
        instances,
        #"{"processDefinitionId":{"$like":"or*","$neq":"ord","$in":["a","b"],"$notIn":["c"],"$exists":true}}"#,
        [
            field(.processInstance, "processDefinitionId", .like, .text("or*")),
            field(.processInstance, "processDefinitionId", .notEqual, .text("ord")),
            field(.processInstance, "processDefinitionId", .in, .text("a"), .text("b")),
            field(.processInstance, "processDefinitionId", .notIn, .text("c")),
            field(.processInstance, "processDefinitionId", .exists, .integer(1)),
        ]
    ),
    FilterCase(
        .processInstance,
        instances,
        #"{"startDate":{"$gte":"1970-01-01T00:00:01Z","$lt":"1970-01-02T01:00:00.5+01:00"},"endDate":null}"#,
        [
            field(.processInstance, "startDate", .greaterOrEqual, .integer(1000)),
            field(.processInstance, "startDate", .less, .integer(86_400_500)),
            field(.processInstance, "endDate", .exists, .integer(0)),
        ]
    ),
    FilterCase(
        .processInstance,
        instances,
        #"{"variables":[{"name":"a","value":"1"},{"name":"b","value":{"$like":"\"x*"}}],"tags":["t","u"]}"#,
        [
            .related(
                .variable,
                .all([field(.variable, "name", .equal, .text("a")), field(.variable, "value", .equal, .text("1"))])
            ),
            .related(
                .variable,
                .all([field(.variable, "name", .equal, .text("b")), field(.variable, "value", .like, .text("\"x*"))])
            ),
            .tag("t"), .tag("u"),
        ]
    ),
    FilterCase(
        .processInstance,
        instances,
        #"{"elementId":"task","errorMessage":{"$like":"*x*"},"elementInstanceState":"ACTIVE","hasElementInstanceIncident":true,"hasRetriesLeft":true}"#,
        [
            .related(
                .elementInstance,
                .all([
                    field(.elementInstance, "elementId", .equal, .text("task")),
                    field(.elementInstance, "state", .equal, .text("ACTIVE")),
                    field(.elementInstance, "hasIncident", .equal, .integer(1)),
                ])
            ),
            .related(.incident, .all([field(.incident, "errorMessage", .like, .text("*x*"))])),
            .related(.job, .all([field(.job, "hasFailedWithRetriesLeft", .equal, .integer(1))])),
        ]
    ),
    FilterCase(
        .processInstance,
        instances,
        #"{"tenantId":"t","$or":[{"state":"SUSPENDED"},{"hasIncident":true,"businessId":"b"}]}"#,
        [
            field(.processInstance, "tenantId", .equal, .text("t")),
            .any([
                .all([field(.processInstance, "state", .equal, .text("SUSPENDED"))]),
                .all([
                    field(.processInstance, "hasIncident", .equal, .integer(1)),
                    field(.processInstance, "businessId", .equal, .text("b")),
                ]),
            ]),
        ]
    ),
    FilterCase(
        .processInstance,
        instances,
        #"{"suspendedDate":{"$exists":false},"batchOperationKey":"1"}"#,
        [nothing]
    ),
    FilterCase(
        .processDefinition,
        "/v2/process-definitions/search",
        #"{"isLatestVersion":true,"state":"ACTIVE"}"#,
        [field(.processDefinition, "isLatestVersion", .equal, .integer(1))]
    ),
    FilterCase(
        .processDefinition,
        "/v2/process-definitions/search",
        #"{"state":{"$in":["DRAINING","DELETED"]}}"#,
        [nothing]
    ),
    FilterCase(
        .elementInstance,
        "/v2/element-instances/search",
        #"{"type":"SERVICE_TASK","elementInstanceScopeKey":"7"}"#,
        [
            field(.elementInstance, "type", .equal, .text("SERVICE_TASK")),
            field(.elementInstance, "elementInstanceScopeKey", .equal, .integer(7)),
        ]
    ),
    FilterCase(
        .job,
        "/v2/jobs/search",
        #"{"kind":{"$neq":"TASK_LISTENER"},"listenerEventType":"UNSPECIFIED","retries":{"$gt":0},"isDenied":null}"#,
        [
            field(.job, "kind", .notEqual, .text("TASK_LISTENER")),
            field(.job, "listenerEventType", .equal, .text("UNSPECIFIED")),
            field(.job, "retries", .greater, .integer(0)),
        ]
    ),
    FilterCase(
        .incident,
        "/v2/incidents/search",
        #"{"errorType":"JOB_NO_RETRIES","jobKey":{"$in":["1","2"]}}"#,
        [
            field(.incident, "errorType", .equal, .text("JOB_NO_RETRIES")),
            field(.incident, "jobKey", .in, .integer(1), .integer(2)),
        ]
    ),
    FilterCase(
        .variable,
        "/v2/variables/search",
        #"{"name":"a","value":{"$exists":true}}"#,
        [field(.variable, "name", .equal, .text("a")), field(.variable, "value", .exists, .integer(1))]
    ),
    FilterCase(
        .userTask,
        "/v2/user-tasks/search",
        #"{"candidateUser":"a*\"b","candidateGroup":{"$in":["g","h"]},"priority":{"$lte":50}}"#,
        [
            .any([field(.userTask, "candidateUsers", .like, .text(#"*"a\*\\"b"*"#))]),
            .any([
                field(.userTask, "candidateGroups", .like, .text(#"*"g"*"#)),
                field(.userTask, "candidateGroups", .like, .text(#"*"h"*"#)),
            ]),
            field(.userTask, "priority", .lessOrEqual, .integer(50)),
        ]
    ),
]

@Suite struct SearchTests {
    @Test(arguments: filters)
    func `a filter means its conditions`(_ example: FilterCase) async throws {
        let gateway = ScriptedGateway()

        try await withAPI(gateway) { client async throws in
            let reply = try await client.send("POST", example.path, #"{"filter":\#(example.filter)}"#)

            #expect(reply.status == 200, "\(reply.text)")
            #expect(gateway.searches == [SearchRequest(view: example.view, filter: .all(example.expected))])
        }
    }

    @Test(
        arguments: [
            (nil, SearchPosition.offset(0), 100), ("{}", .offset(0), 100),
            (#"{"filter":null,"sort":null,"page":null}"#, .offset(0), 100),
            (#"{"page":{"limit":10000}}"#, .offset(0), 10_000),
            (#"{"page":{"from":5,"limit":1}}"#, .offset(5), 1),
            (#"{"page":{"after":""}}"#, .offset(0), 100),
        ] as [(String?, SearchPosition, Int)]
    )
    func `a page has its standard values`(_ body: String?, _ position: SearchPosition, _ limit: Int) async throws {
        let gateway = ScriptedGateway()

        try await withAPI(gateway) { client async throws in
            _ = try await client.send("POST", "/v2/jobs/search", body)

            #expect(gateway.searches == [SearchRequest(view: .job, position: position, limit: limit)])
        }
    }

    @Test func `cursors lead to the pages before and after`() async throws {
        let rows = [3, 4, 5].map { number in
            makeRow(
                .processInstance,
                [
                    "processInstanceKey": .integer(number), "processDefinitionId": .text("ä\(number)"),
                    "startDate": .integer(-number),
                ]
            )
        }
        let page = SearchPage(rows: rows, totalItems: 17, hasMoreTotalItems: true)
        let gateway = ScriptedGateway(.init(page: page))
        let sort = #""sort":[{"field":"processDefinitionId","order":"DESC"},{"field":"endDate"},{"field":"startDate"}]"#

        try await withAPI(gateway) { client async throws in
            let first = try await client.send("POST", instances, "{\(sort)}")
            let answer = try #require(try first.json().objectValue?["page"]?.objectValue)
            let start = try #require(answer["startCursor"]?.stringValue)
            let end = try #require(answer["endCursor"]?.stringValue)
            _ = try await client.send("POST", instances, #"{\#(sort),"page":{"after":"\#(end)","limit":3}}"#)
            _ = try await client.send("POST", instances, #"{\#(sort),"page":{"before":"\#(start)"}}"#)
            let otherOrder = try await client.send("POST", instances, #"{"page":{"after":"\#(end)"}}"#)
            let otherView = try await client.send("POST", "/v2/jobs/search", #"{"page":{"after":"\#(end)"}}"#)

            #expect(answer["totalItems"] == .int(17))
            #expect(answer["hasMoreTotalItems"] == .bool(true))
            #expect(gateway.searches.count == 3)
            #expect(gateway.searches[1].position == .after([.text("ä5"), .null, .integer(-5), .integer(5)]))
            #expect(gateway.searches[1].limit == 3)
            #expect(gateway.searches[2].position == .before([.text("ä3"), .null, .integer(-3), .integer(3)]))
            #expect(otherOrder.status == 400)
            #expect(otherView.status == 400)
        }
    }

    @Test func `an empty page has no cursors`() async throws {
        try await withAPI(ScriptedGateway()) { client async throws in
            let reply = try await client.send("POST", instances)

            let expected = """
                {"items":[],"page":{"totalItems":0,"hasMoreTotalItems":false,"startCursor":null,"endCursor":null}}
                """
            #expect(reply.text == expected)
        }
    }

    @Test(arguments: [
        (#"{"fliter":{}}"#, "'filter', 'sort', 'page', but got 'fliter'"),
        (#"{"filter":[]}"#, "Expected an object for 'filter', but got an array"),
        (#"{"filter":{"stat":"ACTIVE"}}"#, "but got 'filter.stat'"),
        (#"{"filter":{"state":"RUNNING"}}"#, "but got 'RUNNING'"),
        (#"{"filter":{"state":{"$in":"ACTIVE"}}}"#, "an array for 'filter.state.$in', but got a string"),
        (#"{"filter":{"state":{"$in":[]}}}"#, "1 to 1000 elements"),
        (#"{"filter":{"state":{"$gt":"ACTIVE"}}}"#, "but got '$gt'"),
        (#"{"filter":{"state":{}}}"#, "but got none"),
        (#"{"filter":{"state":{"$exists":"yes"}}}"#, "a boolean for 'filter.state.$exists'"),
        (#"{"filter":{"processInstanceKey":7}}"#, "a key (a string of digits) for 'filter.processInstanceKey'"),
        (#"{"filter":{"processInstanceKey":"seven"}}"#, "but got 'seven'"),
        (#"{"filter":{"processInstanceKey":{"$like":"7"}}}"#, "but got '$like'"),
        (#"{"filter":{"processDefinitionVersion":"1"}}"#, "an integer for 'filter.processDefinitionVersion'"),
        (#"{"filter":{"processDefinitionVersion":1.5}}"#, "an integer for 'filter.processDefinitionVersion'"),
        (#"{"filter":{"hasIncident":"true"}}"#, "a boolean for 'filter.hasIncident', but got a string"),
        (#"{"filter":{"startDate":"2026-02-29T00:00:00Z"}}"#, "but got '2026-02-29T00:00:00Z'"),
        (#"{"filter":{"startDate":1}}"#, "an ISO-8601 date-time for 'filter.startDate', but got a number"),
        (#"{"filter":{"tenantId":null}}"#, "a string for 'filter.tenantId', but got null"),
        (#"{"filter":{"variables":{"name":"a"}}}"#, "an array of objects for 'filter.variables'"),
        (#"{"filter":{"variables":[{"value":"1"}]}}"#, "'filter.variables[0].name', but got none"),
        (#"{"filter":{"variables":[{"name":"a","value":1}]}}"#, "a string for 'filter.variables[0].value'"),
        (#"{"filter":{"tags":["ä"]}}"#, "Expected a tag"),
        (#"{"filter":{"incidentErrorHashCode":1}}"#, "is not supported"),
        (#"{"filter":{"$or":[]}}"#, "an array of filters for 'filter.$or'"),
        (#"{"filter":{"$or":[{"$or":[{}]}]}}"#, "but got 'filter.$or[0].$or'"),
        (#"{"filter":{"$or":[7]}}"#, "an object for 'filter.$or[0]'"),
        (#"{"sort":{}}"#, "for 'sort', but got an object"),
        (#"{"sort":[{"field":"tags"}]}"#, "but got 'tags'"),
        (#"{"sort":[{"order":"ASC"}]}"#, "'sort[0].field', but got none"),
        (#"{"sort":[{"field":"state","order":"UP"}]}"#, "'ASC' or 'DESC' for 'sort[0].order', but got 'UP'"),
        (#"{"page":{"limit":0}}"#, "an integer from 1 to 10000 for 'page.limit', but got '0'"),
        (#"{"page":{"limit":10001}}"#, "but got '10001'"),
        (#"{"page":{"limit":"5"}}"#, "but got a string"),
        (#"{"page":{"from":-1}}"#, "'page.from'"),
        (#"{"page":{"from":0,"after":"x"}}"#, "at most one of"),
        (#"{"page":{"after":"???"}}"#, "Expected a cursor"),
        (#"{"page":{"after":"AAAA"}}"#, "Expected a cursor"),
        (#"{"page":{"size":5}}"#, "but got 'page.size'"),
    ])
    func `a bad search names what is wrong`(_ body: String, _ detail: String) async throws {
        let gateway = ScriptedGateway()

        try await withAPI(gateway) { client async throws in
            let reply = try await client.send("POST", instances, body)

            #expect(reply.status == 400)
            let found = try reply.detail()
            #expect(found.contains(detail), "\(found)")
            #expect(gateway.searches.isEmpty)
        }
    }

    @Test func `the number of conditions is bounded`() async throws {
        let one = #"{"state":"ACTIVE"}"#
        let many = Array(repeating: one, count: 251).joined(separator: ",")

        try await withAPI(ScriptedGateway()) { client async throws in
            let reply = try await client.send("POST", instances, #"{"filter":{"$or":[\#(many)]}}"#)

            #expect(try reply.detail() == "Expected at most 500 conditions in 'filter', but got more")
        }
    }

    @Test(arguments: [
        (QueryError(.timeLimit, "slow"), 504, "DEADLINE_EXCEEDED"),
        (QueryError(.unavailable, "no leader"), 503, "RESOURCE_EXHAUSTED"),
        (QueryError(.failed, "bug"), 500, "INTERNAL_SERVER_ERROR"),
    ])
    func `a query that fails says how`(_ error: QueryError, _ status: Int, _ title: String) async throws {
        try await withAPI(ScriptedGateway(.init(queryError: error))) { client async throws in
            for (method, path) in [("POST", instances), ("GET", "/v2/process-instances/1")] {
                let reply = try await client.send(method, path)

                #expect(reply.status == status)
                #expect(try reply.title() == title)
            }
        }
    }
}
