/// Lists, contexts, ranges, conditionals, iterations, filters and paths.
extension Evaluator {
    mutating func list(_ elements: [Node]) throws(FEELEvaluationError) -> FEELValue {
        var values: [FEELValue] = []
        values.reserveCapacity(elements.count)
        for element in elements { values.append(try self.evaluate(element)) }
        return try self.produce(values)
    }

    mutating func context(_ entries: [ContextEntry]) throws(FEELEvaluationError) -> FEELValue {
        var context = FEELContext()
        let outerCount = self.bindings.count
        defer { self.bindings.removeLast(self.bindings.count - outerCount) }
        self.bindings.append(.context(context))
        for entry in entries {
            var value = try self.evaluate(entry.value)
            if case .function(let function) = value { value = .function(function.named(entry.key)) }
            guard context[entry.key] == nil else {
                return self.null("Expected each key of a context once, but got '\(entry.key)' twice")
            }
            context[entry.key] = value
            self.bindings[outerCount] = .context(context)
        }
        try self.produce(bytes: context.count * MemoryLayout<FEELContext.Entry>.stride)
        return .context(context)
    }

    mutating func range(
        _ start: Node,
        _ end: Node,
        _ isStartIncluded: Bool,
        _ isEndIncluded: Bool
    ) throws(FEELEvaluationError) -> FEELValue {
        let first = try self.evaluate(start)
        let last = try self.evaluate(end)
        guard first.isNull || last.isNull || self.order(first, last) != nil else {
            return self.null("Expected end points of one type, but got \(first.typeName) and \(last.typeName)")
        }
        return .range(
            FEELRange(start: first, end: last, isStartIncluded: isStartIncluded, isEndIncluded: isEndIncluded)
        )
    }

    mutating func conditional(
        _ branches: [ConditionalBranch],
        _ otherwise: Node
    ) throws(FEELEvaluationError) -> FEELValue {
        for branch in branches {
            switch try self.evaluate(branch.condition) {
            case .boolean(true): return try self.evaluate(branch.value)
            case .boolean(false): continue
            case let other: self.warn("Expected a boolean behind 'if', but got \(other.typeName)")
            }
        }
        return try self.evaluate(otherwise)
    }

    // MARK: - Iterations

    mutating func iteration(_ iteration: IterationNode) throws(FEELEvaluationError) -> FEELValue {
        let outerCount = self.bindings.count
        defer { self.bindings.removeLast(self.bindings.count - outerCount) }
        if iteration.usesPartial { self.bindings.append(.variable("partial", .list([]))) }
        var results: [FEELValue] = []
        let isComplete = try self.forEach(iteration.iterators[...]) { evaluator throws(FEELEvaluationError) in
            let value = try evaluator.evaluate(iteration.body)
            try evaluator.produce(bytes: MemoryLayout<FEELValue>.stride)
            results.append(value)
            if iteration.usesPartial {
                // Results that hold earlier ones could grow deeper with each turn.
                try evaluator.checkSize(of: value)
                try evaluator.step(count: results.count / 16)
                evaluator.bindings[outerCount] = .variable("partial", .list(results))
            }
            return true
        }
        return isComplete == nil ? .null : .list(results)
    }

    mutating func quantified(
        _ isEvery: Bool,
        _ iterators: [IteratorNode],
        _ condition: Node
    ) throws(FEELEvaluationError) -> FEELValue {
        let outerCount = self.bindings.count
        defer { self.bindings.removeLast(self.bindings.count - outerCount) }
        var hasNull = false
        let isComplete = try self.forEach(iterators[...]) { evaluator throws(FEELEvaluationError) in
            switch try evaluator.evaluate(condition) {
            case .boolean(let outcome): return outcome == isEvery
            case let other:
                evaluator.warn("Expected a boolean behind 'satisfies', but got \(other.typeName)")
                hasNull = true
                return true
            }
        }
        guard let isComplete else { return .null }
        if !isComplete { return .boolean(!isEvery) }
        return hasNull ? .null : .boolean(isEvery)
    }

    /// Runs a body for every combination of the iterators. False if the body stopped it, nil if a source cannot be
    /// iterated.
    private mutating func forEach(
        _ iterators: ArraySlice<IteratorNode>,
        _ body: (inout Evaluator) throws(FEELEvaluationError) -> Bool
    ) throws(FEELEvaluationError) -> Bool? {
        guard let iterator = iterators.first else { return try body(&self) }
        guard var elements = try self.elements(iterator) else { return nil }
        let position = self.bindings.count
        self.bindings.append(.variable(iterator.name, .null))
        defer { self.bindings.removeLast(self.bindings.count - position) }
        while let element = elements.next() {
            try self.step()
            self.bindings[position] = .variable(iterator.name, element)
            let outcome = try self.forEach(iterators.dropFirst(), body)
            if outcome != true { return outcome }
        }
        return true
    }

    private mutating func elements(_ iterator: IteratorNode) throws(FEELEvaluationError) -> ElementSequence? {
        let source = try self.evaluate(iterator.source)
        if let last = iterator.last {
            let end = try self.evaluate(last)
            if let sequence = ElementSequence(from: source, through: end, isDescendingAllowed: true) { return sequence }
            self.warn("Expected numbers or dates around '..', but got \(source.typeName) and \(end.typeName)")
            return nil
        }
        switch source {
        case .list(let elements):
            if elements.count == 1, case .range(let range) = elements[0] {
                // `[1..3]` in brackets of its own, as the grammar reads `[[1..3]]`, stays a list of a range.
                return ElementSequence(elements: [.range(range)])
            }
            return ElementSequence(elements: elements)
        case .range(let range):
            if let sequence = ElementSequence(range) { return sequence }
            self.warn("Expected a closed, ascending range of numbers or dates to iterate")
            return nil
        case .null:
            self.warn("Expected a list to iterate, but got Null")
            return nil
        default: return ElementSequence(elements: [source])
        }
    }

