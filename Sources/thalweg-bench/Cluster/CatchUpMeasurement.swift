/// How fast a follower is level again that was away while many events were committed.
struct CatchUpMeasurement {
    private static let limitSeconds = 600.0

    /// Committed while the follower is away, at least.
    let events: Int
    let load: InstanceLoad.Settings

    func run(_ executable: String, _ folder: TemporaryFolder, _ model: Model, _ report: inout Report) throws {
        let places = Array(repeating: NodePlace(), count: 3)
        let cluster = try ThalwegCluster(executable, in: folder, at: places)
        defer { cluster.stop() }
        _ = try cluster.deploy(model)
        let leader = try cluster.leader()
        guard let follower = cluster.nodes.first(where: { $0 !== leader }) else { return }

        // How many events one instance takes is found out, not known.
        let probe = 200
        let first = try cluster.eventCount(of: leader)
        try self.work(probe, cluster, model)
        let eventsEach = Double(try cluster.eventCount(of: leader) - first) / Double(probe)
        guard eventsEach > 0 else { throw BenchError("Expected events of \(probe) instances, but counted none") }

        cluster.stop(follower)
        let before = try self.marks(cluster, leader)
        // A little more than enough: the probe's activations were not full.
        try self.work(Int((1.02 * Double(self.events) / eventsEach).rounded(.up)), cluster, model)
        let after = try self.marks(cluster, leader)
        let snapshots = follower.countInLog("installed a snapshot")
        try cluster.start(follower)
        guard let server = follower.server else { return }
        let seconds = try CatchUp.wait(
            cluster,
            follower,
            index: after.index,
            since: server.startTime,
            Self.limitSeconds
        )
        let missed = after.events - before.events
        var measurement = Measurement(
            id: "cluster.catch-up",
            title: "restart of a follower that missed \(Unit.count.text(Double(missed))) events, until level",
            value: seconds,
            unit: .seconds
        )
        measurement.add("entries", Double(after.index - before.index), .count)
        measurement.add("events a second", Double(missed) / seconds, .perSecond)
        let installed = follower.countInLog("installed a snapshot") - snapshots
        measurement.add("snapshots", Double(installed), .count)
        measurement.add("data folder", Double(Files.allocatedBytes(in: follower.data)) / 1e6, .megabytes)
        report.add(measurement)
    }

    private func work(_ instances: Int, _ cluster: ThalwegCluster, _ model: Model) throws {
        var settings = self.load
        settings.instanceLimit = instances
        let load = try InstanceLoad(
            settings,
            model: model,
            endpoints: cluster.endpoints,
            processIDs: cluster.processIDs
        )
        _ = try load.run()
    }

    private func marks(_ cluster: ThalwegCluster, _ leader: ThalwegCluster.Node) throws -> (events: Int, index: Int) {
        guard let status = try cluster.status(of: leader) else { throw BenchError("Expected a leader, but it is gone") }
        return (try cluster.eventCount(of: leader), status.appliedIndex)
    }
}

/// Waits for a node to catch up.
enum CatchUp {
    /// - Returns: seconds from `start` until the node had applied the entry `index`.
    static func wait(
        _ cluster: ThalwegCluster,
        _ node: ThalwegCluster.Node,
        index: Int,
        since start: UInt64,
        _ limit: Double
    ) throws -> Double {
        var nextLine = monotonicNanoseconds() + .nanoseconds(seconds: 5)
        while true {
            let status = try? cluster.status(of: node)
            let now = monotonicNanoseconds()
            if let status, status.appliedIndex >= index { return (now - start).seconds }
            guard (now - start).seconds < limit else {
                throw BenchError(
                    "Expected node \(node.number) at entry \(index) within \(limit) s, but it is at "
                        + "\(status?.appliedIndex ?? 0): " + (Files.text(node.logPath) ?? "").suffix(1_000)
                )
            }
            if now > nextLine {
                nextLine = now + .nanoseconds(seconds: 5)
                Progress.line(
                    "  \(Unit.seconds.text((now - start).seconds)): entry \(status?.appliedIndex ?? 0) of \(index)"
                )
            }
            try pause(seconds: 0.005)
        }
    }
}
