import JSON

/// The cluster's condition, judged from what one server answered.
struct ClusterStatus: Equatable, Sendable {
    /// The verdict; only ``unhealthy`` means that requests fail.
    enum Verdict: String, Equatable, Sendable {
        case healthy = "HEALTHY"
        /// Works, but has less redundancy than it should.
        case degraded = "DEGRADED"
        case unhealthy = "UNHEALTHY"
    }

    /// How many of something there are; nil where the server did not say.
    struct Count: Equatable, Sendable {
        let title: String
        let name: String
        let value: Int?
        /// The command that shows more.
        let hint: String
        /// Whether any at all needs attention.
        let isTrouble: Bool
    }

    let address: String
    /// HTTP status of `/status`: 204 healthy, 503 not; anything else says nothing.
    let statusCode: Int
    let topology: JSONValue
    let counts: [Count]

    /// What is wrong, worst first.
    var findings: [(verdict: Verdict, text: String)] {
        var severe: [String] = []
        var mild: [String] = []
        if self.statusCode == 503 { severe.append("the server says that it cannot serve requests") }
        let partitions = self.partitions
        let expected = self.topology.member("partitionsCount")?.integerValue ?? 0
        let ids = partitions.map { $0.id }
        var previous: Int?
        for id in ids.sorted() where id != previous {
            previous = id
            let replicas = partitions.filter { $0.id == id }
            if !replicas.contains(where: { $0.role == "leader" }) { severe.append("partition \(id) has no leader") }
        }
        let seen = Set(ids).count
        if seen < expected { severe.append("\(expected - seen) of \(expected) partitions are on no known node") }
        for replica in partitions where replica.health == "unhealthy" || replica.health == "dead" {
            let text = "partition \(replica.id) is \(replica.health) on node \(replica.node)"
            if replica.role == "leader" { severe.append(text) } else { mild.append(text) }
        }
        let size = self.topology.member("clusterSize")?.integerValue ?? 0
        let present = self.nodes.count
        if present < size { mild.append("\(size - present) of \(size) nodes are missing") }
        return severe.map { (.unhealthy, $0) } + mild.map { (.degraded, $0) }
    }

    var verdict: Verdict { self.findings.first?.verdict ?? .healthy }

    private var nodes: [JSONValue] { self.topology.member("brokers")?.arrayValue ?? [] }

    private struct Replica {
        let node: String
        let id: Int
        let role: String
        let health: String
        let state: String
    }

    private var partitions: [Replica] {
        self.nodes.flatMap { node in Self.replicas(of: node) }
    }

    private static func replicas(of node: JSONValue) -> [Replica] {
        (node.member("partitions")?.arrayValue ?? []).map { item in
            Replica(
                node: Self.name(of: node),
                id: item.member("partitionId")?.integerValue ?? 0,
                role: item.text("role"),
                health: item.text("health"),
                state: item.text("state")
            )
        }
    }

    private static func name(of node: JSONValue) -> String {
        let name = node.text("brokerId")
        return TerminalText.sanitized(name.isEmpty ? node.digits("nodeId") : name)
    }

    /// The whole answer as one JSON document.
    var document: JSONValue {
        var counts = JSONFields()
        for count in self.counts { counts[count.name] = count.value.map { .integer($0) } ?? .null }
        var fields = JSONFields()
        fields["url"] = .string(self.address)
        fields["verdict"] = .string(self.verdict.rawValue.lowercased())
        fields["findings"] = .array(self.findings.map { .string($0.text) })
        fields["counts"] = counts.value
        fields["topology"] = self.topology
        return fields.value
    }

    /// The page for people: verdict and findings first, since that is what somebody who was woken up looks for.
    func lines(width: Int?, style: TextStyle) -> [String] {
        let verdict: String
        switch self.verdict {
        case .healthy: verdict = style.good(Verdict.healthy.rawValue)
        case .degraded: verdict = style.warning(Verdict.degraded.rawValue)
        case .unhealthy: verdict = style.bad(Verdict.unhealthy.rawValue)
        }
        var lines = ["\(verdict)  \(self.address)\(self.versionText)"]
        lines += self.findings.map { "  - " + $0.text }
        lines += self.nodeLines(width: width, style: style)
        lines.append("")
        let titleWidth = self.counts.map { TerminalText.width(of: $0.title) }.max() ?? 0
        let values = self.counts.map { $0.value.map { TerminalText.grouped($0) } ?? "unknown" }
        let valueWidth = values.map { $0.count }.max() ?? 0
        for (count, value) in zip(self.counts, values) {
            let isTrouble = count.isTrouble && (count.value ?? 0) > 0
            let cell = TerminalText.padded(value, to: valueWidth, isRight: true)
            let title = TerminalText.padded(count.title, to: titleWidth)
            lines.append("\(title)  \(isTrouble ? style.bad(cell) : cell)\(isTrouble ? "  \(count.hint)" : "")")
        }
        return lines
    }

    private var versionText: String {
        let version = self.topology.text("gatewayVersion")
        return version.isEmpty ? "" : TerminalText.sanitized(", version \(version)")
    }

    private func nodeLines(width: Int?, style: TextStyle) -> [String] {
        var table = Table([
            .key("NODE"), .text("ADDRESS"), .text("VERSION"), .number("PARTITION"), .text("ROLE"), .text("HEALTH"),
            .text("STATE"),
        ])
        for node in self.nodes {
            let address = "\(node.text("host")):\(node.digits("port"))"
            let facts = [Self.name(of: node), address, node.text("version")]
            let replicas = Self.replicas(of: node)
            if replicas.isEmpty { table.append(facts + ["-"]) }
            for (index, replica) in replicas.enumerated() {
                let left = index == 0 ? facts : ["", "", ""]
                table.append(left + [String(replica.id), replica.role, replica.health, replica.state])
            }
        }
        let lines = table.lines(fitting: width)
        guard let heading = lines.first else { return [] }
        return ["", style.strong(heading)] + lines.dropFirst()
    }
}
