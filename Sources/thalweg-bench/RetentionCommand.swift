import ArgumentParser

/// Whether the data folder stops growing when finished instances are kept for a limited time.
struct RetentionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention",
        abstract: "The size of the data folder while many instances finish and old ones go.",
        discussion: """
            EXAMPLES
              thalweg-bench retention
              thalweg-bench retention --instances 500000 --retention 60
            """
    )

    @OptionGroup var options: BenchOptions

    @Option(help: "Instances to finish.")
    var instances = 200_000

    @Option(help: "Seconds for which the server keeps finished instances.")
    var retention = 20

    @Option(help: "Seconds between two looks at the folder.")
    var interval = 2.0

    func validate() throws {
        guard (1...100_000_000).contains(self.instances), (1...86_400).contains(self.retention),
            self.interval >= 1, self.interval <= 3600
        else {
            throw ValidationError(
                "Expected up to 100,000,000 instances, a retention of 1 to 86,400 s and an interval of 1 to 3,600 s"
            )
        }
    }

    func run() throws {
        try self.options.report { report, folder, launcher in
            let measurement = RetentionMeasurement(
                load: InstanceLoad.Settings(
                    creators: self.options.creators,
                    workers: self.options.clients - self.options.creators,
                    openLimit: self.options.openLimit,
                    warmUpSeconds: 0,
                    seconds: 24 * 3600,
                    instanceLimit: self.options.scaled(self.instances)
                ),
                retention: self.options.quick ? max(1, self.retention / 10) : self.retention,
                interval: self.options.quick ? 1 : self.interval
            )
            try measurement.run(launcher, folder, try Model(path: self.options.model), &report)
        }
    }
}
