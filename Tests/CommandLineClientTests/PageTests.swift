import JSON
import Testing

@testable import CommandLineClient

@Suite struct ElementTreeTests {
    private func items(_ keys: [String]) throws -> [JSONValue] {
        try keys.map { key in
            let text = #"{"elementInstanceKey":"\#(key)","elementId":"e\#(key)","type":"TASK","state":"ACTIVE"}"#
            return try JSONText.parse(Array(text.utf8))
        }
    }

    private func shape(_ keys: [String], _ parents: [String: String]) throws -> [String] {
        ElementTree(items: try self.items(keys), parents: parents).lines.map {
            "\($0.depth):\($0.item.text("elementInstanceKey"))"
        }
    }

    @Test func `each scope is followed by its content`() throws {
        #expect(
            try self.shape(["1", "2", "3", "4", "5"], ["3": "2", "5": "3", "4": "2"])
                == ["0:1", "0:2", "1:3", "2:5", "1:4"]
        )
    }

    @Test func `unknown scopes, scopes of themselves and rings lose nothing`() throws {
        #expect(try self.shape(["1", "2"], ["1": "99", "2": "2"]) == ["0:1", "0:2"])
        #expect(try self.shape(["1", "2", "3"], ["1": "2", "2": "1"]) == ["0:3", "0:1", "0:2"])
    }

    @Test func `a deep tree is shown without recursion and with bounded indentation`() throws {
        let keys = (0..<5_000).map { String($0) }
        var parents: [String: String] = [:]
        for index in 1..<5_000 { parents[String(index)] = String(index - 1) }

        let tree = ElementTree(items: try self.items(keys), parents: parents)

        #expect(tree.lines.count == 5_000)
        #expect(tree.lines.last?.depth == ElementTree.depthLimit)
    }

    @Test func `the page of an instance shows what there is`() throws {
        func page(_ items: String, total: Int) throws -> SearchPage {
            try SearchPage(try JSONText.parse(Array(#"{"items":[\#(items)],"page":{"totalItems":\#(total)}}"#.utf8)))
        }
        let instance = """
            {"processInstanceKey":"225","processDefinitionId":"order","processDefinitionVersion":2,"state":"ACTIVE",
            "hasIncident":true,"startDate":"2026-03-01T12:00:00Z","endDate":null}
            """
        let details = InstanceDetails(
            instance: try JSONText.parse(Array(instance.utf8)),
            elements: try page(
                #"{"elementInstanceKey":"226","elementId":"Box","type":"SUB_PROCESS","state":"ACTIVE"},"#
                    + #"{"elementInstanceKey":"227","elementId":"Pay","type":"SERVICE_TASK","state":"ACTIVE","#
                    + #""hasIncident":true}"#,
                total: 2
            ),
            parents: ["227": "226"],
            variables: try page(#"{"name":"a","scopeKey":"225","value":"1","isTruncated":false}"#, total: 3),
            incidents: try page("", total: 0),
            jobs: try page("", total: 0),
            userTasks: try page("", total: 0)
        )

        #expect(
            details.lines(width: nil, style: .plain) == [
                "Process instance  225",
                "State             ACTIVE, with incident",
                "Process           order, version 2",
                "Started           2026-03-01 12:00:00Z",
                "",
                "Elements",
                "  ELEMENT  TYPE          STATE     KEY  STARTED  ENDED",
                "  Box      SUB_PROCESS   ACTIVE    226",
                "    Pay    SERVICE_TASK  ACTIVE !  227",
                "",
                "Variables",
                "  NAME  SCOPE  VALUE",
                "  a     225    1",
                "  and 2 more (see --limit)",
            ]
        )
    }
}

@Suite struct ClusterStatusTests {
    private func node(_ id: Int, _ partitions: String) -> String {
        """
        {"nodeId":\(id),"brokerId":"\(id)","host":"10.0.0.\(id)","port":26501,"version":"1.0.0","partitions":[\(partitions)]}
        """
    }

    private func partition(_ id: Int, _ role: String, _ health: String = "healthy") -> String {
        #"{"partitionId":\#(id),"role":"\#(role)","health":"\#(health)","state":"active"}"#
    }

    private func status(
        _ nodes: [String],
        code: Int = 204,
        size: Int = 3,
        partitions: Int = 1,
        incidents: Int? = 0
    ) throws -> ClusterStatus {
        let text = """
            {"brokers":[\(nodes.joined(separator: ","))],"clusterSize":\(size),"partitionsCount":\(partitions),
            "replicationFactor":3,"gatewayVersion":"1.0.0"}
            """
        return ClusterStatus(
            address: "http://h:1",
            statusCode: code,
            topology: try JSONText.parse(Array(text.utf8)),
            counts: [
                .init(title: "Active instances", name: "activeInstances", value: 12_345, hint: "h", isTrouble: false),
                .init(title: "Open incidents", name: "openIncidents", value: incidents, hint: "see", isTrouble: true),
            ]
        )
    }

    @Test func `three nodes with a leader are healthy`() throws {
        let status = try self.status([
            self.node(0, self.partition(1, "leader")), self.node(1, self.partition(1, "follower")),
            self.node(2, self.partition(1, "follower")),
        ])

        #expect(status.verdict == .healthy)
        #expect(
            status.lines(width: nil, style: .plain) == [
                "HEALTHY  http://h:1, version 1.0.0",
                "",
                "NODE  ADDRESS         VERSION  PARTITION  ROLE      HEALTH   STATE",
                "0     10.0.0.0:26501  1.0.0            1  leader    healthy  active",
                "1     10.0.0.1:26501  1.0.0            1  follower  healthy  active",
                "2     10.0.0.2:26501  1.0.0            1  follower  healthy  active",
                "",
                "Active instances  12,345",
                "Open incidents         0",
            ]
        )
    }

    @Test func `a missing node or a sick follower degrades`() throws {
        let missing = try self.status([
            self.node(0, self.partition(1, "leader")), self.node(1, self.partition(1, "follower")),
        ])
        let sick = try self.status(
            [self.node(0, self.partition(1, "leader")), self.node(1, self.partition(1, "follower", "dead"))],
            size: 2
        )

        #expect(missing.verdict == .degraded)
        #expect(missing.findings.map { $0.text } == ["1 of 3 nodes are missing"])
        #expect(sick.findings.map { $0.text } == ["partition 1 is dead on node 1"])
    }

    @Test func `no leader, a sick leader, a lost partition or a refusing server are unhealthy`() throws {
        let leaderless = try self.status([self.node(0, self.partition(1, "follower"))], size: 1)
        let sick = try self.status([self.node(0, self.partition(1, "leader", "unhealthy"))], size: 1)
        let lost = try self.status([self.node(0, self.partition(1, "leader"))], size: 1, partitions: 2)
        let refusing = try self.status([self.node(0, self.partition(1, "leader"))], code: 503, size: 1)

        #expect(leaderless.findings.map { $0.text } == ["partition 1 has no leader"])
        #expect(sick.verdict == .unhealthy)
        #expect(lost.findings.map { $0.text } == ["1 of 2 partitions are on no known node"])
        #expect(refusing.verdict == .unhealthy)
    }

    @Test func `trouble points to the command that shows more, an unknown number says so`() throws {
        let node = self.node(0, self.partition(1, "leader"))

        #expect(
            try self.status([node], size: 1, incidents: 3).lines(width: nil, style: .plain).last
                == "Open incidents         3  see"
        )
        #expect(
            try self.status([node], size: 1, incidents: nil).lines(width: nil, style: .plain).last
                == "Open incidents    unknown"
        )
    }

    @Test func `only an unhealthy cluster fails the command, a degraded one when asked`() {
        #expect(!StatusCommand.isFailure(.healthy, isStrict: true))
        #expect(!StatusCommand.isFailure(.degraded, isStrict: false))
        #expect(StatusCommand.isFailure(.degraded, isStrict: true))
        #expect(StatusCommand.isFailure(.unhealthy, isStrict: false))
    }

    @Test func `the document holds verdict, findings and numbers`() throws {
        let document = try self.status([], code: 503, size: 0, partitions: 0, incidents: nil).document

        #expect(document.text("verdict") == "unhealthy")
        #expect(document.member("counts")?.member("activeInstances")?.integerValue == 12_345)
        #expect(document.member("counts")?.objectValue?["openIncidents"] == .null)
    }
}
