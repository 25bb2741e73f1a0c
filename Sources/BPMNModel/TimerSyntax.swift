/// The distance between two times of a timer, as ISO 8601 writes it: calendar months and an exact length.
package struct TimerInterval: Hashable, Sendable {
    package let months: Int64
    package let milliseconds: Int64

    package init(months: Int64 = 0, milliseconds: Int64 = 0) {
        self.months = months
        self.milliseconds = milliseconds
    }

    /// Whether it leads to a later time.
    package var isPositive: Bool { months >= 0 && milliseconds >= 0 && (months > 0 || milliseconds > 0) }

    /// Parses `[-]P[nY][nM][nD][T[nH][nM][n[.n]S]]` with at least one part, or `[-]PnW`. Nil for anything else, and
    /// beyond 64 bits.
    package init?(_ text: String) {
        var rest = text.utf8[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest.removeFirst() }
        guard rest.popFirst() == UInt8(ascii: "P"), !rest.isEmpty else { return nil }
        var months: Int64 = 0
        var milliseconds: Int64 = 0
        if rest.last == UInt8(ascii: "W") {
            guard let weeks = TimerInterval.number(&rest), rest.popFirst() == UInt8(ascii: "W"), rest.isEmpty,
                TimerInterval.add(weeks, times: 7 * 86_400_000, to: &milliseconds)
            else { return nil }
        } else {
            guard TimerInterval.dateParts(&rest, months: &months, milliseconds: &milliseconds),
                TimerInterval.timeParts(&rest, milliseconds: &milliseconds), rest.isEmpty
            else { return nil }
        }
        self.months = isNegative ? -months : months
        self.milliseconds = isNegative ? -milliseconds : milliseconds
    }

    private static func dateParts(
        _ rest: inout Substring.UTF8View,
        months: inout Int64,
        milliseconds: inout Int64
    ) -> Bool {
        var units: [UInt8] = [UInt8(ascii: "Y"), UInt8(ascii: "M"), UInt8(ascii: "D")]
        while let first = rest.first, first != UInt8(ascii: "T") {
            guard let value = number(&rest), let unit = rest.popFirst(), let position = units.firstIndex(of: unit)
            else {
                return false
            }
            units.removeFirst(position + 1)
            let isAdded =
                switch unit {
                case UInt8(ascii: "Y"): add(value, times: 12, to: &months)
                case UInt8(ascii: "M"): add(value, times: 1, to: &months)
                default: add(value, times: 86_400_000, to: &milliseconds)
                }
            guard isAdded else { return false }
        }
        return true
    }

    private static func timeParts(_ rest: inout Substring.UTF8View, milliseconds: inout Int64) -> Bool {
        guard rest.popFirst() != nil else { return true }
        guard !rest.isEmpty else { return false }
        var units: [(letter: UInt8, milliseconds: Int64)] = [
            (UInt8(ascii: "H"), 3_600_000), (UInt8(ascii: "M"), 60_000), (UInt8(ascii: "S"), 1_000),
        ]
        while !rest.isEmpty {
            guard let value = number(&rest) else { return false }
            var thousandths: Int64 = 0
            if rest.first == UInt8(ascii: ".") {
                rest.removeFirst()
                guard let fraction = TimerInterval.thousandths(&rest), rest.first == UInt8(ascii: "S") else {
                    return false
                }
                thousandths = fraction
            }
            guard let unit = rest.popFirst(), let position = units.firstIndex(where: { $0.letter == unit }),
                add(value, times: units[position].milliseconds, to: &milliseconds),
                add(thousandths, times: 1, to: &milliseconds)
            else { return false }
            units.removeFirst(position + 1)
        }
        return true
    }

    private static func number(_ rest: inout Substring.UTF8View) -> Int64? {
        var value: Int64 = 0
        var count = 0
        while let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), count < 18 {
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
            count += 1
            rest.removeFirst()
        }
        return count > 0 ? value : nil
    }

    /// The digits behind a point as milliseconds; finer ones are cut off.
    private static func thousandths(_ rest: inout Substring.UTF8View) -> Int64? {
        var value: Int64 = 0
        var count = 0
        while let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), count < 9 {
            if count < 3 { value = value * 10 + Int64(byte - UInt8(ascii: "0")) }
            count += 1
            rest.removeFirst()
        }
        guard count > 0 else { return nil }
        for _ in min(count, 3)..<3 { value *= 10 }
        return value
    }

    private static func add(_ value: Int64, times factor: Int64, to sum: inout Int64) -> Bool {
        let (product, isTooLarge) = value.multipliedReportingOverflow(by: factor)
        let (total, isOverflow) = sum.addingReportingOverflow(product)
        sum = isTooLarge || isOverflow ? 0 : total
        return !isTooLarge && !isOverflow
    }
}

/// The text of a timer cycle, taken apart: `R[n]/[start/]interval` of ISO 8601, or a cron expression (UTC).
package enum TimerCycleSyntax: Hashable, Sendable {
    /// Repetitions: -1 without end. The start is a date and time, not looked at yet.
    case repetition(count: Int64, start: String?, TimerInterval)
    case cron(CronSchedule)

    /// Nil for text that is no cycle, and for one that would never fire or never move on.
    package init?(_ text: String) {
        guard text.hasPrefix("R") else {
            guard let cron = CronSchedule(text) else { return nil }
            self = .cron(cron)
            return
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let digits = parts[0].dropFirst()
        guard parts.count >= 2, let interval = TimerInterval(String(parts[parts.count - 1])), interval.isPositive,
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let count = digits.isEmpty ? -1 : Int32(digits), count != 0
        else { return nil }
        // A zone such as `Europe/Berlin` has a slash of its own.
        let start = parts.count == 2 ? nil : parts[1..<parts.count - 1].joined(separator: "/")
        self = .repetition(count: Int64(count), start: start, interval)
    }
}

/// The text of a timer's date and time.
package enum TimerDateSyntax {
    /// The text in the form that FEEL reads: seconds are always there, and of an offset with a zone behind it in
    /// brackets, as in `…+01:00[Europe/Berlin]`, only the offset is left: it says the instant.
    package static func normalized(_ text: String) -> String {
        var rest = text[...]
        if rest.last == "]", let bracket = rest.lastIndex(of: "["),
            rest.index(after: bracket) != rest.index(before: rest.endIndex),
            hasOffset(rest[..<bracket])
        {
            rest = rest[..<bracket]
        }
        // Of `2027-01-31T12:00Z` the colon and the seconds are missing.
        guard let start = rest.firstIndex(of: "T") else { return String(rest) }
        let clock = rest[rest.index(after: start)...].prefix { $0.isNumber || $0 == ":" }
        guard clock.utf8.count == 5 else { return String(rest) }
        return rest[..<clock.endIndex] + ":00" + rest[clock.endIndex...]
    }

    /// Whether the text ends with `Z`, `±hh:mm` or `@zone`.
    package static func hasOffset(_ text: some StringProtocol) -> Bool {
        guard let start = text.firstIndex(of: "T") else { return false }
        let time = text[start...].dropFirst()
        return time.contains { "Zz+-@".contains($0) }
    }
}
