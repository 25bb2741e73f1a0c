package import ProcessEngine

/// What became of a command.
package enum CommandOutcome: Hashable, Sendable {
    /// Carried out, committed and durable. `Answer.rejected` is a refusal: nothing changed.
    case answered(Answer)
    /// Surely not executed; may be sent again (HTTP 503).
    case unavailable(reason: String)
    /// Unknown whether it was, or will be, executed (HTTP 504).
    case deadlineExceeded(reason: String)
    /// Executing it failed by a fault of ours; nothing changed (HTTP 500).
    case failed(reason: String)
    /// The same idempotency key came with another request (HTTP 409).
    case conflictingRequest(reason: String)
}

/// How a command is to be handled on its way.
package struct RequestOptions: Hashable, Sendable {
    /// Chosen by the client; a repeated request with it gets the first answer. At most 256 bytes.
    package var idempotencyKey: String?
    /// How long the caller waits for the answer.
    package var timeout: Duration
    /// For `activateJobs`: how long to wait for jobs when there are none; nil answers at once.
    package var longPolling: Duration?

    package init(idempotencyKey: String? = nil, timeout: Duration = .seconds(10), longPolling: Duration? = nil) {
        self.idempotencyKey = idempotencyKey
        self.timeout = timeout
        self.longPolling = longPolling
    }
}

/// Takes commands to the leader of their group and brings the answers back.
package protocol CommandGateway: Sendable {
    func submit(_ command: Command, options: RequestOptions) async -> CommandOutcome
}

/// Why a query could not be answered.
package struct QueryError: Error, Hashable, Sendable {
    package enum Code: Hashable, Sendable {
        /// It took longer than allowed.
        case timeLimit
        /// The node cannot answer now; may be sent again.
        case unavailable
        case failed
    }

    package let code: Code
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

/// Answers queries from this node's own committed state.
package protocol QueryGateway: Sendable {
    func search(_ request: SearchRequest, consistency: ReadConsistency) async throws -> SearchPage
    /// The row with this key, wherever it is kept.
    func row(_ view: ViewKind, key: Key, consistency: ReadConsistency) async throws -> ViewRow?
    /// The resource a definition was deployed with.
    func definitionXML(_ key: Key, consistency: ReadConsistency) async throws -> [UInt8]?
}

/// How a query is to be answered.
package enum ReadConsistency: Hashable, Sendable {
    /// Shows everything that was answered before the query came.
    case linearizable
    /// Whatever this node has, also without a leader.
    case stale
}

/// One group as seen from this node.
package struct GroupStatus: Hashable, Sendable {
    package var group: UInt32
    package var isLeader: Bool
    /// The node that leads, as far as this node knows.
    package var leader: UInt64? = nil
    /// What this node is in the group: `leader`, `follower`, `candidate`, `learner` or `none`.
    package var role = ""
    /// What this node's state comes to at its applied index, for comparison between nodes; 32 hexadecimal digits.
    package var digest: String? = nil
    package var isHealthy: Bool
    package var term: UInt64
    package var commitIndex: UInt64
    package var appliedIndex: UInt64
    /// How many committed entries this node does not have in its state yet, as far as it knows; zero for a leader.
    package var behind: UInt64 = 0
    /// For how long this node has not heard of a leader, in milliseconds; nil for the leader itself, and before the
    /// first.
    package var leaderSilenceMilliseconds: Int64?

    package init(
        group: UInt32,
        isLeader: Bool,
        isHealthy: Bool,
        term: UInt64,
        commitIndex: UInt64,
        appliedIndex: UInt64
    ) {
        self.group = group
        self.isLeader = isLeader
        self.isHealthy = isHealthy
        self.term = term
        self.commitIndex = commitIndex
        self.appliedIndex = appliedIndex
    }
}

/// The cluster as seen from this node.
package struct ClusterStatus: Hashable, Sendable {
    package var clusterID: String
    package var nodeID: UInt64
    package var host: String
    package var port: Int
    package var version: String
    package var groups: [GroupStatus]

    package init(clusterID: String, nodeID: UInt64, host: String, port: Int, version: String, groups: [GroupStatus]) {
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.host = host
        self.port = port
        self.version = version
        self.groups = groups
    }
}

/// Tells how the node is.
package protocol StatusGateway: Sendable {
    func clusterStatus() async -> ClusterStatus
    /// Nil when the node can take commands, else why not.
    func notReadyReason() async -> String?
    /// Nil unless this node is so far behind its leaders, or has not heard of them for so long, that its reads wait.
    func lagReason() async -> String?
    /// All metrics in the Prometheus text format.
    func metricsText() async -> String
}

/// A change of the cluster's members that an operator asks for.
package enum ClusterChange: Hashable, Sendable {
    /// A node that receives everything and has no vote yet; `address` is `host:port` for other nodes.
    case addLearner(node: UInt64, address: String)
    /// Gives a learner that has caught up its vote.
    case promote(node: UInt64)
    case remove(node: UInt64)
}

/// What became of an operator's wish.
package enum AdministrationOutcome: Hashable, Sendable {
    case done
    /// It cannot be done as things are; says why and what to do (HTTP 409).
    case impossible(reason: String)
    /// It cannot be done yet and can be asked again unchanged: the learner has not caught up (HTTP 409, title
    /// `NOT_CAUGHT_UP`).
    case tooEarly(reason: String)
    /// It cannot be done now; may be asked again (HTTP 503).
    case unavailable(reason: String)
    /// Unknown whether it was done; look at the members (HTTP 504).
    case unknown(reason: String)
}

/// One member of the cluster as seen from this node.
package struct MemberStatus: Hashable, Sendable {
    package var node: UInt64
    /// `host:port` for other nodes.
    package var address: String
    /// `voter`, `learner`, or `joining` and `leaving` while a change is under way.
    package var role: String
    /// Whether this node is connected to it (true for itself).
    package var isConnected: Bool
    /// The groups it leads.
    package var leads: [UInt32]
    /// By group: how many committed entries it does not have yet, as its leader, or for the node that is asked the node
    /// itself, knows; nil where neither is this node.
    package var lag: [UInt32: UInt64]
    /// How far its clock is from this node's, in milliseconds; nil when unknown.
    package var clockOffsetMilliseconds: Int64?

    package init(
        node: UInt64,
        address: String,
        role: String,
        isConnected: Bool,
        leads: [UInt32] = [],
        lag: [UInt32: UInt64] = [:],
        clockOffsetMilliseconds: Int64? = nil
    ) {
        self.node = node
        self.address = address
        self.role = role
        self.isConnected = isConnected
        self.leads = leads
        self.lag = lag
        self.clockOffsetMilliseconds = clockOffsetMilliseconds
    }
}

/// Looks after the members of the cluster. Every node takes wishes and passes them on to the leader.
package protocol ClusterAdministration: Sendable {
    /// In the order of node ids.
    func members() async -> [MemberStatus]
    /// Changes all groups, one after the other; asking again for what is done already is `done`.
    func change(_ change: ClusterChange, timeout: Duration) async -> AdministrationOutcome
    /// Hands the leadership of all groups to a voter; nil is whoever is furthest.
    func transferLeadership(to node: UInt64?, timeout: Duration) async -> AdministrationOutcome
}
