import Gateway
import HTTPTypes
import JSON
import ProcessEngine
import Testing

@testable import HTTPAPI

@Suite struct AdministrationTests {
    private static let trio = [
        MemberStatus(
            node: 1,
            address: "10.0.0.1:9301",
            role: "voter",
            isConnected: true,
            leads: [1, 0],
            lag: [1: 0, 0: 7],
            clockOffsetMilliseconds: -12
        ),
        MemberStatus(node: 2, address: "[fe80::2]:9301", role: "voter", isConnected: false),
        MemberStatus(node: 3, address: "node3.example:9301", role: "voter", isConnected: true),
        MemberStatus(node: 4, address: "node4.example:9301", role: "learner", isConnected: true),
    ]

    @Test func `members are listed with all that is known of them`() async throws {
        let script = ScriptedGateway.Script(members: Array(Self.trio.prefix(2)))
        try await withAPI(ScriptedGateway(script)) { client async throws in
            let reply = try await client.send("GET", "/thalweg/v1/cluster/members")

            #expect(reply.status == 200)
            #expect(
                reply.text == """
                    {"items":[{"nodeId":1,"address":"10.0.0.1:9301","role":"voter","isConnected":true,"leads":[0,1],\
                    "lag":[{"group":0,"entries":7},{"group":1,"entries":0}],"clockOffsetMilliseconds":-12},\
                    {"nodeId":2,"address":"[fe80::2]:9301","role":"voter","isConnected":false,"leads":[],"lag":[],\
                    "clockOffsetMilliseconds":null}]}
                    """
            )
        }
    }

    @Test func `the status tells each group`() async throws {
        try await withAPI(ScriptedGateway(.init(leader: 1))) { client async throws in
            let reply = try await client.send("GET", "/thalweg/v1/cluster/status")

            #expect(
                reply.text == """
                    {"clusterId":"cluster-1","nodeId":3,"version":"0.1.0","notReadyReason":null,"lagReason":null,"groups":[\
                    {"group":0,"leader":3,"role":"leader","isHealthy":true,"term":1,"commitIndex":1,"appliedIndex":1,\
                    "behind":0,"leaderSilenceMilliseconds":null,"digest":null},{"group":1,"leader":1,"role":"follower","isHealthy":true,"term":1,"commitIndex":1,\
                    "appliedIndex":1,"behind":7,"leaderSilenceMilliseconds":120,"digest":"00ff"}]}
                    """
            )
        }
    }

    @Test func `the topology lists every member with its part in each partition`() async throws {
        let script = ScriptedGateway.Script(leader: 1, members: Self.trio)
        try await withAPI(ScriptedGateway(script)) { client async throws in
            let topology = try await client.send("GET", "/v2/topology").json().objectValue

            let brokers = try #require(topology?["brokers"]?.arrayValue)
            let lines = brokers.map { broker in
                let partition = broker.objectValue?["partitions"]?.arrayValue?.first?.objectValue
                let place = ["brokerId", "host"].map { broker.objectValue?[$0]?.stringValue ?? "" }
                let part = ["role", "health", "state"].map { partition?[$0]?.stringValue ?? "" }
                return (place + part).joined(separator: " ")
            }
            #expect(
                lines == [
                    "1 10.0.0.1 leader healthy active", "2 fe80::2 follower dead active",
                    "3 node3.example follower healthy active", "4 node4.example inactive healthy joining",
                ]
            )
            #expect(topology?["clusterSize"]?.int64Value == 4)
            #expect(topology?["replicationFactor"]?.int64Value == 3)
        }
    }

    @Test func `a node that waits for its cluster tells of itself`() async throws {
        try await withAPI(ScriptedGateway(.init(members: []))) { client async throws in
            let topology = try await client.send("GET", "/v2/topology").json().objectValue

            #expect(topology?["brokers"]?.arrayValue?.first?.objectValue?["brokerId"]?.stringValue == "3")
        }
    }

    @Test(
        arguments: [
            (
                "POST", "members", #"{"nodeId":4,"address":"Host:9301"}"#,
                .change(.addLearner(node: 4, address: "host:9301"))
            ),
            (
                "POST", "members", #"{"address":"[::1]:1","nodeId":2147483647}"#,
                .change(.addLearner(node: 2_147_483_647, address: "[::1]:1"))
            ),
            ("POST", "members/4/promote", nil, .change(.promote(node: 4))),
            ("POST", "members/4/promote", "{}", .change(.promote(node: 4))),
            ("DELETE", "members/4", nil, .change(.remove(node: 4))),
            ("POST", "transfer-leadership", #"{"nodeId":2}"#, .transfer(2)),
            ("POST", "transfer-leadership", #"{"nodeId":null}"#, .transfer(nil)),
            ("POST", "transfer-leadership", nil, .transfer(nil)),
        ] as [(String, String, String?, ScriptedGateway.Wish)]
    )
    func `an operator's wish reaches the cluster`(
        _ method: String,
        _ path: String,
        _ body: String?,
        _ wish: ScriptedGateway.Wish
    ) async throws {
        let gateway = ScriptedGateway()
        try await withAPI(gateway) { client async throws in
            let reply = try await client.send(method, "/thalweg/v1/cluster/\(path)", body)

            #expect(reply.status == 204, "\(reply.text)")
            #expect(reply.body.isEmpty)
            #expect(gateway.wishes == [wish])
        }
    }

    @Test(
        arguments: [
            ("POST", "members", ""), ("POST", "members", "[]"), ("POST", "members", "{}"),
            ("POST", "members", #"{"nodeId":4}"#), ("POST", "members", #"{"nodeId":0,"address":"h:1"}"#),
            ("POST", "members", #"{"nodeId":-1,"address":"h:1"}"#),
            ("POST", "members", #"{"nodeId":"4","address":"h:1"}"#),
            ("POST", "members", #"{"nodeId":4.5,"address":"h:1"}"#),
            ("POST", "members", #"{"nodeId":4,"address":""}"#), ("POST", "members", #"{"nodeId":4,"address":"host"}"#),
            ("POST", "members", #"{"nodeId":4,"address":"h:1","x":1}"#),
            ("POST", "members", #"{"nodeId":4,"nodeId":5,"address":"h:1"}"#),
            ("POST", "members/0/promote", ""), ("POST", "members/x/promote", ""), ("POST", "members/+4/promote", ""),
            ("POST", "members/99999999999/promote", ""), ("POST", "members/4/promote", #"{"force":true}"#),
            ("DELETE", "members/-1", ""), ("POST", "transfer-leadership", #"{"nodeId":"2"}"#),
            ("POST", "transfer-leadership", #"{"to":2}"#), ("POST", "transfer-leadership", #"{"nodeId":0}"#),
        ])
    func `a malformed wish changes nothing`(_ method: String, _ path: String, _ body: String) async throws {
        let gateway = ScriptedGateway()
        try await withAPI(gateway) { client async throws in
            let reply = try await client.send(method, "/thalweg/v1/cluster/\(path)", body.isEmpty ? nil : body)

            #expect(reply.status == 400, "\(reply.text)")
            #expect(try reply.detail().isEmpty == false)
            #expect(gateway.wishes.isEmpty)
        }
    }

    @Test(
        arguments: [
            (.impossible(reason: "why"), 409, "INVALID_STATE"), (.tooEarly(reason: "why"), 409, "NOT_CAUGHT_UP"),
            (.unavailable(reason: "why"), 503, "RESOURCE_EXHAUSTED"),
            (.unknown(reason: "why"), 504, "DEADLINE_EXCEEDED"),
        ] as [(AdministrationOutcome, Int, String)]
    )
    func `each outcome has its answer`(_ outcome: AdministrationOutcome, _ status: Int, _ title: String) async throws {
        try await withAPI(ScriptedGateway(.init(administration: outcome))) { client async throws in
            for path in ["members/4/promote", "transfer-leadership"] {
                let reply = try await client.send("POST", "/thalweg/v1/cluster/\(path)")

                #expect(reply.status == status)
                #expect(try reply.title() == title)
                #expect(try reply.detail() == "why")
                #expect(reply.headers[.contentType] == "application/problem+json")
            }
        }
    }
}

@Suite struct ConsistencyTests {
    private static let script = ScriptedGateway.Script(
        rows: [
            .processInstance: [1: makeRow(.processInstance, [:])], .userTask: [1: makeRow(.userTask, [:])],
            .elementInstance: [1: makeRow(.elementInstance, [:])], .variable: [1: makeRow(.variable, [:])],
            .processDefinition: [1: makeRow(.processDefinition, [:])], .incident: [1: makeRow(.incident, [:])],
        ],
        xml: Array("<x/>".utf8)
    )

    private static let queries = [
        ("POST", "/v2/process-instances/search"), ("POST", "/v2/jobs/search"), ("POST", "/v2/variables/search"),
        ("GET", "/v2/process-instances/1"), ("GET", "/v2/variables/1"), ("GET", "/v2/user-tasks/1"),
        ("GET", "/v2/incidents/1"), ("GET", "/v2/process-definitions/1"), ("GET", "/v2/process-definitions/1/xml"),
        ("GET", "/v2/user-tasks/1/form"), ("POST", "/v2/user-tasks/1/variables/search"),
        ("POST", "/v2/process-instances/1/incidents/search"), ("POST", "/v2/element-instances/1/incidents/search"),
    ]

    @Test(arguments: queries)
    func `a stale answer is given where it is asked for and says so`(_ method: String, _ path: String) async throws {
        let gateway = ScriptedGateway(Self.script)
        try await withAPI(gateway) { client async throws in
            let reply = try await client.send(method, "\(path)?consistency=stale")

            #expect((200...204).contains(reply.status), "\(reply.text)")
            #expect(reply.headers[try #require(HTTPField.Name("Thalweg-Consistency"))] == "stale")
            #expect(!gateway.consistencies.isEmpty)
            #expect(gateway.consistencies.allSatisfy { $0 == .stale })
        }
    }

    @Test(arguments: queries, ["", "?consistency=linearizable", "?truncateValues=true"])
    func `every other answer is linearizable`(_ query: (method: String, path: String), _ suffix: String) async throws {
        let gateway = ScriptedGateway(Self.script)
        try await withAPI(gateway) { client async throws in
            let reply = try await client.send(query.method, query.path + suffix)

            #expect((200...204).contains(reply.status), "\(reply.text)")
            #expect(reply.headers[try #require(HTTPField.Name("Thalweg-Consistency"))] == nil)
            #expect(!gateway.consistencies.isEmpty)
            #expect(gateway.consistencies.allSatisfy { $0 == .linearizable })
        }
    }

    @Test(arguments: ["?consistency=eventual", "?consistency=", "?consistency", "?x=1&consistency=Stale"])
    func `an unknown consistency is refused`(_ suffix: String) async throws {
        let gateway = ScriptedGateway(Self.script)
        try await withAPI(gateway) { client async throws in
            let reply = try await client.send("GET", "/v2/process-instances/1\(suffix)")

            #expect(reply.status == 400)
            #expect(try reply.detail().contains("'stale'"))
            #expect(gateway.consistencies.isEmpty)
        }
    }
}

@Suite struct NodeAddressTests {
    @Test(
        arguments: [
            ("a:1", "a", 1), ("Host-1.example.com:65535", "host-1.example.com", 65_535),
            ("10.0.0.1:9301", "10.0.0.1", 9_301),
            ("[::1]:9301", "::1", 9_301), ("[FE80::A]:2", "fe80::a", 2), ("my_host:3", "my_host", 3),
        ])
    func `an address is read and written`(_ text: String, _ host: String, _ port: Int) throws {
        let address = try #require(NodeAddress(text))

        #expect(address.host == host)
        #expect(address.port == port)
        #expect(NodeAddress(address.description) == address)
    }

    @Test(
        arguments: [
            "", ":", "a", "a:", ":1", "a:0", "a:01", "a:65536", "a:99999999999", "a:-1", "a:+1", "a b:1", "::1:9301",
            "[::1]",
            "[::1:1", "[]:1", "[a]:1", "a..b:1", "-a:1", "a-:1", "http://a:1", "a/b:1", "ä:1", "a:1 ", "a:1\n",
            "a\u{0}:1",
        ])
    func `what is no address is refused`(_ text: String) {
        #expect(NodeAddress(text) == nil)
    }

    @Test func `a long text is no address`() {
        #expect(NodeAddress(String(repeating: "a", count: 300) + ":1") == nil)
        #expect(NodeAddress(String(repeating: "a", count: 64) + ":1") == nil)
    }
}
