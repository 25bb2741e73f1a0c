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
              thalweg-bench cluster --only failover --kills 10

            Needs Debian's etcd-server and nghttp2-client for the comparisons, openssl for 'restore' and root
            for 'delay';
            what is missing is left out and named.
            """
    )

    /// The parts of a run.
    enum Part: String, CaseIterable, ExpressibleByArgument {
        /// Many clients, beside etcd.
        case throughput
        /// One client, beside etcd.
        case sequence
        /// The leader is killed, stopped, or hands over.
        case failover
        /// A follower that was away.
        case catchUp = "catch-up"
        /// An empty node.
        case restore
        /// Many clients, beside etcd, while packets between nodes are delayed.
        case delay
    }

    @OptionGroup var options: BenchOptions

    @Option(help: "Measure this part alone; may be given several times.")
    var only: [Part] = []

    @Option(help: "Counted seconds of each turn.")
    var seconds = 10.0

    @Option(help: "Rounds in which Thalweg and etcd take their turns.")
    var turns = 3

    @Option(help: "How often the leader is killed; a fifth as often it is stopped, and asked to hand over.")
    var kills = 50

    @Option(help: "Events that a follower misses.")
    var events = 1_000_000

    @Option(help: "Megabytes of state that an empty node receives.")
    var megabytes = 1_000

    @Option(help: "Milliseconds by which packets between two nodes are delayed, each way.")
    var delay = 10

    func validate() throws {
        guard self.seconds >= 1, self.seconds <= 3600, (1...100).contains(self.turns),
            (1...10_000).contains(self.kills), (1...100_000_000).contains(self.events),
            (1...100_000).contains(self.megabytes), (1...1_000).contains(self.delay)
        else {
            throw ValidationError(
                "Expected 1 to 3,600 seconds, up to 100 turns, 10,000 kills, 100,000,000 events, 100,000 MB and "
                    + "1,000 ms"
            )
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
            try self.disturb(parts, launcher.executable, folder, model, &report)
            if parts.contains(.delay) { try self.compareDelayed(launcher.executable, folder, model, &report) }
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

    private func disturb(
        _ parts: [Part],
        _ executable: String,
        _ folder: TemporaryFolder,
        _ model: Model,
        _ report: inout Report
    ) throws {
        if parts.contains(.failover) {
            let kills = self.options.scaled(self.kills, minimum: min(self.kills, 5))
            try FailoverMeasurement(kills: kills, orders: max(3, kills / 5)).run(executable, folder, model, &report)
        }
        if parts.contains(.catchUp) {
            var load = self.load
            load.warmUpSeconds = 0
            load.seconds = 24 * 3600
            let events = self.options.quick ? max(1, self.events / 50) : self.events
            try CatchUpMeasurement(events: events, load: load).run(executable, folder, model, &report)
        }
        if parts.contains(.restore) {
            let megabytes = self.options.scaled(self.megabytes)
            try RestoreMeasurement(megabytes: megabytes).run(executable, folder, model, &report)
        }
    }

    private func compareDelayed(
        _ executable: String,
        _ folder: TemporaryFolder,
        _ model: Model,
        _ report: inout Report
    ) throws {
        let network: DelayedNetwork
        do {
            network = try DelayedNetwork(nodes: 3, delayMilliseconds: self.delay, in: folder)
        } catch {
            try Interruption.check()
            return report.omit("cluster.delay", "networks cannot be made here: \(error)")
        }
        if let trip = try network.roundTrip(in: folder) {
            Progress.line("cluster.delay: a round trip between two nodes takes \(Unit.milliseconds.text(trip))")
        }
        try network.hub.within {
            let cluster = try ThalwegCluster(executable, in: folder, at: network.places)
            defer { cluster.stop() }
            if let missing = EtcdCluster.missing { report.omit("cluster.delay.etcd", missing) }
            let etcd = EtcdCluster.missing == nil ? try EtcdCluster(in: folder, like: cluster.nodes) : nil
            defer { etcd?.stop() }
            let measurement = ComparedThroughput(
                id: "cluster.delay",
                condition: ", \(self.delay) ms between nodes",
                load: self.load,
                rounds: self.turnCount,
                hasAim: false
            )
            try measurement.run(cluster, etcd, model, &report)
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
