/// Decides whether a history could be that of one object at a time: whether every operation can be given a moment
/// between its invocation and its completion at which it took effect (Herlihy and Wing, 1990).
///
/// The search is that of Wing and Gong (1993) with Lowe's memory of configurations seen ("Testing for linearizability",
/// 2017): the problem is NP-complete, so the number of steps is bounded, and a search that reaches the bound says
/// `undecided`, never that all is well.
package struct LinearizabilityChecker<Model: SequentialModel>: Sendable {
    package typealias HistoryOperation = Operation<Model.Input, Model.Output>

    /// What was found.
    package enum Verdict: Sendable {
        case linearizable
        case violated(Counterexample)
        /// The bound was reached for this object; nothing is known of it.
        case undecided(key: String, steps: Int)
        /// The history contradicts itself: a completion before its invocation, or an answer without a time.
        case malformed(String)

        package var isLinearizable: Bool {
            if case .linearizable = self { true } else { false }
        }
    }

    /// The shortest beginning of one object's history that has no order.
    package struct Counterexample: Sendable {
        package var key: String
        /// The longest order found, in the order of effect.
        package var ordered: [HistoryOperation]
        /// The answered operations that fit nowhere behind it, by completion.
        package var unordered: [HistoryOperation]
        /// Operations without an answer that may or may not have had an effect.
        package var unanswered: [HistoryOperation]
    }

    private let model: Model
    private let stepLimit: Int

    /// - Parameter stepLimit: the most attempts to place an operation, for each object.
    package init(_ model: Model, stepLimit: Int = 2_000_000) {
        self.model = model
        self.stepLimit = stepLimit
    }

    /// Checks all objects of a history, in the order of their keys, up to the first that is not linearizable.
    /// `undecided` is answered only if no other object is violated.
    package func check(_ history: [HistoryOperation]) -> Verdict {
        for operation in history {
            if let problem = Self.problem(of: operation) { return .malformed(problem) }
        }
        var undecided: Verdict?
        let objects = Dictionary(grouping: history, by: \.key)
        for key in objects.keys.sorted() {
            switch self.checkObject(key, objects[key] ?? []) {
            case .linearizable: continue
            case .violated(let counterexample): return .violated(counterexample)
            case .undecided(let key, let steps): undecided = undecided ?? .undecided(key: key, steps: steps)
            case .malformed(let problem): return .malformed(problem)
            }
        }
        return undecided ?? .linearizable
    }

    private static func problem(of operation: HistoryOperation) -> String? {
        if let completed = operation.completed, completed < operation.invoked {
            return "Expected a completion from \(operation.invoked) on, but got \(completed): \(operation)"
        }
        if case .ok = operation.outcome, operation.completed == nil {
            return "Expected the time of an answer, but got none: \(operation)"
        }
        return nil
    }

    private func checkObject(_ key: String, _ history: [HistoryOperation]) -> Verdict {
        let relevant = history.filter { operation in
            switch operation.outcome {
            case .ok: true
            case .failed: false
            case .unknown: !self.model.isReadOnly(operation.input)
            }
        }
        switch LinearizationSearch(self.model, relevant, stepLimit: self.stepLimit).run() {
        case .found: return .linearizable
        case .exhausted: return .undecided(key: key, steps: self.stepLimit)
        case .none(let order): return .violated(self.shortest(key, relevant, order))
        }
    }

    /// Cuts the history after ever fewer answers, by halves: a beginning of a linearizable history is linearizable, so
    /// there is one length at which it breaks.
    private func shortest(
        _ key: String,
        _ history: [HistoryOperation],
        _ order: [HistoryOperation]
    ) -> Counterexample {
        let ends = Set(history.compactMap(\.answeredAt)).sorted()
        var (sound, broken) = (-1, ends.count - 1)
        var best = (history: history, order: order)
        while broken - sound > 1 {
            let middle = (sound + broken) / 2
            let prefix = history.compactMap { $0.cut(after: ends[middle]) }
            switch LinearizationSearch(self.model, prefix, stepLimit: self.stepLimit).run() {
            case .none(let order):
                broken = middle
                best = (prefix, order)
            // What cannot be decided is not made a counterexample.
            case .found, .exhausted: sound = middle
            }
        }
        var rest = best.history
        for operation in best.order {
            if let position = rest.firstIndex(where: { $0.isSame(as: operation) }) { rest.remove(at: position) }
        }
        let unordered = rest.filter { $0.answeredAt != nil }
        return Counterexample(
            key: key,
            ordered: best.order,
            unordered: unordered.sorted { ($0.answeredAt ?? 0, $0.client) < ($1.answeredAt ?? 0, $1.client) },
            unanswered: rest.filter { $0.answeredAt == nil }
        )
    }
}

extension Operation {
    /// When the answer came, if one came.
    var answeredAt: Int64? {
        if case .ok = self.outcome { self.completed } else { nil }
    }

    /// The operation as known at a moment; nil if it was not asked yet.
    func cut(after time: Int64) -> Self? {
        guard self.invoked <= time else { return nil }
        guard let answered = self.answeredAt, answered > time else { return self }
        var operation = self
        operation.completed = nil
        operation.outcome = .unknown
        return operation
    }

    func isSame(as other: Self) -> Bool {
        self.client == other.client && self.invoked == other.invoked && self.completed == other.completed
            && self.outcome == other.outcome
    }
}

extension LinearizabilityChecker.Counterexample: CustomStringConvertible {
    /// Operations shown of what could be ordered: the last ones, which led there.
    private static var shownCount: Int { 12 }

    package var description: String {
        var lines = ["the history of '\(self.key)' has no order:"]
        let hidden = max(0, self.ordered.count - Self.shownCount)
        if hidden > 0 { lines.append("  (\(hidden) operations in order before)") }
        lines += self.ordered.dropFirst(hidden).map { "  in order:      \($0)" }
        lines += self.unordered.map { "  fits nowhere:  \($0)" }
        lines += self.unanswered.prefix(Self.shownCount).map { "  without answer: \($0)" }
        return lines.joined(separator: "\n")
    }
}

extension Operation: CustomStringConvertible {
    package var description: String {
        let end = self.completed.map { "\($0)" } ?? "…"
        return "[\(self.invoked), \(end)] client \(self.client): \(self.input) → \(self.outcome)"
    }
}
