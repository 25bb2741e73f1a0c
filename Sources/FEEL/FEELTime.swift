/// Where a time of day or a date-time is meant.
package enum FEELZone: Sendable, Hashable {
    /// Seconds east of UTC.
    case offset(Int32)
    /// A zone of the time-zone database, such as `Europe/Berlin`.
    case named(String)

    static let utc = FEELZone.offset(0)
    private static let offsetLimit = 18 * 3600
    private static let nameLengthLimit = 64

    /// Parses nothing, `Z`, `±hh:mm[:ss]` up to 18 hours, or `@zone` up to the end of the text. Nil means malformed.
    static func parse(_ scanner: inout TemporalScanner) -> FEELZone?? {
        if scanner.isAtEnd { return .some(nil) }
        if scanner.skip(0x5A) || scanner.skip(0x7A) { return .some(.utc) }
        if scanner.skip(0x40) {
            let name = scanner.rest()
            let isValid = name.utf8.allSatisfy { byte in
                0x61...0x7A ~= byte | 0x20 || 0x30...0x39 ~= byte || [0x2B, 0x2D, 0x2F, 0x5F].contains(byte)
            }
            return isValid && !name.isEmpty && name.utf8.count <= FEELZone.nameLengthLimit ? .some(.named(name)) : nil
        }
        let isNegative = scanner.skip(0x2D)
        guard isNegative || scanner.skip(0x2B), let hours = scanner.pair(), scanner.skip(0x3A),
            let minutes = scanner.pair()
        else { return nil }
        var seconds = 0
        if scanner.skip(0x3A) {
            guard let value = scanner.pair() else { return nil }
            seconds = value
        }
        let total = hours * 3600 + minutes * 60 + seconds
        guard minutes < 60, seconds < 60, total <= FEELZone.offsetLimit else { return nil }
        return .some(.offset(Int32(isNegative ? -total : total)))
    }

    /// `Z`, `±hh:mm[:ss]` or `@zone`.
    var suffix: String {
        switch self {
        case .offset(0): return "Z"
        case .named(let name): return "@" + name
        case .offset(let seconds):
            let total = Int64(seconds.magnitude)
            let tail = total % 60 == 0 ? "" : ":" + padded(total % 60, 2)
            return "\(seconds < 0 ? "-" : "+")\(padded(total / 3600, 2)):\(padded(total / 60 % 60, 2))\(tail)"
        }
    }
}

/// A time of day, local or in a zone.
package struct FEELTime: Sendable, Hashable, CustomStringConvertible {
    /// The hour, 0 to 23.
    package let hour: UInt8
    /// The minute, 0 to 59.
    package let minute: UInt8
    /// The second, 0 to 59.
    package let second: UInt8
    /// The fraction of the second.
    package let nanosecond: Int32
    /// The zone; nil for a local time.
    package let zone: FEELZone?

    static let midnight = FEELTime(secondOfDay: 0, nanosecond: 0, zone: nil)

    /// A time of day, or nil if the clock has none such.
    package init?(hour: Int, minute: Int, second: Int, nanosecond: Int32 = 0, zone: FEELZone? = nil) {
        guard 0...23 ~= hour, 0...59 ~= minute, 0...59 ~= second, 0...999_999_999 ~= nanosecond else { return nil }
        self.init(secondOfDay: Int64(hour * 3600 + minute * 60 + second), nanosecond: nanosecond, zone: zone)
    }

    /// Takes a second of the day in 0...86399.
    init(secondOfDay: Int64, nanosecond: Int32, zone: FEELZone?) {
        self.hour = UInt8(truncatingIfNeeded: secondOfDay / 3600)
        self.minute = UInt8(truncatingIfNeeded: secondOfDay / 60 % 60)
        self.second = UInt8(truncatingIfNeeded: secondOfDay % 60)
        self.nanosecond = nanosecond
        self.zone = zone
    }

    /// Parses `hh:mm:ss[.fraction]` with `Z`, an offset, `@zone` or nothing behind it.
    package init?(_ text: String) {
        var scanner = TemporalScanner(text)
        self.init(&scanner)
        guard scanner.isAtEnd else { return nil }
    }

    init?(_ scanner: inout TemporalScanner) {
        guard let hour = scanner.pair(), scanner.skip(0x3A), let minute = scanner.pair(), scanner.skip(0x3A),
            let second = scanner.pair(), let nanosecond = scanner.nanoseconds(),
            let zone = FEELZone.parse(&scanner)
        else { return nil }
        self.init(hour: hour, minute: minute, second: second, nanosecond: nanosecond, zone: zone)
    }

    /// Seconds since midnight, the fraction left out.
    package var secondOfDay: Int64 { Int64(self.hour) * 3600 + Int64(self.minute) * 60 + Int64(self.second) }

    func inZone(_ zone: FEELZone?) -> FEELTime {
        FEELTime(secondOfDay: self.secondOfDay, nanosecond: self.nanosecond, zone: zone)
    }

    /// The time later by a number of seconds and nanoseconds, modulo a day.
    func adding(_ duration: FEELDaysTimeDuration) -> FEELTime {
        let nanoseconds = Int64(self.nanosecond) + Int64(duration.nanoseconds)
        let carry = nanoseconds >= 1_000_000_000 ? Int64(1) : 0
        let shift = CivilDate.floorModulo(duration.seconds, CivilDate.secondsPerDay)
        let second = CivilDate.floorModulo(self.secondOfDay + shift + carry, CivilDate.secondsPerDay)
        return FEELTime(
            secondOfDay: second,
            nanosecond: Int32(nanoseconds - carry * 1_000_000_000),
            zone: self.zone
        )
    }

    /// ISO 8601, with `@zone` for named zones.
    package var description: String {
        let clock = "\(padded(Int64(self.hour), 2)):\(padded(Int64(self.minute), 2)):\(padded(Int64(self.second), 2))"
        return clock + fractionText(self.nanosecond) + (self.zone?.suffix ?? "")
    }
}
