/// Instances created and completed by many clients at the same time, on an otherwise empty server and beside a crowd of
/// waiting instances, and the memory that took.
struct ThroughputMeasurement {
    private static let rateAim = 3_000.0
    /// With waiting instances the rate may fall by less than a tenth.
    private static let ratioAim = 90.0

    let load: InstanceLoad.Settings
    let waiting: Int

    /// - Returns: the data folder, whose server has been stopped.
    func run(
        _ launcher: ServerLauncher,
        _ folder: TemporaryFolder,
        _ model: Model,
        _ report: inout Report
    ) throws -> String {
        let data = folder.newPath("throughput")
        let server = try launcher.start(data: data)
        defer { server.stop() }
        Progress.line("server \(server.processID) listens on port \(server.port)")
        let client = try SequentialClient(port: server.port)
        let definitionKey = try model.deploy(client)

        let first = try self.measure(model, server)
        try Verification(client: SequentialClient(port: server.port))
            .requireCompleted(first.keys, definitionKey: definitionKey)
        var alone = Self.measurement("throughput", "created and completed, \(self.clients) clients", first.result)
        alone.aim = Aim(direction: .atLeast, limit: Self.rateAim)
        report.add(alone)
        if self.waiting > 0 {
            try self.runBesideWaiting(first, definitionKey, model, server, &report)
        }
        try self.reportMemory(server, data, &report)
        return data
    }

    private var clients: Int { self.load.creators + self.load.workers }

    private func measure(_ model: Model, _ server: ServerProcess) throws -> (result: InstanceLoad.Result, keys: [Int64])
    {
        let load = try InstanceLoad(self.load, model: model, server: server)
        let result = try load.run()
        return (result, load.instanceKeys)
    }

    private func runBesideWaiting(
        _ first: (result: InstanceLoad.Result, keys: [Int64]),
        _ definitionKey: String,
        _ model: Model,
        _ server: ServerProcess,
        _ report: inout Report
    ) throws {
        let waitingModel = model.copy(named: "waiting")
        let waitingKey = try waitingModel.deploy(SequentialClient(port: server.port))
        let creationRate = try Creation(count: self.waiting, clients: self.clients).run(waitingModel, port: server.port)
        report.add(
            Measurement(
                id: "throughput.creation",
                title: "created alone, \(self.clients) clients",
                value: creationRate,
                unit: .perSecond
            )
        )
        let second = try self.measure(model, server)
        let verification = Verification(client: try SequentialClient(port: server.port))
        try verification.requireCompleted(first.keys + second.keys, definitionKey: definitionKey)
        let waitingCount = try verification.keys(definitionKey: waitingKey, state: "ACTIVE").count
        guard waitingCount == self.waiting else {
            throw BenchError("Expected \(self.waiting) waiting instances, but found \(waitingCount)")
        }
        let crowd = Unit.count.text(Double(self.waiting))
        report.add(Self.measurement("throughput.waiting", "the same beside \(crowd) waiting", second.result))
        var ratio = Measurement(
            id: "throughput.ratio",
            title: "rate beside waiting instances",
            value: first.result.rate > 0 ? second.result.rate / first.result.rate * 100 : 0,
            unit: .percent
        )
        ratio.aim = Aim(direction: .atLeast, limit: Self.ratioAim)
        report.add(ratio)
    }

    static func measurement(_ id: String, _ title: String, _ result: InstanceLoad.Result) -> Measurement {
        var measurement = Measurement(id: id, title: title, value: result.rate, unit: .perSecond)
        measurement.add("create", result.creation)
        measurement.add("complete", result.completion)
        measurement.add("created", Double(result.created), .count)
        measurement.add("completed", Double(result.completed), .count)
        measurement.add("counted", result.seconds, .seconds)
        measurement.add("refused and repeated", Double(result.refusals), .count)
        if let used = result.consumption, result.seconds > 0, result.completed > 0 {
            measurement.add("server", used.serverProcessorSeconds / result.seconds, .cores)
            measurement.add("load generator", used.ownProcessorSeconds / result.seconds, .cores)
            let completed = Double(result.completed)
            measurement.add("server per instance", used.serverProcessorSeconds * 1e6 / completed, .microseconds)
            measurement.add("written per instance", Double(used.writtenBytes) / completed, .bytes)
        }
        return measurement
    }

    private func reportMemory(_ server: ServerProcess, _ data: String, _ report: inout Report) throws {
        let facts = ProcessFacts(processID: server.processID)
        guard let peak = facts.peakResidentBytes, let now = facts.residentBytes else {
            throw BenchError("Expected the server to run, but it has ended")
        }
        var memory = Measurement(
            id: "memory.peak",
            title: "memory at its peak",
            value: Double(peak) / 1e6,
            unit: .megabytes
        )
        memory.add("at the end", Double(now) / 1e6, .megabytes)
        memory.add("data folder", Double(Files.allocatedBytes(in: data)) / 1e6, .megabytes)
        report.add(memory)
    }
}
