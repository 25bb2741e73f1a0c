import Synchronization

/// Lets callers wait for a change of leader, or for a moment to pass, whichever is first.
final class LeaderSignal: Sendable {
    private struct State {
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Returns at the next `notify`, which comes with every tick at the latest.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isTaken = state.withLock { state in
                if !state.isClosed { state.waiting.append(continuation) }
                return !state.isClosed
            }
            if !isTaken { continuation.resume() }
        }
    }

    func notify() { release(closing: false) }

    /// From now on nobody waits.
    func close() { release(closing: true) }

    private func release(closing: Bool) {
        let waiting = state.withLock { state in
            if closing { state.isClosed = true }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
