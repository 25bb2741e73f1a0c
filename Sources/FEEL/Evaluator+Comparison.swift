/// Equality and order (DMN 1.3, 10.3.2.3).
extension Evaluator {
    /// FEEL's `=`: nil for values of different types; null equals only null.
    mutating func equal(
        _ left: FEELValue,
        _ right: FEELValue,
        depth: Int = 0
    ) throws(FEELEvaluationError) -> Bool? {
        switch (left, right) {
        case (.null, .null): return true
        case (.null, _), (_, .null): return false
        case (.boolean(let first), .boolean(let second)): return first == second
        case (.number(let first), .number(let second)): return first == second
        case (.string(let first), .string(let second)): return Evaluator.areEqual(first, second)
        case (.list(let first), .list(let second)): return try self.equal(first, second, depth: depth + 1)
        case (.context(let first), .context(let second)): return try self.equal(first, second, depth: depth + 1)
        case (.range(let first), .range(let second)):
            guard first.isStartIncluded == second.isStartIncluded, first.isEndIncluded == second.isEndIncluded,
                first.comparison == second.comparison
            else { return false }
            try self.enterValue(depth)
            guard try self.equal(first.start, second.start, depth: depth + 1) == true else { return false }
            return try self.equal(first.end, second.end, depth: depth + 1) == true
        case (.function(let first), .function(let second)): return first == second
        case (.time(let first), .time(let second)):
            guard (first.zone == nil) == (second.zone == nil) else { return false }
            return self.order(left, right) == 0
        case (.dateTime(let first), .dateTime(let second)):
            guard (first.time.zone == nil) == (second.time.zone == nil) else { return false }
            return self.order(left, right) == 0
        default: return self.order(left, right).map { $0 == 0 }
        }
    }

    private func enterValue(_ depth: Int) throws(FEELEvaluationError) {
        if depth > self.environment.depthLimit { throw .depthLimitExceeded(self.environment.depthLimit) }
    }

    private mutating func equal(
        _ left: [FEELValue],
        _ right: [FEELValue],
        depth: Int
    ) throws(FEELEvaluationError) -> Bool? {
        try self.enterValue(depth)
        guard left.count == right.count else { return false }
        for index in left.indices {
            try self.step()
            guard try self.equal(left[index], right[index], depth: depth) == true else { return false }
        }
        return true
    }

    private mutating func equal(
        _ left: FEELContext,
        _ right: FEELContext,
        depth: Int
    ) throws(FEELEvaluationError) -> Bool? {
        try self.enterValue(depth)
        guard left.count == right.count else { return false }
        for entry in left.entries {
            try self.step()
            guard let other = right[entry.key], try self.equal(entry.value, other, depth: depth) == true else {
                return false
            }
        }
        return true
    }

    /// Strings are compared by their characters' code points: FEEL knows no canonical equivalence.
    static func areEqual(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && left.utf8.elementsEqual(right.utf8)
    }

    /// −1, 0 or 1, or nil for values that have no order. Of date-times, a local one has none with one in a zone.
    func order(_ left: FEELValue, _ right: FEELValue) -> Int? {
        switch (left, right) {
        case (.number(let first), .number(let second)): first.compare(second)
        case (.string(let first), .string(let second)): Evaluator.order(first, second)
        case (.date(let first), .date(let second)): Evaluator.sign(first.daysSinceEpoch, second.daysSinceEpoch)
        case (.time(let first), .time(let second)): self.order(first, second)
        case (.dateTime(let first), .dateTime(let second)): self.order(first, second)
        case (.daysTimeDuration(let first), .daysTimeDuration(let second)):
            Evaluator.sign(first.totalNanoseconds, second.totalNanoseconds)
        case (.yearsMonthsDuration(let first), .yearsMonthsDuration(let second)):
            Evaluator.sign(first.months, second.months)
        case (.date(let first), .dateTime(let second)):
            self.order(FEELDateTime(date: first, time: .midnight), second)
        case (.dateTime(let first), .date(let second)):
            self.order(first, FEELDateTime(date: second, time: .midnight))
        default: nil
        }
    }

