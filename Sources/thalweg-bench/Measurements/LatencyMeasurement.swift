/// What one client in sequence waits for, beside the two things it cannot be faster than: the disk and an HTTP request
/// that does nothing.
struct LatencyMeasurement {
    /// A command may cost one empty request, one and a half syncs, and this.
    private static let allowanceMicroseconds = 100.0

    let diskSeconds: Double
    let requests: Int

    func run(
        _ launcher: ServerLauncher,
        _ folder: TemporaryFolder,
        _ model: Model,
        _ report: inout Report
    ) throws {
        let disk = try RawDisk.run(path: folder.newPath("disk"), seconds: self.diskSeconds)
        var sync = Measurement(
            id: "disk.fdatasync",
            title: "fdatasync after 4 KiB, preallocated file",
            value: disk.callsPerSecond,
            unit: .perSecond
        )
        sync.add("", disk.histogram)
        sync.add("calls", Double(disk.histogram.count), .count)
        report.add(sync)

        let server = try launcher.start(data: folder.newPath("latency"))
        defer { server.stop() }
        let client = try SequentialClient(port: server.port)
        let empty = try self.times(client, client.requests.post("/thalweg/v1/echo", model.creationBody), expected: 204)
        report.add(self.measurement("latency.empty", "empty POST, one client in sequence, p50", empty))

        _ = try model.deploy(client)
        let request = client.requests.post("/v2/process-instances", model.creationBody)
        let creation = try self.times(client, request, expected: 200)
        var create = self.measurement("latency.create", "create an instance, one client in sequence, p50", creation)
        let limit =
            Double(empty.median) / 1e3 + 1.5 * Double(disk.histogram.median) / 1e3 + Self.allowanceMicroseconds
        create.aim = Aim(direction: .atMost, limit: limit)
        report.add(create)
    }

    /// A tenth more requests come first and are not counted.
    private func times(_ client: SequentialClient, _ request: [UInt8], expected: Int) throws -> LatencyHistogram {
        for _ in 0..<(self.requests / 10) { _ = try client.time(request, expected: expected) }
        var histogram = LatencyHistogram()
        for _ in 0..<self.requests { histogram.record(try client.time(request, expected: expected)) }
        return histogram
    }

    private func measurement(_ id: String, _ title: String, _ histogram: LatencyHistogram) -> Measurement {
        var measurement = Measurement(
            id: id,
            title: title,
            value: Double(histogram.median) / 1e3,
            unit: .microseconds
        )
        measurement.add("p99", Double(histogram.p99) / 1e3, .microseconds)
        measurement.add("max", Double(histogram.max) / 1e3, .microseconds)
        measurement.add("requests", Double(histogram.count), .count)
        return measurement
    }
}
