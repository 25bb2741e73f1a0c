import RaftCore
import Synchronization

/// Makes reads linearizable: a caller goes on once this node's state holds everything that was answered anywhere before
/// the caller came. Callers that come while a question is under way share the next one (architecture.md, section 3).
final class ReadBarrier: Sendable {
    private struct Waiter {
        var continuation: CheckedContinuation<Bool, Never>
        var deadline: Int64
        /// The first question that was asked after the caller came: its answer, and that of any later one, will do.
        /// Nil before one was.
        var question: UInt64?
    }

    private struct State {
        var nextID: UInt64
        /// The newest question without an answer, and since when.
        var open: (id: UInt64, since: Int64)?
        var waiters: [Waiter] = []
        var isClosed = false
    }

    /// A question whose answer is lost is asked again after this many milliseconds. The answer to the first one still
    /// counts: a node that lags takes longer than this to get as far as it says.
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
                state.waiters.append(Waiter(continuation: continuation, deadline: deadline))
                return state.open == nil ? ReadBarrier.begin(&state, now) : nil
            }
            if let question { ask(ReadRequestID(question)) }
        }
    }

    /// Asks anew on behalf of all who wait.
    private static func begin(_ state: inout State, _ now: Int64) -> UInt64? {
        guard !state.waiters.isEmpty else { return nil }
        state.nextID += 1
        state.open = (state.nextID, now)
        for position in state.waiters.indices where state.waiters[position].question == nil {
            state.waiters[position].question = state.nextID
        }
        return state.nextID
    }

    /// The replica's answer.
    func answered(_ id: ReadRequestID, isReady: Bool, now: Int64) {
        let (passing, question) = state.withLock { state -> ([Waiter], UInt64?) in
            let isNewest = state.open?.id == id.rawValue
            if isNewest { state.open = nil }
            // A failed question is asked again with the next tick: a new leader may be known then.
            guard isReady else { return ([], nil) }
            let passing = state.waiters.filter { ReadBarrier.isEnough(id, for: $0) }
            guard !passing.isEmpty else { return ([], nil) }
            state.waiters.removeAll { ReadBarrier.isEnough(id, for: $0) }
            // Those who came meanwhile have a question of their own to be asked.
            return (passing, isNewest ? ReadBarrier.begin(&state, now) : nil)
        }
        for waiter in passing { waiter.continuation.resume(returning: true) }
        if let question { ask(ReadRequestID(question)) }
    }

    private static func isEnough(_ id: ReadRequestID, for waiter: Waiter) -> Bool {
        waiter.question.map { $0 <= id.rawValue } ?? false
    }

    /// Ends waiting that took too long, and asks again where an answer is missing.
    func tick(now: Int64) {
        let (late, question) = state.withLock { state -> ([Waiter], UInt64?) in
            let late = state.waiters.filter { $0.deadline <= now }
            if !late.isEmpty { state.waiters.removeAll { $0.deadline <= now } }
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
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in all { waiter.continuation.resume(returning: false) }
    }
}
