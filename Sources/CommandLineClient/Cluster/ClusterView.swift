import JSON

/// A cluster's members and groups as one of its nodes sees them.
struct ClusterView: Equatable, Sendable {
    struct Member: Equatable, Sendable {
        let node: Int
        let address: String
        /// `voter`, `learner`, `joining` or `leaving`.
        let role: String
        let isConnected: Bool
        let leads: [Int]
        /// Entries by group; of the node that was asked, and of all where it leads; else empty.
        let lag: [(group: Int, entries: Int)]
        let clockOffsetMilliseconds: Int?

        /// The furthest it is behind in any group; nil when that is not known.
        var largestLag: Int? { lag.map(\.entries).max() }
        var hasVote: Bool { role == "voter" || role == "leaving" }

        init?(_ value: JSONValue) {
            guard let node = value.member("nodeId")?.integerValue else { return nil }
            self.node = node
            // What a server answers is somebody's input, and goes to a terminal.
            address = TerminalText.sanitized(value.text("address"))
            role = TerminalText.sanitized(value.text("role"))
            isConnected = value.member("isConnected")?.boolValue ?? false
            leads = (value.member("leads")?.arrayValue ?? []).compactMap(\.integerValue)
            lag = (value.member("lag")?.arrayValue ?? []).compactMap { item in
                guard let group = item.member("group")?.integerValue else { return nil }
                return (group, item.member("entries")?.integerValue ?? 0)
            }
            clockOffsetMilliseconds = value.member("clockOffsetMilliseconds")?.integerValue
        }

        static func == (left: Member, right: Member) -> Bool {
            left.node == right.node && left.address == right.address && left.role == right.role
                && left.isConnected == right.isConnected && left.leads == right.leads
                && left.lag.elementsEqual(right.lag, by: { $0 == $1 })
                && left.clockOffsetMilliseconds == right.clockOffsetMilliseconds
        }
    }

    /// A node whose clock is further off may not lead.
    static let clockOffsetLimitMilliseconds = 500

    let address: String
    let status: JSONValue
    let membersDocument: JSONValue
    let members: [Member]

    init(address: String, status: JSONValue, members: JSONValue) {
        self.address = address
        self.status = status
        membersDocument = members
        self.members = Self.members(members)
    }

    static func members(_ document: JSONValue) -> [Member] {
        (document.member("items")?.arrayValue ?? []).compactMap { Member($0) }
    }

    // MARK: Verdict

    /// What is wrong, worst first.
    var findings: [(verdict: ClusterStatus.Verdict, text: String)] {
        var severe: [String] = []
        var mild: [String] = []
        for group in groups where group.member("leader") == nil {
            severe.append("group \(group.digits("group")) has no leader that node \(status.digits("nodeId")) knows of")
        }
        let reason = TerminalText.sanitized(status.text("notReadyReason"))
        if !reason.isEmpty { severe.append("node \(status.digits("nodeId")) takes no commands: \(reason)") }
        let lag = TerminalText.sanitized(status.text("lagReason"))
        if !lag.isEmpty { mild.append(lag) }
        let voters = members.filter(\.hasVote)
        let connected = voters.count(where: \.isConnected)
        let majority = voters.count / 2 + 1
        if !voters.isEmpty, connected < majority {
            severe.append(
                "no quorum: \(connected) of \(voters.count) voters are connected, \(majority) are needed; "
                    + "start the others, searches with ?consistency=stale go on"
            )
        } else if voters.count > 1, connected == majority, connected < voters.count {
            mild.append("\(connected) of \(voters.count) voters are connected: the loss of one more stops the cluster")
        }
        for member in members {
            if !member.isConnected { mild.append("node \(member.node) is not connected (\(member.address))") }
            if let offset = member.clockOffsetMilliseconds, abs(offset) > Self.clockOffsetLimitMilliseconds {
                mild.append("the clock of node \(member.node) is \(offset) ms off; it may not lead")
            }
        }
        for member in members where member.role == "joining" || member.role == "leaving" {
            mild.append("a change of the members is under way: node \(member.node) is \(member.role)")
        }
        if !voters.isEmpty, voters.count.isMultiple(of: 2) {
            mild.append("\(voters.count) voters survive no more losses than \(voters.count - 1)")
        }
        return severe.map { (.unhealthy, $0) } + mild.map { (.degraded, $0) }
    }

