/// The rules of time zones. They are injected, so that every member of a cluster can be given the same version.
package protocol TimeZoneRules: Sendable {
    /// Seconds east of UTC at an instant in seconds since 1970-01-01T00:00:00Z; nil for an unknown zone.
    func offsetSeconds(zone: String, utcEpochSeconds: Int64) -> Int?
    /// Seconds east of UTC at a reading of the zone's wall clock. A reading that exists twice means the earlier
    /// instant; one that is skipped is read with the offset in force before the gap. Nil for an unknown zone.
    func offsetSeconds(zone: String, localEpochSeconds: Int64) -> Int?
}

/// UTC under its usual names, and fixed offsets written as `GMT+2`, `UTC-05:30`, `+01:00` or `Etc/GMT-3`.
package struct FixedOffsetRules: TimeZoneRules {
    private static let utcNames = [
        "Z", "UTC", "GMT", "UT", "Etc/UTC", "Etc/GMT", "Etc/UCT", "Etc/Zulu", "Etc/Universal",
    ]

    /// The rules need no data.
    package init() {}

    package func offsetSeconds(zone: String, utcEpochSeconds: Int64) -> Int? { FixedOffsetRules.offset(zone) }

    package func offsetSeconds(zone: String, localEpochSeconds: Int64) -> Int? { FixedOffsetRules.offset(zone) }

    private static func offset(_ zone: String) -> Int? {
        if FixedOffsetRules.utcNames.contains(zone) { return 0 }
        var rest = zone[...]
        var isReversed = false
        for prefix in ["Etc/GMT", "UTC", "GMT"] where rest.hasPrefix(prefix) {
            rest = rest.dropFirst(prefix.count)
            // Zones below Etc count westwards, after POSIX.
            isReversed = prefix == "Etc/GMT"
            break
        }
        guard let sign = rest.first, sign == "+" || sign == "-" else { return nil }
        var scanner = TemporalScanner(rest.dropFirst())
        guard let (hours, digits) = scanner.digits(), digits <= 2, hours <= 18 else { return nil }
        var minutes = 0
        if !scanner.isAtEnd {
            guard !isReversed, scanner.skip(0x3A), let value = scanner.pair(), value < 60 else { return nil }
            minutes = value
        }
        guard scanner.isAtEnd else { return nil }
        let total = Int(hours) * 3600 + minutes * 60
        return (sign == "-") == isReversed ? total : -total
    }
}

/// The rules of decoded zone files; what they do not name is left to `FixedOffsetRules`.
package struct TZifRules: TimeZoneRules {
    private let zones: [String: TZifZone]
    private let fixed = FixedOffsetRules()

    /// Rules of zones by their names in the time-zone database.
    package init(_ zones: [String: TZifZone]) {
        self.zones = zones
    }

    package func offsetSeconds(zone: String, utcEpochSeconds: Int64) -> Int? {
        self.zones[zone]?.offsetSeconds(utcEpochSeconds: utcEpochSeconds)
            ?? self.fixed.offsetSeconds(zone: zone, utcEpochSeconds: utcEpochSeconds)
    }

    package func offsetSeconds(zone: String, localEpochSeconds: Int64) -> Int? {
        self.zones[zone]?.offsetSeconds(localEpochSeconds: localEpochSeconds)
            ?? self.fixed.offsetSeconds(zone: zone, localEpochSeconds: localEpochSeconds)
    }
}
