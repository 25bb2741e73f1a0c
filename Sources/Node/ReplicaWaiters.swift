import ProcessEngine
import ReplicaCore
import Synchronization

/// Those who wait for the answer of a replica, by request: callers of this node, and other nodes that forwarded theirs.
final class ReplicaWaiters: Sendable {
    private struct Waiter {
        var answer: @Sendable (ReplicaAnswer) -> Void
        var deadline: ContinuousClock.Instant
    }

    private struct State {
        var waiters: [RequestID: Waiter] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    /// A repeated request takes the place of its first form, which nobody waits for any more.
    ///
    /// - Parameter answer: called once, from any thread; must return at once.
    /// - Returns: whether it will be answered; else the node is stopping.
    func add(
        _ id: RequestID,
        deadline: ContinuousClock.Instant,
        _ answer: @escaping @Sendable (ReplicaAnswer) -> Void
    ) -> Bool {
        let (isTaken, replaced) = state.withLock { state -> (Bool, Waiter?) in
            guard !state.isClosed else { return (false, nil) }
            let replaced = state.waiters.updateValue(Waiter(answer: answer, deadline: deadline), forKey: id)
            return (true, replaced)
        }
        replaced?.answer(.unknown(reason: "the request was sent again"))
        return isTaken
    }

    /// - Returns: whether somebody was waiting.
    @discardableResult
    func answer(_ id: RequestID, _ answer: ReplicaAnswer) -> Bool {
        let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
        waiter?.answer(answer)
        return waiter != nil
    }

    /// Answers those whose time is over, and returns their requests.
    func expire() -> [RequestID] {
        let now = ContinuousClock.now
        let expired = state.withLock { state in
            let late = state.waiters.filter { $0.value.deadline <= now }
            for id in late.keys { state.waiters[id] = nil }
            return late
        }
        for (_, waiter) in expired {
            waiter.answer(.unknown(reason: "no answer came within the time the caller waits"))
        }
        return Array(expired.keys)
    }

    /// Answers everybody who waits now.
    func answerAll(_ answer: ReplicaAnswer) {
        let all = state.withLock { state in
            defer { state.waiters.removeAll() }
            return state.waiters
        }
        for (_, waiter) in all { waiter.answer(answer) }
    }

    /// Answers everybody: the node stops.
    func close() {
        state.withLock { $0.isClosed = true }
        answerAll(.unknown(reason: "the server stopped before the answer came"))
    }
}
