/// Arithmetic and logic (DMN 1.3, tables 38 to 53).
extension Evaluator {
    mutating func arithmetic(
        _ operation: ArithmeticOperator,
        _ left: Node,
        _ right: Node
    ) throws(FEELEvaluationError) -> FEELValue {
        let first = try self.evaluate(left)
        let second = try self.evaluate(right)
        return try self.apply(operation, first, second)
    }

    mutating func arithmeticChain(_ first: Node, _ steps: [ArithmeticStep]) throws(FEELEvaluationError) -> FEELValue {
        var value = try self.evaluate(first)
        for step in steps {
            let operand = try self.evaluate(step.operand)
            value = try self.apply(step.operation, value, operand)
        }
        return value
    }

    mutating func apply(
        _ operation: ArithmeticOperator,
        _ left: FEELValue,
        _ right: FEELValue
    ) throws(FEELEvaluationError) -> FEELValue {
        if case .number(let first) = left, case .number(let second) = right {
            if let result = Evaluator.apply(operation, first, second) { return .number(result) }
            return self.null("Expected a result in range, but got none for \(operation.rawValue)")
        }
        if case .string(let first) = left, case .string(let second) = right, operation == .add {
            return try self.produce(first + second)
        }
        if let result = self.temporal(operation, left, right) { return result }
        return self.null("Can't apply '\(operation.rawValue)' to \(left.typeName) and \(right.typeName)")
    }

    private static func apply(_ operation: ArithmeticOperator, _ left: Decimal, _ right: Decimal) -> Decimal? {
        switch operation {
        case .add: left.adding(right)
        case .subtract: left.subtracting(right)
        case .multiply: left.multiplied(by: right)
        case .divide: left.divided(by: right)
        case .power: left.power(right)
        }
    }

    mutating func negation(_ operand: Node) throws(FEELEvaluationError) -> FEELValue {
        switch try self.evaluate(operand) {
        case .number(let number): return .number(number.negated)
        case .daysTimeDuration(let duration):
            return FEELDaysTimeDuration(totalNanoseconds: -duration.totalNanoseconds).map { .daysTimeDuration($0) }
                ?? .null
        case .yearsMonthsDuration(let duration):
            // The parser never yields the one length without an opposite.
            return .yearsMonthsDuration(FEELYearsMonthsDuration(months: 0 &- duration.months))
        case let other: return self.null("Expected a number behind '-', but got \(other.typeName)")
        }
    }

    mutating func comparison(
        _ comparison: ComparisonOperator,
        _ left: Node,
        _ right: Node
    ) throws(FEELEvaluationError) -> FEELValue {
        let first = try self.evaluate(left)
        let second = try self.evaluate(right)
        return try self.compare(comparison, first, second)
    }

    mutating func compare(
        _ comparison: ComparisonOperator,
        _ left: FEELValue,
        _ right: FEELValue
    ) throws(FEELEvaluationError) -> FEELValue {
        if comparison == .equal || comparison == .notEqual {
            guard let isEqual = try self.equal(left, right) else {
                return self.null("Can't compare \(left.typeName) with \(right.typeName)")
            }
            return .boolean(isEqual == (comparison == .equal))
        }
        guard let order = self.order(left, right) else {
            return self.null("Can't compare \(left.typeName) with \(right.typeName)")
        }
        return .boolean(Evaluator.holds(comparison, order))
    }

    static func holds(_ comparison: ComparisonOperator, _ order: Int) -> Bool {
        switch comparison {
        case .equal: order == 0
        case .notEqual: order != 0
        case .less: order < 0
        case .lessOrEqual: order <= 0
        case .greater: order > 0
        case .greaterOrEqual: order >= 0
        }
    }

    /// Three-valued `and` and `or`: one decisive operand decides, otherwise anything but a boolean makes the result
    /// null.
    mutating func junction(_ operands: [Node], decisive: Bool) throws(FEELEvaluationError) -> FEELValue {
        var hasNull = false
        for operand in operands {
            switch try self.evaluate(operand) {
            case .boolean(decisive): return .boolean(decisive)
            case .boolean: continue
            default: hasNull = true
            }
        }
        return hasNull ? .null : .boolean(!decisive)
    }

    mutating func between(_ operand: Node, _ lower: Node, _ upper: Node) throws(FEELEvaluationError) -> FEELValue {
        let value = try self.evaluate(operand)
        let first = try self.evaluate(lower)
        let last = try self.evaluate(upper)
        guard let low = self.order(value, first), let high = self.order(value, last) else {
            return self.null("Can't compare \(value.typeName) with \(first.typeName) and \(last.typeName)")
        }
        return .boolean(low >= 0 && high <= 0)
    }

    mutating func membership(_ operand: Node, _ tests: [Node]) throws(FEELEvaluationError) -> FEELValue {
        let value = try self.evaluate(operand)
        var hasNull = false
        for test in tests {
            switch try self.passes(value, against: try self.evaluate(test)) {
            case true: return .boolean(true)
            case false: continue
            case nil: hasNull = true
            }
        }
        return hasNull ? self.null("Can't test whether \(value.typeName) is in the list or range") : .boolean(false)
    }

    /// Whether a value passes one unary test, in which it is also known as `?`.
    mutating func passes(_ value: FEELValue, test: Node) throws(FEELEvaluationError) -> Bool? {
        let outcome = try self.evaluate(test)
        if case .boolean(let passed) = outcome {
            if case .boolean(let tested) = value { return Evaluator.isLiteral(test) ? passed == tested : passed }
            return passed
        }
        return try self.passes(value, against: outcome)
    }

    private static func isLiteral(_ node: Node) -> Bool {
        if case .constant = node { return true }
        return false
    }

    /// Whether a value equals the tested one, lies in its range, or does so for an element of its list.
    mutating func passes(_ value: FEELValue, against test: FEELValue) throws(FEELEvaluationError) -> Bool? {
        switch test {
        case .range(let range):
            if case .range(let other) = value { return try self.equal(.range(other), test) }
            if let comparison = range.comparison, comparison == .equal || comparison == .notEqual {
                let operand = range.start.isNull ? range.end : range.start
                return try self.equal(value, operand).map { $0 == (comparison == .equal) }
            }
            return self.includes(range, value)
        case .list(let elements):
            if case .list = value, try self.equal(value, test) == true { return true }
            for element in elements {
                try self.step()
                if case .list = element {
                    if try self.equal(value, element) == true { return true }
                } else if try self.passes(value, against: element) == true {
                    return true
                }
            }
            return false
        default: return try self.equal(value, test)
        }
    }
}
