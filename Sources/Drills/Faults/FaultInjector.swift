import Glibc

/// Does faults to a cluster, proves them from outside, and undoes them.
struct FaultInjector: Sendable {
    let cluster: DrillCluster
    let stopwatch: Stopwatch
    let ledger: Ledger
    /// Controls of the nodes' shims, by node; empty when no fault needs them.
    let shims: [ShimControl]
    /// The executable for probes: this program.
    let probe: String
    /// Set when the drill is broken off: what lasts is ended at once.
    let isAborted: Signal
    let narrator: any DrillNarrator
    /// What the checks while a majority was away found wrong.
    let quorumChecks: QuorumChecks

    /// How long a node may take to be back, in seconds.
    static let returnLimit = 60.0

    var nodes: Int { self.cluster.count }

    func say(_ text: String) { self.narrator.tell(.note(text)) }

    /// The fault strikes now: from here on the next acknowledged command is awaited.
    func begin(_ record: inout FaultRecord) {
        record.began = self.stopwatch.seconds
        record.recoveryBase = record.began
        self.narrator.tell(.struck(record.kind, target: record.target, at: record.began))
    }

    /// What was away is given back now; before that nothing could be acknowledged.
    func awaitFromNow(_ record: inout FaultRecord) {
        record.recoveryBase = self.stopwatch.seconds
        self.narrator.tell(.struck(record.kind, target: "\(record.target) given back", at: record.recoveryBase))
    }

    /// Whether nodes are enough to leave no majority.
    func leavesNoMajority(_ targets: [Int]) -> Bool { targets.count > self.nodes - (self.nodes / 2 + 1) }

    /// One strike, from the fault to its end. Never throws: what went wrong is in the record.
    func strike(_ plan: FaultPlan) -> FaultRecord {
        let targets: [Int]
        do {
            targets = try self.targets(plan)
        } catch {
            var record = FaultRecord(
                kind: plan.kind,
                target: "\(plan.target)",
                nodes: [],
                began: self.stopwatch.seconds
            )
            record.failure = "\(error)"
            return record
        }
        let names = targets.map { "node \($0 + 1)" }.joined(separator: ", ")
        let role = plan.target == .leader ? " (leader)" : plan.target == .follower ? " (follower)" : ""
        var record = FaultRecord(
            kind: plan.kind,
            target: names + role,
            nodes: targets,
            began: self.stopwatch.seconds
        )
        do {
            try self.perform(plan, targets, &record)
        } catch {
            record.failure = "\(error)"
            self.restore()
        }
        if record.ended == nil { record.ended = self.stopwatch.seconds }
        for proof in record.proofs where !proof.holds { self.say("not proven: \(proof.text)") }
        if let failure = record.failure { self.say("\(plan.kind.rawValue) failed: \(failure)") }
        return record
    }

    /// Starts what a failed fault left lying, so that the audit can ask every node.
    private func restore() {
        for node in 0..<self.nodes where !self.isForeign {
            if self.cluster.process(node)?.isRunning != true { try? self.cluster.start(node) }
        }
    }

    private var isForeign: Bool { self.cluster.network is ForeignNetwork }

    private func perform(_ plan: FaultPlan, _ targets: [Int], _ record: inout FaultRecord) throws {
        switch plan.kind {
        case .kill: try self.kill(plan, targets, &record)
        case .pause: try self.pause(plan, targets, &record)
        case .stop: try self.stop(plan, targets, &record)
        case .restartAll: try self.kill(plan, Array(0..<self.nodes), &record)
        case .rollingRestart: try self.rollingRestart(&record)
        case .wipe: try self.wipe(plan, targets, &record)
        case .transfer: try self.transfer(&record)
        case .cut, .cutOneWay, .slowLinks, .lossyLinks: try self.disturbLinks(plan, targets, &record)
        case .fillDisk: try self.fillDisk(plan, targets, &record)
        case .slowDisk: try self.slowDisk(plan, targets, &record)
        case .clockJump: try self.jumpClock(plan, targets, &record)
        case .expireCertificate: try self.expireCertificates(plan, targets, &record)
        case .garbage: try self.sendGarbage(plan, targets, &record)
        case .trap: try self.trap(plan, &record)
        }
    }

    /// Who is meant now.
    private func targets(_ plan: FaultPlan) throws -> [Int] {
        let all = Array(0..<self.nodes)
        switch plan.target {
        case .all: return all
        case .node(let number): return [number - 1]
        case .leader: return [try self.leader()]
        case .follower:
            let leader = try self.leader()
            // Turn by turn, so that repetitions reach every follower.
            let others = all.filter { $0 != leader }
            return [others[Int(self.stopwatch.seconds) % others.count]]
        case .majority:
            let leader = try self.leader()
            return Array(([leader] + all.filter { $0 != leader }).prefix(self.nodes / 2 + 1)).sorted()
        }
    }

    private func leader() throws -> Int {
        let leader: Int? = waitFor(seconds: 30, every: 0.01) { ClusterObserver.leader(self.cluster.addresses) }
        guard let leader else { throw DrillFailure("Expected a leader within 30 s, but no node says that it leads") }
        return leader
    }

    /// Lets a fault last; less when the drill is broken off.
    func last(_ seconds: Double) {
        let end = self.stopwatch.seconds + seconds
        while self.stopwatch.seconds < end, !self.isAborted.value {
            DrillClock.sleep(seconds: min(0.05, end - self.stopwatch.seconds))
        }
    }

    /// Starts nodes again and waits until they take commands.
    func bringBack(_ nodes: [Int], _ record: inout FaultRecord) throws {
        for node in nodes { try self.cluster.start(node) }
        try self.awaitReturn(nodes, &record)
    }

    func awaitReturn(_ nodes: [Int], _ record: inout FaultRecord) throws {
        let reason = self.cluster.notReady(nodes, seconds: Self.returnLimit)
        record.ended = self.stopwatch.seconds
        self.narrator.tell(.returned(nodes, processes: nodes.map { self.cluster.process($0)?.identifier }))
        if let reason { throw DrillFailure("Expected everything to be back, but \(reason)") }
    }

    /// Whether a node answers a simple question within this time.
    func answers(_ node: Int, seconds: Double) -> Bool {
        let address = self.cluster.addresses[node]
        let reply = try? HTTPConnection.send(.get("/thalweg/v1/live"), to: address, timeoutSeconds: seconds)
        return reply?.isSuccess ?? false
    }
}
