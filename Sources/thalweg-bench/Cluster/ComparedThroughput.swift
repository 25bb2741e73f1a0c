/// Instances created and completed by many clients of three nodes, beside the puts of three members of etcd.
struct ComparedThroughput {
    /// As many instances as puts.
    static let ratioAim = 1.0

    /// The beginning of the ids: `cluster.throughput` or `cluster.delay`.
    let id: String
    /// What is special about this measurement, for people; may be empty.
    let condition: String
    let load: InstanceLoad.Settings
    /// In each of them both take their turn.
    let rounds: Int
    let hasAim: Bool

    private var clients: Int { self.load.creators + self.load.workers }

    /// - Parameter etcd: nil where it is not installed.
    func run(_ cluster: ThalwegCluster, _ etcd: EtcdCluster?, _ model: Model, _ report: inout Report) throws {
        let definitionKey = try cluster.deploy(model)
        let route = try etcd.map { try self.fasterRoute($0) }
        var keys: [Int64] = []
        let isDirect = try self.isFasterAtLeader(cluster, model, &keys)
        var results: [InstanceLoad.Result] = []
        var puts: [EtcdCluster.Puts] = []
        var leader = try cluster.leader().number
        var leaderChanges = 0
        var shares: LeaderThread.Shares?
        for round in 1...self.rounds {
            Progress.line("\(self.id), round \(round) of \(self.rounds): node \(leader) leads")
            let load = try InstanceLoad(
                self.load,
                model: model,
                endpoints: isDirect ? [try cluster.leaderEndpoint()] : cluster.endpoints,
                processIDs: cluster.processIDs
            )
            let thread = LeaderThread(try cluster.leader())
            results.append(try load.run())
            shares = thread.shares
            keys += load.instanceKeys
            let now = try cluster.leader().number
            if now != leader { leaderChanges += 1 }
            leader = now
            if let etcd, let route {
                puts.append(try etcd.put(clients: self.clients, through: route.endpoints, seconds: self.load.seconds))
            }
        }
        let verification = Verification(client: try SequentialClient(cluster.leaderEndpoint()))
        try verification.requireCompleted(keys, definitionKey: definitionKey)
        self.add(results, isDirect ? "all at the leader" : "over all nodes", leader, leaderChanges, shares, &report)
        if let route { self.add(results, puts, route.text, &report) }
    }

    /// etcd may be faster with all clients at its leader or with clients at every member; it is given the better one.
    private func fasterRoute(_ etcd: EtcdCluster) throws -> (endpoints: [Endpoint], text: String) {
        let seconds = min(2, self.load.seconds)
        let leader = [try etcd.leader()]
        // The first puts of a new cluster find nothing prepared.
        _ = try etcd.put(clients: self.clients, through: leader, seconds: 1)
        let direct = try etcd.put(clients: self.clients, through: leader, seconds: seconds)
        let spread = try etcd.put(clients: self.clients, through: etcd.endpoints, seconds: seconds)
        Progress.line(
            "  etcd: \(Unit.perSecond.text(direct.perSecond)) at the leader, "
                + "\(Unit.perSecond.text(spread.perSecond)) over all members"
        )
        return direct.perSecond >= spread.perSecond
            ? (leader, "all at the leader") : (etcd.endpoints, "over all members")
    }

    /// The same choice for this side: commands that reach a follower are passed on, which costs work on two nodes.
    private func isFasterAtLeader(_ cluster: ThalwegCluster, _ model: Model, _ keys: inout [Int64]) throws -> Bool {
        var settings = self.load
        settings.warmUpSeconds = min(1, settings.warmUpSeconds)
        settings.seconds = min(2, settings.seconds)
        var rates: [Double] = []
        for endpoints in [[try cluster.leaderEndpoint()], cluster.endpoints] {
            let trial = try InstanceLoad(settings, model: model, endpoints: endpoints, processIDs: cluster.processIDs)
            rates.append(try trial.run().rate)
            keys += trial.instanceKeys
        }
        Progress.line(
            "  thalweg: \(Unit.perSecond.text(rates[0])) at the leader, \(Unit.perSecond.text(rates[1])) over all nodes"
        )
        return rates[0] >= rates[1]
    }

