/// String literals with their escapes, temporal literals, and types.
extension Parser {
    /// The value of a string literal. An escape that FEEL does not know stays as it is written, so that regular
    /// expressions such as `"\d+"` need no doubled backslash.
    mutating func stringLiteral() throws(FEELSyntaxError) -> String {
        let raw = self.bytes[(self.token.start + 1)..<(self.token.end - 1)]
        guard raw.contains(0x5C) else {
            self.advance()
            return String(decoding: raw, as: UTF8.self)
        }
        var text: [UInt8] = []
        var index = raw.startIndex
        while index < raw.endIndex {
            let byte = raw[index]
            index += 1
            guard byte == 0x5C, index < raw.endIndex else {
                text.append(byte)
                continue
            }
            let escape = raw[index]
            index += 1
            switch escape {
            case 0x6E: text.append(0x0A)
            case 0x74: text.append(0x09)
            case 0x72: text.append(0x0D)
            case 0x22, 0x27, 0x5C: text.append(escape)
            case 0x75, 0x55:
                guard let scalar = Parser.scalar(raw, &index, digits: escape == 0x75 ? 4 : 6) else {
                    throw self.error("a Unicode character behind `\\u`")
                }
                text.append(contentsOf: String(scalar).utf8)
            default: text.append(contentsOf: [0x5C, escape])
            }
        }
        self.advance()
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads hexadecimal digits; two escapes that form a surrogate pair give one character.
    private static func scalar(_ raw: ArraySlice<UInt8>, _ index: inout Int, digits: Int) -> Unicode.Scalar? {
        guard let high = Parser.hexadecimal(raw, index, digits: digits) else { return nil }
        index += digits
        guard 0xD800...0xDBFF ~= high else { return Unicode.Scalar(high) }
        guard raw.endIndex - index >= 6, raw[index] == 0x5C, raw[index + 1] == 0x75,
            let low = Parser.hexadecimal(raw, index + 2, digits: 4), 0xDC00...0xDFFF ~= low
        else { return nil }
        index += 6
        return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    }

    private static func hexadecimal(_ raw: ArraySlice<UInt8>, _ start: Int, digits: Int) -> UInt32? {
        guard raw.endIndex - start >= digits else { return nil }
        let text = String(decoding: raw[start..<(start + digits)], as: UTF8.self)
        return text.utf8.count == digits && !text.hasPrefix("+") ? UInt32(text, radix: 16) : nil
    }

    /// `@"…"`: a date, time, date-time or duration; null if the text is none of them.
    mutating func temporalLiteral() throws(FEELSyntaxError) -> Node {
        self.advance()
        guard self.token.kind == .string else { throw self.error("a string behind `@`") }
        let text = try self.stringLiteral()
        let value = FEELValue(temporalText: text) ?? .null
        return text.contains("@") ? .zonedLiteral(value) : .constant(value)
    }

    // MARK: - Types

    private static let simpleTypes: [(words: [String], type: FEELType)] = [
        (["years", "and", "months", "duration"], .yearsMonthsDuration),
        (["year", "month", "duration"], .yearsMonthsDuration),
        (["days", "and", "time", "duration"], .daysTimeDuration),
        (["day", "time", "duration"], .daysTimeDuration),
        (["date", "and", "time"], .dateTime),
        (["date", "time"], .dateTime),
        (["Any"], .any), (["Null"], .null), (["number"], .number), (["string"], .string), (["boolean"], .boolean),
        (["date"], .date), (["time"], .time),
    ]

    /// A type: a simple one, `list<T>`, `range<T>`, `context<name: T, …>` or `function<T, …> -> T`.
    mutating func type() throws(FEELSyntaxError) -> FEELType {
        try self.enter()
        defer { self.leave() }
        for (words, type) in Parser.simpleTypes {
            let isMatch = words.enumerated().allSatisfy { self.text(self.token(after: $0.offset)) == $0.element }
            guard isMatch else { continue }
            self.position += words.count
            return type
        }
        if self.token.kind == .keyword(.function) { return try self.functionType() }
        let name = try self.name("a type")
        switch name {
        case "list": return .list(try self.typeArgument() ?? .any)
        case "range": return .range(try self.typeArgument() ?? .any)
        case "context": return .context(try self.contextMembers())
        default: return .unknown(name)
        }
    }

    private mutating func typeArgument() throws(FEELSyntaxError) -> FEELType? {
        guard self.skip(.less) else { return nil }
        let type = try self.type()
        try self.closeAngle()
        return type
    }

    /// A `>`, which may be glued to the `=` of a comparison behind it; that case is refused.
    private mutating func closeAngle() throws(FEELSyntaxError) {
        try self.expect(.greater)
    }

    private mutating func contextMembers() throws(FEELSyntaxError) -> [FEELType.ContextMember] {
        guard self.skip(.less) else { return [] }
        var members: [FEELType.ContextMember] = []
        if self.skip(.greater) { return members }
        repeat {
            let name = try self.declaredName(until: [.symbol(.colon)], "the name of an entry")
            try self.expect(.colon)
            members.append(FEELType.ContextMember(name: name, type: try self.type()))
        } while self.skip(.comma)
        try self.closeAngle()
        return members
    }

    private mutating func functionType() throws(FEELSyntaxError) -> FEELType {
        self.advance()
        guard self.skip(.less) else { return .function }
        if !self.skip(.greater) {
            repeat { _ = try self.type() } while self.skip(.comma)
            try self.closeAngle()
        }
        if self.skip(.arrow) { _ = try self.type() }
        return .function
    }
}

extension FEELValue {
    /// The temporal value that a text denotes: a date, date-time, time or duration.
    init?(temporalText text: String) {
        if let date = FEELDate(text) {
            self = .date(date)
        } else if let dateTime = FEELDateTime(text) {
            self = .dateTime(dateTime)
        } else if let time = FEELTime(text) {
            self = .time(time)
        } else if let duration = FEELYearsMonthsDuration(text) {
            self = .yearsMonthsDuration(duration)
        } else if let duration = FEELDaysTimeDuration(text) {
            self = .daysTimeDuration(duration)
        } else {
            return nil
        }
    }
}
