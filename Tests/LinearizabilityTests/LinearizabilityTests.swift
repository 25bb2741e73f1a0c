import Linearizability
import Testing

private typealias Register = RegisterModel<Int>
private typealias Checker = LinearizabilityChecker<Register>
private typealias RegisterOperation = Operation<Register.Input, Register.Output>

private func operation(
    _ invoked: Int64,
    _ completed: Int64?,
    _ input: Register.Input,
    _ outcome: Outcome<Register.Output>,
    key: String = "x"
) -> RegisterOperation {
    let client = UInt64(bitPattern: invoked)
    return Operation(key: key, client: client, invoked: invoked, completed: completed, input: input, outcome: outcome)
}

@Suite struct LinearizabilityTests {
    private let checker = Checker(RegisterModel())

    private func isViolated(_ history: [RegisterOperation]) -> Bool {
        if case .violated = self.checker.check(history) { true } else { false }
    }

    @Test func `operations one after the other are linearizable`() {
        let history = [
            operation(1, 2, .write(1), .ok(.written)), operation(3, 4, .read, .ok(.value(1))),
            operation(5, 6, .compareAndSet(expected: 1, new: 2), .ok(.compared(isEqual: true))),
            operation(7, 8, .compareAndSet(expected: 1, new: 3), .ok(.compared(isEqual: false))),
            operation(9, 10, .read, .ok(.value(2))),
        ]

        #expect(self.checker.check(history).isLinearizable)
        #expect(self.checker.check([]).isLinearizable)
    }

    @Test func `a stale read is found`() {
        let history = [
            operation(1, 2, .write(1), .ok(.written)), operation(3, 4, .write(2), .ok(.written)),
            operation(5, 6, .read, .ok(.value(1))),
        ]

        #expect(self.isViolated(history))
    }

    @Test func `a read may see a write that runs at the same time, or not`() {
        let write = operation(1, 10, .write(1), .ok(.written))

        #expect(self.checker.check([write, operation(2, 3, .read, .ok(.value(1)))]).isLinearizable)
        #expect(self.checker.check([write, operation(2, 3, .read, .ok(.value(nil)))]).isLinearizable)
    }

    @Test func `a value that was seen does not vanish again`() {
        // The write runs all the time; the first read sees it, so the second must.
        let history = [
            operation(1, 10, .write(1), .ok(.written)), operation(2, 3, .read, .ok(.value(1))),
            operation(4, 5, .read, .ok(.value(nil))),
        ]

        #expect(self.isViolated(history))
    }

    @Test func `a lost write and a phantom are found`() {
        #expect(self.isViolated([operation(1, 2, .write(1), .ok(.written)), operation(3, 4, .read, .ok(.value(nil)))]))
        #expect(self.isViolated([operation(3, 4, .read, .ok(.value(7)))]))
    }

    @Test func `one of two equal comparisons must fail`() {
        let both = [
            operation(1, 9, .compareAndSet(expected: nil, new: 1), .ok(.compared(isEqual: true))),
            operation(2, 8, .compareAndSet(expected: nil, new: 2), .ok(.compared(isEqual: true))),
        ]

        #expect(self.isViolated(both))
    }

    @Test func `an unknown write may take effect late or never, but only once`() {
        let unknown = operation(1, nil, .write(1), .unknown)
        let write = operation(2, 3, .write(2), .ok(.written))
        let late = operation(6, 7, .read, .ok(.value(1)))

        #expect(self.checker.check([unknown, write, operation(4, 5, .read, .ok(.value(2))), late]).isLinearizable)
        #expect(self.checker.check([unknown, write, operation(4, 5, .read, .ok(.value(2)))]).isLinearizable)
        let twice = [
            unknown, write, operation(4, 5, .read, .ok(.value(1))), operation(6, 7, .write(3), .ok(.written)),
            operation(8, 9, .read, .ok(.value(1))),
        ]
        #expect(self.isViolated(twice))
    }

