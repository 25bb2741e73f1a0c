import ArgumentParser
import JSON

/// `cluster status`: is the cluster well, who leads, how far is this node?
struct ClusterStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show whether the cluster is well, its members, and its groups.",
        discussion: """
            All of it is what the server that was asked knows; when in doubt ask another one, too.

            HEALTHY: all is well. DEGRADED: requests are served, but a member is away or something needs a look. \
            UNHEALTHY: a group has no leader, or fewer than a majority of the voters are connected.

            BEHIND is how many decisions a member lacks, CLOCK how far its clock is off. Two nodes that applied the \
            same number of entries must have the same digest.

            The exit code is 1 when the cluster is unhealthy or the server cannot be reached.

            Example:
              thalweg cluster status --server http://10.0.0.1:8080

            With --json one JSON document is printed, with the members url, verdict, findings, status and members.
            """
    )

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await common.perform { session in
            let view: ClusterView
            do {
                view = try await session.clusterView()
            } catch let failure as ClientFailure {
                // As with `status`: one code for "not well", whatever the reason.
                throw ClientFailure(code: .refused, message: failure.message, status: failure.status)
            }
            try session.show(view.document) {
                view.lines(width: session.terminal.width, style: session.terminal.style)
            }
            if view.verdict == .unhealthy { throw ClientFailure(code: .refused, message: "") }
        }
    }
}

/// `cluster members`.
struct ClusterMembersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "members",
        abstract: "List the cluster's members.",
        discussion: """
            Example:
              thalweg cluster members --server http://10.0.0.1:8080

            With --json the server's answer is printed as one JSON document.
            """
    )

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await common.perform { session in
            let members = try await session.connection.send(.clusterMembers)
            let view = ClusterView(address: session.connection.address.base, status: .null, members: members)
            try session.show(members) {
                view.memberLines(width: session.terminal.width, style: session.terminal.style)
            }
        }
    }
}

/// `cluster add`.
struct ClusterAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a node that receives everything and has no vote yet.",
        discussion: """
            Mostly "thalweg cluster join" on the new node does this. A node id is never used a second time: whoever \
            replaces a lost node gets a new one.

            Example:
              thalweg cluster add 4=10.0.0.4:9301 --server http://10.0.0.1:8080

            With --json one JSON document is printed.
            """
    )

    @Argument(
        help: ArgumentHelp("The new node's id and the address the others reach it at.", valueName: "node=host:port"),
        transform: MemberArgument.argument
    )
    var member: MemberArgument

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await common.perform { session in
            let node = member.node
            try await session.connection.send(.addMember(node, address: member.address))
            try session.confirm(
                node,
                "added",
                "node \(node) at \(member.address) is a learner; start it, then: thalweg cluster promote \(node)"
            )
        }
    }
}

/// `cluster promote`.
struct ClusterPromoteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Give a learner its vote, once it has caught up.",
        discussion: """
            Waits until the learner is connected and has caught up: before that, its vote would only stand in the way. \
            Promoting a voter again does nothing.

            Examples:
              thalweg cluster promote 4 --server http://10.0.0.1:8080
              thalweg cluster promote 4 --no-wait

            With --json one JSON document is printed.
            """
    )

    @Argument(help: ArgumentHelp("The learner's id.", valueName: "node"), transform: NodeArgument.argument)
    var node: NodeArgument

    @Option(
        help: ArgumentHelp("How long to wait for it to catch up.", valueName: "duration"),
        transform: DurationArgument.argument
    )
    var timeout = DurationArgument(milliseconds: 600_000)

    @Flag(name: .customLong("no-wait"), help: "Fail at once if it has not caught up.")
    var isImpatient = false

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await common.perform { session in
            try await session.promote(node, within: isImpatient ? nil : timeout.duration)
        }
    }
}

/// `cluster remove`.
struct ClusterRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a member for good.",
        discussion: """
            For a node that is lost or retired. Its id and data folder are of no more use: whoever comes in its place \
            joins under a new id. A leader hands over first. A removal that would leave too few connected voters is \
            refused.

            Example:
              thalweg cluster remove 3 --server http://10.0.0.1:8080

            With --json one JSON document is printed.
            """
    )

    @Argument(help: ArgumentHelp("The member's id.", valueName: "node"), transform: NodeArgument.argument)
    var node: NodeArgument

    @Flag(name: .customLong("force"), help: "Ask for it even if too few voters seem to be connected.")
    var isForced = false

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await common.perform { session in
            if !isForced {
                let members = try await session.connection.send(.clusterMembers)
                let view = ClusterView(address: "", status: .null, members: members)
                if let objection = view.objection(toRemoving: node.number) {
                    throw ClientFailure.refused(
                        "\(objection); bring the others back first, or add --force if this view is wrong"
                    )
                }
            }
            _ = try await session.withProgress({ "removing node \(node)" }) {
                try await session.connection.send(.removeMember(node))
            }
            try session.confirm(node, "removed", "node \(node) is removed; stop it, and do not start it again")
        }
    }
}

/// `cluster transfer-leader`.
struct ClusterTransferLeaderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transfer-leader",
        abstract: "Hand the leadership of all groups to another voter.",
        discussion: """
            For maintenance, or to rehearse it. Nothing is lost meanwhile; stopping a node in order does the same by \
            itself.

            Examples:
              thalweg cluster transfer-leader --server http://10.0.0.1:8080
              thalweg cluster transfer-leader --to 2

            With --json one JSON document is printed.
            """
    )

    @Option(
        help: ArgumentHelp("Who shall lead. Default: whoever is furthest.", valueName: "node"),
        transform: NodeArgument.argument
    )
    var to: NodeArgument?

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await common.perform { session in
            let clock = ContinuousClock()
            let start = clock.now
            _ = try await session.withProgress({ "handing over" }) {
                try await session.connection.send(.transferLeadership(to: to))
            }
            let milliseconds = start.duration(to: clock.now).wholeMilliseconds
            let members = ClusterView.members(try await session.connection.send(.clusterMembers))
            let leaders = members.filter { !$0.leads.isEmpty }.map { $0.node }
            var fields = JSONFields()
            fields["result"] = .string("transferred")
            fields["milliseconds"] = .integer(milliseconds)
            fields["leaders"] = .array(leaders.map { .integer($0) })
            try session.show(fields.value) {
                let names = leaders.map { "node \($0)" }.joined(separator: " and ")
                return ["handed over within \(milliseconds) ms" + (names.isEmpty ? "" : "; \(names) leads")]
            }
        }
    }
}
