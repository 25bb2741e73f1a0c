import RaftCore
import Synchronization

/// Makes reads linearizable: a caller goes on once this node's state holds everything that was answered anywhere before
/// the caller came. Callers that come while a question is under way share the next one (architecture.md, section 3).
final class ReadBarrier: Sendable {
    private struct Waiter {
        var continuation: CheckedContinuation<Bool, Never>
        var deadline: Int64
    }

    private struct State {
        var nextID: UInt64
        /// The question under way, and since when.
        var open: (id: UInt64, since: Int64)?
        var current: [Waiter] = []
        var next: [Waiter] = []
        var isClosed = false
    }

    /// A question whose answer is lost is asked again after this many milliseconds.
    private static let patience: Int64 = 250

    private let state: Mutex<State>
    private let ask: @Sendable (ReadRequestID) -> Void

    /// - Parameter firstID: greater than any that was used before on this node.
    init(firstID: UInt64, ask: @escaping @Sendable (ReadRequestID) -> Void) {
        state = Mutex(State(nextID: firstID))
        self.ask = ask
    }

    /// - Returns: whether reads may go on; false when nobody confirmed it in time.
    func pass(now: Int64, deadline: Int64) async -> Bool {
        await withCheckedContinuation { continuation in
            let question = state.withLock { state -> UInt64? in
                guard !state.isClosed else {
                    continuation.resume(returning: false)
                    return nil
                }
                state.next.append(Waiter(continuation: continuation, deadline: deadline))
                return state.open == nil ? ReadBarrier.begin(&state, now) : nil
            }
            if let question { ask(ReadRequestID(question)) }
        }
    }

    private static func begin(_ state: inout State, _ now: Int64) -> UInt64? {
        guard !state.next.isEmpty || !state.current.isEmpty else { return nil }
        state.nextID += 1
        state.open = (state.nextID, now)
        state.current += state.next
        state.next = []
        return state.nextID
    }

    /// The replica's answer.
    func answered(_ id: ReadRequestID, isReady: Bool, now: Int64) {
        let (passing, question) = state.withLock { state -> ([Waiter], UInt64?) in
            guard let open = state.open, open.id == id.rawValue else { return ([], nil) }
            state.open = nil
            // A failed question is asked again with the next tick: a new leader may be known then.
            guard isReady else { return ([], nil) }
            let passing = state.current
            state.current = []
            return (passing, ReadBarrier.begin(&state, now))
        }
        for waiter in passing { waiter.continuation.resume(returning: true) }
        if let question { ask(ReadRequestID(question)) }
    }

    /// Ends waiting that took too long, and asks again where an answer is missing.
    func tick(now: Int64) {
        let (late, question) = state.withLock { state -> ([Waiter], UInt64?) in
            let late = (state.current + state.next).filter { $0.deadline <= now }
            if !late.isEmpty {
                state.current.removeAll { $0.deadline <= now }
                state.next.removeAll { $0.deadline <= now }
            }
            if let open = state.open, now - open.since < ReadBarrier.patience { return (late, nil) }
            state.open = nil
            return (late, ReadBarrier.begin(&state, now))
        }
        for waiter in late { waiter.continuation.resume(returning: false) }
        if let question { ask(ReadRequestID(question)) }
    }

    func close() {
        let all = state.withLock { state in
            state.isClosed = true
            defer {
                state.current = []
                state.next = []
            }
            return state.current + state.next
        }
        for waiter in all { waiter.continuation.resume(returning: false) }
    }
}
