import Testing

@testable import CommandLineClient

@Suite struct DurationArgumentTests {
    @Test(
        arguments: [
            ("0s", 0), ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("2d", 172_800_000),
            ("1h30m", 5_400_000), ("1m500ms", 60_500), ("1.5s", 1_500), ("0.25h", 900_000), ("PT30S", 30_000),
            ("PT1H30M", 5_400_000), ("P1D", 86_400_000), ("P1W", 604_800_000), ("P1DT12H", 129_600_000),
            ("pt0.5s", 500), ("1.0009s", 1_000), ("365d", 31_536_000_000),
        ] as [(String, Int64)]
    )
    func `a duration is read in short and ISO spelling`(text: String, milliseconds: Int64) {
        #expect(DurationArgument(parsing: text)?.milliseconds == milliseconds)
    }

    @Test(
        arguments: [
            "", "5", "s", "5q", "-5s", "5s5s", "5s1m", "1.s", ".5s", "1.2.3s", "P", "PT", "P1M", "P1Y", "1 s", "PT5",
            "P1DT", "99999999999999999999s", "999999999999999h", "366d", "5S", "1ms1s", "P1H", "5s ", "١s",
        ])
    func `what is no duration is refused`(text: String) {
        #expect(DurationArgument(parsing: text) == nil)
    }

    @Test(
        arguments: [
            (0, "0s"), (250, "250ms"), (45_000, "45s"), (5_400_000, "1h30m"), (90_061_001, "1d1h1m1s1ms"),
        ] as [(Int64, String)]
    )
    func `a duration is described in the units a user types`(milliseconds: Int64, text: String) {
        let duration = DurationArgument(milliseconds: milliseconds)

        #expect(duration.description == text)
        #expect(DurationArgument(parsing: text) == duration)
    }
}