    var verdict: ClusterStatus.Verdict { findings.first?.verdict ?? .healthy }

    /// Why removing a member would leave the cluster without a quorum; nil if it would not.
    func objection(toRemoving node: Int) -> String? {
        guard members.contains(where: { $0.node == node && $0.hasVote }) else { return nil }
        let rest = members.filter { $0.hasVote && $0.node != node }
        let connected = rest.count(where: \.isConnected)
        let majority = rest.count / 2 + 1
        if rest.isEmpty { return "node \(node) is the only voter" }
        guard connected < majority else { return nil }
        return "without node \(node) there are \(rest.count) voters, of which only \(connected) are connected and "
            + "\(majority) are needed: the cluster would stop"
    }

    private var groups: [JSONValue] { status.member("groups")?.arrayValue ?? [] }

    // MARK: Texts

    /// The whole answer as one JSON document.
    var document: JSONValue {
        var fields = JSONFields()
        fields["url"] = .string(address)
        fields["verdict"] = .string(verdict.rawValue.lowercased())
        fields["findings"] = .array(findings.map { .string($0.text) })
        fields["status"] = status
        fields["members"] = membersDocument.member("items") ?? .array([])
        return fields.value
    }

    func lines(width: Int?, style: TextStyle) -> [String] {
        let word: String
        switch verdict {
        case .healthy: word = style.good(verdict.rawValue)
        case .degraded: word = style.warning(verdict.rawValue)
        case .unhealthy: word = style.bad(verdict.rawValue)
        }
        let cluster = TerminalText.sanitized(status.text("clusterId"))
        let version = TerminalText.sanitized(status.text("version"))
        var lines = ["\(word)  cluster \(cluster), seen by node \(status.digits("nodeId")) (\(version))"]
        lines += findings.map { "  - " + $0.text }
        lines.append("")
        lines += memberLines(width: width, style: style)
        lines.append("")
        var table = Table([
            .number("GROUP"), .number("LEADER"), .text("THIS NODE"), .number("TERM"), .number("COMMITTED"),
            .number("APPLIED"), .number("BEHIND"), .number("HEARD"), .text("DIGEST"),
        ])
        for group in groups {
            let leader = group.digits("leader")
            let digest = group.text("digest")
            table.append([
                group.digits("group"), leader.isEmpty ? "none" : leader, group.text("role"), group.digits("term"),
                group.digits("commitIndex"), group.digits("appliedIndex"),
                group.member("behind")?.integerValue.map { TerminalText.grouped($0) } ?? "-",
                group.member("leaderSilenceMilliseconds")?.integerValue.map { "\($0) ms" } ?? "-",
                digest.isEmpty ? "-" : digest,
            ])
        }
        return lines + Self.styled(table, width: width, style: style)
    }

    func memberLines(width: Int?, style: TextStyle) -> [String] {
        var table = Table([
            .key("NODE"), .text("ADDRESS"), .text("ROLE"), .text("CONNECTED"), .text("LEADS"), .number("BEHIND"),
            .number("CLOCK"),
        ])
        for member in members {
            table.append([
                String(member.node), member.address.isEmpty ? "-" : member.address, member.role,
                member.isConnected ? "yes" : "no",
                member.leads.isEmpty ? "-" : member.leads.map { String($0) }.joined(separator: ","),
                member.largestLag.map { TerminalText.grouped($0) } ?? "-",
                member.clockOffsetMilliseconds.map { "\($0 > 0 ? "+" : "")\($0) ms" } ?? "-",
            ])
        }
        return Self.styled(table, width: width, style: style)
    }

    private static func styled(_ table: Table, width: Int?, style: TextStyle) -> [String] {
        let lines = table.lines(fitting: width)
        guard let heading = lines.first else { return [] }
        return [style.strong(heading)] + lines.dropFirst()
    }
}
