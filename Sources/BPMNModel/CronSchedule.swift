/// A cron expression with six fields: second, minute, hour, day of month, month, day of week; all in UTC. Knows `*`,
/// `?`, lists, ranges, steps, names of months and days, and the macros `@yearly`, `@monthly`, `@weekly`, `@daily`,
/// `@hourly`.
package struct CronSchedule: Hashable, Sendable {
    private var seconds: UInt64
    private var minutes: UInt64
    private var hours: UInt64
    private var days: UInt64
    private var months: UInt64
    /// Bit 0 is Sunday.
    private var weekdays: UInt64

    private static let macros: [String: String] = [
        "@yearly": "0 0 0 1 1 *", "@annually": "0 0 0 1 1 *", "@monthly": "0 0 0 1 * *",
        "@weekly": "0 0 0 * * 0", "@daily": "0 0 0 * * *", "@midnight": "0 0 0 * * *", "@hourly": "0 0 * * * *",
    ]
    private static let monthNames = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ]
    private static let dayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

    /// Nil for text that is no cron expression with six fields and no macro.
    package init?(_ text: String) {
        let fields = (CronSchedule.macros[text] ?? text).split(separator: " ")
        guard fields.count == 6,
            let seconds = CronSchedule.field(fields[0], 0...59),
            let minutes = CronSchedule.field(fields[1], 0...59),
            let hours = CronSchedule.field(fields[2], 0...23),
            let days = CronSchedule.field(fields[3], 1...31),
            let months = CronSchedule.field(fields[4], 1...12, names: CronSchedule.monthNames, firstName: 1),
            let weekdays = CronSchedule.field(fields[5], 0...7, names: CronSchedule.dayNames, firstName: 0)
        else { return nil }
        self.seconds = seconds
        self.minutes = minutes
        self.hours = hours
        self.days = days
        self.months = months
        self.weekdays = (weekdays | weekdays >> 7) & 0x7f
    }

    private static func field(
        _ text: Substring,
        _ range: ClosedRange<Int>,
        names: [String] = [],
        firstName: Int = 0
    ) -> UInt64? {
        func number(_ part: Substring) -> Int? {
            let value = names.firstIndex(of: part.uppercased()).map { $0 + firstName } ?? Int(part)
            return value.flatMap { range.contains($0) ? $0 : nil }
        }
        var bits: UInt64 = 0
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = item.split(separator: "/", omittingEmptySubsequences: false)
            guard (1...2).contains(parts.count) else { return nil }
            var step = 1
            if parts.count == 2 {
                guard let given = Int(parts[1]), (1...1_000).contains(given) else { return nil }
                step = given
            }
            let bounds = parts[0].split(separator: "-", omittingEmptySubsequences: false)
            let low: Int
            let high: Int
            if parts[0] == "*" || parts[0] == "?" {
                (low, high) = (range.lowerBound, range.upperBound)
            } else if bounds.count == 2, let first = number(bounds[0]), let last = number(bounds[1]), first <= last {
                (low, high) = (first, last)
            } else if bounds.count == 1, let only = number(bounds[0]) {
                (low, high) = (only, parts.count == 2 ? range.upperBound : only)
            } else {
                return nil
            }
            for value in stride(from: low, through: high, by: step) { bits |= 1 << UInt64(value) }
        }
        return bits
    }

    /// The first time after `now` that fits, in milliseconds since 1970; nil when there is none within 41 years, the
    /// longest time between two 29ths of February that fall on the same day of the week.
    package func next(after now: Int64) -> Int64? {
        let dayMilliseconds: Int64 = 86_400_000
        let (today, timeOfDay) = CronSchedule.divide(now, by: dayMilliseconds)
        // Far beyond every calendar; keeps the sums below clear of overflow.
        guard today.magnitude < 1 << 31 else { return nil }
        for day in today...(today + 41 * 366) where fits(day) {
            let earliest = day == today ? Int(timeOfDay / 1_000) + 1 : 0
            if let time = firstTime(from: earliest) { return day * dayMilliseconds + Int64(time) * 1_000 }
        }
        return nil
    }

    private static func divide(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    /// - Parameter day: days since 1970-01-01, a Thursday.
    private func fits(_ day: Int64) -> Bool {
        let weekday = CronSchedule.divide(day + 4, by: 7).remainder
        guard weekdays & (1 << UInt64(weekday)) != 0 else { return false }
        // The civil calendar in eras of 400 years that begin in March, so that leap days end a year.
        let dayOfEra = CronSchedule.divide(day + 719_468, by: 146_097).remainder
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return days & (1 << UInt64(dayOfMonth)) != 0 && months & (1 << UInt64(month)) != 0
    }

    /// The first fitting second of a day, not before `earliest`.
    private func firstTime(from earliest: Int) -> Int? {
        guard earliest < 86_400 else { return nil }
        for hour in earliest / 3_600..<24 where hours & (1 << UInt64(hour)) != 0 {
            let firstMinute = hour == earliest / 3_600 ? earliest % 3_600 / 60 : 0
            for minute in firstMinute..<60 where minutes & (1 << UInt64(minute)) != 0 {
                let isFirst = hour == earliest / 3_600 && minute == earliest % 3_600 / 60
                for second in (isFirst ? earliest % 60 : 0)..<60 where seconds & (1 << UInt64(second)) != 0 {
                    return hour * 3_600 + minute * 60 + second
                }
            }
        }
        return nil
    }
}
