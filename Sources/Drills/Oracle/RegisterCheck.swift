import Linearizability

/// Whether what clients saw of the registers is explained by one order of all operations.
package enum RegisterCheck {
    /// What the check says.
    package struct Verdict: Hashable, Sendable {
        package var holds: Bool
        /// One sentence: what was checked, or where it breaks.
        package var text: String
        /// The operations around the break.
        package var detail = ""
    }

    /// Checks a history. A history whose check would take too long does not hold: nothing is known of it.
    package static func verdict(_ history: RegisterHistory) -> Verdict {
        let operations = Self.settled(history.operations).map { Self.operation($0) }
        let answered = history.operations.count { $0.outcome == .ok }
        switch LinearizabilityChecker(RegisterModel<Int64>(initialState: 0)).check(operations) {
        case .linearizable:
            return Verdict(
                holds: true,
                text: "\(history.operations.count) operations, \(answered) of them answered, have an order"
            )
        case .violated(let counterexample):
            let odd = counterexample.unordered.first.map { operation in
                "client \(operation.client), \(operation.input), \(operation.outcome)"
            }
            return Verdict(
                holds: false,
                text: "\(counterexample.key) has no order of all operations: \(odd ?? "see the history") fits nowhere",
                detail: "\(counterexample)"
            )
        case .undecided(let key, let steps):
            return Verdict(holds: false, text: "\(key) is not decided after \(steps) steps; use fewer register clients")
        case .malformed(let reason): return Verdict(holds: false, text: reason)
        }
    }

    /// The same history with as few open ends as possible: each write without an answer doubles what has to be
    /// searched.
    /// Every value is written once, so what a write did is seen by reads alone. One whose value nobody read can be left
    /// out: no read stands between it and the next write. One whose value was read took effect before that read ended.
    static func settled(_ operations: [RegisterOperation]) -> [RegisterOperation] {
        struct Written: Hashable {
            var register: Int
            var value: Int64
        }
        var firstRead: [Written: Int64] = [:]
        var writes: [Written: Int] = [:]
        for operation in operations {
            switch operation.kind {
            case .write(let value): writes[Written(register: operation.register, value: value), default: 0] += 1
            case .read(let value):
                guard operation.outcome == .ok, let value else { continue }
                let written = Written(register: operation.register, value: value)
                firstRead[written] = min(firstRead[written] ?? .max, operation.ended)
            }
        }
        return operations.compactMap { operation in
            guard operation.outcome == .unknown, case .write(let value) = operation.kind else { return operation }
            let written = Written(register: operation.register, value: value)
            // 0 is also what registers hold at first.
            guard value != 0, writes[written] == 1 else { return operation }
            guard let end = firstRead[written] else { return nil }
            var result = operation
            // A read that ended before the write began is a contradiction, which the checker is left to find.
            guard end >= operation.began else { return operation }
            result.ended = end
            result.outcome = .ok
            return result
        }
    }

    private static func operation(_ operation: RegisterOperation) -> Operation<
        RegisterInput<Int64>, RegisterOutput<Int64>
    > {
        let input: RegisterInput<Int64>
        var outcome: Outcome<RegisterOutput<Int64>>
        switch operation.kind {
        case .write(let value):
            input = .write(value)
            outcome = .ok(.written)
        case .read(let value):
            input = .read
            outcome = .ok(.value(value))
        }
        switch operation.outcome {
        case .ok: break
        case .failed: outcome = .failed
        case .unknown: outcome = .unknown
        }
        return Operation(
            key: "register \(operation.register)",
            client: UInt64(operation.client),
            invoked: operation.began,
            completed: operation.outcome == .ok ? operation.ended : nil,
            input: input,
            outcome: outcome
        )
    }
}
