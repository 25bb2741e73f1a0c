import ArgumentParser

/// The consensus core and its durable log, without a server.
struct RaftCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "raft",
        abstract: "Entries per second through the consensus core and its durable log; recovery of a large log.",
        discussion: """
            EXAMPLES
              thalweg-bench raft --json result.json
              thalweg-bench raft --quick
              thalweg-bench raft --only log --folder /mnt/disk/bench
            """
    )

    /// The parts of a run.
    enum Part: String, CaseIterable, ExpressibleByArgument {
        /// Three replicas in memory.
        case core
        /// One writer and many, beside the disk alone.
        case log
        /// Opening a large log.
        case recovery
    }

    @Option(help: "Where the logs are made; they are removed at the end.")
    var folder = ".build/bench"

    @Option(help: "Write the result as JSON to this file, too.", completion: .file())
    var json: String?

    @Flag(help: "A tenth of the counts and times, to see that everything works.")
    var quick = false

    @Option(help: "Measure this part alone; may be given several times.")
    var only: [Part] = []

    @Option(help: "Entries through the core.")
    var entries = 4_000_000

    @Option(help: "Writers at the same time.")
    var writers = 64

    @Option(help: "Bytes of payload of an entry in the measurements of writers.")
    var payload = 256

    @Option(help: "Rounds in which the disk and all kinds of writers take their turns.")
    var rounds = 7

    @Option(help: "Megabytes of the log whose recovery is measured.")
    var megabytes = 1000

    func validate() throws {
        guard (1000...1_000_000_000).contains(self.entries), (1...1024).contains(self.writers),
            (0...65_536).contains(self.payload), (1...100).contains(self.rounds),
            (1...100_000).contains(self.megabytes)
        else {
            throw ValidationError(
                "Expected 1,000 to 1,000,000,000 entries, 1 to 1,024 writers, up to 65,536 bytes, up to 100 rounds "
                    + "and up to 100,000 MB"
            )
        }
    }

    func run() throws {
        let parts = self.only.isEmpty ? Part.allCases : self.only
        try BenchOptions.report(folder: self.folder, json: self.json, isQuick: self.quick) { report, folder in
            if parts.contains(.core) {
                try CoreMeasurement(entries: self.quick ? self.entries / 10 : self.entries).run(&report)
            }
            if parts.contains(.log) {
                let measurement = LogMeasurement(
                    writers: self.writers,
                    payloadBytes: self.payload,
                    rounds: self.quick ? min(3, self.rounds) : self.rounds,
                    sliceSeconds: self.quick ? 0.1 : 0.5
                )
                try measurement.run(folder, &report)
            }
            if parts.contains(.recovery) {
                let measurement = RecoveryMeasurement(
                    megabytes: max(1, self.quick ? self.megabytes / 10 : self.megabytes)
                )
                try measurement.run(folder, &report)
            }
        }
    }
}
