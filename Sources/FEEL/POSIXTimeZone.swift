/// The POSIX `TZ` rule at the end of a TZif file (RFC 8536, section 3.3): a standard offset, and daylight saving
/// between two days of every year.
struct POSIXTimeZone: Sendable, Equatable {
    /// A day of the year and the seconds after its midnight, by the clock in force before the change.
    private struct Change: Equatable {
        enum Day: Equatable {
            /// The n-th day, 1 to 365, never counting 29 February.
            case julian(Int)
            /// The n-th day, 0 to 365, counting 29 February.
            case zeroBased(Int)
            /// The n-th weekday (0 is Sunday) of a month, 5 meaning the last.
            case weekday(month: Int, week: Int, day: Int)
        }

        let day: Day
        let seconds: Int64

        func localSeconds(year: Int64) -> Int64 {
            let first = CivilDate.days(year: year, month: 1, day: 1)
            let days: Int64
            switch self.day {
            case .julian(let number): days = first + Int64(number - (CivilDate.isLeap(year) && number >= 60 ? 0 : 1))
            case .zeroBased(let number): days = first + Int64(number)
            case .weekday(let month, let week, let day):
                let start = CivilDate.days(year: year, month: month, day: 1)
                let shift = (day + 7 - CivilDate.weekday(days: start) % 7) % 7
                var offset = shift + (week - 1) * 7
                if offset >= CivilDate.dayCount(year: year, month: month) { offset -= 7 }
                days = start + Int64(offset)
            }
            return days * CivilDate.secondsPerDay + self.seconds
        }
    }

    private let standardOffset: Int32
    private var daylight: (offset: Int32, start: Change, end: Change)?

    init?(_ text: String) {
        var scanner = TemporalScanner(text)
        guard POSIXTimeZone.skipName(&scanner), let west = POSIXTimeZone.seconds(&scanner) else { return nil }
        self.standardOffset = Int32(-west)
        if scanner.isAtEnd { return }
        guard POSIXTimeZone.skipName(&scanner) else { return nil }
        var offset = self.standardOffset + 3600
        if scanner.next != 0x2C {
            guard let west = POSIXTimeZone.seconds(&scanner) else { return nil }
            offset = Int32(-west)
        }
        guard let start = POSIXTimeZone.change(&scanner), let end = POSIXTimeZone.change(&scanner), scanner.isAtEnd
        else {
            return nil
        }
        self.daylight = (offset, start, end)
    }

    static func == (left: POSIXTimeZone, right: POSIXTimeZone) -> Bool {
        left.standardOffset == right.standardOffset && left.daylight?.offset == right.daylight?.offset
            && left.daylight?.start == right.daylight?.start && left.daylight?.end == right.daylight?.end
    }

    func offsetSeconds(utcEpochSeconds seconds: Int64) -> Int32 {
        // Outside the calendar's range no year can be computed.
        guard let daylight, seconds.magnitude < 1 << 55 else { return self.standardOffset }
        let local = seconds + Int64(self.standardOffset)
        let year = CivilDate.civil(days: CivilDate.floorDivide(local, CivilDate.secondsPerDay)).year
        let start = daylight.start.localSeconds(year: year) - Int64(self.standardOffset)
        let end = daylight.end.localSeconds(year: year) - Int64(daylight.offset)
        let isDaylight = start < end ? start <= seconds && seconds < end : seconds < end || start <= seconds
        return isDaylight ? daylight.offset : self.standardOffset
    }

    /// Letters, or anything between angle brackets.
    private static func skipName(_ scanner: inout TemporalScanner) -> Bool {
        if scanner.skip(0x3C) {
            while let byte = scanner.next, byte != 0x3E { _ = scanner.skip(byte) }
            return scanner.skip(0x3E)
        }
        let start = scanner.position
        while let byte = scanner.next, 0x61...0x7A ~= byte | 0x20 { _ = scanner.skip(byte) }
        return scanner.position - start >= 3
    }

    /// `[±]h[h][h][:mm[:ss]]` up to 167 hours.
    private static func seconds(_ scanner: inout TemporalScanner) -> Int64? {
        let isNegative = scanner.skip(0x2D)
        if !isNegative { _ = scanner.skip(0x2B) }
        guard let (hours, _) = scanner.digits(), hours <= 167 else { return nil }
        var total = hours * 3600
        for unit: Int64 in [60, 1] where scanner.skip(0x3A) {
            guard let value = scanner.pair(), value < 60 else { return nil }
            total += Int64(value) * unit
        }
        return isNegative ? -total : total
    }

    private static func change(_ scanner: inout TemporalScanner) -> Change? {
        guard scanner.skip(0x2C) else { return nil }
        let day: Change.Day
        if scanner.skip(0x4D) {
            guard let (month, _) = scanner.digits(), 1...12 ~= month, scanner.skip(0x2E),
                let (week, _) = scanner.digits(), 1...5 ~= week, scanner.skip(0x2E),
                let (weekday, _) = scanner.digits(), 0...6 ~= weekday
            else { return nil }
            day = .weekday(month: Int(month), week: Int(week), day: Int(weekday))
        } else {
            let isJulian = scanner.skip(0x4A)
            guard let (number, _) = scanner.digits(), (isJulian ? 1 : 0)...365 ~= number else { return nil }
            day = isJulian ? .julian(Int(number)) : .zeroBased(Int(number))
        }
        guard scanner.skip(0x2F) else { return Change(day: day, seconds: 7200) }
        return POSIXTimeZone.seconds(&scanner).map { Change(day: day, seconds: $0) }
    }
}
