/// A date with a time of day, local or in a zone.
package struct FEELDateTime: Sendable, Hashable, CustomStringConvertible {
    /// The day.
    package let date: FEELDate
    /// The time of day and the zone.
    package let time: FEELTime

    /// Joins a day and a time of day.
    package init(date: FEELDate, time: FEELTime) {
        self.date = date
        self.time = time
    }

    /// The date-time in UTC so many milliseconds after 1970-01-01T00:00:00Z; nil beyond the calendar.
    package init?(epochMilliseconds: Int64) {
        let seconds = CivilDate.floorDivide(epochMilliseconds, 1000)
        let nanoseconds = Int32(CivilDate.floorModulo(epochMilliseconds, 1000)) * 1_000_000
        self.init(localSeconds: seconds, nanosecond: nanoseconds, zone: .utc)
    }

    /// A wall clock reading in seconds since 1970-01-01T00:00:00 of the same clock.
    init?(localSeconds: Int64, nanosecond: Int32, zone: FEELZone?) {
        let days = CivilDate.floorDivide(localSeconds, CivilDate.secondsPerDay)
        guard let date = FEELDate(daysSinceEpoch: days) else { return nil }
        self.date = date
        self.time = FEELTime(
            secondOfDay: localSeconds - days * CivilDate.secondsPerDay,
            nanosecond: nanosecond,
            zone: zone
        )
    }

    /// Parses a date, optionally followed by `T` and a time.
    package init?(_ text: String) {
        var scanner = TemporalScanner(text)
        guard let date = FEELDate(&scanner) else { return nil }
        if scanner.isAtEnd {
            self.init(date: date, time: .midnight)
            return
        }
        guard scanner.skip(0x54), let time = FEELTime(&scanner), scanner.isAtEnd else { return nil }
        self.init(date: date, time: time)
    }

    /// Seconds of the wall clock since its 1970-01-01T00:00:00.
    var localSeconds: Int64 { self.date.daysSinceEpoch * CivilDate.secondsPerDay + self.time.secondOfDay }

    /// The offset from UTC in seconds; nil for a local date-time and for a zone that the rules do not know.
    package func offsetSeconds(_ rules: some TimeZoneRules) -> Int? {
        switch self.time.zone {
        case nil: nil
        case .offset(let seconds): Int(seconds)
        case .named(let zone): rules.offsetSeconds(zone: zone, localEpochSeconds: self.localSeconds)
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z, the fraction left out; a local date-time counts as UTC.
    /// Nil for a zone that the rules do not know.
    package func epochSeconds(_ rules: some TimeZoneRules) -> Int64? {
        if self.time.zone == nil { return self.localSeconds }
        return self.offsetSeconds(rules).map { self.localSeconds - Int64($0) }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z; a local date-time counts as UTC. Nil for a zone that the rules do not
    /// know and beyond 64 bits.
    package func epochMilliseconds(_ rules: some TimeZoneRules) -> Int64? {
        guard let seconds = self.epochSeconds(rules) else { return nil }
        return Int64(exactly: Int128(seconds) * 1000 + Int128(self.time.nanosecond / 1_000_000))
    }

    /// The wall clock later by a duration of exact length: across a change of the zone's offset, the instant moves by
    /// the duration. Nil out of range.
    func adding(_ duration: FEELDaysTimeDuration, _ rules: some TimeZoneRules) -> FEELDateTime? {
        var nanoseconds = Int64(self.time.nanosecond) + Int64(duration.nanoseconds)
        let (sum, overflow) = self.localSeconds.addingReportingOverflow(duration.seconds)
        // The bound keeps every later sum of seconds clear of overflow.
        guard !overflow, sum.magnitude < 1 << 60 else { return nil }
        var seconds = sum
        if nanoseconds >= 1_000_000_000 {
            nanoseconds -= 1_000_000_000
            seconds += 1
        }
        if case .named(let zone) = self.time.zone, let before = self.offsetSeconds(rules),
            let after = rules.offsetSeconds(zone: zone, utcEpochSeconds: seconds - Int64(before))
        {
            seconds += Int64(after - before)
        }
        return FEELDateTime(localSeconds: seconds, nanosecond: Int32(nanoseconds), zone: self.time.zone)
    }

    /// The same time of day so many months later; nil out of range.
    func addingMonths(_ months: Int64) -> FEELDateTime? {
        self.date.addingMonths(months).map { FEELDateTime(date: $0, time: self.time) }
    }

    /// ISO 8601, with `@zone` for named zones.
    package var description: String { "\(self.date.description)T\(self.time.description)" }
}
