/// Date-times of ISO 8601 as RFC 3339 profiles them, to and from milliseconds since 1970, in the proleptic Gregorian
/// calendar, years 0000 to 9999.
enum DateTime {
    private static let millisecondsOfDay: Int64 = 86_400_000
    /// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
    private static let bounds: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    /// `YYYY-MM-DDThh:mm:ss.sssZ`; what lies outside of the four-digit years is cut to them.
    static func text(_ milliseconds: Int64) -> String {
        let milliseconds = max(Self.bounds.lowerBound, min(milliseconds, Self.bounds.upperBound))
        var days = milliseconds / Self.millisecondsOfDay
        var rest = milliseconds % Self.millisecondsOfDay
        if rest < 0 {
            rest += Self.millisecondsOfDay
            days -= 1
        }
        let (year, month, day) = Self.civil(days)
        var text: [UInt8] = []
        text.reserveCapacity(24)
        Self.append(year, digits: 4, then: "-", to: &text)
        Self.append(month, digits: 2, then: "-", to: &text)
        Self.append(day, digits: 2, then: "T", to: &text)
        Self.append(rest / 3_600_000, digits: 2, then: ":", to: &text)
        Self.append(rest / 60_000 % 60, digits: 2, then: ":", to: &text)
        Self.append(rest / 1000 % 60, digits: 2, then: ".", to: &text)
        Self.append(rest % 1000, digits: 3, then: "Z", to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    private static func append(_ value: Int64, digits: Int, then sign: Unicode.Scalar, to text: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
        text.append(UInt8(ascii: sign))
    }

    /// Nil unless the text is a date-time with an offset. Digits behind the millisecond are dropped.
    static func milliseconds(_ text: String) -> Int64? {
        var reader = Reader(Array(text.utf8))
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
            let day = reader.number(2), reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.number(2), reader.take(":"), let minute = reader.number(2), reader.take(":"),
            let second = reader.number(2)
        else { return nil }
        guard (1...12).contains(month), (1...Self.days(of: month, in: year)).contains(day), hour < 24, minute < 60,
            second < 61
        else { return nil }
        guard let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd else { return nil }
        // A leap second is the last one of its minute, as most clocks have it.
        let seconds = (hour * 60 + minute) * 60 + min(second, 59) - offset
        let days = Self.daysSince1970(year, month, day)
        return days * Self.millisecondsOfDay + seconds * 1000 + fraction
    }

    private static func days(of month: Int64, in year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Years are counted from March, so that the leap day is the last one; an era has 400 years or 146,097 days.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month > 2 ? year : year - 1
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private struct Reader {
        private let bytes: [UInt8]
        private var position = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { self.position == self.bytes.count }

        private var digit: Int64? {
            guard self.position < self.bytes.count else { return nil }
            let byte = self.bytes[self.position]
            return byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? Int64(byte - UInt8(ascii: "0")) : nil
        }

        mutating func take(_ sign: Unicode.Scalar) -> Bool {
            guard self.position < self.bytes.count, self.bytes[self.position] == UInt8(ascii: sign) else {
                return false
            }
            self.position += 1
            return true
        }

        mutating func number(_ count: Int) -> Int64? {
            var value: Int64 = 0
            for _ in 0..<count {
                guard let digit = self.digit else { return nil }
                value = value * 10 + digit
                self.position += 1
            }
            return value
        }

        /// Milliseconds; 0 if there is no fraction, nil if there is a point without digits.
        mutating func fraction() -> Int64? {
            guard self.take(".") else { return 0 }
            var value: Int64 = 0
            var scale: Int64 = 100
            guard self.digit != nil else { return nil }
            while let digit = self.digit {
                value += digit * scale
                scale /= 10
                self.position += 1
            }
            return value
        }

        /// Seconds east of UTC.
        mutating func offset() -> Int64? {
            if self.take("Z") || self.take("z") { return 0 }
            let isWest = self.take("-")
            guard isWest || self.take("+"), let hours = self.number(2), hours < 24, self.take(":"),
                let minutes = self.number(2), minutes < 60
            else { return nil }
            let seconds = (hours * 60 + minutes) * 60
            return isWest ? -seconds : seconds
        }
    }
}
