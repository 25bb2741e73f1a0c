import JSON

/// A node's way into a running cluster.
package struct ClusterJoin: Sendable {
    package var node: UInt64
    /// As its certificate says.
    package var clusterID: String
    /// Where the others reach it: `host:port`.
    package var address: String
    /// How long to wait until it runs and has caught up, to give it its vote then; nil leaves that to the operator.
    package var promotionTimeout: Duration?

    package init(node: UInt64, clusterID: String, address: String, promotionTimeout: Duration?) {
        self.node = node
        self.clusterID = clusterID
        self.address = address
        self.promotionTimeout = promotionTimeout
    }
}

extension CommonOptions {
    /// Asks a running cluster to take the node as a learner, formats its folder, and says what to do next. Every step
    /// may be repeated.
    ///
    /// - Parameters:
    ///   - dataFolder: for the advice how to start the node.
    ///   - format: gets the members the cluster has, and makes the node's data folder.
    package func join(
        _ wish: ClusterJoin,
        dataFolder: String,
        format: (_ members: [(node: UInt64, address: String)]) throws -> Void
    ) async throws {
        try await perform { session in
            guard let node = NodeArgument(String(wish.node)) else {
                throw ClientFailure.usage("Expected a node id from 1 to \(Int32.max), but got \(wish.node)")
            }
            let view = try await session.clusterView()
            let members = try Self.checked(wish, view, at: session.connection.address.base)
            let known = members.first { $0.node == node.number }
            if known == nil {
                _ = try await session.withProgress({ "asking the cluster to add node \(node)" }) {
                    try await session.connection.send(.addMember(node, address: wish.address))
                }
            }
            do {
                try format(members.map { (UInt64($0.node), $0.address) })
            } catch {
                throw ClientFailure.usage("\(error)")
            }
            let start = "thalweg serve --data \(dataFolder)"
            guard let timeout = wish.promotionTimeout else {
                try session.confirm(
                    node,
                    "added",
                    "node \(node) is a learner now. Start it with: \(start), then give it its vote with: "
                        + "thalweg cluster promote \(node) --server \(session.connection.address.base)"
                )
                return
            }
            Console.note("node \(node) is a learner now; start it with: \(start)")
            try await session.promote(node, within: timeout)
        }
    }

    /// The cluster's members, if it is the right cluster and the node can join it.
    private static func checked(
        _ wish: ClusterJoin,
        _ view: ClusterView,
        at server: String
    ) throws(ClientFailure) -> [ClusterView.Member] {
        let clusterID = view.status.text("clusterId")
        guard clusterID == wish.clusterID else {
            throw .refused(
                "Expected the server \(server) to be of cluster \(wish.clusterID), which the certificate is for, but "
                    + "it is of cluster \(TerminalText.sanitized(clusterID)); name another server or certificate folder"
            )
        }
        guard view.members.contains(where: { $0.hasVote && !$0.address.isEmpty }) else {
            throw .refused("Expected a cluster at \(server), but that is a single node, which others cannot join")
        }
        guard let known = view.members.first(where: { $0.node == Int(wish.node) }) else { return view.members }
        guard known.role == "learner", known.address == wish.address else {
            throw .refused(
                "Expected a node id that is new to the cluster, but node \(wish.node) is a \(known.role) at "
                    + "\(known.address) already; make a certificate with another id (an id is never used twice)"
            )
        }
        return view.members
    }
}
