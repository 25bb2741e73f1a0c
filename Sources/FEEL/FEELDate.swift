/// A day of the proleptic Gregorian calendar, of the years ±999,999,999.
package struct FEELDate: Sendable, Hashable, CustomStringConvertible {
    /// The year; 0 is the year before 1.
    package let year: Int32
    /// The month, 1 to 12.
    package let month: UInt8
    /// The day of the month, 1 to 31.
    package let day: UInt8

    static let yearLimit: Int64 = 999_999_999
    private static let firstDay = CivilDate.days(year: -yearLimit, month: 1, day: 1)
    private static let lastDay = CivilDate.days(year: yearLimit, month: 12, day: 31)

    /// A day, or nil if the calendar has none such.
    package init?(year: Int, month: Int, day: Int) {
        guard year.magnitude <= FEELDate.yearLimit, 1...12 ~= month, day >= 1,
            day <= CivilDate.dayCount(year: Int64(year), month: month)
        else { return nil }
        self.year = Int32(year)
        self.month = UInt8(month)
        self.day = UInt8(day)
    }

    /// The day so many days after 1970-01-01, or nil out of range.
    package init?(daysSinceEpoch days: Int64) {
        guard FEELDate.firstDay...FEELDate.lastDay ~= days else { return nil }
        let (year, month, day) = CivilDate.civil(days: days)
        self.init(year: Int(year), month: month, day: day)
    }

    /// Parses `[-]YYYY-MM-DD`, the year with four to nine digits and no needless leading zero.
    package init?(_ text: String) {
        var scanner = TemporalScanner(text)
        self.init(&scanner)
        guard scanner.isAtEnd else { return nil }
    }

    init?(_ scanner: inout TemporalScanner) {
        let isNegative = scanner.skip(0x2D)
        let startsWithZero = scanner.next == 0x30
        guard let (year, digits) = scanner.digits(), 4...9 ~= digits, digits == 4 || !startsWithZero,
            scanner.skip(0x2D), let month = scanner.pair(), scanner.skip(0x2D), let day = scanner.pair()
        else { return nil }
        self.init(year: Int(isNegative ? -year : year), month: month, day: day)
    }

    /// Days since 1970-01-01.
    package var daysSinceEpoch: Int64 {
        CivilDate.days(year: Int64(self.year), month: Int(self.month), day: Int(self.day))
    }

    /// 1 for Monday to 7 for Sunday.
    package var weekday: Int { CivilDate.weekday(days: self.daysSinceEpoch) }

    /// 1 for the first of January.
    package var dayOfYear: Int {
        Int(self.daysSinceEpoch - CivilDate.days(year: Int64(self.year), month: 1, day: 1)) + 1
    }

    /// The week by ISO 8601: the first week is the one with the year's first Thursday.
    package var weekOfYear: Int {
        let thursday = self.daysSinceEpoch + Int64(4 - self.weekday)
        let year = CivilDate.civil(days: thursday).year
        return Int((thursday - CivilDate.days(year: year, month: 1, day: 1)) / 7) + 1
    }

    /// The last day of this day's month.
    package var lastDayOfMonth: FEELDate? {
        let count = CivilDate.dayCount(year: Int64(self.year), month: Int(self.month))
        return FEELDate(year: Int(self.year), month: Int(self.month), day: count)
    }

    /// The day so many days later, or nil out of range.
    package func addingDays(_ days: Int64) -> FEELDate? {
        let (sum, overflow) = self.daysSinceEpoch.addingReportingOverflow(days)
        return overflow ? nil : FEELDate(daysSinceEpoch: sum)
    }

    /// The same day so many months later, or the last day of that month if it is shorter; nil out of range.
    package func addingMonths(_ months: Int64) -> FEELDate? {
        let (total, overflow) = (Int64(self.year) * 12 + Int64(self.month) - 1).addingReportingOverflow(months)
        let year = CivilDate.floorDivide(total, 12)
        guard !overflow, year.magnitude <= FEELDate.yearLimit else { return nil }
        let month = Int(total - year * 12) + 1
        return FEELDate(
            year: Int(year),
            month: month,
            day: min(Int(self.day), CivilDate.dayCount(year: year, month: month))
        )
    }

    /// ISO 8601.
    package var description: String {
        "\(padded(Int64(self.year), 4))-\(padded(Int64(self.month), 2))-\(padded(Int64(self.day), 2))"
    }
}
