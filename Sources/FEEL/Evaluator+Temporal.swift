/// Arithmetic and properties of dates, times and durations (DMN 1.3, tables 45 to 53 and 65).
extension Evaluator {
    /// The result of an operator on temporal values, or nil if it is not defined for them.
    mutating func temporal(_ operation: ArithmeticOperator, _ left: FEELValue, _ right: FEELValue) -> FEELValue? {
        switch operation {
        case .add: return self.sum(left, right) ?? self.sum(right, left)
        case .subtract:
            if let difference = self.difference(left, right) { return difference }
            return self.opposite(right).flatMap { self.sum(left, $0) }
        case .multiply: return self.product(left, right) ?? self.product(right, left)
        case .divide: return self.quotient(left, right)
        case .power: return nil
        }
    }

    private func opposite(_ value: FEELValue) -> FEELValue? {
        switch value {
        case .daysTimeDuration(let duration):
            FEELDaysTimeDuration(totalNanoseconds: -duration.totalNanoseconds).map(FEELValue.daysTimeDuration)
        case .yearsMonthsDuration(let duration):
            duration.months == .min ? nil : .yearsMonthsDuration(FEELYearsMonthsDuration(months: -duration.months))
        default: nil
        }
    }

    private func sum(_ left: FEELValue, _ right: FEELValue) -> FEELValue? {
        switch (left, right) {
        case (.daysTimeDuration(let first), .daysTimeDuration(let second)):
            return FEELDaysTimeDuration(totalNanoseconds: first.totalNanoseconds + second.totalNanoseconds)
                .map(FEELValue.daysTimeDuration)
        case (.yearsMonthsDuration(let first), .yearsMonthsDuration(let second)):
            let (months, overflow) = first.months.addingReportingOverflow(second.months)
            return overflow ? nil : .yearsMonthsDuration(FEELYearsMonthsDuration(months: months))
        case (.date(let date), .yearsMonthsDuration(let duration)):
            return date.addingMonths(duration.months).map(FEELValue.date)
        case (.date(let date), .daysTimeDuration(let duration)):
            return date.addingDays(CivilDate.floorDivide(duration.seconds, CivilDate.secondsPerDay)).map(FEELValue.date)
        case (.dateTime(let dateTime), .yearsMonthsDuration(let duration)):
            return dateTime.addingMonths(duration.months).map(FEELValue.dateTime)
        case (.dateTime(let dateTime), .daysTimeDuration(let duration)):
            return self.sum(dateTime, duration, self.environment.timeZoneRules)
        case (.time(let time), .daysTimeDuration(let duration)): return .time(time.adding(duration))
        default: return nil
        }
    }

    private func sum(
        _ dateTime: FEELDateTime,
        _ duration: FEELDaysTimeDuration,
        _ rules: some TimeZoneRules
    ) -> FEELValue? {
        dateTime.adding(duration, rules).map(FEELValue.dateTime)
    }

    private func difference(_ left: FEELValue, _ right: FEELValue) -> FEELValue? {
        let first: Int128?
        let second: Int128?
        switch (left, right) {
        case (.time(let one), .time(let other)):
            guard (one.zone == nil) == (other.zone == nil) else { return nil }
            first = self.instant(one)
            second = self.instant(other)
        case (.date, .date), (.dateTime, .dateTime), (.date, .dateTime), (.dateTime, .date):
            // A date counts as its midnight in UTC, or on the local clock where the other side is local.
            guard let one = self.midnight(left), let other = self.midnight(right) else { return nil }
            let isLocal = one.time.zone == nil
            let isOtherLocal = other.time.zone == nil
            let hasDate = left.typeName == "date" || right.typeName == "date"
            guard isLocal == isOtherLocal || hasDate else { return nil }
            first = self.instant(one)
            second = self.instant(other)
        default: return nil
        }
        guard let first, let second else { return nil }
        return FEELDaysTimeDuration(totalNanoseconds: first - second).map(FEELValue.daysTimeDuration)
    }

    private func midnight(_ value: FEELValue) -> FEELDateTime? {
        switch value {
        case .date(let date): FEELDateTime(date: date, time: .midnight)
        case .dateTime(let dateTime): dateTime
        default: nil
        }
    }

    private func product(_ left: FEELValue, _ right: FEELValue) -> FEELValue? {
        guard case .number(let factor) = right else { return nil }
        switch left {
        case .daysTimeDuration(let duration):
            return duration.decimalSeconds?.multiplied(by: factor).flatMap { FEELDaysTimeDuration(decimalSeconds: $0) }
                .map(FEELValue.daysTimeDuration)
        case .yearsMonthsDuration(let duration):
            return Evaluator.months(Decimal(duration.months).multiplied(by: factor))
        default: return nil
        }
    }

