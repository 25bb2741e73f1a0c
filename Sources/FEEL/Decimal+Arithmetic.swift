extension Decimal {
    /// The sum rounded half-even, or nil on overflow.
    package func adding(_ other: Decimal) -> Decimal? {
        if self.exponent == other.exponent {
            return Decimal.sum(
                self.coefficient,
                self.isNegative,
                other.coefficient,
                other.isNegative,
                exponent: self.exponent
            )
        }
        if self.isZero { return other }
        if other.isZero { return self }
        return self.exponent > other.exponent ? Decimal.alignedSum(self, other) : Decimal.alignedSum(other, self)
    }

    /// The difference rounded half-even, or nil on overflow.
    package func subtracting(_ other: Decimal) -> Decimal? { self.adding(other.negated) }

    /// The number with the opposite sign.
    package var negated: Decimal { self.withSign(isNegative: !self.isNegative) }

    /// The number without its sign.
    package var magnitude: Decimal { self.isNegative ? self.negated : self }

    /// The product rounded half-even, or nil on overflow.
    package func multiplied(by other: Decimal) -> Decimal? {
        let isNegative = self.isNegative != other.isNegative
        let exponent = self.exponent + other.exponent
        let product = WideInteger(product: self.coefficient, other.coefficient)
        return Decimal(isNegative: isNegative, wide: product, exponent: exponent)
    }

    /// The quotient rounded half-even, or nil on overflow and for a zero divisor.
    package func divided(by other: Decimal) -> Decimal? {
        let divisor = other.coefficient
        if divisor == 0 { return nil }
        if self.isZero { return self }
        let isNegative = self.isNegative != other.isNegative
        // One digit more than the precision and a sticky flag decide the rounding.
        let scale =
            Decimal.precision + 1 + PowersOfTen.digitCount(divisor) - PowersOfTen.digitCount(self.coefficient)
        guard let dividend = WideInteger(self.coefficient).scaled(byPowerOfTen: max(scale, 0)) else { return nil }
        let (quotient, remainder) = dividend.dividedBy(divisor)
        let exponent = self.exponent - other.exponent - max(scale, 0)
        return Decimal(isNegative: isNegative, wide: quotient, exponent: exponent, isInexact: remainder != 0)
    }

    /// `self − other × ⌊self / other⌋`, FEEL's modulo with the sign of the divisor; nil for a zero divisor.
    package func modulo(_ other: Decimal) -> Decimal? {
        if other.isZero { return nil }
        if self.isNegative == other.isNegative && self.magnitude < other.magnitude { return self }
        guard let quotient = self.divided(by: other)?.rounded(toScale: 0, .floor) else { return nil }
        guard let rest = quotient.multiplied(by: other).flatMap({ self.subtracting($0) }) else { return nil }
        // A quotient that was rounded up to a whole number is one too large.
        return !rest.isZero && rest.isNegative != other.isNegative ? rest.adding(other) : rest
    }

    private static func sum(
        _ left: UInt128,
        _ isLeftNegative: Bool,
        _ right: UInt128,
        _ isRightNegative: Bool,
        exponent: Int
    ) -> Decimal? {
        if isLeftNegative == isRightNegative {
            return Decimal(isNegative: isLeftNegative, wide: WideInteger(left + right), exponent: exponent)
        }
        if left >= right { return Decimal(isNegative: isLeftNegative, coefficient: left - right, exponent: exponent) }
        return Decimal(isNegative: isRightNegative, coefficient: right - left, exponent: exponent)
    }

    /// Adds numbers of different exponents, the larger exponent first.
    private static func alignedSum(_ upper: Decimal, _ lower: Decimal) -> Decimal? {
        let distance = upper.exponent - lower.exponent
        let digits = PowersOfTen.digitCount(upper.coefficient)
        if digits + distance > 76 {
            // The lower number lies wholly below the digits that are kept: it only says on which side of them we are.
            let extra = 38 - digits
            let scaled = upper.coefficient * PowersOfTen.value(extra)
            let isSubtraction = upper.isNegative != lower.isNegative
            return Decimal(
                isNegative: upper.isNegative,
                wide: WideInteger(isSubtraction ? scaled - 1 : scaled),
                exponent: upper.exponent - extra,
                isInexact: true
            )
        }
        guard let scaled = WideInteger(upper.coefficient).scaled(byPowerOfTen: distance) else { return nil }
        let other = WideInteger(lower.coefficient)
        if upper.isNegative == lower.isNegative {
            return Decimal(isNegative: upper.isNegative, wide: scaled.adding(other), exponent: lower.exponent)
        }
        if scaled < other {
            return Decimal(isNegative: lower.isNegative, wide: other.subtracting(scaled), exponent: lower.exponent)
        }
        return Decimal(isNegative: upper.isNegative, wide: scaled.subtracting(other), exponent: lower.exponent)
    }
}

// MARK: - Rounding

extension Decimal {
    /// How digits are dropped.
    package enum RoundingMode: Sendable {
        /// To the nearest, ties to the even digit.
        case halfEven
        /// To the nearest, ties away from zero.
        case halfUp
        /// To the nearest, ties towards zero.
        case halfDown
        /// Away from zero.
        case up
        /// Towards zero.
        case down
        /// Towards negative infinity.
        case floor
        /// Towards positive infinity.
        case ceiling
    }

    /// The number with at most `scale` digits behind the point (negative: in front of it); nil on overflow.
    package func rounded(toScale scale: Int, _ mode: RoundingMode) -> Decimal? {
        let dropped = -scale - self.exponent
        if dropped <= 0 || self.isZero { return self }
        var mode = mode
        if mode == .floor { mode = self.isNegative ? .up : .down }
        if mode == .ceiling { mode = self.isNegative ? .down : .up }
        let coefficient: UInt128
        if dropped > 38 {
            coefficient = mode == .up ? 1 : 0
        } else {
            coefficient = Decimal.dropping(dropped, from: WideInteger(self.coefficient), mode).low
        }
        return Decimal(isNegative: self.isNegative, coefficient: coefficient, exponent: -scale)
    }

    /// The largest whole number that is not larger.
    package var floor: Decimal { self.rounded(toScale: 0, .floor) ?? self }
    /// The smallest whole number that is not smaller.
    package var ceiling: Decimal { self.rounded(toScale: 0, .ceiling) ?? self }

    /// Divides a magnitude by 10^count, rounding as asked. `isInexact` says that digits below were cut off already.
    static func dropping(
        _ count: Int,
        from value: WideInteger,
        _ mode: RoundingMode,
        isInexact: Bool = false
    ) -> WideInteger {
        var value = value
        var count = count
        var isInexact = isInexact
        if count > 38 {
            let (quotient, remainder) = value.dividedBy(PowersOfTen.value(count - 38))
            isInexact = isInexact || remainder != 0
            value = quotient
            count = 38
        }
        let divisor = PowersOfTen.value(count)
        let (quotient, remainder) = value.dividedBy(divisor)
        let isUp: Bool
        switch mode {
        case .down, .floor: isUp = false
        case .up, .ceiling: isUp = remainder != 0 || isInexact
        case .halfEven, .halfUp, .halfDown:
            let half = divisor / 2
            if count == 0 || remainder < half {
                isUp = false
            } else if remainder > half || isInexact {
                isUp = true
            } else {
                isUp = mode == .halfUp || (mode == .halfEven && quotient.low & 1 == 1)
            }
        }
        return isUp ? quotient.adding(WideInteger(1)) : quotient
    }
}
