import Synchronization

/// The conditions of all links, as senders on any thread look them up.
final class LinkTable: Sendable {
    private struct State {
        var conditions: [[LinkCondition]]
        var random = SeededGenerator(seed: 20_260)
    }

    /// What happens to one packet.
    enum Fate: Hashable, Sendable {
        case passed
        case dropped
        /// Goes on later, in nanoseconds.
        case delayed(Int64)
    }

    private let state: Mutex<State>

    init(nodes: Int) {
        let row = [LinkCondition](repeating: .good, count: nodes)
        self.state = Mutex(State(conditions: [[LinkCondition]](repeating: row, count: nodes)))
    }

    func set(_ condition: LinkCondition, from: Int, to: Int) {
        self.state.withLock { $0.conditions[from][to] = condition }
    }

    func condition(from: Int, to: Int) -> LinkCondition { self.state.withLock { $0.conditions[from][to] } }

    /// Decides for one packet.
    func fate(from: Int, to: Int) -> Fate {
        self.state.withLock { state in
            let condition = state.conditions[from][to]
            if condition.isCut { return .dropped }
            if condition.loss > 0, state.random.fraction() < condition.loss { return .dropped }
            return condition.delay > 0 ? .delayed(Int64(condition.delay * 1_000_000_000)) : .passed
        }
    }
}