    // MARK: - Postfix

    mutating func postfix(_ base: Node, _ steps: [PostfixStep]) throws(FEELEvaluationError) -> FEELValue {
        var value = try self.evaluate(base)
        for step in steps {
            switch step {
            case .property(let name): value = try self.property(name, of: value)
            case .element(let index): value = self.element(index, of: value)
            case .filter(let condition): value = try self.filter(value, condition)
            case .invoke(let arguments): value = try self.invoke(value, arguments)
            }
        }
        return value
    }

    mutating func property(_ name: String, of value: FEELValue) throws(FEELEvaluationError) -> FEELValue {
        switch value {
        case .context(let context):
            if let entry = context[name] { return entry }
            return self.null("No context entry found with key '\(name)'")
        case .list(let elements):
            try self.step(count: elements.count)
            var values: [FEELValue] = []
            values.reserveCapacity(elements.count)
            for element in elements {
                if case .list = element {
                    values.append(self.null("Expected a context, but got list"))
                } else {
                    values.append(try self.property(name, of: element))
                }
            }
            return try self.produce(values)
        case .null: return self.null("No context entry found with key '\(name)' in Null")
        default:
            if let property = self.temporalProperty(name, of: value) { return property }
            return self.null("No property found with name '\(name)' of value with type '\(value.typeName)'")
        }
    }

    mutating func element(_ index: Int, of value: FEELValue) -> FEELValue {
        let elements: [FEELValue]
        switch value {
        case .list(let list): elements = list
        case .null: return .null
        default: elements = [value]
        }
        let position = index > 0 ? index - 1 : elements.count + index
        // Only a list's own length bounds the position; an index beyond it adds up to something negative or too large.
        guard index != 0, position >= 0, position < elements.count else {
            return self.null("Expected an index within the list's \(elements.count) elements, but got \(index)")
        }
        return elements[position]
    }

    private mutating func filter(_ value: FEELValue, _ condition: Node) throws(FEELEvaluationError) -> FEELValue {
        let elements: [FEELValue]
        switch value {
        case .list(let list): elements = list
        case .null: return .null
        default: elements = [value]
        }
        let position = self.bindings.count
        self.bindings.append(.item(elements.first ?? .null))
        defer { self.bindings.removeLast(self.bindings.count - position) }
        var results: [FEELValue] = []
        if elements.isEmpty {
            if case .number = try self.evaluate(condition) { return .null }
            return .list([])
        }
        for index in elements.indices {
            try self.step()
            self.bindings[position] = .item(elements[index])
            switch try self.evaluate(condition) {
            case .boolean(true): results.append(elements[index])
            case .number(let number) where index == 0:
                return number.truncatedInt.map { self.element($0, of: value) } ?? .null
            default: continue
            }
        }
        return try self.produce(results)
    }
}

/// The elements an iteration visits, made one by one.
struct ElementSequence: Sequence, IteratorProtocol {
    private enum Source {
        case elements(ArraySlice<FEELValue>)
        case numbers(next: Decimal, last: Decimal, step: Decimal)
        case days(next: Int64, last: Int64, step: Int64)
        case end
    }

    private var source: Source

    init(elements: [FEELValue]) {
        self.source = .elements(elements[...])
    }

    /// The closed range between whole numbers or dates; nil for anything else.
    init?(from first: FEELValue, through last: FEELValue, isDescendingAllowed: Bool) {
        switch (first, last) {
        case (.number(let first), .number(let last)):
            guard first <= last || isDescendingAllowed else { return nil }
            self.source = .numbers(next: first, last: last, step: first <= last ? .one : Decimal(-1))
        case (.date(let first), .date(let last)):
            let (start, end) = (first.daysSinceEpoch, last.daysSinceEpoch)
            guard start <= end || isDescendingAllowed else { return nil }
            self.source = .days(next: start, last: end, step: start <= end ? 1 : -1)
        default: return nil
        }
    }

    /// The elements of a range value, which must be closed and ascending.
    init?(_ range: FEELRange) {
        guard range.comparison == nil,
            var sequence = ElementSequence(
                from: range.start,
                through: range.end,
                isDescendingAllowed: false
            )
        else { return nil }
        if !range.isStartIncluded { _ = sequence.next() }
        if !range.isEndIncluded { sequence.dropEnd(range.end) }
        self = sequence
    }

    private mutating func dropEnd(_ end: FEELValue) {
        switch self.source {
        case .numbers(let next, let last, let step):
            guard next.exponent >= 0, last.isInteger else { return }
            self.source = last.subtracting(.one).map { .numbers(next: next, last: $0, step: step) } ?? .end
        case .days(let next, let last, let step): self.source = .days(next: next, last: last - 1, step: step)
        case .elements, .end: return
        }
    }

    mutating func next() -> FEELValue? {
        switch self.source {
        case .elements(var rest):
            self.source = .end
            let element = rest.popFirst()
            self.source = .elements(rest)
            return element
        case .numbers(let next, let last, let step):
            guard step.isNegative ? next >= last : next <= last else { return nil }
            let following = next.adding(step)
            // Beyond 34 digits adding one changes nothing: the iteration would never end.
            self.source =
                following == next ? .end : following.map { .numbers(next: $0, last: last, step: step) } ?? .end
            return .number(next)
        case .days(let next, let last, let step):
            guard step < 0 ? next >= last : next <= last else { return nil }
            self.source = .days(next: next + step, last: last, step: step)
            return FEELDate(daysSinceEpoch: next).map(FEELValue.date)
        case .end: return nil
        }
    }
}
