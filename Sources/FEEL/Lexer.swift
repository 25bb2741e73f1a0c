/// Splits source into tokens. Names are split at blanks: which words belong together is decided by the parser.
struct Lexer {
    private let bytes: [UInt8]
    private let limits: FEELLimits
    private var position = 0
    private var tokens: [Token] = []

    private static let keywords: [String: Token.Keyword] = Dictionary(
        uniqueKeysWithValues: Token.Keyword.allCases.map { ($0.rawValue, $0) }
    )

    init(_ bytes: [UInt8], _ limits: FEELLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// All tokens, closed by an end token.
    mutating func scan() throws(FEELSyntaxError) -> [Token] {
        while true {
            try self.skipBlanks()
            guard self.position < self.bytes.count else { break }
            guard self.tokens.count < self.limits.maximalTokenCount else {
                throw self.error("at most \(self.limits.maximalTokenCount) tokens", "more")
            }
            let start = self.position
            let kind = try self.next()
            self.tokens.append(Token(kind: kind, start: start, end: self.position))
        }
        self.tokens.append(Token(kind: .end, start: self.bytes.count, end: self.bytes.count))
        return self.tokens
    }

    private func error(_ expected: String, _ found: String, at position: Int? = nil) -> FEELSyntaxError {
        FEELSyntaxError(self.bytes, position ?? self.position, expected: expected, found: found)
    }

    private func byte(_ offset: Int = 0) -> UInt8? {
        let index = self.position + offset
        return index < self.bytes.count ? self.bytes[index] : nil
    }

    private mutating func skipBlanks() throws(FEELSyntaxError) {
        while let byte = self.byte() {
            if byte == 0x2F, self.byte(1) == 0x2F {
                while let next = self.byte(), next != 0x0A, next != 0x0D { self.position += 1 }
            } else if byte == 0x2F, self.byte(1) == 0x2A {
                let start = self.position
                self.position += 2
                while self.byte() != 0x2A || self.byte(1) != 0x2F {
                    guard self.position < self.bytes.count else {
                        throw self.error("`*/` at the end of a comment", "the end", at: start)
                    }
                    self.position += 1
                }
                self.position += 2
            } else {
                let length = self.blankLength()
                if length == 0 { return }
                self.position += length
            }
        }
    }

    /// The bytes of the blank character at the position, 0 if there is none.
    private func blankLength() -> Int {
        guard let byte = self.byte() else { return 0 }
        if byte == 0x20 || 0x09...0x0D ~= byte { return 1 }
        if byte < 0x80 { return 0 }
        let (scalar, length) = self.scalar()
        return scalar.properties.isWhitespace || scalar == "\u{FEFF}" ? length : 0
    }

    private func scalar() -> (Unicode.Scalar, Int) {
        // The bytes come from a String, so they are well-formed.
        var decoder = UTF8()
        var iterator = self.bytes[self.position...].prefix(4).makeIterator()
        if case .scalarValue(let scalar) = decoder.decode(&iterator) { return (scalar, scalar.utf8.count) }
        return ("\u{FFFD}", 1)
    }

    private mutating func next() throws(FEELSyntaxError) -> Token.Kind {
        guard let byte = self.byte() else { return .end }
        if 0x30...0x39 ~= byte { return self.number() }
        if byte == 0x2E, let next = self.byte(1), 0x30...0x39 ~= next, !self.isAfterOperand { return self.number() }
        if byte == 0x22 { return try self.quoted(0x22, .string) }
        if byte == 0x60 { return try self.quoted(0x60, .quotedName) }
        if self.isNameStart(byte) { return self.name() }
        return self.symbol(byte)
    }

    /// True when a point here continues a path, so that `a.1` is not read as two numbers.
    private var isAfterOperand: Bool {
        guard let last = self.tokens.last, last.end == self.position else { return false }
        switch last.kind {
        case .name, .quotedName, .string, .symbol(.closeParenthesis), .symbol(.closeBracket), .symbol(.closeBrace):
            return true
        case .number, .keyword, .symbol, .end: return false
        }
    }

    private func isNameStart(_ byte: UInt8) -> Bool {
        if byte < 0x80 { return 0x61...0x7A ~= byte | 0x20 && byte >= 0x41 || byte == 0x5F || byte == 0x3F }
        return self.blankLength() == 0
    }

    private mutating func name() -> Token.Kind {
        let start = self.position
        while let byte = self.byte(), 0x30...0x39 ~= byte || self.isNameStart(byte) {
            self.position += byte < 0x80 ? 1 : self.scalar().1
        }
        guard self.position - start <= 9 else { return .name }
        let text = String(decoding: self.bytes[start..<self.position], as: UTF8.self)
        return Lexer.keywords[text].map { .keyword($0) } ?? .name
    }

    private mutating func number() -> Token.Kind {
        self.skipDigits()
        if self.byte() == 0x2E, let next = self.byte(1), 0x30...0x39 ~= next {
            self.position += 1
            self.skipDigits()
        }
        if let byte = self.byte(), byte | 0x20 == 0x65 {
            let sign = self.byte(1)
            let offset = sign == 0x2B || sign == 0x2D ? 2 : 1
            if let digit = self.byte(offset), 0x30...0x39 ~= digit {
                self.position += offset
                self.skipDigits()
            }
        }
        return .number
    }

    private mutating func skipDigits() {
        while let byte = self.byte(), 0x30...0x39 ~= byte { self.position += 1 }
    }

    private mutating func quoted(_ mark: UInt8, _ kind: Token.Kind) throws(FEELSyntaxError) -> Token.Kind {
        let start = self.position
        self.position += 1
        while let byte = self.byte(), byte != mark {
            self.position += byte == 0x5C && mark == 0x22 ? 2 : 1
        }
        guard self.position < self.bytes.count else {
            self.position = start
            throw self.error(mark == 0x22 ? "a closing `\"`" : "a closing backquote", "the end")
        }
        self.position += 1
        return kind
    }

    private mutating func symbol(_ byte: UInt8) -> Token.Kind {
        let pair = String(decoding: self.bytes[self.position..<min(self.position + 2, self.bytes.count)], as: UTF8.self)
        if pair.utf8.count == 2, let symbol = Token.Symbol(rawValue: pair) {
            self.position += 2
            return .symbol(symbol)
        }
        self.position += 1
        return .symbol(Token.Symbol(rawValue: String(decoding: [byte], as: UTF8.self)) ?? .other)
    }
}

extension FEELSyntaxError {
    /// An error at a position of the source's UTF-8.
    init(_ bytes: [UInt8], _ position: Int, expected: String, found: String) {
        var line = 1
        var column = 1
        for byte in bytes.prefix(position) {
            if byte == 0x0A {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        self.init(line: line, column: column, expected: expected, found: found)
    }
}
