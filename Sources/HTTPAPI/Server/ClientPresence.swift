import Synchronization

/// Whether a connection's client is still there, so that a long wait can end when it has gone or when the server shuts
/// down. HTTP/1.1 works on one request a connection at a time, so at most one waits.
final class ClientPresence: Sendable {
    private struct State {
        var hasLeft = false
        var isWaiting = false
        /// Works on the connection's request.
        var task: Task<Void, Never>?
    }

    private let state = Mutex(State())

    /// Says which task works on the connection's request; nil when it has ended.
    func working(_ task: Task<Void, Never>?) {
        let mustEnd = self.state.withLock { state in
            state.task = task
            return state.hasLeft && state.isWaiting
        }
        if mustEnd { task?.cancel() }
    }

    /// Says that nobody waits any more: the client has gone, has closed its half, or the server shuts down.
    func left() {
        let waiting = self.state.withLock { state in
            state.hasLeft = true
            return state.isWaiting ? state.task : nil
        }
        waiting?.cancel()
    }

    /// Ends the connection's work at once, be it a wait or not.
    func abandon() {
        let working = self.state.withLock { state in
            state.hasLeft = true
            return state.task
        }
        working?.cancel()
    }

    /// Runs `operation` in the connection's task, which is cancelled when the client leaves; the operation has to come
    /// to its end then.
    func whilePresent<Value>(_ operation: () async -> Value) async -> Value {
        let mustEnd = self.state.withLock { state in
            state.isWaiting = true
            return state.hasLeft ? state.task : nil
        }
        mustEnd?.cancel()
        let value = await operation()
        self.state.withLock { $0.isWaiting = false }
        return value
    }
}
