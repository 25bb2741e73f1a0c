import FEEL
import Foundation

/// Where the public test suites and the zone files lie.
enum TestData {
    /// `../shared` beside the package, or what THALWEG_SHARED names.
    static let shared: URL = {
        if let path = ProcessInfo.processInfo.environment["THALWEG_SHARED"] { return URL(fileURLWithPath: path) }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return package.deletingLastPathComponent().appendingPathComponent("shared")
    }()

    static let conformanceSuite = TestData.shared.appendingPathComponent("testdata/dmn-tck/TestCases")
    static let hasConformanceSuite = FileManager.default.fileExists(atPath: TestData.conformanceSuite.path)

    static let zoneFolder = URL(fileURLWithPath: "/usr/share/zoneinfo")
    static let hasZones = FileManager.default.fileExists(
        atPath: TestData.zoneFolder.appendingPathComponent("Europe/Paris").path
    )

    static func zoneBytes(_ name: String) -> [UInt8]? {
        (try? Data(contentsOf: TestData.zoneFolder.appendingPathComponent(name))).map { Array($0) }
    }

    /// Rules of some zones of this machine.
    static let zones: TZifRules = {
        let names = [
            "Europe/Paris", "Europe/Berlin", "Europe/London", "Asia/Dhaka", "Australia/Melbourne", "Australia/Sydney",
            "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Tokyo", "Pacific/Apia", "Europe/Dublin",
        ]
        var zones: [String: TZifZone] = [:]
        for name in names { zones[name] = TestData.zoneBytes(name).flatMap { TZifZone(bytes: $0) } }
        return TZifRules(zones)
    }()
}

/// Evaluates an expression and returns its value.
func value(
    _ source: String,
    _ scope: FEELContext = FEELContext(),
    _ environment: FEELEnvironment = FEELEnvironment(timeZoneRules: TestData.zones),
    knownNames: [String] = []
) throws -> FEELValue {
    try FEELExpression(source, knownNames: knownNames).evaluate(scope, environment: environment).value
}
