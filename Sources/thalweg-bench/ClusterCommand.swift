import ArgumentParser
import Glibc

/// Three nodes on this machine, beside three members of etcd.
struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Three nodes on this machine: rates beside etcd's, fail-over, catching up, delayed links.",
        discussion: """
            EXAMPLES
              thalweg-bench cluster --json result.json
              thalweg-bench cluster --quick
              thalweg-bench cluster --only failover --rounds 10

            Needs Debian's etcd-server and nghttp2-client for the comparisons, openssl for 'restore' and root for 'delay';
            what is missing is left out and named.
            """
    )

    /// The parts of a run.
    enum Part: String, CaseIterable, ExpressibleByArgument {
        /// Many clients, beside etcd.
        case throughput
        /// One client, beside etcd.
        case sequence
    }

    @OptionGroup var options: BenchOptions

    @Option(help: "Measure this part alone; may be given several times.")
    var only: [Part] = []

    @Option(help: "Counted seconds of each turn.")
    var seconds = 10.0

    @Option(help: "Rounds in which Thalweg and etcd take their turns.")
    var turns = 3

    func validate() throws {
        guard self.seconds >= 1, self.seconds <= 3600, (1...100).contains(self.turns) else {
            throw ValidationError("Expected 1 to 3,600 seconds and 1 to 100 turns")
        }
    }

    func run() throws {
        var omissions = 0
        try self.options.report { report, folder, launcher in
            let parts = self.only.isEmpty ? Part.allCases : self.only
            let model = try Model(path: self.options.model)
            if parts.contains(.throughput) || parts.contains(.sequence) {
                try self.compare(parts, launcher.executable, folder, model, &report)
            }
            omissions = report.omissions.count
        }
        // Who names a part wants its number.
        if omissions > 0, !self.only.isEmpty { throw ExitCode(3) }
    }

    private func compare(
        _ parts: [Part],
        _ executable: String,
        _ folder: TemporaryFolder,
        _ model: Model,
        _ report: inout Report
    ) throws {
        let cluster = try ThalwegCluster(executable, in: folder, at: Array(repeating: NodePlace(), count: 3))
        defer { cluster.stop() }
        if let missing = EtcdCluster.missing { report.omit("cluster.*.etcd", missing) }
        let etcd = EtcdCluster.missing == nil ? try EtcdCluster(in: folder, like: cluster.nodes) : nil
        defer { etcd?.stop() }
        if parts.contains(.throughput) {
            let measurement = ComparedThroughput(
                id: "cluster.throughput",
                condition: "",
                load: self.load,
                rounds: self.turnCount,
                hasAim: true
            )
            try measurement.run(cluster, etcd, model, &report)
        }
        if parts.contains(.sequence) {
            let seconds = self.options.scaled(self.seconds / 2, minimum: 1)
            try ComparedSequence(seconds: seconds, rounds: self.turnCount)
                .run(cluster, etcd, model.copy(named: "sequence"), &report)
        }
    }

    private var turnCount: Int { self.options.quick ? 1 : self.turns }

    private var load: InstanceLoad.Settings {
        InstanceLoad.Settings(
            creators: self.options.creators,
            workers: self.options.clients - self.options.creators,
            openLimit: self.options.openLimit,
            warmUpSeconds: self.options.scaled(2, minimum: 0.5),
            seconds: self.options.scaled(self.seconds, minimum: 2)
        )
    }
}
