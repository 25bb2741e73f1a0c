/// Arithmetic of the proleptic Gregorian calendar in days since 1970-01-01, after the well-known era-based method.
enum CivilDate {
    static let secondsPerDay: Int64 = 86_400

    /// Days since the epoch. The year must lie in ±10^10, month and day be valid.
    static func days(year: Int64, month: Int, day: Int) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = CivilDate.floorDivide(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// Year, month and day of a day since the epoch within ±10^12.
    static func civil(days: Int64) -> (year: Int64, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = CivilDate.floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = Int(dayOfYear - (153 * monthIndex + 2) / 5 + 1)
        let month = Int(monthIndex < 10 ? monthIndex + 3 : monthIndex - 9)
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    static func dayCount(year: Int64, month: Int) -> Int {
        switch month {
        case 2: CivilDate.isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// 1 for Monday to 7 for Sunday.
    static func weekday(days: Int64) -> Int { Int(CivilDate.floorModulo(days + 3, 7)) + 1 }

    static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor != 0 && (value < 0) != (divisor < 0) ? quotient - 1 : quotient
    }

    static func floorModulo(_ value: Int64, _ divisor: Int64) -> Int64 {
        let remainder = value % divisor
        return remainder != 0 && (remainder < 0) != (divisor < 0) ? remainder + divisor : remainder
    }
}

/// Reads ISO 8601 text from left to right.
struct TemporalScanner {
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ text: some StringProtocol) {
        self.bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { self.position == self.bytes.count }
    var next: UInt8? { self.position < self.bytes.count ? self.bytes[self.position] : nil }

    mutating func skip(_ byte: UInt8) -> Bool {
        guard self.next == byte else { return false }
        self.position += 1
        return true
    }

    /// A run of digits as a number of at most 18 digits, with their count; nil if there is none.
    mutating func digits() -> (value: Int64, count: Int)? {
        let start = self.position
        var value: Int64 = 0
        while let byte = self.next, byte >= 0x30, byte <= 0x39 {
            guard self.position - start < 18 else { return nil }
            value = value * 10 + Int64(byte - 0x30)
            self.position += 1
        }
        return self.position == start ? nil : (value, self.position - start)
    }

    /// Exactly two digits.
    mutating func pair() -> Int? {
        guard let (value, count) = self.digits(), count == 2 else { return nil }
        return Int(value)
    }

    /// The fraction behind a point, as nanoseconds; more than nine digits are cut off. Zero if there is no point.
    mutating func nanoseconds(isEmptyAllowed: Bool = false) -> Int32? {
        guard self.skip(0x2E) else { return 0 }
        var value: Int32 = 0
        var count = 0
        while let byte = self.next, byte >= 0x30, byte <= 0x39 {
            if count < 9 { value = value * 10 + Int32(byte - 0x30) }
            count += 1
            self.position += 1
        }
        guard count > 0 || isEmptyAllowed else { return nil }
        for _ in min(count, 9)..<9 { value *= 10 }
        return value
    }

    /// Everything that is left.
    mutating func rest() -> String {
        defer { self.position = self.bytes.count }
        return String(decoding: self.bytes[self.position...], as: UTF8.self)
    }
}

/// Writes a number with leading zeros.
func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value.magnitude)
    return (value < 0 ? "-" : "") + String(repeating: "0", count: max(width - digits.count, 0)) + digits
}

/// Writes nanoseconds as `.fraction` without trailing zeros, or as nothing.
func fractionText(_ nanoseconds: Int32) -> String {
    if nanoseconds == 0 { return "" }
    var digits = padded(Int64(nanoseconds), 9)
    while digits.last == "0" { digits.removeLast() }
    return "." + digits
}