    private static func months(_ value: Decimal?) -> FEELValue? {
        value?.rounded(toScale: 0, .down)?.int64.map { .yearsMonthsDuration(FEELYearsMonthsDuration(months: $0)) }
    }

    private func quotient(_ left: FEELValue, _ right: FEELValue) -> FEELValue? {
        switch (left, right) {
        case (.daysTimeDuration(let first), .daysTimeDuration(let second)):
            guard let dividend = first.decimalSeconds, let divisor = second.decimalSeconds else { return nil }
            return dividend.divided(by: divisor).map(FEELValue.number)
        case (.yearsMonthsDuration(let first), .yearsMonthsDuration(let second)):
            return Decimal(first.months).divided(by: Decimal(second.months)).map(FEELValue.number)
        case (.daysTimeDuration(let duration), .number(let divisor)):
            return duration.decimalSeconds?.divided(by: divisor).flatMap { FEELDaysTimeDuration(decimalSeconds: $0) }
                .map(FEELValue.daysTimeDuration)
        case (.yearsMonthsDuration(let duration), .number(let divisor)):
            return Evaluator.months(Decimal(duration.months).divided(by: divisor))
        default: return nil
        }
    }

    // MARK: - Properties

    /// A property of a temporal value or range; nil if it has none of that name.
    func temporalProperty(_ name: String, of value: FEELValue) -> FEELValue? {
        switch value {
        case .date(let date): self.property(name, of: date)
        case .time(let time): self.property(name, of: time, local: nil)
        case .dateTime(let dateTime):
            self.property(name, of: dateTime.date) ?? self.property(name, of: dateTime.time, local: dateTime)
        case .daysTimeDuration(let duration): Evaluator.property(name, of: duration)
        case .yearsMonthsDuration(let duration):
            switch name {
            case "years": .number(Decimal(duration.months / 12))
            case "months": .number(Decimal(duration.months % 12))
            default: nil
            }
        case .range(let range):
            switch name {
            case "start": range.start
            case "end": range.end
            case "start included": .boolean(range.isStartIncluded)
            case "end included": .boolean(range.isEndIncluded)
            default: nil
            }
        default: nil
        }
    }

    private func property(_ name: String, of date: FEELDate) -> FEELValue? {
        switch name {
        case "year": .integer(Int(date.year))
        case "month": .integer(Int(date.month))
        case "day": .integer(Int(date.day))
        case "weekday": .integer(date.weekday)
        default: nil
        }
    }

    private func property(_ name: String, of time: FEELTime, local: FEELDateTime?) -> FEELValue? {
        switch name {
        case "hour": return .integer(Int(time.hour))
        case "minute": return .integer(Int(time.minute))
        case "second": return .integer(Int(time.second))
        case "time offset": return self.offsetProperty(time, local)
        case "timezone":
            if case .named(let zone) = time.zone { return .string(zone) }
            return .null
        default: return nil
        }
    }

    private func offsetProperty(_ time: FEELTime, _ local: FEELDateTime?) -> FEELValue {
        switch time.zone {
        case nil: return .null
        case .offset(let seconds): return .daysTimeDuration(FEELDaysTimeDuration(wholeSeconds: Int64(seconds)))
        case .named(let zone):
            let rules = self.environment.timeZoneRules
            let now = CivilDate.floorDivide(self.environment.nowEpochMilliseconds, 1000)
            let offset =
                local.map { rules.offsetSeconds(zone: zone, localEpochSeconds: $0.localSeconds) }
                ?? rules.offsetSeconds(zone: zone, utcEpochSeconds: now)
            return offset.map { .daysTimeDuration(FEELDaysTimeDuration(wholeSeconds: Int64($0))) } ?? .null
        }
    }

    private static func property(_ name: String, of duration: FEELDaysTimeDuration) -> FEELValue? {
        // Parts of a negative duration are negative.
        let total = duration.totalNanoseconds
        let seconds = Int64(total / 1_000_000_000)
        switch name {
        case "days": return .number(Decimal(seconds / 86_400))
        case "hours": return .number(Decimal(seconds / 3600 % 24))
        case "minutes": return .number(Decimal(seconds / 60 % 60))
        case "seconds": return .number(Decimal(seconds % 60))
        default: return nil
        }
    }
}
