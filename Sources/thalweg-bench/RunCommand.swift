import ArgumentParser

/// Disk, latency, throughput, memory and start-up, side by side in one run.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Disk, latency, throughput, memory and start-up time in one run.",
        discussion: """
            EXAMPLES
              thalweg-bench run --json result.json
              thalweg-bench run --quick
              thalweg-bench run --only throughput --seconds 60
            """
    )

    /// The parts of a run.
    enum Part: String, CaseIterable, ExpressibleByArgument {
        /// The disk, an empty request and one client in sequence.
        case latency
        /// Many clients, then the same beside waiting instances, and the memory at its peak.
        case throughput
        /// Start-up time and idle memory.
        case start
    }

    @OptionGroup var options: BenchOptions

    @Option(help: "Measure this part alone; may be given several times.")
    var only: [Part] = []

    @Option(help: "Counted seconds of each measurement of throughput.")
    var seconds = 10.0

    @Option(help: "Instances that wait beside the load in the second measurement of throughput; 0 leaves it out.")
    var waiting = 200_000

    @Option(help: "Requests of each client in sequence.")
    var requests = 2_000

    @Option(help: "Starts of which the median is taken.")
    var starts = 10

    func validate() throws {
        guard self.seconds > 0, self.seconds <= 3600, (0...10_000_000).contains(self.waiting),
            (1...1_000_000).contains(self.requests), (1...1000).contains(self.starts)
        else {
            throw ValidationError(
                "Expected up to 3,600 seconds, 10,000,000 waiting instances, 1,000,000 requests and 1,000 starts"
            )
        }
    }

    func run() throws {
        let parts = self.only.isEmpty ? Part.allCases : self.only
        try self.options.report { report, folder, launcher in
            let model = try Model(path: self.options.model)
            if parts.contains(.latency) {
                let measurement = LatencyMeasurement(
                    diskSeconds: self.options.scaled(3, minimum: 0.5),
                    requests: self.options.scaled(self.requests, minimum: 100)
                )
                try measurement.run(launcher, folder, model, &report)
            }
            var filledFolder: String?
            if parts.contains(.throughput) {
                let measurement = ThroughputMeasurement(
                    load: self.load,
                    waiting: self.options.scaled(self.waiting, minimum: min(self.waiting, 1))
                )
                filledFolder = try measurement.run(launcher, folder, model, &report)
            }
            if parts.contains(.start) {
                let measurement = StartMeasurement(
                    count: self.options.scaled(self.starts, minimum: min(self.starts, 3))
                )
                try measurement.run(launcher, folder, filledFolder, &report)
            }
        }
    }

    private var load: InstanceLoad.Settings {
        InstanceLoad.Settings(
            creators: self.options.creators,
            workers: self.options.clients - self.options.creators,
            openLimit: self.options.openLimit,
            warmUpSeconds: self.options.scaled(2, minimum: 0.5),
            seconds: self.options.scaled(self.seconds, minimum: min(self.seconds, 1))
        )
    }
}
