/// A string as it stands in the source, checked but not yet decoded.
struct JSONStringToken {
    /// The bytes between the quotes.
    var range: Range<Int>
    var hasEscapes: Bool
}

/// Reads single tokens of a document: white space, strings, numbers, literals (RFC 8259, sections 2 to 7).
struct JSONLexer {
    let bytes: JSONBytes
    let limits: JSONLimits
    /// The next byte to read.
    var offset = 0

    init(_ bytes: JSONBytes, limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    @inline(__always)
    var current: UInt8 { self.bytes[self.offset] }

    @inline(__always)
    mutating func skipWhitespace() {
        while true {
            let byte = self.current
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            self.offset &+= 1
        }
    }

    func expected(_ what: String) -> JSONError {
        JSONError(
            .syntax,
            at: self.offset,
            in: self.bytes,
            "Expected \(what), but got \(self.bytes.described(at: self.offset))"
        )
    }

    func exceeded(_ what: String, limit: Int, at offset: Int) -> JSONError {
        JSONError(.limitExceeded, at: offset, in: self.bytes, "Expected at most \(limit) \(what), but got more")
    }

    // MARK: Literals

    /// Reads `true`, `false` or `null`, whose first byte has been seen.
    mutating func literal(_ text: StaticString) throws(JSONError) {
        let end = self.offset + text.utf8CodeUnitCount
        var position = 0
        while self.offset < end {
            guard self.current == text.utf8Start[position] else { throw self.expected("'\(text)'") }
            position += 1
            self.offset += 1
        }
    }

    // MARK: Numbers

    /// Reads a number and returns its range. What follows it is not looked at.
    mutating func number() throws(JSONError) -> Range<Int> {
        let start = self.offset
        if self.current == UInt8(ascii: "-") { self.offset &+= 1 }
        if self.current == UInt8(ascii: "0") {
            self.offset &+= 1
            if Self.isDigit(self.current) { throw self.expected("no digit after a leading zero") }
        } else {
            try self.digits()
        }
        if self.current == UInt8(ascii: ".") {
            self.offset &+= 1
            try self.digits()
        }
        if self.current | 0x20 == UInt8(ascii: "e") {
            self.offset &+= 1
            if self.current == UInt8(ascii: "+") || self.current == UInt8(ascii: "-") { self.offset &+= 1 }
            try self.digits()
        }
        guard self.offset - start <= self.limits.numberBytes else {
            throw self.exceeded("bytes in a number", limit: self.limits.numberBytes, at: start)
        }
        return start..<self.offset
    }

    @inline(__always)
    private mutating func digits() throws(JSONError) {
        guard Self.isDigit(self.current) else { throw self.expected("a digit") }
        repeat { self.offset &+= 1 } while Self.isDigit(self.current)
    }

    @inline(__always)
    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    // MARK: Strings

    /// Reads a string whose opening quote is the current byte, and checks its escapes and its UTF-8.
    mutating func string() throws(JSONError) -> JSONStringToken {
        self.offset &+= 1
        let start = self.offset
        var hasEscapes = false
        while true {
            self.skipPlainText()
            let byte = self.current
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                try self.escape()
            } else if byte >= 0x80 {
                try self.multibyteScalar()
            } else {
                throw self.expected(self.offset < self.bytes.count ? "no control character in a string" : "'\"'")
            }
        }
        let range = start..<self.offset
        guard range.count <= self.limits.stringBytes else {
            throw self.exceeded("bytes in a string", limit: self.limits.stringBytes, at: start)
        }
        self.offset &+= 1
        return JSONStringToken(range: range, hasEscapes: hasEscapes)
    }

    /// Goes on to the next quote, backslash, control character or byte that is not ASCII, eight bytes at a time.
    /// Borrows of the subtractions reach only bytes above the first hit, so that the lowest mark is always a true
    /// one.
    @inline(__always)
    private mutating func skipPlainText() {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        while let word = self.bytes.word(at: self.offset) {
            let quotes = word ^ (ones &* 0x22)
            let slashes = word ^ (ones &* 0x5C)
            let controls = (word &- (ones &* 0x20)) & ~word
            let found = (quotes &- ones) & ~quotes | (slashes &- ones) & ~slashes | controls | word
            let marks = found & tops
            if marks != 0 {
                self.offset &+= marks.trailingZeroBitCount >> 3
                return
            }
            self.offset &+= 8
        }
        while true {
            let byte = self.current
            guard byte >= 0x20, byte < 0x80, byte != 0x22, byte != 0x5C else { return }
            self.offset &+= 1
        }
    }

    private mutating func escape() throws(JSONError) {
        let start = self.offset
        self.offset += 1
        switch self.current {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            self.offset += 1
        case UInt8(ascii: "u"):
            self.offset += 1
            let unit = try self.hexadecimalUnit()
            guard unit & 0xF800 == 0xD800 else { return }
            guard unit < 0xDC00, self.current == 0x5C, self.bytes[self.offset + 1] == UInt8(ascii: "u") else {
                throw self.loneSurrogate(at: start)
            }
            self.offset += 2
            let low = try self.hexadecimalUnit()
            guard low & 0xFC00 == 0xDC00 else { throw self.loneSurrogate(at: start) }
        default:
            throw self.expected("an escape character")
        }
    }

    private func loneSurrogate(at offset: Int) -> JSONError {
        JSONError(
            .invalidText,
            at: offset,
            in: self.bytes,
            "Expected a pair of surrogates, but got half of one"
        )
    }

    private mutating func hexadecimalUnit() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = JSONStringDecoding.hexadecimalDigit(self.current) else {
                throw self.expected("a hexadecimal digit")
            }
            unit = unit << 4 | UInt16(digit)
            self.offset += 1
        }
        return unit
    }

    /// Checks one scalar of two to four bytes (RFC 3629, section 4: no overlong forms, no surrogates, at most
    /// U+10FFFF).
    private mutating func multibyteScalar() throws(JSONError) {
        let first = self.current
        let second = self.bytes[self.offset + 1]
        let length: Int
        let secondRange: ClosedRange<UInt8>
        switch first {
        case 0xC2...0xDF: (length, secondRange) = (2, 0x80...0xBF)
        case 0xE0: (length, secondRange) = (3, 0xA0...0xBF)
        case 0xED: (length, secondRange) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, secondRange) = (3, 0x80...0xBF)
        case 0xF0: (length, secondRange) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, secondRange) = (4, 0x80...0xBF)
        case 0xF4: (length, secondRange) = (4, 0x80...0x8F)
        default: throw self.invalidUTF8(at: self.offset)
        }
        guard secondRange.contains(second) else { throw self.invalidUTF8(at: self.offset) }
        for position in 2..<max(length, 2) where self.bytes[self.offset + position] & 0xC0 != 0x80 {
            throw self.invalidUTF8(at: self.offset)
        }
        self.offset += length
    }

    private func invalidUTF8(at offset: Int) -> JSONError {
        JSONError(
            .invalidText,
            at: offset,
            in: self.bytes,
            "Expected valid UTF-8, but got \(self.bytes.described(at: offset)) in a wrong place"
        )
    }
}
