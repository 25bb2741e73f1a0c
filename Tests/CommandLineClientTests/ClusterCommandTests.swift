import ArgumentParser
import JSON
import Synchronization
import Testing

@testable import CommandLineClient

/// What a server answers for a cluster of these members: node, role, connected, lag.
private func membersBody(_ members: [(Int, String, Bool, Int?)]) -> String {
    let items = members.map { node, role, isConnected, lag in
        let entries = lag.map { #"[{"group":0,"entries":0},{"group":1,"entries":\#($0)}]"# } ?? "[]"
        return """
            {"nodeId":\(node),"address":"10.0.0.\(node):9301","role":"\(role)","isConnected":\(isConnected),\
            "leads":\(node == 1 ? "[0,1]" : "[]"),"lag":\(entries),\
            "clockOffsetMilliseconds":\(node == 2 ? "-3" : "null")}
            """
    }
    return #"{"items":[\#(items.joined(separator: ","))]}"#
}

private func statusBody(
    leader: String = "1",
    notReady: String = "null",
    lag: String = "null",
    cluster: String = "9f3c01d2a4b56e78"
) -> String {
    """
    {"clusterId":"\(cluster)","nodeId":2,"version":"1.0.0","notReadyReason":\(notReady),"lagReason":\(lag),"groups":[\
    {"group":1,"leader":\(leader),"role":"follower","isHealthy":true,"term":4,"commitIndex":17,"appliedIndex":16,\
    "behind":1204,"leaderSilenceMilliseconds":90,"digest":"00ff"}]}
    """
}

private func view(_ members: [(Int, String, Bool, Int?)], status: String = statusBody()) throws -> ClusterView {
    ClusterView(
        address: "http://h:1",
        status: try JSONText.parse(Array(status.utf8)),
        members: try JSONText.parse(Array(membersBody(members).utf8))
    )
}

@Suite struct ClusterViewTests {
    @Test func `a whole cluster is shown on a page that fits`() throws {
        let view = try view([(1, "voter", true, 0), (2, "voter", true, 1_234), (3, "voter", true, nil)])

        #expect(view.verdict == .healthy)
        #expect(
            view.lines(width: 80, style: .plain) == [
                "HEALTHY  cluster 9f3c01d2a4b56e78, seen by node 2 (1.0.0)", "",
                "NODE  ADDRESS        ROLE   CONNECTED  LEADS  BEHIND  CLOCK",
                "1     10.0.0.1:9301  voter  yes        0,1         0      -",
                "2     10.0.0.2:9301  voter  yes        -       1,234  -3 ms",
                "3     10.0.0.3:9301  voter  yes        -           -      -", "",
                "GROUP  LEADER  THIS NODE  TERM  COMMITTED  APPLIED  BEHIND  HEARD  DIGEST",
                "    1       1  follower      4         17       16   1,204  90 ms  00ff",
            ]
        )
    }

    @Test func `a node that lags says so, and the cluster is not quite well`() throws {
        let status = statusBody(lag: #""node 2 is behind by 1204 entries""#)
        let view = try view([(1, "voter", true, 0), (2, "voter", true, nil), (3, "voter", true, nil)], status: status)

        #expect(view.verdict == .degraded)
        #expect(view.findings.map(\.text) == ["node 2 is behind by 1204 entries"])
    }

    @Test(
        arguments: [
            ([true, true, true], "1", "null", .healthy, ""),
            ([true, true, false], "1", "null", .degraded, "the loss of one more stops the cluster"),
            ([true, false, false], "null", "null", .unhealthy, "group 1 has no leader"),
            ([true, false, false], "1", "null", .unhealthy, "no quorum: 1 of 3 voters"),
            ([true, true, true], "1", "\"the disk is full\"", .unhealthy, "takes no commands: the disk is full"),
            ([true, true], "1", "null", .degraded, "no more losses than 1"),
        ] as [([Bool], String, String, ClusterStatus.Verdict, String)]
    )
    func `the verdict follows from members and groups`(
        _ connected: [Bool],
        _ leader: String,
        _ notReady: String,
        _ verdict: ClusterStatus.Verdict,
        _ finding: String
    ) throws {
        let members = connected.enumerated().map { ($0 + 1, "voter", $1, nil as Int?) }
        let view = try view(members, status: statusBody(leader: leader, notReady: notReady))

        #expect(view.verdict == verdict)
        #expect(finding.isEmpty || view.findings.contains { $0.text.contains(finding) }, "\(view.findings)")
    }

    @Test(
        arguments: [
            ([true, true, true], 3, false), ([true, true, false], 3, false), ([true, true, false], 1, true),
            ([true, false, false], 3, true), ([true, true], 2, false), ([true], 1, true),
            ([true, true, true], 9, false),
        ])
    func `a removal that would stop the cluster is objected to`(
        _ connected: [Bool],
        _ node: Int,
        _ isObjected: Bool
    ) throws {
        let members = connected.enumerated().map { ($0 + 1, "voter", $1, nil as Int?) }

        #expect((try view(members).objection(toRemoving: node) != nil) == isObjected)
    }

    @Test func `a learner may always go, and a hostile answer is harmless`() throws {
        let learner = try view([(1, "voter", true, 0), (4, "learner", false, nil)])
        #expect(learner.objection(toRemoving: 4) == nil)

        let odd = ClusterView(
            address: "",
            status: try JSONText.parse(Array(#"{"groups":[7,{}],"clusterId":3}"#.utf8)),
            members: try JSONText.parse(
                Array(#"{"items":[7,{"nodeId":"x"},{"nodeId":1,"address":"\u001b[2J","leads":["a"],"lag":[1]}]}"#.utf8)
            )
        )
        #expect(odd.members.count == 1)
        #expect(odd.lines(width: 40, style: .plain).allSatisfy { !$0.contains("\u{1B}") })
    }
}

@Suite struct ClusterCommandTests {
    private struct Root: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cluster",
            subcommands: ClientCommands.clusterSubcommands
        )
    }

    private func exitCode(_ arguments: [String]) -> Int32? {
        do {
            _ = try Root.parseAsRoot(arguments)
            return nil
        } catch {
            return ClientCommands.exitCode(for: error, of: Root.self).rawValue
        }
    }

    /// Runs a command line against a server; its exit code.
    private func run(_ arguments: [String], at server: ScriptedServer) async -> Int32 {
        do {
            let command = try Root.parseAsRoot(arguments + ["--server", server.url, "--json"])
            guard var command = command as? any AsyncParsableCommand else { return -1 }
            try await command.run()
            return 0
        } catch {
            return ClientCommands.exitCode(for: error, of: Root.self).rawValue
        }
    }

    @Test(
        arguments: [
            ["status"], ["members", "--server", "http://h:1"], ["add", "4=h:1"], ["add", "4=[::1]:1"],
            ["promote", "4"],
            ["promote", "4", "--no-wait"], ["promote", "4", "--timeout", "1h"], ["remove", "4", "--force"],
            ["transfer-leader"], ["transfer-leader", "--to", "2", "--url", "http://h:1"],
        ])
    func `right usage is accepted`(_ arguments: [String]) {
        #expect(exitCode(arguments) == nil)
    }

    @Test(
        arguments: [
            ["add"], ["add", "4"], ["add", "x=h:1"], ["add", "0=h:1"], ["add", "4=h"], ["promote"], ["promote", "x"],
            ["promote", "04"], ["promote", "4", "--timeout", "soon"], ["remove"], ["remove", "-1"],
            ["transfer-leader", "2"], ["transfer-leader", "--to", "0"], ["nonsense"],
        ])
    func `wrong usage is exit code 2`(_ arguments: [String]) {
        #expect(exitCode(arguments) == 2)
    }

    @Test(
        arguments: [
            (["add", "4=h:1"], "POST", "/thalweg/v1/cluster/members", #"{"nodeId":4,"address":"h:1"}"#),
            (["transfer-leader"], "POST", "/thalweg/v1/cluster/transfer-leadership", #"{"nodeId":null}"#),
            (["transfer-leader", "--to", "2"], "POST", "/thalweg/v1/cluster/transfer-leadership", #"{"nodeId":2}"#),
            (["remove", "3"], "DELETE", "/thalweg/v1/cluster/members/3", ""),
            (["promote", "4", "--no-wait"], "POST", "/thalweg/v1/cluster/members/4/promote", "{}"),
        ])
    func `a change is asked for once`(_ arguments: [String], _ method: String, _ uri: String, _ body: String)
        async throws
    {
        let members = membersBody([
            (1, "voter", true, 0), (2, "voter", true, 0), (3, "voter", true, 0), (4, "learner", true, 5),
        ])
        let script: @Sendable (SeenRequest) -> ScriptedAnswer = {
            $0.method == "GET" ? ScriptedAnswer(body: members) : .noContent
        }
        try await ScriptedServer.with(script) { server in
            #expect(await run(arguments, at: server) == 0)

            let changes = server.requests.filter { $0.method != "GET" }
            #expect(changes.map(\.method) == [method])
            #expect(changes.map(\.uri) == [uri])
            #expect(changes.map { String(decoding: $0.body, as: UTF8.self) } == [body])
        }
    }

    @Test func `a removal that would stop the cluster is not asked for unless forced`() async throws {
        let members = membersBody([(1, "voter", true, 0), (2, "voter", true, 0), (3, "voter", false, nil)])
        let script: @Sendable (SeenRequest) -> ScriptedAnswer = {
            $0.method == "GET" ? ScriptedAnswer(body: members) : .noContent
        }
        try await ScriptedServer.with(script) { server in
            #expect(await run(["remove", "2"], at: server) == 1)
            #expect(server.requests.allSatisfy { $0.method == "GET" })

            #expect(await run(["remove", "2", "--force"], at: server) == 0)
            #expect(server.requests.last?.method == "DELETE")
        }
    }

    @Test func `a promotion waits until the learner has caught up`() async throws {
        let asked = Counter()
        // Away, far behind, near; then the leader itself still wants it nearer, then not.
        let states: [(Bool, Int?)] = [(false, nil), (true, 1_000_000), (true, 12), (true, nil)]
        let script: @Sendable (SeenRequest) -> ScriptedAnswer = { request in
            if request.method == "GET" {
                asked.increment()
                let (isConnected, lag) = states[min(asked.value, states.count) - 1]
                return ScriptedAnswer(body: membersBody([(1, "voter", true, 0), (4, "learner", isConnected, lag)]))
            }
            return asked.value < 4 ? .problem(409, "NOT_CAUGHT_UP", "12 entries behind") : .noContent
        }
        try await ScriptedServer.with(script) { server in
            #expect(await run(["promote", "4"], at: server) == 0)

            #expect(server.requests.count { $0.method == "POST" } == 2)
            #expect(asked.value == 4)
        }
    }

    @Test(
        arguments: [
            (4, false, nil as Int?, 204), (4, true, 5_000, 204), (4, true, nil, 409), (5, true, 0, 204),
        ])
    func `a promotion without waiting fails at once`(_ node: Int, _ isConnected: Bool, _ lag: Int?, _ status: Int)
        async throws
    {
        let members = membersBody([(1, "voter", true, 0), (4, "learner", isConnected, lag)])
        let script: @Sendable (SeenRequest) -> ScriptedAnswer = {
            $0.method == "GET"
                ? ScriptedAnswer(body: members)
                : status == 204 ? .noContent : .problem(status, "INVALID_STATE", "no")
        }
        try await ScriptedServer.with(script) { server in
            #expect(await run(["promote", String(node), "--no-wait"], at: server) == 1)
        }
    }

    @Test func `a promotion that takes too long says so and is given up`() async throws {
        let members = membersBody([(1, "voter", true, 0), (4, "learner", false, nil)])
        try await ScriptedServer.with({ _ in ScriptedAnswer(body: members) }) { server in
            #expect(await run(["promote", "4", "--timeout", "1ms"], at: server) == 1)
            #expect(server.requests.allSatisfy { $0.method == "GET" })
        }
    }

    @Test(arguments: [(409, 1), (503, 3), (504, 4), (400, 1)])
    func `what became of a change decides the exit code`(_ status: Int, _ code: Int) async throws {
        try await ScriptedServer.with({ _ in .problem(status, "T", "why") }) { server in
            #expect(await run(["add", "4=h:1"], at: server) == code)
        }
    }

    @Test(arguments: [("1", 0), ("null", 1)])
    func `an unhealthy cluster is exit code 1`(_ leader: String, _ code: Int) async throws {
        let members = membersBody([(1, "voter", true, 0), (2, "voter", true, 0), (3, "voter", true, 0)])
        let script: @Sendable (SeenRequest) -> ScriptedAnswer = {
            ScriptedAnswer(body: $0.uri.hasSuffix("/status") ? statusBody(leader: leader) : members)
        }
        try await ScriptedServer.with(script) { server in
            #expect(await run(["status"], at: server) == code)
        }
    }
}

@Suite struct ClusterJoinTests {
    private struct FormatFailure: Error {}

    /// Joins as node 4 of the given cluster; the error, and the members the folder was formatted with.
    private func join(
        _ members: [(Int, String, Bool, Int?)],
        cluster: String = "9f3c01d2a4b56e78",
        promotes: Bool = false,
        failsToFormat: Bool = false
    ) async throws -> (exitCode: Int32, formatted: [UInt64]?, posts: [String]) {
        let script: @Sendable (SeenRequest) -> ScriptedAnswer = { request in
            if request.method != "GET" { return .noContent }
            let isStatus = request.uri.hasSuffix("/status")
            return ScriptedAnswer(body: isStatus ? statusBody(cluster: cluster) : membersBody(members))
        }
        return try await ScriptedServer.with(script) { server in
            var formatted: [UInt64]?
            var exitCode: Int32 = 0
            let options = try CommonOptions.parse(["--server", server.url])
            let wish = ClusterJoin(
                node: 4,
                clusterID: "9f3c01d2a4b56e78",
                address: "10.0.0.4:9301",
                promotionTimeout: promotes ? .seconds(30) : nil
            )
            do {
                try await options.join(wish, dataFolder: "/d") { members in
                    if failsToFormat { throw FormatFailure() }
                    formatted = members.map(\.node)
                }
            } catch let error as ExitCode {
                exitCode = error.rawValue
            }
            return (exitCode, formatted, server.requests.filter { $0.method == "POST" }.map(\.uri))
        }
    }

    @Test func `a new node is added and its folder formatted`() async throws {
        let result = try await join([(1, "voter", true, 0), (2, "voter", true, 0)])

        #expect(result.exitCode == 0)
        #expect(result.formatted == [1, 2])
        #expect(result.posts == ["/thalweg/v1/cluster/members"])
    }

    @Test func `a join that was interrupted can be repeated, and may promote`() async throws {
        let result = try await join([(1, "voter", true, 0), (4, "learner", true, 3)], promotes: true)

        #expect(result.exitCode == 0)
        #expect(result.formatted == [1, 4])
        #expect(result.posts == ["/thalweg/v1/cluster/members/4/promote"])
    }

    @Test func `another cluster is not joined`() async throws {
        let result = try await join([(1, "voter", true, 0)], cluster: "0000000000000001")

        #expect(result.exitCode == 1)
        #expect(result.formatted == nil)
        #expect(result.posts.isEmpty)
    }

    @Test func `a node id that votes already is refused`() async throws {
        let result = try await join([(1, "voter", true, 0), (4, "voter", false, nil)])

        #expect(result.exitCode == 1)
        #expect(result.formatted == nil)
        #expect(result.posts.isEmpty)
    }

    @Test func `a folder that cannot be formatted is told`() async throws {
        #expect(try await join([(1, "voter", true, 0)], failsToFormat: true).exitCode == 2)
    }
}
