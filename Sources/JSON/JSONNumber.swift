/// A number exactly as it was written. Nothing is rounded: who needs an integer, a decimal or a binary number converts.
package struct JSONNumber: Sendable, Hashable, CustomStringConvertible {
    /// The source text, of RFC 8259's `number` grammar. Two numbers are equal if their texts are: `1` is not `1.0`.
    package let text: String

    /// Nil unless `text` is of RFC 8259's `number` grammar.
    package init?(text: String) {
        var text = text
        let isValid = text.withUTF8 { buffer -> Bool in
            var lexer = JSONLexer(JSONBytes(buffer), limits: JSONLimits(numberBytes: buffer.count))
            guard let range = try? lexer.number() else { return false }
            return range == 0..<buffer.count
        }
        guard isValid else { return nil }
        self.text = text
    }

    package init(_ value: Int64) { self.text = String(value) }
    package init(_ value: Int) { self.text = String(value) }

    /// The number's text must have been checked by a lexer.
    init(checkedText: String) { self.text = checkedText }

    package var description: String { self.text }

    /// The nearest binary number, or nil if its size is out of range.
    package var double: Double? {
        guard let value = Double(self.text), value.isFinite else { return nil }
        return value
    }

    /// The exact value if it is an integer that fits, in any spelling: `1e3` and `1.0` count, `1.5` does not.
    package var int64: Int64? {
        var text = self.text
        return text.withUTF8 { Self.exactInteger($0) }
    }

    /// Reads sign, digits and exponent of a text of valid grammar. Zeros are held back until a later digit needs them,
    /// so that neither leading zeros of a fraction nor trailing zeros can overflow.
    private static func exactInteger(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        var position = 0
        let isNegative = text.first == UInt8(ascii: "-")
        if isNegative { position = 1 }
        var value: Int64 = 0
        var heldZeros = 0
        var fractionDigits = 0
        var isFraction = false
        var exponent = 0
        while position < text.count {
            let byte = text[position]
            position += 1
            if byte == UInt8(ascii: ".") {
                isFraction = true
                continue
            }
            if byte | 0x20 == UInt8(ascii: "e") {
                exponent = Self.exponent(text[position...])
                break
            }
            if isFraction { fractionDigits += 1 }
            let digit = Int64(byte &- UInt8(ascii: "0"))
            if digit == 0 {
                if value != 0 { heldZeros += 1 }
                continue
            }
            guard let scaled = Self.scaled(value, byTens: heldZeros + 1) else { return nil }
            let (sum, overflow) = scaled.subtractingReportingOverflow(digit)
            guard !overflow else { return nil }
            value = sum
            heldZeros = 0
        }
        if value == 0 { return 0 }
        let scale = exponent + heldZeros - fractionDigits
        guard scale >= 0, let result = Self.scaled(value, byTens: scale) else { return nil }
        if isNegative { return result }
        return result == .min ? nil : -result
    }

    /// The exponent behind the `e`, cut off far outside of any range that matters.
    private static func exponent(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
        var value = 0
        for byte in text where byte >= UInt8(ascii: "0") {
            value = min(value * 10 + Int(byte - UInt8(ascii: "0")), 1_000_000_000)
        }
        return text.first == UInt8(ascii: "-") ? -value : value
    }

    private static func scaled(_ value: Int64, byTens count: Int) -> Int64? {
        if value == 0 { return 0 }
        guard count <= 19 else { return nil }
        var value = value
        for _ in 0..<count {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            value = product
        }
        return value
    }
}
