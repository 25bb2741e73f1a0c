import BPMNModel
import FEEL

/// When a timer is due, and how it goes on.
struct TimerSchedule {
    struct Fault: Error {
        var message: String
    }

    var dueAt: Int64
    /// Repetitions after the first; -1 without end.
    var repetitions: Int64
    /// The text of a cycle, to find the next due time.
    var cycle: String?

    /// - Parameter now: group time, milliseconds since 1970.
    init(kind: TimerKind, value: FEELValue, now: Int64, rules: any TimeZoneRules) throws {
        switch kind {
        case .date:
            self.init(dueAt: try TimerSchedule.date(value, rules: rules), repetitions: 0, cycle: nil)
        case .duration:
            self.init(dueAt: try TimerSchedule.after(value, from: now), repetitions: 0, cycle: nil)
        case .cycle:
            guard case .string(let text) = value else {
                throw Fault(message: "Expected a cycle as text, but got \(value.typeName)")
            }
            let cycle = try TimerCycle(text, rules: rules)
            guard cycle.repetitions != 0 else {
                throw Fault(message: "Expected a cycle with at least one repetition, but got '\(text)'")
            }
            self.init(
                dueAt: try cycle.firstDue(now: now),
                repetitions: cycle.repetitions < 0 ? -1 : cycle.repetitions - 1,
                cycle: text
            )
        }
    }

    private init(dueAt: Int64, repetitions: Int64, cycle: String?) {
        self.dueAt = dueAt
        self.repetitions = repetitions
        self.cycle = cycle
    }

    /// The timer that follows one that was triggered. It keeps the rhythm; what was missed is fired once.
    static func next(after record: TimerRecord, now: Int64, rules: any TimeZoneRules) throws -> TimerRecord? {
        guard let text = record.cycle, record.repetitions != 0 else { return nil }
        var next = record
        next.dueAt = try TimerCycle(text, rules: rules).nextDue(after: record.dueAt, now: now)
        if next.repetitions > 0 { next.repetitions -= 1 }
        return next
    }

    private static func date(_ value: FEELValue, rules: any TimeZoneRules) throws -> Int64 {
        let dateTime: FEELDateTime?
        switch value {
        case .string(let text): dateTime = FEELDateTime(text)
        case .dateTime(let known): dateTime = known
        default: dateTime = nil
        }
        guard let due = dateTime?.epochMilliseconds(rules) else {
            throw Fault(message: "Expected a date and time, but got \(value.typeName)")
        }
        return due
    }

    private static func after(_ value: FEELValue, from now: Int64) throws -> Int64 {
        let interval: TimerInterval?
        switch value {
        case .string(let text): interval = TimerInterval(text)
        case .daysTimeDuration(let duration): interval = .time(duration)
        case .yearsMonthsDuration(let duration): interval = .months(duration.months)
        default: interval = nil
        }
        guard let due = interval?.added(to: now) else {
            throw Fault(message: "Expected a duration, but got \(value.typeName)")
        }
        return due
    }
}

/// The distance between two due times.
enum TimerInterval {
    case time(FEELDaysTimeDuration)
    case months(Int64)

    init?(_ text: String) {
        if let duration = FEELDaysTimeDuration(text) {
            self = .time(duration)
        } else if let duration = FEELYearsMonthsDuration(text) {
            self = .months(duration.months)
        } else {
            return nil
        }
    }

    /// Nil when the result is out of range.
    func added(to time: Int64) -> Int64? {
        switch self {
        case .time(let duration):
            guard let milliseconds = duration.totalMilliseconds else { return nil }
            let (sum, isOverflow) = time.addingReportingOverflow(milliseconds)
            return isOverflow ? nil : sum
        case .months(let months):
            guard let start = FEELDateTime(epochMilliseconds: time), let date = start.date.addingMonths(months) else {
                return nil
            }
            return FEELDateTime(date: date, time: start.time).epochMilliseconds(FixedOffsetRules())
        }
    }
}

/// `R[n]/[start/]interval` of ISO 8601, or a cron expression with six fields (UTC).
struct TimerCycle {
    /// -1 without end.
    let repetitions: Int64
    private let start: Int64?
    private let rhythm: Rhythm

    private enum Rhythm {
        case interval(TimerInterval)
        case cron(CronSchedule)
    }

    init(_ text: String, rules: any TimeZoneRules) throws {
        guard text.hasPrefix("R") else {
            guard let cron = CronSchedule(text) else {
                throw TimerSchedule.Fault(
                    message: "Expected a cycle like 'R3/PT10M' or a cron expression with six fields, but got '\(text)'"
                )
            }
            self.repetitions = -1
            self.start = nil
            self.rhythm = .cron(cron)
            return
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let count = parts[0].dropFirst()
        guard (2...3).contains(parts.count), let interval = TimerInterval(parts[parts.count - 1]),
            let repetitions = count.isEmpty ? -1 : Int64(count), count.isEmpty || repetitions >= 0
        else {
            throw TimerSchedule.Fault(message: "Expected a cycle like 'R3/PT10M', but got '\(text)'")
        }
        var start: Int64?
        if parts.count == 3 {
            start = FEELDateTime(parts[1])?.epochMilliseconds(rules)
            guard start != nil else {
                throw TimerSchedule.Fault(message: "Expected a date and time, but got '\(parts[1])' in '\(text)'")
            }
        }
        // An interval that does not move on would fire without end.
        guard let moved = interval.added(to: 0), moved > 0 else {
            throw TimerSchedule.Fault(message: "Expected an interval greater than zero, but got '\(text)'")
        }
        self.repetitions = repetitions
        self.start = start
        self.rhythm = .interval(interval)
    }

    func firstDue(now: Int64) throws -> Int64 {
        if let start { return start }
        switch rhythm {
        case .interval(let interval): return try TimerCycle.checked(interval.added(to: now))
        case .cron(let cron): return try TimerCycle.checked(cron.next(after: now))
        }
    }

    /// The first due time after `now` in the rhythm of `due`.
    func nextDue(after due: Int64, now: Int64) throws -> Int64 {
        switch rhythm {
        case .cron(let cron): return try TimerCycle.checked(cron.next(after: max(due, now)))
        case .interval(.time(let duration)):
            let step = try TimerCycle.checked(duration.totalMilliseconds)
            let missed = now > due ? (now - due) / step : 0
            return due + (missed + 1) * step
        case .interval(let interval):
            var next = try TimerCycle.checked(interval.added(to: due))
            // Months are at least 28 days, so this ends after a few thousand rounds at the most.
            while next <= now { next = try TimerCycle.checked(interval.added(to: next)) }
            return next
        }
    }

    private static func checked(_ time: Int64?) throws -> Int64 {
        guard let time else { throw TimerSchedule.Fault(message: "Expected a due time within range") }
        return time
    }
}
