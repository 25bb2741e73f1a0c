/// How a vote stands.
package enum VoteResult: Hashable, Sendable {
    case pending
    case lost
    case won
}

/// A set of voters that decides by simple majority.
///
/// An empty set agrees to everything, so that it is neutral as one half of a joint quorum.
package struct MajorityQuorum: Hashable, Sendable {
    /// Sorted, without duplicates.
    package let voters: [NodeID]

    package init(_ voters: [NodeID]) { self.voters = voters }

    /// The number of voters that decide.
    package var size: Int { self.voters.count / 2 + 1 }

    /// The highest value that a majority has reached.
    ///
    /// - Parameter acknowledged: what a voter has reached; nil where nothing is known, which counts as zero.
    /// - Returns: `UInt64.max` for an empty set.
    package func committed(_ acknowledged: (NodeID) -> UInt64?) -> UInt64 {
        if self.voters.isEmpty { return .max }
        // Insertion into a descending list: groups are small, and no call is allocated for a closure.
        var values: [UInt64] = []
        values.reserveCapacity(self.voters.count)
        for voter in self.voters {
            let value = acknowledged(voter) ?? 0
            var position = values.count
            while position > 0, values[position - 1] < value { position -= 1 }
            values.insert(value, at: position)
        }
        return values[self.size - 1]
    }

    /// How the vote stands.
    ///
    /// - Parameter vote: a voter's answer, nil where there is none yet.
    package func result(_ vote: (NodeID) -> Bool?) -> VoteResult {
        if self.voters.isEmpty { return .won }
        var granted = 0
        var missing = 0
        for voter in self.voters {
            switch vote(voter) {
            case true?: granted += 1
            case false?: break
            case nil: missing += 1
            }
        }
        if granted >= self.size { return .won }
        return granted + missing >= self.size ? .pending : .lost
    }
}

/// Two sets of voters that both must agree: the quorum of a joint configuration (Raft thesis, section 4.3).
package struct JointQuorum: Hashable, Sendable {
    package let incoming: MajorityQuorum
    package let outgoing: MajorityQuorum

    package init(incoming: [NodeID], outgoing: [NodeID] = []) {
        self.incoming = MajorityQuorum(incoming)
        self.outgoing = MajorityQuorum(outgoing)
    }

    /// The highest value that a majority of both sets has reached.
    package func committed(_ acknowledged: (NodeID) -> UInt64?) -> UInt64 {
        min(self.incoming.committed(acknowledged), self.outgoing.committed(acknowledged))
    }

    /// Won when both sets grant, lost as soon as one refuses.
    package func result(_ vote: (NodeID) -> Bool?) -> VoteResult {
        let first = self.incoming.result(vote)
        let second = self.outgoing.result(vote)
        if first == second { return first }
        return first == .lost || second == .lost ? .lost : .pending
    }
}

extension ClusterConfiguration {
    package var quorum: JointQuorum { JointQuorum(incoming: self.voters, outgoing: self.votersOutgoing) }

    /// Whether a change is under way that needs majorities of both halves.
    package var isJoint: Bool { !self.votersOutgoing.isEmpty }

    /// Every voter of either half, sorted.
    package var allVoters: [NodeID] {
        self.isJoint ? NodeSet.union(self.voters, self.votersOutgoing) : self.voters
    }

    /// Every member, sorted.
    package var allMembers: [NodeID] { NodeSet.union(self.allVoters, self.learners) }

    /// Whether a node votes in either half.
    package func isVoter(_ node: NodeID) -> Bool {
        NodeSet.contains(self.voters, node) || NodeSet.contains(self.votersOutgoing, node)
    }

    /// Groups are small; larger member lists are refused.
    package static let maxMembers = 256

    /// Whether the lists are sorted, unique, bounded, free of zero and do not contradict each other.
    var isWellFormed: Bool {
        let lists = [self.voters, self.learners, self.votersOutgoing, self.learnersNext]
        for list in lists {
            guard list.count <= Self.maxMembers, list.first != NodeID(0) else { return false }
            guard zip(list, list.dropFirst()).allSatisfy({ $0 < $1 }) else { return false }
        }
        let learnersVote = self.learners.contains { self.isVoter($0) }
        let nextAreOutgoing = self.learnersNext.allSatisfy {
            NodeSet.contains(self.votersOutgoing, $0) && !NodeSet.contains(self.voters, $0)
        }
        return !learnersVote && nextAreOutgoing && !(self.isJoint && self.voters.isEmpty)
    }
}

/// Operations on sorted lists of nodes without duplicates.
enum NodeSet {
    static func contains(_ set: [NodeID], _ node: NodeID) -> Bool { set.contains(node) }

    static func insert(_ node: NodeID, into set: inout [NodeID]) {
        let position = set.firstIndex { $0 >= node } ?? set.count
        if position == set.count || set[position] != node { set.insert(node, at: position) }
    }

    static func remove(_ node: NodeID, from set: inout [NodeID]) { set.removeAll { $0 == node } }

    static func union(_ left: [NodeID], _ right: [NodeID]) -> [NodeID] {
        var result = left
        for node in right { Self.insert(node, into: &result) }
        return result
    }

    /// How many nodes are in exactly one of the two.
    static func differenceCount(_ left: [NodeID], _ right: [NodeID]) -> Int {
        left.filter { !right.contains($0) }.count + right.filter { !left.contains($0) }.count
    }
}
