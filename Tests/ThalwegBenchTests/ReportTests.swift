import JSON
import Testing

@testable import thalweg_bench

@Suite
struct ReportTests {
    @Test func `quantiles are within one percent`() {
        var histogram = LatencyHistogram()
        for value in 1...100_000 { histogram.record(UInt64(value) * 1_000) }

        #expect(abs(Double(histogram.median) / 50_000_000 - 1) < 0.01)
        #expect(abs(Double(histogram.p99) / 99_000_000 - 1) < 0.01)
        #expect(histogram.max == 100_000_000)
        #expect(histogram.count == 100_000)
    }

    @Test(arguments: [0, 1, 127, 128, 129, 255, 256, 1 << 30, UInt64.max])
    func `a single duration is its own median`(value: UInt64) {
        var histogram = LatencyHistogram()

        histogram.record(value)

        let expected = min(Double(value), Double(1 << 42))
        #expect(abs(Double(histogram.median) - expected) <= expected / 100)
    }

    @Test(arguments: [
        (Unit.perSecond, 1_234_567.4, "1,234,567 /s"), (.perSecond, 999, "999 /s"),
        (.megabytes, 1_059.96, "1,060.0 MB"),
        (.milliseconds, 0.056, "0.06 ms"), (.milliseconds, -1.5, "-1.50 ms"), (.percent, 100, "100.0 %"),
        (.count, 0, "0"), (.seconds, -0.01, "0.0 s"),
    ])
    func `numbers are written for people`(unit: Unit, value: Double, text: String) {
        #expect(unit.text(value) == text)
    }

    @Test func `an aim is met on its side of the limit`() {
        let least = Aim(direction: .atLeast, limit: 3_000)
        let most = Aim(direction: .atMost, limit: 100)

        #expect(least.isMet(by: 3_000) && !least.isMet(by: 2_999))
        #expect(most.isMet(by: 100) && !most.isMet(by: 101))
        #expect(least.share(of: 1_500) == 0.5)
        #expect(most.share(of: 200) == 0.5)
    }

    @Test func `the table and the JSON text show each measurement`() throws {
        let machine = MachineFacts(cores: 2, processor: "P", memoryBytes: 1, kernel: "K", fileSystem: "F")
        var report = Report(machine: machine, isQuick: false)
        var measurement = Measurement(id: "a.b", title: "something", value: 1_500, unit: .perSecond)
        measurement.aim = Aim(direction: .atLeast, limit: 3_000)
        measurement.add("p50", 12, .microseconds)
        report.add(measurement)

        let table = report.table()
        let json = try #require(try JSONParser.parse(report.json()).objectValue)

        #expect(table.contains("something    1,500 /s  ≥ 3,000 /s  no (50.0 % of it)"))
        #expect(table.contains("    p50 12 µs"))
        let first = json["measurements"]?.arrayValue?.first?.objectValue
        #expect(first?["id"]?.stringValue == "a.b")
        #expect(first?["value"]?.numberValue?.double == 1_500)
        #expect(first?["aim"]?.objectValue?["isMet"]?.boolValue == false)
    }

    @Test func `growth compares the halves of a load`() {
        let growing = (0..<10).map { SizeSample(seconds: Double($0), finishedInstances: 0, bytes: $0 * 100) }
        let level = (0..<10).map { SizeSample(seconds: Double($0), finishedInstances: 0, bytes: min($0, 3) * 100) }

        #expect(RetentionMeasurement.growth(growing) == 125)
        #expect(RetentionMeasurement.growth(level) == 0)
        #expect(RetentionMeasurement.growth([]) == nil)
    }

    @Test func `what is left out is named for people and for programs`() throws {
        var report = Report(machine: MachineFacts.current(folder: "/"), isQuick: false)

        report.omit("cluster.delay", "no networks here")

        #expect(report.table().contains("NOT MEASURED: cluster.delay: no networks here"))
        let omissions = try JSONParser.parse(report.json()).objectValue?["omissions"]?.arrayValue
        #expect(omissions?.first?.objectValue?["id"]?.stringValue == "cluster.delay")
    }
}
