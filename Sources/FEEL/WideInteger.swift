/// A 256-bit unsigned intermediate of decimal arithmetic: exact products and scaled dividends of 34-digit coefficients.
struct WideInteger: Equatable {
    /// The upper 128 bits.
    var high: UInt128
    /// The lower 128 bits.
    var low: UInt128

    init(_ value: UInt128) {
        self.high = 0
        self.low = value
    }

    init(high: UInt128, low: UInt128) {
        self.high = high
        self.low = low
    }

    /// The exact product of two 128-bit numbers.
    init(product left: UInt128, _ right: UInt128) {
        let parts = left.multipliedFullWidth(by: right)
        self.high = parts.high
        self.low = parts.low
    }

    var isZero: Bool { self.high == 0 && self.low == 0 }

    /// The number of decimal digits (0 for zero).
    var digitCount: Int {
        if self.high == 0 { return PowersOfTen.digitCount(self.low) }
        let (quotient, _) = self.dividedBy(PowersOfTen.value(38))
        return 38 + PowersOfTen.digitCount(quotient.low) + (quotient.high == 0 ? 0 : 39)
    }

    /// The product, or nil when it needs more than 256 bits.
    func multiplied(by factor: UInt128) -> WideInteger? {
        let lower = self.low.multipliedFullWidth(by: factor)
        let (upper, overflow) = self.high.multipliedReportingOverflow(by: factor)
        let (high, carry) = upper.addingReportingOverflow(lower.high)
        return overflow || carry ? nil : WideInteger(high: high, low: lower.low)
    }

    /// The product with a power of ten, or nil when it needs more than 256 bits.
    func scaled(byPowerOfTen power: Int) -> WideInteger? {
        if power <= 38 { return self.multiplied(by: PowersOfTen.value(power)) }
        return self.multiplied(by: PowersOfTen.value(38))?.scaled(byPowerOfTen: power - 38)
    }

    /// Quotient and remainder; the divisor must not be zero.
    func dividedBy(_ divisor: UInt128) -> (quotient: WideInteger, remainder: UInt128) {
        let (upper, rest) = self.high.quotientAndRemainder(dividingBy: divisor)
        if rest == 0 {
            let (lower, remainder) = self.low.quotientAndRemainder(dividingBy: divisor)
            return (WideInteger(high: upper, low: lower), remainder)
        }
        let (lower, remainder) = divisor.dividingFullWidth((rest, self.low))
        return (WideInteger(high: upper, low: lower), remainder)
    }

    /// The sum; callers keep both operands below 2^255.
    func adding(_ other: WideInteger) -> WideInteger {
        let (low, carry) = self.low.addingReportingOverflow(other.low)
        return WideInteger(high: self.high &+ other.high &+ (carry ? 1 : 0), low: low)
    }

    /// The difference; `other` must not be larger.
    func subtracting(_ other: WideInteger) -> WideInteger {
        let (low, borrow) = self.low.subtractingReportingOverflow(other.low)
        return WideInteger(high: self.high &- other.high &- (borrow ? 1 : 0), low: low)
    }

    static func < (left: WideInteger, right: WideInteger) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }
}

/// Powers of ten up to 10^38, the largest that fits into 128 bits.
enum PowersOfTen {
    private static let table: [UInt128] = {
        var powers: [UInt128] = [1]
        for _ in 1...38 { powers.append((powers.last ?? 1) * 10) }
        return powers
    }()

    /// 10 to the power of `exponent`, which must lie in 0...38.
    static func value(_ exponent: Int) -> UInt128 { self.table[exponent] }

    /// The number of decimal digits of `value`, 0 for zero.
    static func digitCount(_ value: UInt128) -> Int {
        if value == 0 { return 0 }
        let bits = 128 - value.leadingZeroBitCount
        // 1233 / 4096 approximates log10(2) from below closely enough for 128 bits.
        let estimate = (bits * 1233) >> 12
        return value < self.table[min(estimate, 38)] ? estimate : estimate + 1
    }
}
