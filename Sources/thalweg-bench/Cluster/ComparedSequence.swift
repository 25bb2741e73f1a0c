/// One client that waits for each answer, at the leader and at a follower, beside one client of etcd.
struct ComparedSequence {
    private static let ratioAim = 1.0

    /// Of each turn.
    let seconds: Double
    let rounds: Int

    /// Where the client is.
    private enum Place: String, CaseIterable {
        case leader
        case follower
    }

    private struct Turn {
        var histogram = LatencyHistogram()
        var perSecond: Double
        var putsPerSecond: Double?
        var putMicroseconds = 0.0
    }

    func run(_ cluster: ThalwegCluster, _ etcd: EtcdCluster?, _ model: Model, _ report: inout Report) throws {
        _ = try cluster.deploy(model)
        var turns: [Place: [Turn]] = [:]
        for round in 1...self.rounds {
            Progress.line("cluster.sequence, round \(round) of \(self.rounds)")
            for place in Place.allCases {
                var turn = try self.create(cluster, model, at: place)
                if let etcd {
                    let leader = try etcd.leader()
                    guard let endpoint = etcd.endpoints.first(where: { ($0 == leader) == (place == .leader) }) else {
                        throw BenchError("Expected three members of etcd, but found less")
                    }
                    let puts = try etcd.put(clients: 1, through: [endpoint], seconds: self.seconds)
                    turn.putsPerSecond = puts.perSecond
                    turn.putMicroseconds = puts.meanMicroseconds
                }
                turns[place, default: []].append(turn)
            }
        }
        for place in Place.allCases { self.add(turns[place] ?? [], at: place, &report) }
    }

    private func create(_ cluster: ThalwegCluster, _ model: Model, at place: Place) throws -> Turn {
        let leader = try cluster.leader()
        let node = cluster.runningNodes.first { ($0 === leader) == (place == .leader) }
        guard let endpoint = node?.endpoint else { throw BenchError("Expected a running node, but found none") }
        let client = try SequentialClient(endpoint)
        let request = client.requests.post("/v2/process-instances", model.creationBody)
        for _ in 0..<50 { _ = try client.time(request, expected: 200) }
        var histogram = LatencyHistogram()
        let start = monotonicNanoseconds()
        let end = start + .nanoseconds(seconds: self.seconds)
        var now = start
        while now < end {
            histogram.record(try client.time(request, expected: 200))
            now = monotonicNanoseconds()
        }
        return Turn(histogram: histogram, perSecond: Double(histogram.count) / (now - start).seconds)
    }

    private func add(_ turns: [Turn], at place: Place, _ report: inout Report) {
        let sorted = turns.sorted { $0.perSecond < $1.perSecond }
        let middle = sorted[sorted.count / 2]
        var measurement = Measurement(
            id: "cluster.sequence.\(place)",
            title: "create, one client in sequence at \(place == .leader ? "the leader" : "a follower")",
            value: middle.perSecond,
            unit: .perSecond
        )
        measurement.add("", middle.histogram)
        report.add(measurement)
        let puts = turns.compactMap(\.putsPerSecond).sorted()
        guard !puts.isEmpty else { return }
        let name = place == .leader ? "its leader" : "a follower of it"
        var etcd = Measurement(
            id: "cluster.sequence.\(place).etcd",
            title: "etcd's puts, one client at \(name)",
            value: puts[puts.count / 2],
            unit: .perSecond
        )
        etcd.add("mean", middle.putMicroseconds, .microseconds)
        report.add(etcd)
        let ratios = turns.compactMap { turn in turn.putsPerSecond.map { turn.perSecond / $0 } }.sorted()
        var ratio = Measurement(
            id: "cluster.sequence.\(place).ratio",
            title: "commands to puts at \(place == .leader ? "the leader" : "a follower")",
            value: ratios[ratios.count / 2],
            unit: .ratio
        )
        ratio.aim = Aim(direction: .atLeast, limit: Self.ratioAim)
        ratio.add("lowest", ratios.first ?? 0, .ratio)
        ratio.add("highest", ratios.last ?? 0, .ratio)
        report.add(ratio)
    }
}
