/// A recursive-descent parser of FEEL (DMN 1.3, 10.3.1.2). Recursion happens only where expressions nest, and each
/// nesting is counted against the limit; chains of operators, paths and else-ifs are loops.
struct Parser {
    let bytes: [UInt8]
    let limits: FEELLimits
    var tokens: [Token] = []
    var position = 0
    var depth = 0
    /// Names of several tokens that the expression itself introduces, or that were given.
    var names = NameTable()
    /// Names bound by enclosing iterations, functions and contexts.
    var bound: [String] = []
    /// Names that are not bound, in the order of their first occurrence.
    private(set) var free: [String] = []
    private var seen: Set<String> = []
    /// How many bodies of `for` read `partial`.
    var partialUses = 0
    /// True while the end point of a range is read, where `[` may close the range.
    var isInRangeEnd = false

    init(_ source: String, _ limits: FEELLimits, knownNames: [String]) throws(FEELSyntaxError) {
        self.bytes = Array(source.utf8)
        self.limits = limits
        guard self.bytes.count <= limits.maximalSourceBytes else {
            throw FEELSyntaxError(
                line: 1,
                column: 1,
                expected: "at most \(limits.maximalSourceBytes) bytes",
                found: "\(self.bytes.count) bytes"
            )
        }
        var lexer = Lexer(self.bytes, limits)
        self.tokens = try lexer.scan()
        for name in knownNames { try self.declare(known: name) }
    }

    /// Parses the whole source as one expression.
    mutating func parseAll() throws(FEELSyntaxError) -> Node {
        let node = try self.expression()
        guard self.token.kind == .end else { throw self.error("an operator or the end") }
        return node
    }

    // MARK: - Tokens

    var token: Token { self.tokens[self.position] }

    func token(after offset: Int) -> Token { self.tokens[min(self.position + offset, self.tokens.count - 1)] }

    mutating func advance() {
        // The last token is the end; nothing moves past it.
        self.position = min(self.position + 1, self.tokens.count - 1)
    }

    func text(_ token: Token) -> String { String(decoding: self.bytes[token.start..<token.end], as: UTF8.self) }

    mutating func skip(_ symbol: Token.Symbol) -> Bool {
        guard self.token.kind == .symbol(symbol) else { return false }
        self.advance()
        return true
    }

    mutating func skip(_ keyword: Token.Keyword) -> Bool {
        guard self.token.kind == .keyword(keyword) else { return false }
        self.advance()
        return true
    }

    mutating func expect(_ symbol: Token.Symbol) throws(FEELSyntaxError) {
        guard self.skip(symbol) else { throw self.error("`\(symbol.rawValue)`") }
    }

    mutating func expect(_ keyword: Token.Keyword) throws(FEELSyntaxError) {
        guard self.skip(keyword) else { throw self.error("`\(keyword.rawValue)`") }
    }

    func error(_ expected: String) -> FEELSyntaxError {
        let found = self.token.kind == .end ? "the end" : "`\(self.text(self.token).prefix(40))`"
        return FEELSyntaxError(self.bytes, self.token.start, expected: expected, found: found)
    }

    /// Counts one level of nesting; the caller counts it off by `leave`.
    mutating func enter() throws(FEELSyntaxError) {
        self.depth += 1
        guard self.depth <= self.limits.maximalDepth else {
            throw self.error("at most \(self.limits.maximalDepth) levels of nesting")
        }
    }

    mutating func leave() {
        self.depth -= 1
    }

    // MARK: - Names

    /// Notes a name that is used; a name bound nowhere is a variable.
    mutating func use(_ name: String) {
        if name == "partial" { self.partialUses += 1 }
        guard name != "item", !self.bound.contains(name), self.seen.insert(name).inserted else { return }
        self.free.append(name)
    }

    /// Makes a name given from outside known, if it consists of several tokens.
    private mutating func declare(known name: String) throws(FEELSyntaxError) {
        let bytes = Array(name.utf8)
        var lexer = Lexer(bytes, self.limits)
        let tokens = try lexer.scan().dropLast()
        self.names.insert(words: tokens.map { String(decoding: bytes[$0.start..<$0.end], as: UTF8.self) })
    }

    /// The name at the position: quoted, of several tokens if such a name is known, or a single token.
    mutating func name(_ expected: String = "a name") throws(FEELSyntaxError) -> String {
        let token = self.token
        if token.kind == .quotedName {
            self.advance()
            return String(decoding: self.bytes[(token.start + 1)..<(token.end - 1)], as: UTF8.self)
        }
        guard token.kind == .name else { throw self.error(expected) }
        let first = self.text(token)
        for table in [self.names, NameTable.builtin] {
            for words in table.candidates(first) where self.matches(words) { return self.take(words.count) }
        }
        self.advance()
        return first
    }

    private func matches(_ words: [String]) -> Bool {
        guard self.position + words.count < self.tokens.count else { return false }
        for (offset, word) in words.enumerated()
        where offset > 0 && self.text(self.tokens[self.position + offset]) != word {
            return false
        }
        return true
    }

    /// The next tokens as one name, each gap between them as one blank.
    mutating func take(_ count: Int) -> String {
        var name = ""
        var end = self.token.start
        for _ in 0..<count {
            if self.token.start > end { name += " " }
            name += self.text(self.token)
            end = self.token.end
            self.advance()
        }
        return name
    }

    /// The name of a key, parameter or iterator: all tokens up to one that closes it.
    mutating func declaredName(until closers: [Token.Kind], _ expected: String) throws(FEELSyntaxError) -> String {
        if self.token.kind == .quotedName { return try self.name() }
        var count = 0
        while !closers.contains(self.token(after: count).kind) {
            let isAllowed = count == 0 ? self.token.kind == .name : self.isNamePart(self.token(after: count).kind)
            guard isAllowed, count < 64 else { throw self.error(expected) }
            count += 1
        }
        guard count > 0 else { throw self.error(expected) }
        let words = (0..<count).map { self.text(self.token(after: $0)) }
        self.names.insert(words: words)
        return self.take(count)
    }

    private func isNamePart(_ kind: Token.Kind) -> Bool {
        switch kind {
        case .name, .number, .keyword: true
        case .symbol(let symbol): [.plus, .minus, .star, .slash, .power, .dot, .apostrophe].contains(symbol)
        case .quotedName, .string, .end: false
        }
    }
}
