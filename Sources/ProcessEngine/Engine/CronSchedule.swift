import FEEL

/// A cron expression with six fields: second, minute, hour, day of month, month, day of week; all in UTC. Knows `*`,
/// `?`, lists, ranges, steps, names of months and days, and the macros `@yearly`, `@monthly`, `@weekly`, `@daily`,
/// `@hourly`.
struct CronSchedule {
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

    init?(_ text: String) {
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
                guard let given = Int(parts[1]), given > 0 else { return nil }
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

    /// The first time after `now` that fits, in milliseconds since 1970; nil when there is none within nine years.
    func next(after now: Int64) -> Int64? {
        let second = Int64((Double(now) / 1_000).rounded(.down)) + 1
        guard let start = FEELDateTime(epochMilliseconds: second * 1_000) else { return nil }
        let dayMilliseconds: Int64 = 86_400_000
        let startOfDay = second * 1_000 - (second * 1_000 % dayMilliseconds)
        for offset in 0..<Int64(9 * 366) {
            guard let date = start.date.addingDays(offset), fits(date) else { continue }
            let earliest = offset == 0 ? Int(second % 86_400) : 0
            if let time = firstTime(from: earliest) {
                return startOfDay + offset * dayMilliseconds + Int64(time) * 1_000
            }
        }
        return nil
    }

    private func fits(_ date: FEELDate) -> Bool {
        // 1970-01-01 was a Thursday.
        let weekday = ((date.daysSinceEpoch + 4) % 7 + 7) % 7
        return days & (1 << UInt64(date.day)) != 0 && months & (1 << UInt64(date.month)) != 0
            && weekdays & (1 << UInt64(weekday)) != 0
    }

    /// The first fitting second of a day, not before `earliest`.
    private func firstTime(from earliest: Int) -> Int? {
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
