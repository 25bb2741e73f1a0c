/// How fast a server is there, and what it needs when nobody uses it.
struct StartMeasurement {
    private static let startAimMilliseconds = 100.0
    private static let idleAimMegabytes = 60.0
    private static let idleSeconds = 2.0

    let count: Int

    /// - Parameter filledFolder: a data folder that no server uses now; nil leaves that measurement out.
    func run(
        _ launcher: ServerLauncher,
        _ folder: TemporaryFolder,
        _ filledFolder: String?,
        _ report: inout Report
    ) throws {
        let empty = try StartUp.times(launcher, count: self.count) { folder.newPath("empty") }
        report.add(self.measurement("start.empty", "start to ready, empty folder, median", empty))
        if let filledFolder {
            let filled = try StartUp.times(launcher, count: self.count) { filledFolder }
            report.add(self.measurement("start.filled", "start to ready, filled folder, median", filled))
        }
        let (server, _) = try StartUp.run(launcher, data: folder.newPath("idle"))
        defer { server.stop() }
        try pause(seconds: Self.idleSeconds)
        guard let bytes = ProcessFacts(processID: server.processID).residentBytes else {
            throw BenchError("Expected the server to run, but it has ended")
        }
        var idle = Measurement(
            id: "memory.idle",
            title: "memory of an idle server",
            value: Double(bytes) / 1e6,
            unit: .megabytes
        )
        idle.aim = Aim(direction: .atMost, limit: Self.idleAimMegabytes)
        report.add(idle)
    }

    private func measurement(_ id: String, _ title: String, _ seconds: [Double]) -> Measurement {
        var measurement = Measurement(
            id: id,
            title: title,
            value: seconds[seconds.count / 2] * 1e3,
            unit: .milliseconds
        )
        measurement.aim = Aim(direction: .atMost, limit: Self.startAimMilliseconds)
        measurement.add("shortest", (seconds.first ?? 0) * 1e3, .milliseconds)
        measurement.add("longest", (seconds.last ?? 0) * 1e3, .milliseconds)
        measurement.add("starts", Double(seconds.count), .count)
        return measurement
    }
}
