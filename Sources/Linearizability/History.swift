/// What a client knows of the end of an operation. The three must never be mixed: to take "unknown" for "failed" is the
/// commonest mistake of such testers.
package enum Outcome<Output: Hashable & Sendable>: Hashable, Sendable {
    /// Answered; the operation took effect between invocation and completion.
    case ok(Output)
    /// Surely without effect, now and for ever.
    case failed
    /// Perhaps with effect, at any time after the invocation.
    case unknown
}

/// One operation of a client: what it asked, when, and what came of it. Plain values, so that a history is easily
/// written to a file and read back.
package struct Operation<Input: Sendable, Output: Hashable & Sendable>: Sendable {
    /// The object it is about. Objects are checked one by one, which is right because linearizability is local
    /// (Herlihy and Wing, 1990, section 3.2).
    package var key: String
    /// Who asked; only for the reader of a counterexample.
    package var client: UInt64
    /// Times in any unit, of one clock for the whole history.
    package var invoked: Int64
    /// Nil if no answer came; then the outcome is not `ok`.
    package var completed: Int64?
    package var input: Input
    package var outcome: Outcome<Output>

    package init(
        key: String,
        client: UInt64,
        invoked: Int64,
        completed: Int64?,
        input: Input,
        outcome: Outcome<Output>
    ) {
        self.key = key
        self.client = client
        self.invoked = invoked
        self.completed = completed
        self.input = input
        self.outcome = outcome
    }
}

/// What an object does when one operation at a time is applied to it.
package protocol SequentialModel: Sendable {
    associatedtype State: Hashable & Sendable
    associatedtype Input: Sendable
    associatedtype Output: Hashable & Sendable

    /// The object before the first operation.
    var initialState: State { get }

    /// The state after an operation.
    ///
    /// - Parameter output: what was answered; nil if nobody knows, which fits every answer.
    /// - Returns: nil if the object, in this state, would not have answered so.
    func state(after input: Input, output: Output?, from state: State) -> State?

    /// Whether the operation never changes anything, so that one without an answer says nothing.
    func isReadOnly(_ input: Input) -> Bool
}

extension SequentialModel {
    package func isReadOnly(_ input: Input) -> Bool { false }
}
