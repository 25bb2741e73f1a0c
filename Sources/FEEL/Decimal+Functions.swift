extension Decimal {
    private static let ln2 = Decimal("0.6931471805599453094172321214581765680755") ?? .one
    private static let ln10 = Decimal("2.302585092994045684017991454684364207601") ?? .one
    /// Terms after which every series below has converged: each step gains more than a binary digit.
    private static let seriesTermLimit = 200

    /// The square root rounded to 34 digits; nil below zero.
    package var squareRoot: Decimal? {
        if self.isZero { return self }
        if self.isNegative { return nil }
        var exponent = self.exponent
        var scale = 70 - PowersOfTen.digitCount(self.coefficient)
        if (exponent - scale) & 1 != 0 { scale -= 1 }
        guard let radicand = WideInteger(self.coefficient).scaled(byPowerOfTen: scale) else { return nil }
        exponent -= scale
        // Newton's iteration from above: the radicand is below 10^70, its root below 10^35.
        var root = PowersOfTen.value(35)
        while true {
            let quotient = radicand.dividedBy(root).quotient.low
            let next = (root + quotient) / 2
            if next >= root { break }
            root = next
        }
        let isInexact = WideInteger(product: root, root) != radicand
        return Decimal(isNegative: false, wide: WideInteger(root), exponent: exponent / 2, isInexact: isInexact)
    }

    /// e to this power, good to about 32 digits; nil on overflow.
    package var exponential: Decimal? {
        if self.isZero { return .one }
        guard let turns = self.divided(by: Decimal.ln10)?.rounded(toScale: 0, .halfEven)?.truncatedInt else {
            return self.isNegative ? .zero : nil
        }
        guard abs(turns) < 10_000 else { return turns < 0 ? .zero : nil }
        guard let whole = Decimal(turns).multiplied(by: Decimal.ln10), let rest = self.subtracting(whole) else {
            return nil
        }
        var sum = Decimal.one
        var term = Decimal.one
        for index in 1...Decimal.seriesTermLimit {
            guard let next = term.multiplied(by: rest)?.divided(by: Decimal(index)), let total = sum.adding(next) else {
                return nil
            }
            if total == sum { break }
            term = next
            sum = total
        }
        return sum.shifted(byPowerOfTen: turns)
    }

    /// The natural logarithm, good to about 32 digits; nil for zero and below.
    package var naturalLogarithm: Decimal? {
        if self.isZero || self.isNegative { return nil }
        let digits = PowersOfTen.digitCount(self.coefficient)
        let power = self.exponent + digits - 1
        guard var mantissa = self.shifted(byPowerOfTen: -power), let bound = Decimal("1.4") else { return nil }
        var halvings = 0
        while mantissa > bound {
            guard let half = mantissa.divided(by: Decimal(2)) else { return nil }
            mantissa = half
            halvings += 1
        }
        // ln m = 2 artanh((m − 1) / (m + 1)), where m lies in 0.7...1.4.
        guard let upper = mantissa.subtracting(.one), let lower = mantissa.adding(.one),
            let quotient = upper.divided(by: lower), let square = quotient.multiplied(by: quotient)
        else { return nil }
        var sum = quotient
        var term = quotient
        for index in 1...Decimal.seriesTermLimit {
            guard let next = term.multiplied(by: square), let part = next.divided(by: Decimal(2 * index + 1)),
                let total = sum.adding(part)
            else { return nil }
            if total == sum { break }
            term = next
            sum = total
        }
        let tens = Decimal(power).multiplied(by: Decimal.ln10)
        let twos = Decimal(halvings).multiplied(by: Decimal.ln2)
        guard let tens, let twos, let logarithm = sum.adding(sum)?.adding(twos) else { return nil }
        return logarithm.adding(tens)
    }

    /// This number to a power; nil on overflow, for 0 to a negative power and for fractional powers of negative
    /// numbers.
    package func power(_ exponent: Decimal) -> Decimal? {
        if exponent.isZero || self == .one { return .one }
        if self.isZero { return exponent.isNegative ? nil : .zero }
        if let count = exponent.int64, count.magnitude <= 1_000_000_000 {
            guard let result = self.power(count.magnitude) else {
                // Too large to hold; its inverse is below the smallest number, unless the base is a fraction.
                return count < 0 && self.magnitude > .one ? .zero : nil
            }
            return count < 0 ? Decimal.one.divided(by: result) : result
        }
        return self.naturalLogarithm?.multiplied(by: exponent)?.exponential
    }

    private func power(_ exponent: UInt64) -> Decimal? {
        var result = Decimal.one
        var factor = self
        var rest = exponent
        while true {
            if rest & 1 == 1 {
                guard let product = result.multiplied(by: factor) else { return nil }
                result = product
            }
            rest >>= 1
            if rest == 0 { return result }
            guard let square = factor.multiplied(by: factor) else { return nil }
            factor = square
        }
    }
}
