package import ProcessEngine
package import RaftCore

/// The members of a group as of an applied index, with where each is reached. Stored with that index, so that a
/// restarted replica knows whom it belongs to (`docs/internals/raft.md`, contract 4).
///
/// Stored form: version, auto-leave, four lists of node ids, then the addresses as pairs of node id and text.
package struct Membership: Hashable, Sendable {
    package static let version: UInt8 = 1
    /// More members than this in one list are taken for damage.
    package static let memberLimit = 64
    package static let addressByteLimit = 256

    package var configuration: ClusterConfiguration
    /// Sorted by node.
    package private(set) var addresses: [Address]

    /// Where a node is reached by other nodes: `host:port`.
    package struct Address: Hashable, Sendable {
        package var node: NodeID
        package var text: String

        package init(node: NodeID, text: String) {
            self.node = node
            self.text = text
        }
    }

    package init(configuration: ClusterConfiguration = ClusterConfiguration(), addresses: [Address] = []) {
        self.configuration = configuration
        self.addresses = addresses.sorted { $0.node < $1.node }
    }

    package func address(of node: NodeID) -> String? { addresses.first { $0.node == node }?.text }

    /// Takes over the members after a change; a node that is gone is forgotten, a new one comes with its address.
    package mutating func adopt(_ configuration: ClusterConfiguration, _ change: ConfigurationChange?) {
        self.configuration = configuration
        if let change, !change.context.isEmpty, change.context.count <= Membership.addressByteLimit {
            let added = change.steps.filter { $0.operation == .addLearner || $0.operation == .addVoter }
            if let node = added.first?.node {
                addresses.removeAll { $0.node == node }
                addresses.append(Address(node: node, text: String(decoding: change.context, as: UTF8.self)))
                addresses.sort { $0.node < $1.node }
            }
        }
        let members = configuration.allMembers
        addresses.removeAll { !members.contains($0.node) }
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 128)
        writer.write(Membership.version)
        writer.write(configuration.autoLeave)
        for list in [
            configuration.voters, configuration.learners, configuration.votersOutgoing, configuration.learnersNext,
        ] {
            writer.write(UInt64(list.count))
            for node in list { writer.write(node.rawValue) }
        }
        writer.write(UInt64(addresses.count))
        for address in addresses {
            writer.write(address.node.rawValue)
            writer.write(address.text)
        }
        return writer.bytes
    }

    /// - Throws: `DecodingFailure`. No bytes at all are a group without members: one that waits for a snapshot.
    package init(decoding bytes: [UInt8]) throws {
        self.init()
        guard !bytes.isEmpty else { return }
        var reader = ByteReader(bytes)
        let found = try reader.byte()
        guard found == Membership.version else {
            throw DecodingFailure("Expected members of version \(Membership.version), but got \(found)")
        }
        let autoLeave = try reader.bool()
        configuration = ClusterConfiguration(
            voters: try Membership.nodes(&reader),
            learners: try Membership.nodes(&reader),
            votersOutgoing: try Membership.nodes(&reader),
            learnersNext: try Membership.nodes(&reader),
            autoLeave: autoLeave
        )
        for _ in 0..<(try Membership.count(&reader)) {
            let node = NodeID(try reader.unsigned())
            addresses.append(Address(node: node, text: try reader.string()))
        }
        guard reader.isAtEnd else { throw DecodingFailure("Expected the end of the members, but got more bytes") }
    }

    private static func nodes(_ reader: inout ByteReader) throws -> [NodeID] {
        let count = try count(&reader)
        var nodes: [NodeID] = []
        for _ in 0..<count { nodes.append(NodeID(try reader.unsigned())) }
        return nodes
    }

    private static func count(_ reader: inout ByteReader) throws -> Int {
        let count = try reader.unsigned()
        guard count <= memberLimit else {
            throw DecodingFailure("Expected at most \(memberLimit) members, but got \(count)")
        }
        return Int(count)
    }
}

/// A change of the members that an operator asks for.
package enum MemberChange: Hashable, Sendable {
    /// A node that receives everything and has no vote. Every node begins as one.
    case addLearner(NodeID, address: String)
    /// Gives a learner its vote.
    case promote(NodeID)
    case remove(NodeID)
    /// One voter for another in a single step, through a joint configuration.
    case replaceVoter(NodeID, by: NodeID)
    /// Leaves a joint configuration that does not end by itself.
    case leaveJoint

    var configurationChange: ConfigurationChange {
        switch self {
        case .addLearner(let node, let address):
            ConfigurationChange([.init(.addLearner, node)], context: Array(address.utf8))
        case .promote(let node): ConfigurationChange([.init(.addVoter, node)])
        case .remove(let node): ConfigurationChange([.init(.remove, node)])
        case .replaceVoter(let old, let new): ConfigurationChange([.init(.addVoter, new), .init(.remove, old)])
        case .leaveJoint: .leaveJoint
        }
    }
}

/// How a group begins: every founder has, without having received it, a state that names the founders as of index 1.
package enum Founding {
    package static let index = LogIndex(1)
    package static let term = Term(1)

    package static func snapshot(_ members: Membership) -> SnapshotMetadata {
        SnapshotMetadata(index: index, term: term, configuration: members.configuration)
    }

    /// Brings an empty state to the founding index. A state that has gone further is left alone.
    package static func prepare(_ state: any TransactionalState, members: Membership) throws {
        guard state.position.appliedIndex == 0 else { return }
        try state.begin()
        try state.setMembership(members.encoded())
        try state.commit(StatePosition(appliedIndex: index.rawValue, appliedTerm: term.rawValue))
    }
}
