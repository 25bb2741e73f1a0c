/// A decimal floating-point number of 34 significant digits, rounded half-even: the number of FEEL (DMN 1.3,
/// 10.3.2.3.1), with the range of IEEE 754 decimal128 and finite values only. What overflows or has no value is nil.
///
/// Equal numbers have equal bits: an integer of at most 34 digits has the exponent 0, a larger one 34 digits, and a
/// fraction no trailing zero. So equality and hashing need no arithmetic, and 1.50 is 1.5.
package struct Decimal: Sendable, Hashable {
    // Sign (1 bit), exponent + 8192 (14 bits), upper 49 bits of the coefficient.
    private let high: UInt64
    private let low: UInt64

    /// The largest number of significant digits.
    package static let precision = 34
    static let maximalExponent = 6111
    static let minimalExponent = -6176
    static let zero = Decimal(0)
    static let one = Decimal(1)
    private static let exponentBias = 8192
    private static let coefficientLimit = PowersOfTen.value(34)

    /// An integer, exactly.
    package init(_ value: Int64) {
        self.high = (value < 0 ? 1 << 63 : 0) | UInt64(Decimal.exponentBias) << 49
        self.low = value.magnitude
    }

    init(_ value: Int) {
        self.init(Int64(value))
    }

    /// Takes parts that are canonical already.
    private init(isNegative: Bool, canonicalCoefficient coefficient: UInt128, exponent: Int) {
        let biased = UInt64(truncatingIfNeeded: exponent + Decimal.exponentBias)
        let upper = UInt64(truncatingIfNeeded: coefficient >> 64)
        self.high = (isNegative && coefficient != 0 ? 1 << 63 : 0) | biased << 49 | upper
        self.low = UInt64(truncatingIfNeeded: coefficient)
    }

    /// ±coefficient × 10^exponent for a coefficient of at most 34 digits, made canonical; nil beyond the largest
    /// number. What is too small becomes zero.
    init?(isNegative: Bool, coefficient: UInt128, exponent: Int) {
        if exponent == 0 {
            self.init(isNegative: isNegative, canonicalCoefficient: coefficient, exponent: 0)
            return
        }
        var coefficient = coefficient
        var exponent = coefficient == 0 ? 0 : exponent
        if exponent > 0 {
            let room = min(Decimal.precision - PowersOfTen.digitCount(coefficient), exponent)
            coefficient *= PowersOfTen.value(max(room, 0))
            exponent -= max(room, 0)
        }
        while exponent < 0 {
            let (quotient, remainder) = coefficient.quotientAndRemainder(dividingBy: 10)
            guard remainder == 0 else { break }
            coefficient = quotient
            exponent += 1
        }
        if exponent < Decimal.minimalExponent {
            let dropped = Decimal.minimalExponent - exponent
            coefficient = dropped > 38 ? 0 : Decimal.dropping(dropped, from: WideInteger(coefficient), .halfEven).low
            exponent = coefficient == 0 ? 0 : Decimal.minimalExponent
        }
        guard exponent <= Decimal.maximalExponent else { return nil }
        self.init(isNegative: isNegative, canonicalCoefficient: coefficient, exponent: exponent)
    }

    /// Rounds a wide coefficient to 34 digits, half-even. `isInexact` says that digits below it were cut off already.
    init?(isNegative: Bool, wide: WideInteger, exponent: Int, isInexact: Bool = false) {
        if wide.high == 0 && wide.low < Decimal.coefficientLimit && !isInexact {
            self.init(isNegative: isNegative, coefficient: wide.low, exponent: exponent)
            return
        }
        var dropped = max(wide.digitCount - Decimal.precision, 0)
        var coefficient = Decimal.dropping(dropped, from: wide, .halfEven, isInexact: isInexact).low
        if coefficient == Decimal.coefficientLimit {
            coefficient /= 10
            dropped += 1
        }
        self.init(isNegative: isNegative, coefficient: coefficient, exponent: exponent + dropped)
    }

    /// True for numbers below zero.
    package var isNegative: Bool { self.high >> 63 == 1 }
    /// True for zero.
    package var isZero: Bool { self.low == 0 && self.high & (1 << 49 - 1) == 0 }
    /// True for whole numbers.
    package var isInteger: Bool { self.exponent >= 0 }

    var coefficient: UInt128 { UInt128(self.high & (1 << 49 - 1)) << 64 | UInt128(self.low) }
    var exponent: Int { Int(self.high >> 49 & 0x3FFF) - Decimal.exponentBias }

    /// The number as a 64-bit integer, if it is one.
    package var int64: Int64? {
        guard self.exponent == 0, self.high & (1 << 49 - 1) == 0 else { return nil }
        if self.isNegative { return self.low <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- self.low) : nil }
        return Int64(exactly: self.low)
    }

    /// The integer part as an `Int`, or nil when it does not fit.
    var truncatedInt: Int? {
        let whole = self.exponent < 0 ? self.rounded(toScale: 0, .down) : self
        return whole?.int64.flatMap { Int(exactly: $0) }
    }

    /// The nearest double.
    package var double: Double { Double(self.description) ?? 0 }

    /// A double, by its shortest decimal text; nil when it is not finite.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        self.init(value.description)
    }

    /// The value × 10^power, exactly.
    func shifted(byPowerOfTen power: Int) -> Decimal? {
        Decimal(isNegative: self.isNegative, coefficient: self.coefficient, exponent: self.exponent + power)
    }

    func withSign(isNegative: Bool) -> Decimal {
        Decimal(isNegative: isNegative, canonicalCoefficient: self.coefficient, exponent: self.exponent)
    }
}

extension Decimal: Comparable {
    package static func < (left: Decimal, right: Decimal) -> Bool { left.compare(right) < 0 }

    /// −1, 0 or 1.
    func compare(_ other: Decimal) -> Int {
        if self == other { return 0 }
        if self.isNegative != other.isNegative { return self.isNegative ? -1 : 1 }
        let order = self.compareMagnitude(other)
        return self.isNegative ? -order : order
    }

    private func compareMagnitude(_ other: Decimal) -> Int {
        let (left, right) = (self.coefficient, other.coefficient)
        if self.exponent == other.exponent { return left < right ? -1 : (left == right ? 0 : 1) }
        if left == 0 || right == 0 { return left == 0 ? -1 : 1 }
        let leftTop = PowersOfTen.digitCount(left) + self.exponent
        let rightTop = PowersOfTen.digitCount(right) + other.exponent
        if leftTop != rightTop { return leftTop < rightTop ? -1 : 1 }
        // Equal magnitude: the exponents differ by less than 34, so the scaled coefficient has at most 68 digits.
        let distance = self.exponent - other.exponent
        let leftWide = WideInteger(product: left, PowersOfTen.value(max(distance, 0)))
        let rightWide = WideInteger(product: right, PowersOfTen.value(max(-distance, 0)))
        return leftWide == rightWide ? 0 : (leftWide < rightWide ? -1 : 1)
    }
}
