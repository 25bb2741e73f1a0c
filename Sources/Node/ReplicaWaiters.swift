import ProcessEngine
import ReplicaCore
import Synchronization

/// The callers that wait for the answer of a replica, by request.
final class ReplicaWaiters: Sendable {
    private struct Waiter {
        var continuation: CheckedContinuation<ReplicaAnswer, Never>
        var deadline: ContinuousClock.Instant
    }

    private struct State {
        var waiters: [RequestID: Waiter] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    /// - Returns: whether it will be answered; else the node is stopping and the continuation was not taken.
    func add(
        _ id: RequestID,
        _ continuation: CheckedContinuation<ReplicaAnswer, Never>,
        deadline: ContinuousClock.Instant
    ) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.waiters[id] = Waiter(continuation: continuation, deadline: deadline)
            return true
        }
    }

    /// - Returns: whether somebody was waiting.
    @discardableResult
    func answer(_ id: RequestID, _ answer: ReplicaAnswer) -> Bool {
        let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
        waiter?.continuation.resume(returning: answer)
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
            waiter.continuation.resume(returning: .unknown(reason: "no answer came within the time the caller waits"))
        }
        return Array(expired.keys)
    }

    /// Answers everybody: the node stops.
    func close() {
        let all = state.withLock { state in
            state.isClosed = true
            defer { state.waiters.removeAll() }
            return state.waiters
        }
        for (_, waiter) in all {
            waiter.continuation.resume(returning: .unknown(reason: "the server stopped before the answer came"))
        }
    }
}
