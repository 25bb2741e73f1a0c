/// Finishes instances under a short retention and watches the size of the data folder, during the load and after it.
struct RetentionMeasurement {
    /// Under a steady load the largest size in the second half may exceed that of the first half by this much; a folder
    /// that only grows would double.
    static let growthAimPercent = 30.0

    let load: InstanceLoad.Settings
    /// Seconds for which finished instances are kept.
    let retention: Int
    /// Seconds between two samples.
    let interval: Double

    func run(
        _ launcher: ServerLauncher,
        _ folder: TemporaryFolder,
        _ model: Model,
        _ report: inout Report
    ) throws {
        let data = folder.newPath("retention")
        let server = try launcher.start(data: data, arguments: ["--history-retention", "\(self.retention)s"])
        defer { server.stop() }
        _ = try model.deploy(SequentialClient(port: server.port))
        let start = monotonicNanoseconds()
        var samples: [SizeSample] = []
        func sample(_ finished: Int) {
            let seconds = (monotonicNanoseconds() - start).seconds
            if let last = samples.last, seconds - last.seconds < self.interval * 0.9 { return }
            samples.append(
                SizeSample(seconds: seconds, finishedInstances: finished, bytes: Files.allocatedBytes(in: data))
            )
        }
        sample(0)
        let load = try InstanceLoad(self.load, model: model, server: server)
        let result = try load.run { sample(load.completedCount) }
        let loadEnd = (monotonicNanoseconds() - start).seconds
        let loadSamples = samples

        let waitingSeconds = Double(self.retention) + 2 * self.interval
        Progress.line("  waiting for \(Unit.seconds.text(waitingSeconds)) until the last instances are old enough")
        while (monotonicNanoseconds() - start).seconds < loadEnd + waitingSeconds {
            try pause(seconds: self.interval)
            sample(load.completedCount)
        }
        report.sizes = samples
        let largest = samples.map(\.bytes).max() ?? 0
        var size = Measurement(
            id: "retention.size",
            title: "largest data folder, finished instances kept for \(self.retention) s",
            value: Double(largest) / 1e6,
            unit: .megabytes
        )
        size.add("at the end", Double(samples.last?.bytes ?? 0) / 1e6, .megabytes)
        size.add("finished instances", Double(load.completedCount), .count)
        size.add("finished", result.rate, .perSecond)
        report.add(size)
        if loadEnd > 2 * Double(self.retention), let growth = Self.growth(loadSamples) {
            var growthMeasurement = Measurement(
                id: "retention.growth",
                title: "growth from the first to the second half of the load",
                value: growth,
                unit: .percent
            )
            growthMeasurement.aim = Aim(direction: .atMost, limit: Self.growthAimPercent)
            report.add(growthMeasurement)
        } else {
            Progress.line("the load was shorter than twice the retention: whether the size levels off is not known")
        }
    }

    /// By how much the largest size of the second half exceeds that of the first half, in percent; nil if there are too
    /// few samples to say.
    static func growth(_ samples: [SizeSample]) -> Double? {
        guard samples.count >= 8, let end = samples.last?.seconds else { return nil }
        let first = samples.filter { $0.seconds < end / 2 }.map(\.bytes).max() ?? 0
        let second = samples.filter { $0.seconds >= end / 2 }.map(\.bytes).max() ?? 0
        guard first > 0 else { return nil }
        return (Double(second) / Double(first) - 1) * 100
    }
}
