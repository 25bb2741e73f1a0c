/// One strike of a fault: what was done when, and how it is known that it took effect.
package struct FaultRecord: Hashable, Sendable {
    /// Something seen from outside.
    package struct Proof: Hashable, Sendable {
        package var text: String
        package var holds: Bool

        package init(_ text: String, holds: Bool) {
            self.text = text
            self.holds = holds
        }
    }

    package var kind: FaultKind
    /// To whom, in words.
    package var target: String
    /// Places of the nodes, from 0.
    package var nodes: [Int]
    /// Seconds since the drill began.
    package var began: Double
    /// When it was undone.
    package var ended: Double?
    /// The moment from which the next acknowledged command is awaited.
    package var recoveryBase: Double
    package var proofs: [Proof] = []
    /// Why it could not be done or undone as planned.
    package var failure: String?

    package var isProven: Bool { self.failure == nil && !self.proofs.isEmpty && self.proofs.allSatisfy { $0.holds } }

    package init(kind: FaultKind, target: String, nodes: [Int], began: Double) {
        self.kind = kind
        self.target = target
        self.nodes = nodes
        self.began = began
        self.recoveryBase = began
    }

    mutating func prove(_ text: String, _ holds: Bool) { self.proofs.append(Proof(text, holds: holds)) }
}
