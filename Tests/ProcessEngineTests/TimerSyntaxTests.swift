import BPMNModel
import FEEL
import Testing

@testable import ProcessEngine

@Suite struct TimerSyntaxTests {
    private static let intervals: [(String, Int64, Int64)] = [
        ("PT1S", 0, 1_000), ("P1D", 0, 86_400_000), ("P2W", 0, 1_209_600_000), ("P1M", 1, 0), ("PT1M", 0, 60_000),
        ("P1Y2M3DT4H5M6.789S", 14, 273_906_789), ("-P1Y", -12, 0), ("-PT0.5S", 0, -500), ("PT0.0019S", 0, 1),
        ("P0D", 0, 0), ("PT36H", 0, 129_600_000),
    ]

    @Test(arguments: intervals) func `intervals are read`(text: String, months: Int64, milliseconds: Int64) {
        #expect(TimerInterval(text) == TimerInterval(months: months, milliseconds: milliseconds))
    }

    @Test(arguments: [
        "", "P", "-P", "PT", "P1DT", "1D", "P1", "PD", "P1D1Y", "PT1S1M", "PT1.5M", "PT1.S", "PT.5S", "P1W2D", "P1DW",
        "P-1D", "P1D ", " P1D", "p1d", "PT1H1H", "P999999999999999999Y", "P9999999999999999999D", "P1\u{0661}D",
    ])
    func `what is no interval is refused`(text: String) {
        #expect(TimerInterval(text) == nil)
    }

    @Test(arguments: [
        "R/PT1H", "R1/P1D", "R2147483647/P1Y", "R3/2027-01-01T00:00:00Z/PT1H", "0 0 9 * * MON-FRI", "@daily",
    ])
    func `cycles are read`(text: String) {
        #expect(TimerCycleSyntax(text) != nil)
    }

    @Test(arguments: [
        "", "R", "R/", "R0/PT1H", "R-1/PT1H", "R+1/PT1H", "R/PT0S", "R/-PT1H", "R99999999999/PT1H", "RR/PT1H", "R1PT1H",
        "* * * * *", "* * * * * * *", "60 * * * * *", "* * 24 * * *", "* * * 0 * *", "* * * * 13 *", "* * * * * 8",
        "5-1 * * * * *", "*/0 * * * * *", "*/9223372036854775807 * * * * *", "1/2/3 * * * * *", ", * * * * *",
        "@nightly",
        "- * * * * *",
    ])
    func `what is no cycle is refused`(text: String) {
        #expect(TimerCycleSyntax(text) == nil)
    }

    private static let cronTimes: [(String, String, String?)] = [
        ("0 0 9 * * MON-FRI", "2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z"),
        ("0 0 9 * * MON-FRI", "2027-01-15T09:00:00Z", "2027-01-18T09:00:00Z"),
        ("* * * * * *", "2027-01-15T08:00:00.999Z", "2027-01-15T08:00:01Z"),
        ("59 59 23 31 12 *", "2027-12-31T23:59:59Z", "2028-12-31T23:59:59Z"),
        ("0 0 0 29 2 *", "2027-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 0 0 29 2 *", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"),
        ("0 0 0 29 FEB MON", "2028-03-01T00:00:00Z", "2044-02-29T00:00:00Z"),
        ("0 0 0 30 2 *", "2027-01-01T00:00:00Z", nil),
        ("0 */15 * * * *", "2027-01-15T08:50:00Z", "2027-01-15T09:00:00Z"),
        ("0 5/20 8 * * ?", "2027-01-15T08:06:00Z", "2027-01-15T08:25:00Z"),
        ("0 0 0 * * 7", "2027-01-15T00:00:00Z", "2027-01-17T00:00:00Z"),
        ("@weekly", "2027-01-15T00:00:00Z", "2027-01-17T00:00:00Z"),
        ("@hourly", "2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z"),
        ("@yearly", "2027-01-15T08:00:00Z", "2028-01-01T00:00:00Z"),
        ("0 0 0 1 1 *", "1960-06-01T00:00:00Z", "1961-01-01T00:00:00Z"),
    ]

    @Test(arguments: cronTimes) func `a cron expression finds its next time`(
        text: String,
        now: String,
        expected: String?
    ) throws {
        let cron = try #require(CronSchedule(text))
        let next = cron.next(after: try Self.time(now))
        #expect(next == (try expected.map { try Self.time($0) }))
    }

    @Test func `a cron expression far beyond the calendar has no next time`() throws {
        let cron = try #require(CronSchedule("* * * * * *"))
        #expect(cron.next(after: .max) == nil)
        #expect(cron.next(after: .min) == nil)
    }

    private static let cycles: [(String, String, String, String)] = [
        ("R/PT1H", "2027-01-15T08:00:00Z", "2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z"),
        ("R/PT1H", "2027-01-15T08:00:00Z", "2027-01-15T12:30:00Z", "2027-01-15T13:00:00Z"),
        ("R/P1M", "2027-01-15T08:00:00Z", "2027-04-20T08:00:00Z", "2027-05-15T08:00:00Z"),
        ("R/P1M", "0001-01-01T00:00:00Z", "2027-04-20T08:00:00Z", "2027-05-01T00:00:00Z"),
        ("R/P1Y", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z", "2025-02-28T00:00:00Z"),
        ("R/P1MT1H", "2027-01-15T08:00:00Z", "2027-01-15T08:00:00Z", "2027-02-15T09:00:00Z"),
        ("@daily", "2027-01-15T00:00:00Z", "2027-01-20T08:00:00Z", "2027-01-21T00:00:00Z"),
    ]

    @Test(arguments: cycles) func `a cycle goes on after now, in its rhythm`(
        text: String,
        due: String,
        now: String,
        expected: String
    ) throws {
        let cycle = try TimerCycle(text, rules: FixedOffsetRules())
        #expect(try cycle.nextDue(after: Self.time(due), now: Self.time(now)) == Self.time(expected))
    }

    @Test func `a cycle that began before the calendar goes on at once`() throws {
        for interval in ["PT0.001S", "P1M", "P1Y", "P1MT1S", "P999999999D"] {
            let cycle = try TimerCycle("R/\(interval)", rules: FixedOffsetRules())
            let now = try Self.time("2027-01-15T08:00:00Z")
            for due in [Int64.min, -1 << 62, 0] {
                // Beyond the range it is refused, but it neither hangs nor traps.
                if let next = try? cycle.nextDue(after: due, now: now) { #expect(next > now) }
            }
            _ = try? cycle.nextDue(after: .max, now: now)
            _ = try? cycle.nextDue(after: .max, now: .max)
        }
    }

    private static func time(_ text: String) throws -> Int64 {
        try #require(FEELDateTime(text)?.epochMilliseconds(FixedOffsetRules()))
    }
}
