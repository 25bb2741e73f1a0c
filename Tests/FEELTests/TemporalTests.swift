import FEEL
import Testing

struct TemporalTests {
    @Test(
        .enabled(if: TestData.hasZones, "needs zone files"),
        arguments: [
            "Europe/Paris -618105600 3600", "Europe/Paris 1585443599 3600", "Europe/Paris 1585443600 7200",
            "Europe/Paris 1603587599 7200", "Europe/Paris 1603587600 3600", "Europe/Paris 2841393600 3600",
            "Europe/Paris 2857118400 7200", "Australia/Melbourne 946598400 39600",
            "Australia/Melbourne 2841393600 39600",
            "Australia/Melbourne 2857118400 36000", "America/New_York -618105600 -14400",
            "America/New_York 2841393600 -18000", "America/New_York 2857118400 -14400", "Asia/Kolkata 2857118400 19800",
            "Europe/Dublin 1585443600 3600", "Europe/Dublin 2841393600 0", "Europe/Dublin 2857118400 3600",
            "America/Sao_Paulo 946598400 -7200", "America/Sao_Paulo 2857118400 -10800", "Pacific/Apia 946598400 -39600",
            "Pacific/Apia 1603587600 50400", "Pacific/Apia 2841393600 46800",
        ]
    )
    func `offsets of zones agree with an independent implementation`(row: String) throws {
        let parts = row.split(separator: " ").map(String.init)
        let instant = try #require(Int64(parts[1]))

        #expect(TestData.zones.offsetSeconds(zone: parts[0], utcEpochSeconds: instant) == Int(parts[2]))
    }

    @Test(.enabled(if: TestData.hasZones, "needs zone files"))
    func `a wall clock that shows a time twice or never is read with the earlier offset`() throws {
        let twice = try #require(FEELDateTime("2020-10-25T02:30:00@Europe/Paris"))
        let never = try #require(FEELDateTime("2020-03-29T02:30:00@Europe/Paris"))

        #expect(twice.offsetSeconds(TestData.zones) == 7200)
        #expect(never.offsetSeconds(TestData.zones) == 3600)
    }

    @Test func `damaged zone files are refused`() throws {
        let bytes = TestData.zoneBytes("Europe/Paris") ?? Array("TZif2".utf8)
        for length in stride(from: 0, to: bytes.count, by: 7) { _ = TZifZone(bytes: Array(bytes[..<length])) }
        for position in stride(from: 0, to: bytes.count, by: 3) {
            var damaged = bytes
            damaged[position] ^= 0xFF
            if let zone = TZifZone(bytes: damaged) { _ = zone.offsetSeconds(utcEpochSeconds: .max) }
        }
        #expect(TZifZone(bytes: []) == nil)
        #expect(TZifZone(bytes: Array(bytes.dropLast())) == nil)
    }

    @Test(arguments: [
        ("UTC", 0), ("Z", 0), ("Etc/GMT-3", 10_800), ("GMT+2", 7200), ("UTC-05:30", -19_800), ("+01:00", 3600),
    ])
    func `fixed offsets need no data`(zone: String, seconds: Int) {
        #expect(FixedOffsetRules().offsetSeconds(zone: zone, utcEpochSeconds: 0) == seconds)
    }

    @Test(arguments: ["Europe/Paris", "", "GMT+", "GMT+19", "UTC+1:5", "Etc/GMT+1:00", "+1x"])
    func `other zones are unknown without data`(zone: String) {
        #expect(FixedOffsetRules().offsetSeconds(zone: zone, utcEpochSeconds: 0) == nil)
    }

    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
        (951_782_400_000, "2000-02-29T00:00:00Z"), (-62_135_596_800_000, "0001-01-01T00:00:00Z"),
    ])
    func `date-times and milliseconds convert both ways`(milliseconds: Int64, text: String) throws {
        let dateTime = try #require(FEELDateTime(epochMilliseconds: milliseconds))

        #expect(dateTime.description == text)
        #expect(dateTime.epochMilliseconds(FixedOffsetRules()) == milliseconds)
        #expect(FEELDateTime(text) == dateTime)
    }

    @Test(arguments: [Int64.min, .max]) func `milliseconds beyond the calendar are refused`(milliseconds: Int64) {
        let dateTime = FEELDateTime(epochMilliseconds: milliseconds)

        #expect(dateTime == nil || dateTime?.epochMilliseconds(FixedOffsetRules()) == milliseconds)
    }

    @Test(arguments: [
        ("@\"2020-01-31\" + @\"P1M\"", "2020-02-29"), ("@\"2020-03-31\" - @\"P1M\"", "2020-02-29"),
        ("@\"2020-02-28\" + @\"P2D\"", "2020-03-01"), ("@\"2020-01-01\" - @\"2019-12-31\"", "P1D"),
        ("@\"10:00:00\" + @\"PT15H\"", "01:00:00"), ("@\"10:00:00\" - @\"11:00:00\"", "-PT1H"),
        ("@\"2020-01-01T00:00:00Z\" - @\"2020-01-01T01:00:00+02:00\"", "PT1H"), ("@\"P1D\" * 1.5", "P1DT12H"),
        ("@\"P1Y\" / 5", "P2M"), ("@\"P1Y\" / @\"P3M\"", "4"), ("@\"PT1H\" / @\"PT4M\"", "15"), ("-@\"P1D\"", "-P1D"),
        ("2 * @\"P1Y\" + @\"P1M\"", "P2Y1M"),
        ("@\"2020-10-25T00:30:00@Europe/Paris\" + @\"PT3H\"", "2020-10-25T02:30:00@Europe/Paris"),
        ("date and time(@\"2020-07-01T12:00:00Z\", \"Europe/Paris\")", "2020-07-01T14:00:00@Europe/Paris"),
        ("last day of month(@\"2023-02-03\")", "2023-02-28"),
        ("@\"2020-07-01T12:00:00@Europe/Paris\".time offset", "PT2H"),
    ])
    func `temporal arithmetic follows the tables of the standard`(source: String, expected: String) throws {
        guard TestData.hasZones || !source.contains("Europe") else { return }
        #expect(try value("string(\(source))") == .string(expected))
    }

    @Test(arguments: [
        "@\"999999999-12-31\" + @\"P1D\"", "@\"-999999999-01-01\" - @\"P1M\"", "@\"P1D\" * 1e30",
        "@\"P9223372036854D\" * 1e6",
        "@\"2020-01-01\" + @\"2020-01-01\"", "@\"10:00:00\" + @\"P1M\"", "-duration(\"P768614336404564650Y\") * 99",
        "@\"2020-01-01T00:00:00\" - @\"2020-01-01T00:00:00Z\"", "@\"PT1H\" / 0", "@\"P1M\" / @\"P0M\"",
        "@\"2020-02-30\"",
    ])
    func `temporal arithmetic without a result is null`(source: String) throws {
        #expect(try value(source) == .null)
    }
}
