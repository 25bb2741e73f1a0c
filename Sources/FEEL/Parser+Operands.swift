/// Operands: literals, names, lists, contexts, ranges, and the forms that start with a keyword.
extension Parser {
    mutating func primary() throws(FEELSyntaxError) -> Node {
        switch self.token.kind {
        case .number: return try self.numberLiteral()
        case .string: return .constant(.string(try self.stringLiteral()))
        case .name, .quotedName: return try self.nameOrCall()
        case .keyword(let keyword): return try self.keywordForm(keyword)
        case .symbol(let symbol): return try self.symbolForm(symbol)
        case .end: throw self.error("an expression")
        }
    }

    private mutating func keywordForm(_ keyword: Token.Keyword) throws(FEELSyntaxError) -> Node {
        switch keyword {
        case .true, .false:
            self.advance()
            return .constant(.boolean(keyword == .true))
        case .null:
            self.advance()
            return .constant(.null)
        case .if: return try self.conditional()
        case .for: return try self.iteration()
        case .some, .every: return try self.quantified(isEvery: keyword == .every)
        case .function: return try self.functionDefinition()
        case .then, .else, .in, .return, .satisfies, .and, .or, .between, .instance, .external:
            throw self.error("an expression")
        }
    }

    private mutating func symbolForm(_ symbol: Token.Symbol) throws(FEELSyntaxError) -> Node {
        switch symbol {
        case .openParenthesis: return try self.parenthesized()
        case .openBracket: return try self.listOrRange()
        case .closeBracket:
            self.advance()
            let start = try self.expression()
            return try self.range(from: start, isStartIncluded: false)
        case .openBrace: return try self.context()
        case .at: return try self.temporalLiteral()
        default: throw self.error("an expression")
        }
    }

    private mutating func numberLiteral() throws(FEELSyntaxError) -> Node {
        guard let number = Decimal(utf8: self.bytes[self.token.start..<self.token.end]) else {
            throw self.error("a number within range")
        }
        self.advance()
        return .constant(.number(number))
    }

    private mutating func nameOrCall() throws(FEELSyntaxError) -> Node {
        let name = try self.name()
        let builtin = BuiltinFunction.all[name]
        guard self.token.kind == .symbol(.openParenthesis) else {
            // The name of a built-in function may still be a variable's, such as `count` or `date`.
            self.use(name)
            return .variable(name)
        }
        if builtin == nil { self.use(name) }
        return .call(name, builtin, try self.arguments())
    }

    /// `(expression)`, `(start..end]` or `(< operand)`.
    private mutating func parenthesized() throws(FEELSyntaxError) -> Node {
        self.advance()
        if self.comparisonOperator() != nil {
            let test = try self.unaryTest()
            try self.expect(.closeParenthesis)
            return test
        }
        let node = try self.expression()
        if self.token.kind == .symbol(.range) { return try self.range(from: node, isStartIncluded: false) }
        try self.expect(.closeParenthesis)
        return node
    }

    private mutating func listOrRange() throws(FEELSyntaxError) -> Node {
        self.advance()
        if self.skip(.closeBracket) { return .constant(.list([])) }
        var elements = [try self.unaryTest()]
        if self.token.kind == .symbol(.range) { return try self.range(from: elements[0], isStartIncluded: true) }
        while self.skip(.comma) { elements.append(try self.unaryTest()) }
        try self.expect(.closeBracket)
        return .list(elements)
    }

    private mutating func range(from start: Node, isStartIncluded: Bool) throws(FEELSyntaxError) -> Node {
        try self.expect(.range)
        try self.enter()
        let wasInRangeEnd = self.isInRangeEnd
        self.isInRangeEnd = true
        let end = try self.arithmetic(level: 0)
        self.isInRangeEnd = wasInRangeEnd
        self.leave()
        let isEndIncluded = self.skip(.closeBracket)
        if !isEndIncluded, !self.skip(.closeParenthesis), !self.skip(.openBracket) { throw self.error("`]` or `)`") }
        return .range(start: start, end: end, isStartIncluded: isStartIncluded, isEndIncluded: isEndIncluded)
    }

