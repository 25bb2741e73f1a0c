/// What is asked of a register.
package enum RegisterInput<Value: Hashable & Sendable>: Hashable, Sendable {
    case read
    case write(Value)
    /// Writes `new` if the register holds `expected`; nil stands for a register that was never written.
    case compareAndSet(expected: Value?, new: Value)
}

/// What a register answers.
package enum RegisterOutput<Value: Hashable & Sendable>: Hashable, Sendable {
    /// To a read; nil if the register was never written.
    case value(Value?)
    case written
    /// To a compare-and-set: whether the register held what was expected.
    case compared(isEqual: Bool)
}

/// A register that is read, written and compared-and-set.
package struct RegisterModel<Value: Hashable & Sendable>: SequentialModel {
    package typealias State = Value?
    package typealias Input = RegisterInput<Value>
    package typealias Output = RegisterOutput<Value>

    package let initialState: Value?

    package init(initialState: Value? = nil) { self.initialState = initialState }

    package func state(after input: Input, output: Output?, from state: Value?) -> Value?? {
        let (answer, next): (Output, Value?) =
            switch input {
            case .read: (.value(state), state)
            case .write(let value): (.written, value)
            case .compareAndSet(let expected, let new):
                (.compared(isEqual: state == expected), state == expected ? new : state)
            }
        guard output == nil || output == answer else { return .none }
        return .some(next)
    }

    package func isReadOnly(_ input: Input) -> Bool { input == .read }
}
