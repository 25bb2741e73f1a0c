/// A duration of exact length.
package struct FEELDaysTimeDuration: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Whole seconds, rounded down.
    package let seconds: Int64
    /// The rest, 0 to 999,999,999.
    package let nanoseconds: Int32

    /// A duration of seconds (rounded down) and the nanoseconds beyond them, 0 to 999,999,999; nil otherwise.
    package init?(seconds: Int64, nanoseconds: Int32 = 0) {
        guard 0...999_999_999 ~= nanoseconds else { return nil }
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    init(wholeSeconds: Int64) {
        self.seconds = wholeSeconds
        self.nanoseconds = 0
    }

    /// A duration in nanoseconds; nil beyond 64 bits of seconds.
    package init?(totalNanoseconds total: Int128) {
        var (quotient, remainder) = total.quotientAndRemainder(dividingBy: 1_000_000_000)
        if remainder < 0 {
            quotient -= 1
            remainder += 1_000_000_000
        }
        guard let seconds = Int64(exactly: quotient) else { return nil }
        self.seconds = seconds
        self.nanoseconds = Int32(remainder)
    }

    /// The length in nanoseconds.
    package var totalNanoseconds: Int128 { Int128(self.seconds) * 1_000_000_000 + Int128(self.nanoseconds) }

    /// The length in milliseconds, rounded down; nil beyond 64 bits.
    package var totalMilliseconds: Int64? {
        Int64(exactly: Int128(self.seconds) * 1000 + Int128(self.nanoseconds / 1_000_000))
    }

    /// The length in seconds.
    var decimalSeconds: Decimal? {
        let total = self.totalNanoseconds
        return Decimal(isNegative: total < 0, wide: WideInteger(UInt128(total.magnitude)), exponent: -9)
    }

    /// A length in seconds, cut to nanoseconds.
    init?(decimalSeconds: Decimal) {
        guard let scaled = decimalSeconds.shifted(byPowerOfTen: 9)?.rounded(toScale: 0, .down), scaled.exponent == 0,
            scaled.coefficient < PowersOfTen.value(28)
        else { return nil }
        let magnitude = Int128(scaled.coefficient)
        self.init(totalNanoseconds: scaled.isNegative ? -magnitude : magnitude)
    }

    /// Parses `[-]PnDTnHnMn[.n]S` with at least one part.
    package init?(_ text: String) {
        var scanner = TemporalScanner(text)
        let isNegative = scanner.skip(0x2D)
        guard scanner.skip(0x50) else { return nil }
        var seconds: Int64 = 0
        var nanoseconds: Int32 = 0
        var units: [(letter: UInt8, seconds: Int64)] = [(0x44, 86_400)]
        let timeUnits: [(letter: UInt8, seconds: Int64)] = [(0x48, 3600), (0x4D, 60), (0x53, 1)]
        var isInTime = false
        var partCount = 0
        while !scanner.isAtEnd {
            if !isInTime, scanner.skip(0x54) {
                isInTime = true
                units = timeUnits
            }
            guard let (value, _) = scanner.digits() else { return nil }
            if isInTime, scanner.next == 0x2E {
                guard let fraction = scanner.nanoseconds(isEmptyAllowed: true), scanner.next == 0x53 else { return nil }
                nanoseconds = fraction
            }
            guard let letter = scanner.next, let position = units.firstIndex(where: { $0.letter == letter }),
                scanner.skip(letter)
            else { return nil }
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: units[position].seconds)
            let (sum, overflow) = seconds.addingReportingOverflow(product)
            guard !isTooLarge, !overflow else { return nil }
            seconds = sum
            units.removeFirst(position + 1)
            partCount += 1
        }
        guard partCount > 0 else { return nil }
        let total = Int128(seconds) * 1_000_000_000 + Int128(nanoseconds)
        self.init(totalNanoseconds: isNegative ? -total : total)
    }

    package static func < (left: FEELDaysTimeDuration, right: FEELDaysTimeDuration) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// ISO 8601: days, hours, minutes and seconds, without parts that are zero.
    package var description: String {
        let total = self.totalNanoseconds
        if total == 0 { return "PT0S" }
        let magnitude = total.magnitude
        let fraction = fractionText(Int32(magnitude % 1_000_000_000))
        let seconds = UInt64(magnitude / 1_000_000_000)
        var text = total < 0 ? "-P" : "P"
        if seconds / 86_400 > 0 { text += "\(seconds / 86_400)D" }
        let (hours, minutes, rest) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
        if hours > 0 || minutes > 0 || rest > 0 || !fraction.isEmpty { text += "T" }
        if hours > 0 { text += "\(hours)H" }
        if minutes > 0 { text += "\(minutes)M" }
        if rest > 0 || !fraction.isEmpty { text += "\(rest)\(fraction)S" }
        return text
    }
}

/// A duration of calendar months.
package struct FEELYearsMonthsDuration: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The length in months.
    package let months: Int64

    /// A duration of so many months.
    package init(months: Int64) {
        self.months = months
    }

    /// Parses `[-]PnYnM` with at least one part.
    package init?(_ text: String) {
        var scanner = TemporalScanner(text)
        let isNegative = scanner.skip(0x2D)
        guard scanner.skip(0x50), !scanner.isAtEnd else { return nil }
        var months: Int64 = 0
        var isYearAllowed = true
        while !scanner.isAtEnd {
            guard let (value, _) = scanner.digits() else { return nil }
            let isYear = scanner.skip(0x59)
            guard isYear ? isYearAllowed : scanner.skip(0x4D) && (isYearAllowed || scanner.isAtEnd) else { return nil }
            isYearAllowed = false
            // At most 18 digits, so twelvefold still overflows only in the last digit.
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: isYear ? 12 : 1)
            let (sum, overflow) = months.addingReportingOverflow(product)
            guard !isTooLarge, !overflow, isYear || scanner.isAtEnd else { return nil }
            months = sum
        }
        self.months = isNegative ? -months : months
    }

    package static func < (left: FEELYearsMonthsDuration, right: FEELYearsMonthsDuration) -> Bool {
        left.months < right.months
    }

    /// ISO 8601: years and months, without parts that are zero.
    package var description: String {
        if self.months == 0 { return "P0M" }
        let (years, months) = self.months.magnitude.quotientAndRemainder(dividingBy: 12)
        return (self.months < 0 ? "-P" : "P") + (years > 0 ? "\(years)Y" : "") + (months > 0 ? "\(months)M" : "")
    }
}
