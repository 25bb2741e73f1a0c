extension Decimal: CustomStringConvertible, LosslessStringConvertible {
    /// Parses the number grammar of JSON (RFC 8259, section 6), leading zeros and a missing integer part allowed, in
    /// ASCII. More than 34 digits are rounded half-even. Nil for anything else and for what overflows.
    package init?(utf8 text: some Collection<UInt8>) {
        var scanner = DecimalScanner()
        guard scanner.scan(text) else { return nil }
        guard scanner.digitCount > 0 else { return nil }
        self.init(
            isNegative: scanner.isNegative,
            wide: WideInteger(scanner.coefficient),
            exponent: scanner.exponent,
            isInexact: scanner.isInexact
        )
    }

    /// Parses text of the same grammar.
    package init?(_ text: some StringProtocol) {
        self.init(utf8: text.utf8)
    }

    /// Parses text of the same grammar.
    package init?(_ text: String) {
        self.init(utf8: text.utf8)
    }

    /// Plain notation unless more than six zeros would follow the digits or the point, then an exponent; always a JSON
    /// number that reads back as this value.
    package var description: String {
        if self.exponent == 0 {
            let digits = String(self.coefficient)
            return self.isNegative ? "-" + digits : digits
        }
        let digits = Array(String(self.coefficient).utf8)
        let point = digits.count + self.exponent
        var text: [UInt8] = self.isNegative ? [0x2D] : []
        if self.exponent > 6 || point < -6 {
            text.append(digits[0])
            let fraction = digits.dropFirst().reversed().drop { $0 == 0x30 }.reversed()
            if !fraction.isEmpty {
                text.append(0x2E)
                text.append(contentsOf: fraction)
            }
            text.append(contentsOf: "e\(point - 1)".utf8)
        } else if self.exponent > 0 {
            text.append(contentsOf: digits)
            text.append(contentsOf: repeatElement(0x30, count: self.exponent))
        } else if point > 0 {
            text.append(contentsOf: digits[..<point])
            text.append(0x2E)
            text.append(contentsOf: digits[point...])
        } else {
            text.append(contentsOf: [0x30, 0x2E])
            text.append(contentsOf: repeatElement(0x30, count: -point))
            text.append(contentsOf: digits)
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Reads decimal digits into a coefficient of at most 38 digits and an exponent.
private struct DecimalScanner {
    var isNegative = false
    var coefficient: UInt128 = 0
    var exponent = 0
    var digitCount = 0
    var isInexact = false
    private var significantDigits = 0

    /// True if the whole text is a number.
    mutating func scan(_ text: some Collection<UInt8>) -> Bool {
        var rest = text[...]
        if rest.first == 0x2D {
            self.isNegative = true
            rest.removeFirst()
        }
        self.scanDigits(&rest, areFraction: false)
        if rest.first == 0x2E {
            rest.removeFirst()
            let before = self.digitCount
            self.scanDigits(&rest, areFraction: true)
            guard self.digitCount > before else { return false }
        }
        if let byte = rest.first, byte | 0x20 == 0x65 {
            rest.removeFirst()
            guard self.scanExponent(&rest) else { return false }
        }
        return rest.isEmpty
    }

    private mutating func scanDigits<Text: Collection<UInt8>>(_ rest: inout Text, areFraction: Bool)
    where Text.SubSequence == Text {
        while let byte = rest.first, byte >= 0x30, byte <= 0x39 {
            rest.removeFirst()
            self.digitCount += 1
            if self.significantDigits == 38 {
                self.isInexact = self.isInexact || byte != 0x30
                self.exponent += areFraction ? 0 : 1
                continue
            }
            self.coefficient = self.coefficient * 10 + UInt128(byte - 0x30)
            self.significantDigits += self.coefficient == 0 ? 0 : 1
            self.exponent -= areFraction ? 1 : 0
        }
    }

    private mutating func scanExponent<Text: Collection<UInt8>>(_ rest: inout Text) -> Bool
    where Text.SubSequence == Text {
        let isNegative = rest.first == 0x2D
        if isNegative || rest.first == 0x2B { rest.removeFirst() }
        guard rest.first != nil else { return false }
        var value = 0
        while let byte = rest.first, byte >= 0x30, byte <= 0x39 {
            rest.removeFirst()
            // Far beyond any representable number; the bound only keeps the sum from overflowing.
            value = min(value * 10 + Int(byte - 0x30), 1_000_000_000)
        }
        self.exponent += isNegative ? -value : value
        return rest.isEmpty
    }
}
