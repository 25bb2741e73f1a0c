/// The search for one object: a depth-first walk over all orders that respect the times, with a memory of what was
/// tried (Lowe, 2017, section 4: "just-in-time linearizability" without its graph).
struct LinearizationSearch<Model: SequentialModel> {
    enum Result {
        case found
        /// The longest order there was.
        case none([Operation<Model.Input, Model.Output>])
        case exhausted
    }

    /// Which operations have taken effect, and the state they led to.
    private struct Configuration: Hashable {
        var done: [UInt64]
        var state: Model.State
    }

    /// An invocation or an answer, linked in the order of time; what has taken effect is taken out.
    private struct Event {
        var operation: Int
        var isAnswer: Bool
        var previous: Int
        var next: Int
    }

    private struct Step {
        var event: Int
        var state: Model.State
    }

    private let model: Model
    private let operations: [Operation<Model.Input, Model.Output>]
    private let stepLimit: Int
    /// Event 0 is the head.
    private var events: [Event] = [Event(operation: -1, isAnswer: false, previous: -1, next: -1)]
    /// The answer of each operation, or -1.
    private var answers: [Int]
    private var done: [UInt64]
    private var missing = 0

    init(_ model: Model, _ operations: [Operation<Model.Input, Model.Output>], stepLimit: Int) {
        self.model = model
        self.operations = operations
        self.stepLimit = stepLimit
        self.answers = Array(repeating: -1, count: operations.count)
        self.done = Array(repeating: 0, count: (operations.count + 63) / 64)
        self.link()
    }

    /// At equal times invocations go first, so that operations that touch count as concurrent.
    private mutating func link() {
        var order: [(time: Int64, isAnswer: Bool, operation: Int)] = []
        for (position, operation) in self.operations.enumerated() {
            order.append((operation.invoked, false, position))
            if let answered = operation.answeredAt {
                order.append((answered, true, position))
                self.missing += 1
            }
        }
        order.sort { ($0.time, $0.isAnswer ? 1 : 0, $0.operation) < ($1.time, $1.isAnswer ? 1 : 0, $1.operation) }
        for item in order {
            let last = self.events.count - 1
            self.events[last].next = last + 1
            if item.isAnswer { self.answers[item.operation] = last + 1 }
            self.events.append(Event(operation: item.operation, isAnswer: item.isAnswer, previous: last, next: -1))
        }
    }

    func run() -> Result {
        var search = self
        return search.search()
    }

    private mutating func search() -> Result {
        var state = self.model.initialState
        var path: [Step] = []
        var longest: [Int] = []
        var seen: Set<Configuration> = []
        var steps = 0
        var event = self.events[0].next
        while self.missing > 0 {
            steps += 1
            if steps > self.stepLimit { return .exhausted }
            if event >= 0, !self.events[event].isAnswer {
                if let next = self.effect(of: self.events[event].operation, on: state) {
                    self.take(event)
                    if seen.insert(Configuration(done: self.done, state: next)).inserted {
                        path.append(Step(event: event, state: state))
                        if path.count > longest.count { longest = path.map { self.events[$0.event].operation } }
                        state = next
                        event = self.events[0].next
                        continue
                    }
                    self.putBack(event)
                }
                event = self.events[event].next
                continue
            }
            // An answer whose operation has not taken effect, or the end: what was done last was wrong.
            guard let step = path.popLast() else { return .none(longest.map { self.operations[$0] }) }
            self.putBack(step.event)
            state = step.state
            event = self.events[step.event].next
        }
        return .found
    }

    private func effect(of position: Int, on state: Model.State) -> Model.State? {
        let operation = self.operations[position]
        guard case .ok(let output) = operation.outcome else {
            let next = self.model.state(after: operation.input, output: nil, from: state)
            // Without an answer and without an effect it is as well left out.
            return next == state ? nil : next
        }
        return self.model.state(after: operation.input, output: output, from: state)
    }

    private mutating func take(_ event: Int) {
        let operation = self.events[event].operation
        self.done[operation / 64] |= 1 << UInt64(operation % 64)
        self.unlink(event)
        if self.answers[operation] >= 0 {
            self.unlink(self.answers[operation])
            self.missing -= 1
        }
    }

    private mutating func putBack(_ event: Int) {
        let operation = self.events[event].operation
        self.done[operation / 64] &= ~(1 << UInt64(operation % 64))
        if self.answers[operation] >= 0 {
            self.relink(self.answers[operation])
            self.missing += 1
        }
        self.relink(event)
    }

    private mutating func unlink(_ event: Int) {
        let (previous, next) = (self.events[event].previous, self.events[event].next)
        self.events[previous].next = next
        if next >= 0 { self.events[next].previous = previous }
    }

    private mutating func relink(_ event: Int) {
        let (previous, next) = (self.events[event].previous, self.events[event].next)
        self.events[previous].next = event
        if next >= 0 { self.events[next].previous = event }
    }
}
