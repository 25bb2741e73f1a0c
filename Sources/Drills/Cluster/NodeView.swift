import JSON

/// What a node says about itself.
struct NodeView: Hashable, Sendable {
    enum Role: String, Hashable, Sendable {
        case leader, follower, candidate, learner, none
        /// It does not answer.
        case away
    }

    /// One group as the node sees it.
    struct Group: Hashable, Sendable {
        var group: Int64
        var role: Role
        /// The node it takes for the leader; nil when it knows none.
        var leader: Int64?
        var term: Int64
        var appliedIndex: Int64
        var digest: String?
    }

    var nodeID: Int64?
    var groups: [Group]
    var isReachable: Bool

    static let away = NodeView(nodeID: nil, groups: [], isReachable: false)

    /// The group that runs instances; group 0 keeps the cluster's own state.
    var main: Group? { self.groups.first { $0.group == 1 } ?? self.groups.first }

    var role: Role { self.isReachable ? self.main?.role ?? .none : .away }

    /// Asks a node; a server without a cluster tells by its topology.
    static func ask(_ connection: HTTPConnection) -> NodeView {
        guard let reply = try? connection.send(.get("/thalweg/v1/cluster/status")) else { return .away }
        if reply.status == 404 {
            guard let topology = try? connection.send(.get("/v2/topology")), topology.isSuccess else { return .away }
            return NodeView(topology: topology.json)
        }
        return reply.isSuccess ? NodeView(status: reply.json) : NodeView(nodeID: nil, groups: [], isReachable: true)
    }

    static func ask(_ address: NodeAddress, timeoutSeconds: Double = 1) -> NodeView {
        Self.ask(HTTPConnection(address, timeoutSeconds: timeoutSeconds))
    }

    /// From `GET /thalweg/v1/cluster/status`.
    init(status: JSONValue) {
        let groups = (status["groups"].arrayValue ?? []).map { item in
            Group(
                group: item.integer("group") ?? item.integer("groupId") ?? -1,
                role: item["isLeader"].boolValue == true ? .leader : Role(rawValue: item.text("role")) ?? .none,
                leader: item.integer("leader"),
                term: item.integer("term") ?? 0,
                appliedIndex: item.integer("appliedIndex") ?? 0,
                digest: item["digest"].stringValue
            )
        }
        self.init(nodeID: status.integer("nodeId"), groups: groups, isReachable: true)
    }

    /// From `GET /v2/topology` of a server alone.
    init(topology: JSONValue) {
        let broker = topology["brokers"].arrayValue?.first ?? .null
        let groups = (broker["partitions"].arrayValue ?? []).map { item in
            Group(
                group: item.integer("partitionId") ?? -1,
                role: Role(rawValue: item.text("role")) ?? .none,
                leader: broker.integer("nodeId"),
                term: 0,
                appliedIndex: 0,
                digest: nil
            )
        }
        self.init(nodeID: broker.integer("nodeId"), groups: groups, isReachable: true)
    }

    init(nodeID: Int64?, groups: [Group], isReachable: Bool) {
        self.nodeID = nodeID
        self.groups = groups
        self.isReachable = isReachable
    }
}
