import JSON

/// What an operator asks of a cluster.
extension APIRequest {
    /// Longer than the server waits for a change to be carried out, because its answer says more.
    private static let changeTimeout: Duration = .seconds(45)

    static let clusterStatus = APIRequest(
        method: .get,
        root: ownRoot,
        path: "/cluster/status",
        timeout: .seconds(5),
        subject: "the cluster's status"
    )
    static let clusterMembers = APIRequest(
        method: .get,
        root: ownRoot,
        path: "/cluster/members",
        timeout: .seconds(5),
        subject: "the cluster's members"
    )

    static func addMember(_ node: NodeArgument, address: String) -> APIRequest {
        var body = JSONFields()
        body["nodeId"] = .integer(node.number)
        body["address"] = .string(address)
        return change(.post, "/cluster/members", body.value, subject: "node \(node)")
    }

    static func promoteMember(_ node: NodeArgument) -> APIRequest {
        change(.post, "/cluster/members/\(node)/promote", JSONFields().value, subject: "node \(node)")
    }

    static func removeMember(_ node: NodeArgument) -> APIRequest {
        change(.delete, "/cluster/members/\(node)", nil, subject: "node \(node)")
    }

    /// `node` nil: whoever is furthest.
    static func transferLeadership(to node: NodeArgument?) -> APIRequest {
        var body = JSONFields()
        body["nodeId"] = node.map { .integer($0.number) } ?? .null
        let subject = node.map { "leadership of node \($0)" } ?? "leadership"
        return change(.post, "/cluster/transfer-leadership", body.value, subject: subject)
    }

    private static func change(_ method: Method, _ path: String, _ body: JSONValue?, subject: String) -> APIRequest {
        APIRequest(
            method: method,
            root: ownRoot,
            path: path,
            body: body.map { .json($0) } ?? .none,
            timeout: changeTimeout,
            subject: subject
        )
    }
}
