import RaftCore
import Synchronization

/// Which other nodes refuse this one because another has its identity: a process that runs from a copy of its data
/// folder, or a folder that they know under the same node id. As long as one does, this node serves nothing: what it
/// has may be old, and what it says would be taken for the word of the other.
final class IdentityConflict: Sendable {
    private struct State {
        var final: String?
        var refusals: [NodeID: String] = [:]

        var reason: String? {
            if let final {
                return "another process with this node's identity is connected, so this one serves nothing until it is "
                    + "started again (\(final))"
            }
            guard let first = refusals.min(by: { $0.key < $1.key }) else { return nil }
            return "this node's identity is taken, so it serves nothing (node \(first.key): \(first.value))"
        }
    }

    private let state = Mutex(State())

    /// Why nothing is served; nil when nobody refuses this node.
    var reason: String? { state.withLock { $0.reason } }

    /// - Parameter isFinal: whether only a new start may change it.
    /// - Returns: whether it is the first refusal.
    func refused(by node: NodeID, reason: String, isFinal: Bool) -> Bool {
        state.withLock { state in
            let isFirst = state.reason == nil
            if isFinal { state.final = "node \(node): \(reason)" } else { state.refusals[node] = reason }
            return isFirst
        }
    }

    /// What those said who are members no more counts no more.
    ///
    /// - Returns: whether nobody else refuses this node.
    func keepMembers(_ members: Set<NodeID>) -> Bool {
        state.withLock { state in
            let kept = state.refusals.filter { members.contains($0.key) }
            guard kept.count < state.refusals.count else { return false }
            state.refusals = kept
            return state.reason == nil
        }
    }

    /// The node talks to this one after all.
    ///
    /// - Returns: whether it was the last that refused.
    func accepted(by node: NodeID) -> Bool {
        state.withLock { state in
            guard state.refusals.removeValue(forKey: node) != nil else { return false }
            return state.reason == nil
        }
    }
}
