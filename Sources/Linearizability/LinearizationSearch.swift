/// The search for one object: a depth-first walk over all orders that respect the times, with a memory of what was
/// tried (Lowe, 2017). Operations without an answer are tried only where nothing answered fits: most of them are not
/// needed, and each that is tried doubles the search.
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

    /// An invocation or an answer of an answered operation, linked in the order of time; what has taken effect is taken
    /// out.
    private struct Event {
        var operation: Int
        var isAnswer: Bool
        /// The place in the order of all events, unanswered operations included.
        var place: Int
        var previous: Int
        var next: Int
    }

    /// An operation without an answer.
    private struct Unanswered {
        var operation: Int
        var place: Int
    }

    /// Where the search goes on.
    private enum Cursor {
        case event(Int)
        case unanswered(Int)
    }

    private struct Step {
        var choice: Cursor
        var state: Model.State
    }

    private let model: Model
    private let operations: [Operation<Model.Input, Model.Output>]
    private let stepLimit: Int
    /// Event 0 is the head.
    private var events: [Event] = [Event(operation: -1, isAnswer: false, place: -1, previous: -1, next: -1)]
    private var unanswered: [Unanswered] = []
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
        for (place, item) in order.enumerated() {
            guard self.operations[item.operation].answeredAt != nil else {
                self.unanswered.append(Unanswered(operation: item.operation, place: place))
                continue
            }
            let last = self.events.count - 1
            self.events[last].next = last + 1
            if item.isAnswer { self.answers[item.operation] = last + 1 }
            self.events.append(
                Event(operation: item.operation, isAnswer: item.isAnswer, place: place, previous: last, next: -1)
            )
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
        var cursor = Cursor.event(self.events[0].next)
        while self.missing > 0 {
            steps += 1
            if steps > self.stepLimit { return .exhausted }
            guard let choice = self.candidate(from: cursor) else {
                // Nothing fits: what was done last was wrong.
                guard let step = path.popLast() else { return .none(longest.map { self.operations[$0] }) }
                self.putBack(step.choice)
                state = step.state
                cursor = self.following(step.choice)
                continue
            }
            cursor = self.following(choice)
            guard let next = self.effect(of: self.operation(of: choice), on: state) else { continue }
            self.take(choice)
            guard seen.insert(Configuration(done: self.done, state: next)).inserted else {
                self.putBack(choice)
                continue
            }
            path.append(Step(choice: choice, state: state))
            if path.count > longest.count { longest = path.map { self.operation(of: $0.choice) } }
            state = next
            cursor = .event(self.events[0].next)
        }
        return .found
    }

    /// The next operation to try, from the cursor on: first answered ones that began before the first answer, then
    /// unanswered ones that began before it.
    private func candidate(from cursor: Cursor) -> Cursor? {
        var position = 0
        switch cursor {
        case .event(let event):
            if event >= 0, !self.events[event].isAnswer { return cursor }
        case .unanswered(let start): position = start
        }
        let limit = self.firstAnswerPlace
        while position < self.unanswered.count, self.unanswered[position].place < limit {
            if !self.isDone(self.unanswered[position].operation) { return .unanswered(position) }
            position += 1
        }
        return nil
    }

    private func following(_ cursor: Cursor) -> Cursor {
        switch cursor {
        case .event(let event): .event(self.events[event].next)
        case .unanswered(let position): .unanswered(position + 1)
        }
    }

    private func operation(of cursor: Cursor) -> Int {
        switch cursor {
        case .event(let event): self.events[event].operation
        case .unanswered(let position): self.unanswered[position].operation
        }
    }

    private var firstAnswerPlace: Int {
        var event = self.events[0].next
        while event >= 0 {
            if self.events[event].isAnswer { return self.events[event].place }
            event = self.events[event].next
        }
        return .max
    }

    private func isDone(_ operation: Int) -> Bool { self.done[operation / 64] >> UInt64(operation % 64) & 1 == 1 }

    private func effect(of position: Int, on state: Model.State) -> Model.State? {
        let operation = self.operations[position]
        guard case .ok(let output) = operation.outcome else {
            let next = self.model.state(after: operation.input, output: nil, from: state)
            // Without an answer and without an effect it is as well left out.
            return next == state ? nil : next
        }
        return self.model.state(after: operation.input, output: output, from: state)
    }

    private mutating func take(_ choice: Cursor) {
        let operation = self.operation(of: choice)
        self.done[operation / 64] |= 1 << UInt64(operation % 64)
        guard case .event(let event) = choice else { return }
        self.unlink(event)
        self.unlink(self.answers[operation])
        self.missing -= 1
    }

    private mutating func putBack(_ choice: Cursor) {
        let operation = self.operation(of: choice)
        self.done[operation / 64] &= ~(1 << UInt64(operation % 64))
        guard case .event(let event) = choice else { return }
        self.relink(self.answers[operation])
        self.relink(event)
        self.missing += 1
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
