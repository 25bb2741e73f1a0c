import ArgumentParser

/// A length of time as a user types it: `500ms`, `30s`, `5m`, `1h`, `2d`, sums like `1h30m`, or ISO 8601 (`PT30S`).
///
/// Years and months are refused because their length depends on the calendar.
struct DurationArgument: Equatable, Sendable {
    /// The length in milliseconds, never negative.
    let milliseconds: Int64

    /// What was expected, in one sentence, for usage errors.
    static let expectation = "Expected a duration like 500ms, 30s, 5m, 1h or PT30S"

    /// 365 days: longer than any deadline a command takes, and far from every overflow.
    static let millisecondsLimit: Int64 = 365 * 86_400_000

    init(milliseconds: Int64) {
        self.milliseconds = min(max(milliseconds, 0), Self.millisecondsLimit)
    }

    /// The length as a standard library duration.
    var duration: Duration { .milliseconds(self.milliseconds) }

    /// Reads `text`, or answers nil when it is no duration or longer than ``millisecondsLimit``.
    init?(parsing text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 64 else { return nil }
        let first = bytes.first ?? 0
        let parsed =
            first == UInt8(ascii: "P") || first == UInt8(ascii: "p")
            ? Self.parseISO(bytes.dropFirst()) : Self.parseShort(bytes[...])
        guard let parsed, parsed <= Self.millisecondsLimit else { return nil }
        self.milliseconds = parsed
    }

    /// `1h30m`, `500ms`: number and unit pairs from the largest unit to the smallest, each unit at most once.
    private static func parseShort(_ text: ArraySlice<UInt8>) -> Int64? {
        let units: [(name: String, milliseconds: Int64)] = [
            ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
        ]
        return Self.sum(of: text, units: units)
    }

    /// What follows the `P` of an ISO 8601 duration: weeks and days, then `T` with hours, minutes and seconds.
    private static func parseISO(_ text: ArraySlice<UInt8>) -> Int64? {
        let parts = text.map { byte in byte >= 97 && byte <= 122 ? byte - 32 : byte }
        let marker = parts.firstIndex(of: UInt8(ascii: "T")) ?? parts.endIndex
        let dates = parts[..<marker]
        let times = marker == parts.endIndex ? parts[parts.endIndex...] : parts[(marker + 1)...]
        guard !dates.isEmpty || !times.isEmpty, marker == parts.endIndex || !times.isEmpty else { return nil }
        var total: Int64 = 0
        if !dates.isEmpty {
            guard let days = Self.sum(of: dates, units: [("W", 604_800_000), ("D", 86_400_000)]) else { return nil }
            total = days
        }
        if !times.isEmpty {
            let units: [(name: String, milliseconds: Int64)] = [("H", 3_600_000), ("M", 60_000), ("S", 1_000)]
            guard let clock = Self.sum(of: times, units: units) else { return nil }
            total = total.addingReportingOverflow(clock).partialValue
        }
        return total
    }

    private static func sum(of text: ArraySlice<UInt8>, units: [(name: String, milliseconds: Int64)]) -> Int64? {
        var rest = text
        var unitsLeft = units[...]
        var total: Int64 = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { isDigit($0) || $0 == UInt8(ascii: ".") }
            rest = rest.dropFirst(number.count)
            let name = rest.prefix { !isDigit($0) && $0 != UInt8(ascii: ".") }
            rest = rest.dropFirst(name.count)
            guard
                let index = unitsLeft.firstIndex(where: { $0.name.utf8.elementsEqual(name) }),
                let value = Self.scaled(number, by: unitsLeft[index].milliseconds)
            else { return nil }
            unitsLeft = unitsLeft[(index + 1)...]
            let (sum, overflow) = total.addingReportingOverflow(value)
            guard !overflow, sum <= Self.millisecondsLimit else { return nil }
            total = sum
        }
        return total
    }

    /// A decimal number times `unit` milliseconds; digits beyond the millisecond are cut off.
    private static func scaled(_ number: ArraySlice<UInt8>, by unit: Int64) -> Int64? {
        let parts = number.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first, !whole.isEmpty, whole.count <= 15 else { return nil }
        guard let value = Int64(String(decoding: whole, as: UTF8.self)) else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: unit)
        guard !overflow, product <= Self.millisecondsLimit else { return nil }
        guard parts.count == 2 else { return product }
        let fraction = parts[1]
        guard !fraction.isEmpty, fraction.count <= 9 else { return nil }
        var share = unit
        var total = product
        for digit in fraction {
            // Exact while ten divides the share; the remainder below a millisecond is dropped.
            total += Int64(digit - 48) * share / 10
            share /= 10
        }
        return total
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
}

extension DurationArgument {
    /// Reads an argument; the error says what was expected.
    static func argument(_ text: String) throws -> DurationArgument {
        guard let duration = DurationArgument(parsing: text) else { throw ValidationError(Self.expectation) }
        return duration
    }
}

extension DurationArgument: CustomStringConvertible {
    /// The shortest exact text in the units a user types: `1h30m`, `45s`, `250ms`.
    var description: String {
        guard self.milliseconds > 0 else { return "0s" }
        let units: [(name: String, milliseconds: Int64)] = [
            ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
        ]
        var rest = self.milliseconds
        var text = ""
        for unit in units where rest >= unit.milliseconds {
            text += "\(rest / unit.milliseconds)\(unit.name)"
            rest %= unit.milliseconds
        }
        return text
    }
}
