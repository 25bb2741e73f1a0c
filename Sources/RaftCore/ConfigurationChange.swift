/// A change of the members of a group (Raft thesis, chapter 4).
///
/// A change of one voter is applied at once unless the transition asks otherwise; every other change enters a joint
/// configuration first, in which majorities of the old and the new voters must agree, and leaves it by a second entry.
package struct ConfigurationChange: Hashable, Sendable {
    /// What happens to one node.
    package enum Operation: UInt8, Hashable, Sendable {
        case addVoter = 0
        case remove = 1
        /// Changes nothing here; carries `context` to the host.
        case update = 2
        case addLearner = 3
    }

    /// One node and what happens to it.
    package struct Step: Hashable, Sendable {
        package var operation: Operation
        package var node: NodeID

        package init(_ operation: Operation, _ node: NodeID) {
            self.operation = operation
            self.node = node
        }
    }

    /// How the change takes effect.
    package enum Transition: UInt8, Hashable, Sendable {
        /// Directly where a single step allows it, otherwise joint and left by the leader.
        case automatic = 0
        /// Always joint, left by the leader.
        case jointImplicit = 1
        /// Always joint, left when the host proposes `leaveJoint`.
        case jointExplicit = 2
    }

    package var transition: Transition
    package var steps: [Step]
    /// Bytes for the host, for example the address of a new node.
    package var context: [UInt8]

    package init(_ steps: [Step], transition: Transition = .automatic, context: [UInt8] = []) {
        self.steps = steps
        self.transition = transition
        self.context = context
    }

    /// Leaves a joint configuration.
    package static let leaveJoint = ConfigurationChange([])

    var leavesJoint: Bool { self.transition == .automatic && self.steps.isEmpty }

    /// Whether the change enters a joint configuration, and if so whether the leader leaves it by itself.
    var joint: (isNeeded: Bool, autoLeave: Bool) {
        switch self.transition {
        case .automatic: (self.steps.count > 1, self.steps.count > 1)
        case .jointImplicit: (true, true)
        case .jointExplicit: (true, false)
        }
    }
}

/// Why a change of members cannot be made.
package enum ConfigurationChangeError: Error, Hashable, Sendable {
    case alreadyJoint
    case notJoint
    case simpleChangeInJointConfiguration
    case zeroVoterConfiguration
    case moreThanOneVoterChanged
    case removedAllVoters
    case tooManyMembers
    /// The entry's payload is not a change.
    case malformed
    /// The members are known as of a later entry already.
    case superseded
}

extension ConfigurationChange {
    private static let version: UInt8 = 1
    private static let maxSteps = 1_024

    /// The payload of an entry of kind `configurationChangeV2`. Leaving a joint configuration without a context is
    /// the empty payload, so that no size limit can ever refuse it.
    package func encoded() -> [UInt8] {
        if self == .leaveJoint { return [] }
        var bytes: [UInt8] = [Self.version, self.transition.rawValue]
        bytes.append(UInt8(truncatingIfNeeded: self.steps.count))
        bytes.append(UInt8(truncatingIfNeeded: self.steps.count >> 8))
        for step in self.steps { Self.append(step, to: &bytes) }
        bytes.append(contentsOf: self.context)
        return bytes
    }

    /// The payload of an entry of kind `configurationChange`; nil when the change has not exactly one step or is
    /// joint.
    package func encodedAsSingleChange() -> [UInt8]? {
        guard self.steps.count == 1, self.transition == .automatic else { return nil }
        var bytes: [UInt8] = [Self.version]
        Self.append(self.steps[0], to: &bytes)
        bytes.append(contentsOf: self.context)
        return bytes
    }

    private static func append(_ step: Step, to bytes: inout [UInt8]) {
        bytes.append(step.operation.rawValue)
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: step.node.rawValue >> shift))
        }
    }

    /// Reads the change out of an entry.
    ///
    /// - Throws: `malformed` when the entry is of another kind or its payload is not a change.
    package init(of entry: LogEntry) throws(ConfigurationChangeError) {
        let bytes = entry.payload
        switch entry.kind {
        case .normal:
            throw .malformed
        case .configurationChange:
            guard bytes.count >= 10, bytes[0] == Self.version else { throw .malformed }
            let step = try Self.step(in: bytes, at: 1)
            self.init([step], context: Array(bytes[10...]))
        case .configurationChangeV2:
            if bytes.isEmpty {
                self = .leaveJoint
                return
            }
            guard bytes.count >= 4, bytes[0] == Self.version else { throw .malformed }
            guard let transition = Transition(rawValue: bytes[1]) else { throw .malformed }
            let count = Int(bytes[2]) | Int(bytes[3]) << 8
            guard count <= Self.maxSteps, bytes.count >= 4 + count * 9 else { throw .malformed }
            var steps: [Step] = []
            for position in 0..<count { steps.append(try Self.step(in: bytes, at: 4 + position * 9)) }
            self.init(steps, transition: transition, context: Array(bytes[(4 + count * 9)...]))
        }
    }

    private static func step(in bytes: [UInt8], at start: Int) throws(ConfigurationChangeError) -> Step {
        guard let operation = Operation(rawValue: bytes[start]) else { throw .malformed }
        var node: UInt64 = 0
        for position in (1...8).reversed() { node = node << 8 | UInt64(bytes[start + position]) }
        return Step(operation, NodeID(node))
    }

    /// Whether the change fits its encoding.
    var isEncodable: Bool { self.steps.count <= Self.maxSteps }
}
