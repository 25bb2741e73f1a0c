/// Operators by rising precedence: or, and, comparison, sum, product, power, sign, postfix.
extension Parser {
    /// A whole expression; the only entry into nested expressions.
    mutating func expression() throws(FEELSyntaxError) -> Node {
        try self.enter()
        let wasInRangeEnd = self.isInRangeEnd
        self.isInRangeEnd = false
        let node = try self.disjunction()
        self.isInRangeEnd = wasInRangeEnd
        self.leave()
        return node
    }

    private mutating func disjunction() throws(FEELSyntaxError) -> Node {
        var operands = [try self.conjunction()]
        while self.skip(.or) { operands.append(try self.conjunction()) }
        return operands.count == 1 ? operands[0] : .disjunction(operands)
    }

    private mutating func conjunction() throws(FEELSyntaxError) -> Node {
        var operands = [try self.comparison()]
        while self.skip(.and) { operands.append(try self.comparison()) }
        return operands.count == 1 ? operands[0] : .conjunction(operands)
    }

    private mutating func comparison() throws(FEELSyntaxError) -> Node {
        var left = try self.arithmetic(level: 0)
        // Comparisons in a row nest to the left, so each counts as a level.
        let outerDepth = self.depth
        while let next = try self.comparisonStep(left) {
            left = next
            try self.enter()
        }
        self.depth = outerDepth
        return left
    }

    private mutating func comparisonStep(_ left: Node) throws(FEELSyntaxError) -> Node? {
        if let comparison = self.comparisonOperator() {
            self.advance()
            return .comparison(comparison, left, try self.arithmetic(level: 0))
        }
        if self.skip(.between) {
            let lower = try self.arithmetic(level: 0)
            try self.expect(.and)
            return .between(left, lower: lower, upper: try self.arithmetic(level: 0))
        }
        if self.skip(.in) { return .membership(left, try self.membershipTests()) }
        if self.skip(.instance) {
            guard self.token.kind == .name, self.text(self.token) == "of" else { throw self.error("`of`") }
            self.advance()
            return .instanceOf(left, try self.type())
        }
        return nil
    }

    func comparisonOperator() -> ComparisonOperator? {
        guard case .symbol(let symbol) = self.token.kind else { return nil }
        return ComparisonOperator(rawValue: symbol.rawValue)
    }

    /// What follows `in`: one test, or several in parentheses.
    private mutating func membershipTests() throws(FEELSyntaxError) -> [Node] {
        if self.comparisonOperator() != nil { return [try self.unaryTest()] }
        guard self.token.kind == .symbol(.openParenthesis) else { return [try self.arithmetic(level: 0)] }
        let start = self.position
        self.advance()
        var tests = [try self.unaryTest()]
        if self.token.kind == .symbol(.range) {
            // The parenthesis opens a range, not a list of tests.
            self.position = start
            return [try self.arithmetic(level: 0)]
        }
        while self.skip(.comma) { tests.append(try self.unaryTest()) }
        try self.expect(.closeParenthesis)
        guard tests.count == 1 else { return tests }
        // A single expression in parentheses may go on: `x in (a + b) * 2`.
        guard self.isAfterOperandContinued else { return tests }
        self.position = start
        return [try self.arithmetic(level: 0)]
    }

    private var isAfterOperandContinued: Bool {
        guard case .symbol(let symbol) = self.token.kind else { return false }
        return [.plus, .minus, .star, .slash, .power, .dot, .openBracket].contains(symbol)
    }

    /// `< x`, `= x` and the like as ranges, or any expression.
    mutating func unaryTest() throws(FEELSyntaxError) -> Node {
        guard let comparison = self.comparisonOperator() else { return try self.expression() }
        try self.enter()
        self.advance()
        let operand = try self.arithmetic(level: 0)
        self.leave()
        return .unaryRange(comparison, operand)
    }

