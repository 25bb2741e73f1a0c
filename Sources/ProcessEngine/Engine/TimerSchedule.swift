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
        switch value {
        case .string(let text): return try date(text, rules: rules)
        case .dateTime(let dateTime):
            if let due = dateTime.epochMilliseconds(rules) { return due }
        default: break
        }
        throw Fault(message: "Expected a date and time, but got \(value.typeName)")
    }

    static func date(_ text: String, rules: any TimeZoneRules) throws -> Int64 {
        guard let due = FEELDateTime(TimerDateSyntax.normalized(text))?.epochMilliseconds(rules) else {
            throw Fault(
                message: "Expected a date and time such as '2027-01-31T12:00:00Z', but got '\(text.prefix(200))'"
            )
        }
        return due
    }

    private static func after(_ value: FEELValue, from now: Int64) throws -> Int64 {
        let interval: TimerInterval?
        switch value {
        case .string(let text): interval = TimerInterval(text)
        case .daysTimeDuration(let duration): interval = duration.totalMilliseconds.map { .init(milliseconds: $0) }
        case .yearsMonthsDuration(let duration): interval = .init(months: duration.months)
        default: interval = nil
        }
        guard let due = interval?.added(to: now) else {
            throw Fault(message: "Expected a duration, but got \(value.typeName)")
        }
        return due
    }
}

extension TimerInterval {
    /// The time so much later; nil out of range.
    func added(to time: Int64) -> Int64? {
        var start = time
        if months != 0 {
            guard let dateTime = FEELDateTime(epochMilliseconds: time), let date = dateTime.date.addingMonths(months),
                let moved = FEELDateTime(date: date, time: dateTime.time).epochMilliseconds(FixedOffsetRules())
            else { return nil }
            start = moved
        }
        let (sum, isOverflow) = start.addingReportingOverflow(milliseconds)
        return isOverflow ? nil : sum
    }
}

/// A cycle, ready to say when it is due.
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
        switch TimerCycleSyntax(text) {
        case nil:
            throw TimerSchedule.Fault(
                message: "Expected a cycle like 'R3/PT10M' with at least one repetition and an interval greater than "
                    + "zero, or a cron expression with six fields, but got '\(text.prefix(200))'"
            )
        case .cron(let cron):
            self.repetitions = -1
            self.start = nil
            self.rhythm = .cron(cron)
        case .repetition(let count, let start, let interval):
            self.repetitions = count
            self.start = try start.map { try TimerSchedule.date($0, rules: rules) }
            self.rhythm = .interval(interval)
        }
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
        case .interval(let interval):
            if interval.months == 0 {
                let step = Int128(interval.milliseconds)
                let missed = now > due ? (Int128(now) - Int128(due)) / step : 0
                return try TimerCycle.checked(Int64(exactly: Int128(due) + (missed + 1) * step))
            }
            var next = try TimerCycle.checked(interval.added(to: due))
            while next <= now {
                // As many at once as surely stay before now: a month has at most 31 days.
                let longest = Int128(interval.months) * 31 * 86_400_000 + Int128(interval.milliseconds)
                let count = max(1, (Int128(now) - Int128(next)) / longest)
                let jump = TimerInterval(
                    months: try TimerCycle.checked(Int64(exactly: Int128(interval.months) * count)),
                    milliseconds: try TimerCycle.checked(Int64(exactly: Int128(interval.milliseconds) * count))
                )
                next = try TimerCycle.checked(jump.added(to: next))
            }
            return next
        }
    }

    private static func checked(_ value: Int64?) throws -> Int64 {
        guard let value else { throw TimerSchedule.Fault(message: "Expected a due time within range") }
        return value
    }
}
