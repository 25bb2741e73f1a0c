/// Date and time functions (DMN 1.3, tables 72 and 77) and those of Camunda.
extension BuiltinFunction {
    private static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    static let temporals: [BuiltinFunction] = [
        BuiltinFunction("date", "from | year, month, day", date),
        BuiltinFunction("time", "from | hour, minute, second, offset?", time),
        BuiltinFunction("date and time", "from | date, time", dateTime),
        BuiltinFunction("duration", "from", duration),
        BuiltinFunction("years and months duration", "from, to", yearsMonthsDuration),
        BuiltinFunction("now", "") { evaluator, _ in
            FEELDateTime(epochMilliseconds: evaluator.environment.nowEpochMilliseconds).map(FEELValue.dateTime)
        },
        BuiltinFunction("today", "") { evaluator, _ in
            FEELDateTime(epochMilliseconds: evaluator.environment.nowEpochMilliseconds).map { .date($0.date) }
        },
        BuiltinFunction("day of year", "date") { _, arguments in
            BuiltinFunction.day(arguments).map { .integer($0.dayOfYear) }
        },
        BuiltinFunction("day of week", "date") { _, arguments in
            BuiltinFunction.day(arguments).map { .string(BuiltinFunction.weekdays[$0.weekday - 1]) }
        },
        BuiltinFunction("month of year", "date") { _, arguments in
            BuiltinFunction.day(arguments).map { .string(BuiltinFunction.months[Int($0.month) - 1]) }
        },
        BuiltinFunction("week of year", "date") { _, arguments in
            BuiltinFunction.day(arguments).map { .integer($0.weekOfYear) }
        },
        BuiltinFunction("last day of month", "date") { _, arguments in
            BuiltinFunction.day(arguments)?.lastDayOfMonth.map(FEELValue.date)
        },
    ]

    private static func day(_ arguments: BuiltinArguments) -> FEELDate? {
        switch arguments[0] {
        case .date(let date): date
        case .dateTime(let dateTime): dateTime.date
        default: nil
        }
    }

    /// A whole number; a fraction is refused.
    private static func whole(_ arguments: BuiltinArguments, _ index: Int) -> Int? {
        arguments.number(index)?.int64.flatMap { Int(exactly: $0) }
    }

    private static func date(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        if arguments.signature == 1 {
            guard let year = whole(arguments, 0), let month = whole(arguments, 1), let day = whole(arguments, 2) else {
                return nil
            }
            return FEELDate(year: year, month: month, day: day).map(FEELValue.date)
        }
        if let text = arguments.string(0) {
            if let date = FEELDate(text) { return .date(date) }
            return nil
        }
        return BuiltinFunction.day(arguments).map(FEELValue.date)
    }

    private static func time(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        if arguments.signature == 1 { return BuiltinFunction.clock(arguments).map(FEELValue.time) }
        switch arguments[0] {
        case .string(let text): return FEELTime(text).map { evaluator.validated(.time($0)) }
        case .time(let time): return .time(time)
        case .dateTime(let dateTime): return .time(dateTime.time)
        case .date: return .time(FEELTime.midnight.inZone(.utc))
        default: return nil
        }
    }

    /// The time of hour, minute, second (with a fraction) and offset.
    private static func clock(_ arguments: BuiltinArguments) -> FEELTime? {
        guard let hour = whole(arguments, 0), let minute = whole(arguments, 1), let second = arguments.number(2),
            let wholeSecond = second.rounded(toScale: 0, .down), let seconds = wholeSecond.int64, 0...59 ~= seconds,
            let fraction = second.subtracting(wholeSecond)?.shifted(byPowerOfTen: 9)?.truncatedInt
        else { return nil }
        var zone: FEELZone?
        switch arguments[3] {
        case .null: zone = nil
        case .daysTimeDuration(let offset):
            guard offset.seconds.magnitude <= 18 * 3600 else { return nil }
            zone = .offset(Int32(offset.seconds))
        default: return nil
        }
        return FEELTime(hour: hour, minute: minute, second: Int(seconds), nanosecond: Int32(fraction), zone: zone)
    }

    private static func dateTime(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        if arguments.signature == 0 {
            switch arguments[0] {
            case .string(let text): return FEELDateTime(text).map { evaluator.validated(.dateTime($0)) }
            case .dateTime: return arguments[0]
            case .date(let date): return .dateTime(FEELDateTime(date: date, time: .midnight))
            default: return nil
            }
        }
        if case .dateTime(let dateTime) = arguments[0], case .string(let zone) = arguments[1] {
            return evaluator.moved(dateTime, to: zone)
        }
        guard let date = BuiltinFunction.day(arguments), case .time(let time) = arguments[1] else { return nil }
        return .dateTime(FEELDateTime(date: date, time: time))
    }

    private static func duration(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        switch arguments[0] {
        case .daysTimeDuration, .yearsMonthsDuration: return arguments[0]
        case .string(let text):
            if let duration = FEELYearsMonthsDuration(text) { return .yearsMonthsDuration(duration) }
            return FEELDaysTimeDuration(text).map(FEELValue.daysTimeDuration)
        default: return nil
        }
    }

    private static func yearsMonthsDuration(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let first = BuiltinFunction.wallClock(arguments[0]), let last = BuiltinFunction.wallClock(arguments[1])
        else {
            return nil
        }
        let from = first.date
        let to = last.date
        var months = (Int64(to.year) - Int64(from.year)) * 12 + Int64(to.month) - Int64(from.month)
        // Only whole months count, in either direction.
        if months > 0, to.day < from.day { months -= 1 }
        if months < 0, to.day > from.day { months += 1 }
        return .yearsMonthsDuration(FEELYearsMonthsDuration(months: months))
    }

    private static func wallClock(_ value: FEELValue) -> FEELDateTime? {
        switch value {
        case .date(let date): FEELDateTime(date: date, time: .midnight)
        case .dateTime(let dateTime): dateTime
        default: nil
        }
    }
}

extension Evaluator {
    /// The same instant on the wall clock of another zone.
    func moved(_ dateTime: FEELDateTime, to zone: String) -> FEELValue? {
        guard let seconds = dateTime.epochSeconds(self.environment.timeZoneRules),
            let offset = self.offset(zone: zone, utc: seconds)
        else { return nil }
        let target: FEELZone = zone == "Z" ? .utc : .named(zone)
        return FEELDateTime(
            localSeconds: seconds + Int64(offset),
            nanosecond: dateTime.time.nanosecond,
            zone: target
        ).map(FEELValue.dateTime)
    }
}