    private func add(
        _ results: [InstanceLoad.Result],
        _ route: String,
        _ leader: Int,
        _ changes: Int,
        _ shares: LeaderThread.Shares?,
        _ report: inout Report
    ) {
        let sorted = results.sorted { $0.rate < $1.rate }
        var measurement = ThroughputMeasurement.measurement(
            self.id,
            "created and completed, 3 nodes, \(self.clients) clients \(route)\(self.condition)",
            sorted[sorted.count / 2]
        )
        measurement.add("slowest round", sorted.first?.rate ?? 0, .perSecond)
        measurement.add("fastest round", sorted.last?.rate ?? 0, .perSecond)
        measurement.add("leading node", Double(leader), .count)
        measurement.add("changes of leader", Double(changes), .count)
        if let shares {
            measurement.add("leader's thread on a core", shares.running, .percent)
            measurement.add("ready without a core", shares.waiting, .percent)
            measurement.add("asleep (disk, followers, clients)", shares.asleep, .percent)
            measurement.add("batches", shares.batchesPerSecond, .perSecond)
        }
        report.add(measurement)
    }

    private func add(
        _ results: [InstanceLoad.Result],
        _ puts: [EtcdCluster.Puts],
        _ route: String,
        _ report: inout Report
    ) {
        let sorted = puts.sorted { $0.perSecond < $1.perSecond }
        var etcd = Measurement(
            id: self.id + ".etcd",
            title: "etcd's puts, 3 members, \(self.clients) clients \(route)\(self.condition)",
            value: sorted[sorted.count / 2].perSecond,
            unit: .perSecond
        )
        let middle = sorted[sorted.count / 2]
        etcd.add("mean", middle.meanMicroseconds, .microseconds)
        etcd.add("members", middle.cores, .cores)
        etcd.add("members per put", middle.cores * 1e6 / middle.perSecond, .microseconds)
        etcd.add("slowest round", sorted.first?.perSecond ?? 0, .perSecond)
        etcd.add("fastest round", sorted.last?.perSecond ?? 0, .perSecond)
        report.add(etcd)
        let ratios = zip(results, puts).map { $0.rate / $1.perSecond }.sorted()
        var ratio = Measurement(
            id: self.id + ".ratio",
            title: "instances to puts\(self.condition)",
            value: ratios[ratios.count / 2],
            unit: .ratio
        )
        if self.hasAim { ratio.aim = Aim(direction: .atLeast, limit: Self.ratioAim) }
        ratio.add("lowest", ratios.first ?? 0, .ratio)
        ratio.add("highest", ratios.last ?? 0, .ratio)
        report.add(ratio)
    }
}

/// What the one thread that everything passes through, the leader's of the group, does with its time.
struct LeaderThread {
    /// In percent of the time.
    struct Shares {
        let running: Double
        let waiting: Double
        let asleep: Double
        let batchesPerSecond: Double
    }

    private let leader: ThalwegCluster.Node
    private let start = monotonicNanoseconds()
    private let before: (running: Double, waiting: Double)?
    private let indexBefore: Int?

    init(_ leader: ThalwegCluster.Node) {
        self.leader = leader
        self.before = Self.seconds(leader)
        self.indexBefore = try? leader.status()?.appliedIndex
    }

    /// Since this was made; nil when the leader has ended.
    var shares: Shares? {
        let seconds = (monotonicNanoseconds() - self.start).seconds
        guard let before = self.before, let after = Self.seconds(self.leader), let first = self.indexBefore,
            let last = try? self.leader.status()?.appliedIndex
        else { return nil }
        let running = (after.running - before.running) / seconds * 100
        let waiting = (after.waiting - before.waiting) / seconds * 100
        return Shares(
            running: running,
            waiting: waiting,
            asleep: max(0, 100 - running - waiting),
            batchesPerSecond: Double(last - first) / seconds
        )
    }

    private static func seconds(_ node: ThalwegCluster.Node) -> (running: Double, waiting: Double)? {
        node.server.flatMap {
            ProcessFacts(processID: $0.processID).threadSeconds("group-\(ThalwegCluster.group)")
        }
    }
}