    private static func sign(_ left: some BinaryInteger, _ right: some BinaryInteger) -> Int {
        left < right ? -1 : (left == right ? 0 : 1)
    }

    private static func order(_ left: String, _ right: String) -> Int {
        if Evaluator.areEqual(left, right) { return 0 }
        return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
    }

    private func order(_ left: FEELTime, _ right: FEELTime) -> Int? {
        guard let first = self.instant(left), let second = self.instant(right),
            (left.zone == nil) == (right.zone == nil)
        else { return nil }
        return Evaluator.sign(first, second)
    }

    private func order(_ left: FEELDateTime, _ right: FEELDateTime) -> Int? {
        guard let first = self.instant(left), let second = self.instant(right),
            (left.time.zone == nil) == (right.time.zone == nil)
        else { return nil }
        return Evaluator.sign(first, second)
    }

    /// Nanoseconds since midnight UTC. A named zone counts with its offset at the evaluation's present.
    func instant(_ time: FEELTime) -> Int128? {
        let offset: Int
        switch time.zone {
        case nil: offset = 0
        case .offset(let seconds): offset = Int(seconds)
        case .named(let zone):
            let now = CivilDate.floorDivide(self.environment.nowEpochMilliseconds, 1000)
            guard let seconds = self.offset(zone: zone, utc: now) else { return nil }
            offset = seconds
        }
        return (Int128(time.secondOfDay) - Int128(offset)) * 1_000_000_000 + Int128(time.nanosecond)
    }

    /// Nanoseconds since the epoch.
    func instant(_ dateTime: FEELDateTime) -> Int128? {
        guard let seconds = dateTime.epochSeconds(self.environment.timeZoneRules) else { return nil }
        return Int128(seconds) * 1_000_000_000 + Int128(dateTime.time.nanosecond)
    }

    /// Whether a range holds a value; nil if they cannot be compared.
    func includes(_ range: FEELRange, _ value: FEELValue) -> Bool? {
        // Only a comparison may leave an end open; a null that was computed leaves the answer unknown.
        if range.comparison == nil, range.start.isNull || range.end.isNull { return nil }
        if !range.start.isNull {
            guard let order = self.order(range.start, value) else { return nil }
            if order > 0 || (order == 0 && !range.isStartIncluded) { return false }
        }
        if !range.end.isNull {
            guard let order = self.order(value, range.end) else { return nil }
            if order > 0 || (order == 0 && !range.isEndIncluded) { return false }
        }
        return value.isNull ? nil : true
    }

    mutating func instanceOf(_ operand: Node, _ type: FEELType) throws(FEELEvaluationError) -> FEELValue {
        let value = try self.evaluate(operand)
        if case .unknown(let name) = type { return self.null("Expected a type, but got '\(name)'") }
        if value.isNull { return .boolean(type == .null) }
        return .boolean(try self.conforms(value, to: type))
    }

    /// Whether a value is of a type; null is of every type.
    mutating func conforms(_ value: FEELValue, to type: FEELType) throws(FEELEvaluationError) -> Bool {
        try self.step()
        switch (type, value) {
        case (.any, _), (_, .null): return true
        case (.number, .number), (.string, .string), (.boolean, .boolean), (.date, .date), (.time, .time),
            (.dateTime, .dateTime), (.daysTimeDuration, .daysTimeDuration),
            (.yearsMonthsDuration, .yearsMonthsDuration), (.function, .function):
            return true
        case (.list(let element), .list(let elements)):
            if element == .any { return true }
            for value in elements where try !self.conforms(value, to: element) { return false }
            return true
        case (.range(let element), .range(let range)):
            guard try self.conforms(range.start, to: element) else { return false }
            return try self.conforms(range.end, to: element)
        case (.context(let members), .context(let context)):
            for member in members {
                guard let entry = context[member.name], try self.conforms(entry, to: member.type) else { return false }
            }
            return true
        default: return false
        }
    }
}
