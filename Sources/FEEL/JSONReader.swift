/// Reads JSON (RFC 8259) into FEEL values.
struct JSONReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        self.bytes = Array(text.utf8)
    }

    /// The value of the whole text, or nil if it is not JSON.
    mutating func read(_ evaluator: inout Evaluator) throws(FEELEvaluationError) -> FEELValue? {
        guard let value = try self.value(&evaluator, depth: 0) else { return nil }
        self.skipBlanks()
        return self.position == self.bytes.count ? value : nil
    }

    private var next: UInt8? { self.position < self.bytes.count ? self.bytes[self.position] : nil }

    private mutating func skipBlanks() {
        while let byte = self.next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { self.position += 1 }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        self.skipBlanks()
        guard self.next == byte else { return false }
        self.position += 1
        return true
    }

    private mutating func skip(word: String) -> Bool {
        guard self.bytes[self.position...].starts(with: word.utf8) else { return false }
        self.position += word.utf8.count
        return true
    }

    private mutating func value(
        _ evaluator: inout Evaluator,
        depth: Int
    ) throws(FEELEvaluationError) -> FEELValue? {
        try evaluator.step()
        if depth > evaluator.environment.depthLimit { throw .depthLimitExceeded(evaluator.environment.depthLimit) }
        self.skipBlanks()
        switch self.next {
        case 0x7B: return try self.object(&evaluator, depth: depth + 1)
        case 0x5B: return try self.array(&evaluator, depth: depth + 1)
        case 0x22: return try self.string(&evaluator).map(FEELValue.string)
        case 0x74: return self.skip(word: "true") ? .boolean(true) : nil
        case 0x66: return self.skip(word: "false") ? .boolean(false) : nil
        case 0x6E: return self.skip(word: "null") ? .null : nil
        default: return self.number()
        }
    }

    private mutating func number() -> FEELValue? {
        let start = self.position
        while let byte = self.next, 0x30...0x39 ~= byte || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(byte) {
            self.position += 1
        }
        guard self.position > start, self.bytes[start] != 0x2E else { return nil }
        return Decimal(utf8: self.bytes[start..<self.position]).map(FEELValue.number)
    }

    private mutating func array(_ evaluator: inout Evaluator, depth: Int) throws(FEELEvaluationError) -> FEELValue? {
        self.position += 1
        var elements: [FEELValue] = []
        if self.skip(0x5D) { return .list([]) }
        repeat {
            guard let element = try self.value(&evaluator, depth: depth) else { return nil }
            elements.append(element)
        } while self.skip(0x2C)
        return self.skip(0x5D) ? try evaluator.produce(elements) : nil
    }

    private mutating func object(_ evaluator: inout Evaluator, depth: Int) throws(FEELEvaluationError) -> FEELValue? {
        self.position += 1
        var context = FEELContext()
        if self.skip(0x7D) { return .context(context) }
        repeat {
            self.skipBlanks()
            guard self.next == 0x22, let key = try self.string(&evaluator), self.skip(0x3A),
                let value = try self.value(&evaluator, depth: depth)
            else { return nil }
            context[key] = value
        } while self.skip(0x2C)
        return self.skip(0x7D) ? .context(context) : nil
    }

    private mutating func string(_ evaluator: inout Evaluator) throws(FEELEvaluationError) -> String? {
        self.position += 1
        var text: [UInt8] = []
        while let byte = self.next, byte != 0x22 {
            guard byte >= 0x20 else { return nil }
            self.position += 1
            if byte != 0x5C {
                text.append(byte)
            } else {
                guard let escaped = self.escape() else { return nil }
                text.append(contentsOf: escaped)
            }
        }
        guard self.next == 0x22 else { return nil }
        self.position += 1
        try evaluator.produce(bytes: text.count)
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func escape() -> [UInt8]? {
        guard let byte = self.next else { return nil }
        self.position += 1
        switch byte {
        case 0x22, 0x5C, 0x2F: return [byte]
        case 0x62: return [0x08]
        case 0x66: return [0x0C]
        case 0x6E: return [0x0A]
        case 0x72: return [0x0D]
        case 0x74: return [0x09]
        case 0x75:
            guard let high = self.codeUnit() else { return nil }
            guard 0xD800...0xDBFF ~= high else { return Unicode.Scalar(high).map { Array(String($0).utf8) } }
            guard self.skip(word: "\\u"), let low = self.codeUnit(), 0xDC00...0xDFFF ~= low else { return nil }
            return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)).map { Array(String($0).utf8) }
        default: return nil
        }
    }

    private mutating func codeUnit() -> UInt32? {
        guard self.bytes.count - self.position >= 4 else { return nil }
        var value: UInt32 = 0
        for byte in self.bytes[self.position..<(self.position + 4)] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
        }
        self.position += 4
        return value
    }

    /// Appends a string as a JSON literal.
    static func quote(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
