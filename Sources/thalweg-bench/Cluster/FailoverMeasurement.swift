import Glibc

/// For how long nothing is acknowledged when the leader is killed, stopped or asked to hand over.
struct FailoverMeasurement {
    private static let killMedianAim = 250.0
    private static let killLongestAim = 1_000.0
    private static let orderedAim = 100.0
    private static let clients = 16
    /// What is looked at after each event, at least.
    private static let windowSeconds = 1.0
    /// Restarted nodes may be this many entries behind while the load goes on.
    private static let lag = 20

    let kills: Int
    /// Of each of the two ordered ways.
    let orders: Int

    /// What is done to the leader.
    private enum Event: String {
        case none
        case kill
        case stop
        case transfer
    }

    /// Times in milliseconds after each event.
    private struct Silences {
        var longest: [Double] = []
        /// Until the first acknowledgement, which may have been on its way already.
        var first: [Double] = []
    }

    func run(_ executable: String, _ folder: TemporaryFolder, _ model: Model, _ report: inout Report) throws {
        let places = Array(repeating: NodePlace(), count: 3)
        let cluster = try ThalwegCluster(executable, in: folder, at: places)
        defer { cluster.stop() }
        let definitionKey = try cluster.deploy(model)
        let load = SteadyLoad(cluster, model, clients: Self.clients)
        try load.run(seconds: Self.windowSeconds)
        var found: [Event: Silences] = [:]
        for (event, count) in [
            (Event.none, self.orders), (.kill, self.kills), (.stop, self.orders), (.transfer, self.orders),
        ] {
            for round in 1...count {
                let text = try self.round(event, cluster, load, &found[event, default: Silences()])
                Progress.line("cluster.failover.\(event), round \(round) of \(count): \(text)")
            }
        }
        try load.finish()
        guard let endpoint = try cluster.leader().endpoint else {
            throw BenchError("Expected a leader, but it is gone")
        }
        let active = try Verification(client: SequentialClient(endpoint))
            .keys(definitionKey: definitionKey, state: "ACTIVE")
        guard active.sorted() == load.keys.sorted() else {
            throw BenchError(
                "Expected the \(load.keys.count) acknowledged instances and no other, but found \(active.count), "
                    + "\(Set(load.keys).subtracting(active).count) are missing"
            )
        }
        self.add(found, load, &report)
    }

    /// Does it once and puts everything right again.
    private func round(_ event: Event, _ cluster: ThalwegCluster, _ load: SteadyLoad, _ silences: inout Silences) throws
        -> String
    {
        try cluster.waitUntilLevel(lag: Self.lag) { try load.advance() }
        try load.run(seconds: 0.3)
        let leader = try cluster.leader()
        let count = load.times.count
        let start = monotonicNanoseconds()
        let request = try self.perform(event, leader)
        try self.watch(load, from: start, count: count)
        let times = [start] + load.times[count...].filter { $0 > start }
        let longest = zip(times, times.dropFirst()).map { Double($1 - $0) / 1e6 }.max() ?? 0
        if longest > Self.killMedianAim { self.showLogs(cluster) }
        silences.longest.append(longest)
        silences.first.append(times.count > 1 ? Double(times[1] - start) / 1e6 : 0)
        try self.repair(event, leader, cluster, load)
        withExtendedLifetime(request) {}
        return Unit.milliseconds.text(longest)
    }

    /// What the nodes wrote last: why it took so long may be among it.
    private func showLogs(_ cluster: ThalwegCluster) {
        for node in cluster.nodes {
            for line in (Files.text(node.logPath) ?? "").split(separator: "\n").suffix(8) {
                Progress.line("  node \(node.number): \(line)")
            }
        }
    }

    /// - Returns: a connection that must stay open until the round is over.
    private func perform(_ event: Event, _ leader: ThalwegCluster.Node) throws -> Connection? {
        switch event {
        case .none: break
        case .kill: leader.server?.process.signal(SIGKILL)
        case .stop: leader.server?.process.signal(SIGTERM)
        case .transfer:
            guard let endpoint = leader.endpoint else { break }
            let connection = try Connection(endpoint)
            let path = "/thalweg/v1/cluster/transfer-leadership"
            _ = try connection.send(RequestWriter(endpoint).post(path, #"{"nodeId":null}"#), isWaiting: true)
            return connection
        }
        return nil
    }

    /// Lets the load go on until the event is over for certain: the window has passed, more was acknowledged than can
    /// have been on its way before, and there is no silence now.
    private func watch(_ load: SteadyLoad, from start: UInt64, count: Int) throws {
        let end = start + .nanoseconds(seconds: Self.windowSeconds)
        while true {
            try load.advance()
            let now = monotonicNanoseconds()
            let quiet = now - (load.times.last ?? now)
            if now > end, load.times.count > count + 3 * Self.clients, quiet < 50_000_000 { return }
        }
    }

    private func repair(
        _ event: Event,
        _ leader: ThalwegCluster.Node,
        _ cluster: ThalwegCluster,
        _ load: SteadyLoad
    ) throws {
        switch event {
        case .none: break
        case .kill:
            cluster.bury(leader)
            try cluster.start(leader)
        case .stop:
            while leader.server?.process.isRunning == true { try load.advance() }
            cluster.stop(leader)
            try cluster.start(leader)
        case .transfer:
            let now = try cluster.leader()
            guard now !== leader else {
                throw BenchError("Expected node \(leader.number) to hand over, but it still leads")
            }
        }
    }

    private func add(_ found: [Event: Silences], _ load: SteadyLoad, _ report: inout Report) {
        let kills = (found[.kill] ?? Silences()).longest.sorted()
        let first = (found[.kill] ?? Silences()).first.sorted()
        let undisturbed = (found[.none] ?? Silences()).longest.sorted()
        var median = Measurement(
            id: "cluster.failover.kill",
            title: "nothing acknowledged after kill -9 of the leader, p50",
            value: kills[kills.count / 2],
            unit: .milliseconds
        )
        median.aim = Aim(direction: .atMost, limit: Self.killMedianAim)
        median.add("kills", Double(kills.count), .count)
        median.add("shortest", kills[0], .milliseconds)
        median.add("p90", kills[kills.count * 9 / 10], .milliseconds)
        median.add("first acknowledgement after the kill, p50", first[first.count / 2], .milliseconds)
        median.add("without a kill, p50", undisturbed[undisturbed.count / 2], .milliseconds)
        median.add("without a kill, max", undisturbed.last ?? 0, .milliseconds)
        median.add("acknowledged in all", Double(load.keys.count), .count)
        median.add("repeated requests", Double(load.repetitions), .count)
        report.add(median)
        var longest = Measurement(
            id: "cluster.failover.kill.max",
            title: "the same, longest",
            value: kills.last ?? 0,
            unit: .milliseconds
        )
        longest.aim = Aim(direction: .atMost, limit: Self.killLongestAim)
        report.add(longest)
        for (event, title) in [(Event.stop, "a graceful stop"), (.transfer, "a transfer of leadership")] {
            let times = (found[event] ?? Silences()).longest.sorted()
            var measurement = Measurement(
                id: "cluster.failover.\(event)",
                title: "nothing acknowledged during \(title), longest",
                value: times.last ?? 0,
                unit: .milliseconds
            )
            measurement.aim = Aim(direction: .atMost, limit: Self.orderedAim)
            measurement.add("rounds", Double(times.count), .count)
            measurement.add("p50", times[times.count / 2], .milliseconds)
            report.add(measurement)
        }
    }
}