    @Test func `a failed write has no effect`() {
        #expect(self.isViolated([operation(1, 2, .write(1), .failed), operation(3, 4, .read, .ok(.value(1)))]))
        #expect(
            self.checker.check([operation(1, 2, .write(1), .failed), operation(3, 4, .read, .ok(.value(nil)))])
                .isLinearizable
        )
    }

    @Test func `objects are independent, and the broken one is named`() throws {
        let history = [
            operation(1, 2, .write(1), .ok(.written), key: "a"), operation(3, 4, .read, .ok(.value(1)), key: "a"),
            operation(1, 2, .write(2), .ok(.written), key: "b"), operation(3, 4, .read, .ok(.value(1)), key: "b"),
        ]

        guard case .violated(let counterexample) = self.checker.check(history) else {
            Issue.record("Expected a violation")
            return
        }
        #expect(counterexample.key == "b")
        #expect(counterexample.ordered.count == 1)
        #expect(counterexample.unordered.count == 1)
        #expect("\(counterexample)".contains("fits nowhere:  [3, 4] client 3: read"))
    }

    @Test func `the counterexample is the shortest beginning that breaks`() {
        var history = [operation(1, 2, .write(1), .ok(.written)), operation(3, 4, .read, .ok(.value(9)))]
        for time in stride(from: Int64(5), to: 205, by: 2) {
            history.append(operation(time, time + 1, .write(Int(time)), .ok(.written)))
        }

        guard case .violated(let counterexample) = self.checker.check(history) else {
            Issue.record("Expected a violation")
            return
        }
        #expect(counterexample.ordered.count + counterexample.unordered.count == 2)
    }

    @Test func `a search that is too long says that it is undecided`() {
        // Many concurrent writes and a read of something else: all orders are to be tried.
        var history = (1...14).map { operation($0, 100, .write(Int($0)), .ok(.written)) }
        history.append(operation(101, 102, .read, .ok(.value(99))))

        guard case .undecided(let key, let steps) = Checker(RegisterModel(), stepLimit: 500).check(history) else {
            Issue.record("Expected no decision")
            return
        }
        #expect(key == "x")
        #expect(steps == 500)
    }

    @Test func `a history that contradicts itself is refused`() {
        for history in [
            [operation(5, 4, .read, .ok(.value(nil)))], [operation(5, nil, .read, .ok(.value(nil)))],
        ] {
            guard case .malformed = self.checker.check(history) else {
                Issue.record("Expected a refusal")
                return
            }
        }
    }

    @Test(arguments: 1...400)
    func `the search agrees with trying all orders`(seed: UInt64) {
        var random = Generator(state: seed)
        let history = (0..<(2 + random.next(below: 4))).map { _ in Self.randomOperation(&random) }

        let isFound = self.checker.check(history).isLinearizable

        #expect(isFound == BruteForce.isLinearizable(history), "\(history)")
    }

    private static func randomOperation(_ random: inout Generator) -> RegisterOperation {
        let invoked = Int64(random.next(below: 8))
        let completed = invoked + Int64(random.next(below: 5))
        let value = random.next(below: 3)
        let input: Register.Input
        let output: Register.Output
        switch random.next(below: 3) {
        case 0: (input, output) = (.read, .value(value == 0 ? nil : value))
        case 1: (input, output) = (.write(value + 1), .written)
        default:
            let isEqual = random.next(below: 2) == 0
            (input, output) = (
                .compareAndSet(expected: value == 0 ? nil : value, new: 3), .compared(isEqual: isEqual)
            )
        }
        switch random.next(below: 6) {
        case 0: return operation(invoked, nil, input, .unknown)
        case 1: return operation(invoked, completed, input, .failed)
        default: return operation(invoked, completed, input, .ok(output))
        }
    }
}

/// All orders of all choices of unanswered operations.
private enum BruteForce {
    static func isLinearizable(_ history: [RegisterOperation]) -> Bool {
        self.extend(nil, history.filter { $0.outcome != .failed })
    }

    private static func extend(_ state: Int?, _ rest: [RegisterOperation]) -> Bool {
        if rest.allSatisfy({ $0.outcome == .unknown }) { return true }
        for (position, next) in rest.enumerated() {
            let ends = rest.compactMap { other -> Int64? in
                if case .ok = other.outcome { other.completed } else { nil }
            }
            // Nothing that had ended before the invocation may come after it.
            guard ends.allSatisfy({ $0 >= next.invoked }) else { continue }
            var output: Register.Output?
            if case .ok(let answer) = next.outcome { output = answer }
            guard let after = RegisterModel<Int>().state(after: next.input, output: output, from: state) else {
                continue
            }
            var others = rest
            others.remove(at: position)
            if self.extend(after, others) { return true }
        }
        return false
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
private struct Generator {
    var state: UInt64

    mutating func next(below bound: Int) -> Int {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}