    private mutating func context() throws(FEELSyntaxError) -> Node {
        self.advance()
        let outerCount = self.bound.count
        defer { self.bound.removeLast(self.bound.count - outerCount) }
        var entries: [ContextEntry] = []
        if self.skip(.closeBrace) { return .constant(.context(FEELContext())) }
        repeat {
            let key: String
            if self.token.kind == .string {
                key = try self.stringLiteral()
            } else if case .keyword = self.token.kind, self.token(after: 1).kind == .symbol(.colon) {
                key = self.take(1)
            } else {
                key = try self.declaredName(until: [.symbol(.colon)], "a key")
            }
            try self.expect(.colon)
            entries.append(ContextEntry(key: key, value: try self.expression()))
            self.bound.append(key)
        } while self.skip(.comma)
        try self.expect(.closeBrace)
        return .context(entries)
    }

    // MARK: - Forms with keywords

    /// `if … then … else …`, where a chain of else-ifs is one flat form.
    private mutating func conditional() throws(FEELSyntaxError) -> Node {
        var branches: [ConditionalBranch] = []
        while self.skip(.if) {
            let condition = try self.expression()
            try self.expect(.then)
            branches.append(ConditionalBranch(condition: condition, value: try self.expression()))
            try self.expect(.else)
        }
        return .conditional(branches, otherwise: try self.expression())
    }

    private mutating func iteration() throws(FEELSyntaxError) -> Node {
        self.advance()
        let outerCount = self.bound.count
        defer { self.bound.removeLast(self.bound.count - outerCount) }
        let iterators = try self.iterators()
        try self.expect(.return)
        self.bound.append("partial")
        let outerUses = self.partialUses
        let body = try self.expression()
        return .iteration(IterationNode(iterators: iterators, body: body, usesPartial: self.partialUses > outerUses))
    }

    private mutating func quantified(isEvery: Bool) throws(FEELSyntaxError) -> Node {
        self.advance()
        let outerCount = self.bound.count
        defer { self.bound.removeLast(self.bound.count - outerCount) }
        let iterators = try self.iterators()
        try self.expect(.satisfies)
        return .quantified(isEvery: isEvery, iterators, condition: try self.expression())
    }

    private mutating func iterators() throws(FEELSyntaxError) -> [IteratorNode] {
        var iterators: [IteratorNode] = []
        repeat {
            let name = try self.declaredName(until: [.keyword(.in)], "the name of an iterator")
            try self.expect(.in)
            let source = try self.expression()
            let last = self.skip(.range) ? try self.expression() : nil
            iterators.append(IteratorNode(name: name, source: source, last: last))
            self.bound.append(name)
        } while self.skip(.comma)
        return iterators
    }

    private mutating func functionDefinition() throws(FEELSyntaxError) -> Node {
        self.advance()
        let outerCount = self.bound.count
        defer { self.bound.removeLast(self.bound.count - outerCount) }
        try self.expect(.openParenthesis)
        var parameters: [FunctionParameter] = []
        if !self.skip(.closeParenthesis) {
            repeat {
                let closers: [Token.Kind] = [.symbol(.colon), .symbol(.comma), .symbol(.closeParenthesis)]
                let name = try self.declaredName(until: closers, "the name of a parameter")
                let type = self.skip(.colon) ? try self.type() : .any
                parameters.append(FunctionParameter(name: name, type: type))
                self.bound.append(name)
            } while self.skip(.comma)
            try self.expect(.closeParenthesis)
        }
        guard self.token.kind != .keyword(.external) else {
            throw self.error("an expression, since nothing external runs")
        }
        return .function(parameters, body: try self.expression())
    }
}