    /// Sums (level 0), products (1) and powers (2), all of them left-associative.
    mutating func arithmetic(level: Int) throws(FEELSyntaxError) -> Node {
        var first = try level == 2 ? self.signed() : self.arithmetic(level: level + 1)
        var steps: [ArithmeticStep] = []
        while case .symbol(let symbol) = self.token.kind, let operation = Parser.operation(symbol, level: level) {
            self.advance()
            let operand = try level == 2 ? self.signed() : self.arithmetic(level: level + 1)
            steps.append(ArithmeticStep(operation: operation, operand: operand))
        }
        if steps.count == 1 {
            first = .arithmetic(steps[0].operation, first, steps[0].operand)
        } else if steps.count > 1 {
            first = .arithmeticChain(first, steps)
        }
        return first
    }

    private static func operation(_ symbol: Token.Symbol, level: Int) -> ArithmeticOperator? {
        switch (symbol, level) {
        case (.plus, 0): .add
        case (.minus, 0): .subtract
        case (.star, 1): .multiply
        case (.slash, 1): .divide
        case (.power, 2): .power
        default: nil
        }
    }

    /// Any number of minus signs in front of an operand. They bind closer than `**`, as DMN 1.3 has it.
    private mutating func signed() throws(FEELSyntaxError) -> Node {
        var isNegative = false
        var hasSign = false
        while self.skip(.minus) {
            isNegative.toggle()
            hasSign = true
        }
        let operand = try self.postfix()
        guard hasSign else { return operand }
        if case .constant(.number(let number)) = operand {
            return .constant(.number(isNegative ? number.negated : number))
        }
        return isNegative ? .negation(operand) : .negation(.negation(operand))
    }

    /// An operand with any number of properties, filters and invocations behind it.
    private mutating func postfix() throws(FEELSyntaxError) -> Node {
        let base = try self.primary()
        var steps: [PostfixStep] = []
        while true {
            if self.token.kind == .symbol(.dot) {
                self.advance()
                steps.append(.property(try self.propertyName()))
            } else if self.token.kind == .symbol(.openBracket), !self.isRangeClosedHere() {
                self.advance()
                steps.append(try self.filter())
            } else if self.token.kind == .symbol(.openParenthesis) {
                steps.append(.invoke(try self.arguments()))
            } else {
                return steps.isEmpty ? base : .postfix(base, steps)
            }
        }
    }

    private mutating func propertyName() throws(FEELSyntaxError) -> String {
        // Behind a point, a keyword is a name like any other.
        if case .keyword = self.token.kind { return self.take(1) }
        return try self.name("the name of a property")
    }

    private mutating func filter() throws(FEELSyntaxError) -> PostfixStep {
        let node = try self.expression()
        try self.expect(.closeBracket)
        if case .constant(.number(let number)) = node, let index = number.int64 { return .element(Int(index)) }
        return .filter(node)
    }

    /// At `[` behind a range's end point: true if it closes the range, as in `[1..10[`, false if it opens a filter.
    private func isRangeClosedHere() -> Bool {
        guard self.isInRangeEnd else { return false }
        var level = 0
        var index = self.position
        while index < self.tokens.count {
            let kind = self.tokens[index].kind
            index += 1
            if kind == .symbol(.openBracket) { level += 1 }
            if kind == .symbol(.closeBracket) { level -= 1 }
            if level == 0 { break }
        }
        guard level == 0, index < self.tokens.count else { return true }
        switch self.tokens[index].kind {
        case .symbol(.closeBracket), .symbol(.closeParenthesis), .symbol(.openBracket): return false
        default: return true
        }
    }

    /// The arguments of an invocation, positional or named, with their parentheses.
    mutating func arguments() throws(FEELSyntaxError) -> CallArguments {
        try self.expect(.openParenthesis)
        var values: [Node] = []
        var names: [String] = []
        if self.skip(.closeParenthesis) { return CallArguments(values: [], names: []) }
        let isNamed = self.isNamedArgument()
        repeat {
            if isNamed {
                names.append(try self.declaredName(until: [.symbol(.colon)], "the name of an argument"))
                try self.expect(.colon)
            }
            values.append(try self.expression())
        } while self.skip(.comma)
        try self.expect(.closeParenthesis)
        return CallArguments(values: values, names: names)
    }

    /// True when words and then a colon follow.
    private func isNamedArgument() -> Bool {
        var offset = 0
        while offset < 16 {
            switch self.token(after: offset).kind {
            case .name, .quotedName, .keyword: offset += 1
            case .symbol(.colon): return offset > 0
            default: return false
            }
        }
        return false
    }
}
