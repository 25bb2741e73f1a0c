package import Gateway

/// A node and where the others reach it.
package struct ClusterMember: Hashable, Sendable {
    package var node: UInt64
    package var address: NodeAddress

    package init(node: UInt64, address: NodeAddress) {
        self.node = node
        self.address = address
    }
}

/// What a data folder that was formatted for a cluster says about its node. The members it names are those of the
/// moment of formatting; who is a member now is replicated state.
package struct ClusterSettings: Hashable, Sendable {
    /// How the node came to its cluster.
    package enum Origin: String, Hashable, Sendable {
        /// The cluster began with it: `members` are all founders, this node among them. All founders name the same.
        case founder
        /// It was added to a running cluster and begins empty: `members` are those it knew then, without this node.
        case joiner
    }

    /// More members than this are taken for a mistake.
    package static let memberLimit = 64
    /// Clients of Camunda 8 read node ids as 32-bit integers.
    package static let nodeIDs: ClosedRange<UInt64> = 1...UInt64(Int32.max)

    /// 16 hexadecimal digits, as in the certificates.
    package var clusterID: String
    package var nodeID: UInt64
    /// The folder with `node.pem`, `node.key` and `ca.pem`; absolute.
    package var certificates: String
    /// Where the other nodes reach this one.
    package var address: NodeAddress
    /// Where this node listens for the others; differs from `address` behind address translation, or to listen on all.
    package var listen: NodeAddress
    package var origin: Origin
    /// Sorted by node.
    package var members: [ClusterMember]

    /// The settings of a founder, whose address is the one that `members` gives it.
    ///
    /// - Throws: `DataFolderError` that says what is wrong with the members.
    package init(
        founder nodeID: UInt64,
        clusterID: String,
        certificates: String,
        members: [ClusterMember],
        listen: NodeAddress? = nil
    ) throws {
        guard let own = members.first(where: { $0.node == nodeID }) else {
            let nodes = members.map { String($0.node) }.joined(separator: ", ")
            throw DataFolderError(
                "Expected node \(nodeID), which the certificate is for, among the members, but got the nodes \(nodes); "
                    + "use the certificate folder of one of them, or correct --members"
            )
        }
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.certificates = certificates
        self.address = own.address
        self.listen = listen ?? own.address
        self.origin = .founder
        self.members = members.sorted { $0.node < $1.node }
        try check()
    }

    /// The settings of a node that joins the cluster of `members`.
    ///
    /// - Throws: `DataFolderError` that says what is wrong with node, address or members.
    package init(
        joiner nodeID: UInt64,
        clusterID: String,
        certificates: String,
        address: NodeAddress,
        members: [ClusterMember],
        listen: NodeAddress? = nil
    ) throws {
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.certificates = certificates
        self.address = address
        self.listen = listen ?? address
        self.origin = .joiner
        self.members = members.filter { $0.node != nodeID }.sorted { $0.node < $1.node }
        try check()
    }

    /// What an operator should think over, though it is allowed.
    package var warnings: [String] {
        guard origin == .founder else { return [] }
        let count = members.count
        if count == 1 {
            return ["a cluster of one node survives the loss of none; add two more with 'thalweg cluster join'"]
        }
        if count.isMultiple(of: 2) {
            let majority = count / 2 + 1
            return [
                "\(count) voters need \(majority) for every decision and survive the loss of \(count - majority), "
                    + "which "
                    + "\(count - 1) do as well; take an odd number"
            ]
        }
        if count > 7 {
            return ["\(count) voters make every decision wait for \(count / 2 + 1) disks; five are enough for most"]
        }
        return []
    }

    /// Makes sure that a certificate is this node's.
    ///
    /// - Throws: `DataFolderError` if it belongs to another cluster or node.
    package func check(certificateCluster: String, certificateNode: UInt64) throws {
        guard certificateCluster == clusterID else {
            throw DataFolderError(
                "Expected the certificate in '\(certificates)' to be of cluster \(clusterID), which the data folder "
                    + "belongs to, but got one of cluster \(certificateCluster)"
            )
        }
        guard certificateNode == nodeID else {
            throw DataFolderError(
                "Expected the certificate in '\(certificates)' to be of node \(nodeID), which the data folder belongs "
                    + "to, but got one of node \(certificateNode)"
            )
        }
    }

    /// Reads members written as `1=host:port,2=host:port`.
    ///
    /// - Throws: `DataFolderError` that names the part that cannot be read.
    package static func members(_ text: String) throws -> [ClusterMember] {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count <= memberLimit else {
            throw DataFolderError("Expected at most \(memberLimit) members, but got \(parts.count)")
        }
        return try parts.map { try member($0) }
    }

    /// Reads one member written as `1=host:port`.
    package static func member(_ text: some StringProtocol) throws -> ClusterMember {
        let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, let node = node(halves[0]), let address = NodeAddress(halves[1]) else {
            throw DataFolderError(
                "Expected a member like '1=10.0.0.1:9301' (node id, address, port), but got '\(text.prefix(80))'"
            )
        }
        return ClusterMember(node: node, address: address)
    }

    private static func node(_ text: some StringProtocol) -> UInt64? {
        let isNumber = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber, text.first != "0", let node = UInt64(text), nodeIDs.contains(node) else { return nil }
        return node
    }

    /// What holds for every cluster, whether the settings were given or read.
    func check() throws {
        guard Self.isClusterID(clusterID) else {
            throw DataFolderError("Expected a cluster id of 16 hexadecimal digits, but got '\(clusterID.prefix(40))'")
        }
        for node in [nodeID] + members.map(\.node) where !Self.nodeIDs.contains(node) {
            let (first, last) = (Self.nodeIDs.lowerBound, Self.nodeIDs.upperBound)
            throw DataFolderError("Expected node ids from \(first) to \(last), but got \(node)")
        }
        guard certificates.hasPrefix("/"), !certificates.utf8.contains(0) else {
            throw DataFolderError("Expected the whole path of a certificate folder, but got '\(certificates)'")
        }
        guard (1...Self.memberLimit).contains(members.count) else {
            throw DataFolderError("Expected 1 to \(Self.memberLimit) members, but got \(members.count)")
        }
        var all = members
        if origin == .joiner { all.append(ClusterMember(node: nodeID, address: address)) }
        for (index, member) in all.enumerated() {
            if let other = all[..<index].first(where: { $0.node == member.node }) {
                throw DataFolderError(
                    "Expected every node once, but node \(member.node) is at \(other.address) and at \(member.address)"
                )
            }
            if let other = all[..<index].first(where: { $0.address == member.address }) {
                throw DataFolderError(
                    "Expected an address of its own for every node, but nodes \(other.node) and \(member.node) are "
                        + "both "
                        + "at \(member.address)"
                )
            }
            guard !["0.0.0.0", "::"].contains(member.address.host) else {
                throw DataFolderError(
                    "Expected an address under which others reach node \(member.node), but got \(member.address); to "
                        + "listen on all addresses use --listen"
                )
            }
        }
        guard origin == .joiner || members.contains(ClusterMember(node: nodeID, address: address)) else {
            throw DataFolderError("Expected node \(nodeID) at \(address) among the founders, but it is not")
        }
    }

    private static func isClusterID(_ text: String) -> Bool {
        text.utf8.count == 16
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}
