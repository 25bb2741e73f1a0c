import JSON

/// Runs one drill from beginning to end.
final class DrillRun: Sendable {
    let stage: DrillStage
    let narrator: any DrillNarrator
    let run: String
    let stopwatch = Stopwatch()
    let ledger = Ledger()
    let recorder = RegisterRecorder()
    /// No new work is begun.
    let isClosing = Signal()
    /// What is unanswered is given up.
    let isOver = Signal()
    let quorumChecks = QuorumChecks()

    private var scenario: Scenario { self.stage.scenario }
    private var cluster: DrillCluster { self.stage.cluster }
    /// Longest time that faults may go on behind the planned end of the load, in seconds.
    private static let overtime = 3_600.0

    private init(_ stage: DrillStage, narrator: any DrillNarrator) {
        self.stage = stage
        self.narrator = narrator
        // Unlike the ids of every other drill, also on a cluster that has seen some.
        self.run = "drill\(UInt64(DrillClock.nanoseconds()) % 1_000_000_007)"
    }

    /// Runs a scenario and returns what happened.
    /// - Parameter use: called with the result while the cluster is still there.
    /// - Throws: `DrillFailure` when the drill could not be run.
    static func perform<Value>(
        _ scenario: Scenario,
        _ options: DrillOptions,
        narrator: any DrillNarrator,
        use: (DrillRecord, RegisterHistory, DrillStage) throws -> Value
    ) throws -> Value {
        let stage = try DrillStage(scenario, options, narrator: narrator)
        defer { stage.takeDown() }
        let drill = DrillRun(stage, narrator: narrator)
        narrator.begin(drill.stopwatch)
        do {
            let (record, history) = try drill.perform()
            return try use(record, history, stage)
        } catch {
            if !stage.isForeign {
                for node in 0..<stage.cluster.count {
                    let tail = stage.cluster.logTail(node)
                    if !tail.isEmpty { StandardError.line("the log of node \(node + 1) ends with:\n\(tail)") }
                }
            }
            throw error
        }
    }

    private func perform() throws -> (DrillRecord, RegisterHistory) {
        self.say("\(self.scenario.name): \(self.scenario.nodes) nodes over \(self.stage.network.summary)")
        try self.stage.start()
        self.narrator.tell(.ready(self.stage.introductions))
        let instance = try self.stage.prepare(run: self.run, stopwatch: self.stopwatch)
        let observer = ClusterObserver(addresses: self.cluster.addresses, stopwatch: self.stopwatch) {
            [narrator] change in
            narrator.tell(.role(change))
        }
        let workers = try self.stage.startWorkers()
        var record = DrillRecord(scenario: self.scenario)
        record.network = self.stage.network.summary
        record.nodeNames = (0..<self.cluster.count).map { "node \($0 + 1)" }
        let helpers = ThreadGroup()
        let metrics = MetricWatch(self.scenario.expectations.alarms, self.cluster.addresses)
        let helpersEnd = Signal()
        helpers.start("metrics") { metrics.run(isOver: helpersEnd) }
        if !self.stage.isForeign {
            helpers.start("supervisor") { [self] in
                self.cluster.supervise(isOver: helpersEnd) { node, ending in
                    self.narrator.tell(.crashed(node, self.cluster.ending(node, ending)))
                }
            }
        }
        record.loadBegan = self.stopwatch.seconds
        let schedule = self.load(instance, began: record.loadBegan)
        record.loadEnded = self.stopwatch.seconds
        record.faults = schedule.all
        self.awaitEnd()
        helpersEnd.set()
        helpers.join(seconds: 10)
        for worker in workers { worker.process.closeInput() }
        for worker in workers {
            if worker.process.waitForEnd(seconds: 25) == nil { worker.process.stop(seconds: 1) }
            self.ledger.add(WorkerLog.read(worker.log, stopwatch: self.stopwatch))
        }
        if let instance { self.endRegisters(instance) }
        record.roles = observer.stop()
        try self.audit(&record, metrics)
        return (record, self.recorder.history)
    }

    // MARK: Load

    /// Runs load and faults until both are over.
    private func load(_ instance: String?, began: Double) -> FaultSchedule {
        let clients = ThreadGroup()
        let pace = LoadPace(self.scenario.load.instancesPerSecond, start: began)
        let load = InstanceLoad(
            run: self.run,
            addresses: self.cluster.addresses,
            stopwatch: self.stopwatch,
            ledger: self.ledger,
            pace: pace,
            isClosing: self.isClosing,
            isOver: self.isOver
        )
        for client in 0..<self.scenario.load.clients { clients.start("client \(client)") { load.run(client: client) } }
        if let instance { self.startRegisters(instance, clients) }
        self.say("load: \(Self.describe(self.scenario.load))")
        let injector = FaultInjector(
            cluster: self.cluster,
            stopwatch: self.stopwatch,
            ledger: self.ledger,
            shims: self.stage.shims,
            probe: self.stage.options.ownExecutable,
            isAborted: Interruption.signal,
            narrator: RecoveryWatch(self.narrator, ledger: self.ledger, isOver: self.isClosing),
            quorumChecks: self.quorumChecks
        )
        let schedule = FaultSchedule(self.scenario.faults, injector: injector, loadBegan: began) { [ledger] in
            ledger.acknowledgedCount
        }
        let end = began + self.scenario.duration
        while !Interruption.signal.value {
            let isDone = schedule.isOver(seconds: 0.25)
            self.narrator.tell(.standing(self.standing))
            if isDone {
                if self.stopwatch.seconds >= end { break }
                DrillClock.sleep(seconds: min(0.25, max(0, end - self.stopwatch.seconds)))
            } else if self.stopwatch.seconds > end + Self.overtime {
                self.say("the faults take too long and are broken off")
                Interruption.signal.set()
            }
        }
        _ = schedule.isOver(seconds: 120)
        self.isClosing.set()
        if !clients.join(seconds: 60) { self.isOver.set() }
        clients.join(seconds: 30)
        return schedule
    }

    private func startRegisters(_ instance: String, _ clients: ThreadGroup) {
        let load = RegisterLoad(
            instance: instance,
            registers: self.scenario.load.registers,
            pause: self.scenario.load.registerPause,
            addresses: self.cluster.addresses,
            stopwatch: self.stopwatch,
            ledger: self.ledger,
            recorder: self.recorder,
            isClosing: self.isClosing,
            plant: self.stage.options.plantsStaleRead ? StaleReadPlant() : nil
        )
        for client in 0..<(self.cluster.count * self.scenario.load.registerClientsPerNode) {
            clients.start("register client \(client)") { load.run(client: client) }
        }
    }

    private static func describe(_ load: LoadPlan) -> String {
        let rates = LoadModel.allCases.compactMap { model in
            load.instancesPerSecond[model].map { "\(Int($0)) \(model.rawValue)" }
        }
        let text = "per second \(rates.joined(separator: ", "))"
        return load.registers > 0 ? "\(text); \(load.registers) registers" : text
    }

    private func say(_ text: String) { self.narrator.tell(.note(text)) }

    private var standing: DrillEvent.Standing {
        DrillEvent.Standing(
            leader: ClusterObserver.leader(self.cluster.addresses),
            acknowledgedCommands: self.ledger.acknowledgedCount,
            instancesBegun: self.ledger.acknowledgedInstances.count,
            instancesActive: self.narrator.countsInstances
                ? self.activeInstances { self.ledger.acknowledgedInstances } : nil
        )
    }

    // MARK: End

    /// Waits until no instance of the drill is active any more.
    private func awaitEnd() {
        let limit = self.scenario.expectations.finishAll
        self.narrator.tell(.loadIsOver(self.standing))
        let ids = self.ledger.snapshot.instances.filter { $0.value.model != .message || $0.value.messageKey != nil }
        let keys = Set(ids.values.compactMap { $0.key })
        let left: Int? = waitFor(seconds: limit, every: 0.25) { self.activeInstances { keys } == 0 ? 0 : nil }
        if left == nil { self.say("some instances have not ended within \(Figures.seconds(limit))") }
    }

    /// How many of the drill's instances are active; nil when no node can say.
    /// - Parameter keys: asked behind the search, so that nothing found is too new to be known.
    private func activeInstances(of keys: () -> Set<String>) -> Int? {
        let filter = ["state": JSONValue.string("ACTIVE")]
        for address in self.cluster.addresses.all {
            let reader = SearchReader(address: address, patience: 0.1)
            guard let items = try? reader.all("process-instances", filter: filter, sort: "processInstanceKey") else {
                continue
            }
            let known = keys()
            return items.count { known.contains($0.text("processInstanceKey")) }
        }
        return nil
    }

    private func endRegisters(_ instance: String) {
        var client = RetryingClient(
            addresses: self.cluster.addresses,
            node: 0,
            stopwatch: self.stopwatch,
            ledger: Ledger()
        )
        let message = JSONValue(members: [
            "name": .string(LoadModels.registerEndName), "correlationKey": .string("registers-\(self.run)"),
            "timeToLive": .int(60_000),
        ])
        let deadline = self.stopwatch.seconds + 10
        let request = HTTPRequest.post("/v2/messages/publication", message, key: "drill-registers-end-\(self.run)")
        _ = client.settle(request) { self.stopwatch.seconds > deadline }
    }

    /// Compares what was acknowledged with what every node shows.
    private func audit(_ record: inout DrillRecord, _ metrics: MetricWatch) throws {
        self.say("audit of every node")
        let contents = self.ledger.snapshot
        record.acknowledgements = contents.acknowledgements
        record.repeats = contents.repeats
        for instance in contents.instances.values where instance.key != nil {
            record.instances[instance.model, default: 0] += 1
        }
        record.messagesPublished = contents.instances.values.count { $0.messageKey != nil }
        record.jobsCompleted = contents.jobs.count { $0.outcome == .completed }
        record.findings = contents.violations.map { Finding(.wrong, $0) }
        let audit = Audit(ledger: contents)
        var shown: [(node: String, records: NodeRecords)] = []
        for (name, address) in zip(record.nodeNames, self.cluster.addresses.all) {
            do {
                shown.append((name, try NodeRecords.read(from: address, run: self.run)))
            } catch {
                record.findings.append(Finding(.wrong, "\(name) cannot be audited: \(error)"))
            }
        }
        for (name, records) in shown { record.findings += audit.findings(records, on: name) }
        record.findings += Audit.differences(shown)
        record.findings += self.contradictions()
        let history = self.recorder.history
        record.registerOperations = history.operations.count
        if !history.operations.isEmpty { record.registers = RegisterCheck.verdict(history) }
        record.digests = self.digests()
        record.alarms = self.alarms(metrics)
        record.quorum = self.quorumChecks.all
        record.crashes = self.crashes()
        record.finished = self.stopwatch.seconds
        if Interruption.signal.value { record.aborted = "broken off by a signal" }
    }

    /// What a node calls impossible in its log: no fault may bring that about.
    private func contradictions() -> [Finding] {
        (0..<self.cluster.count).flatMap { node in
            (Files.text(self.cluster.logPath(node)) ?? "").split(separator: "\n").filter { line in
                line.contains("consensus alarm") || line.contains("the state differs from its leader")
            }.prefix(3).map { Finding(.wrong, "node \(node + 1) says: \($0.prefix(400))") }
        }
    }

    /// What each node's state comes to, once all have applied the same.
    private func digests() -> [String?] {
        var last: [String?] = []
        _ = waitFor(seconds: 10, every: 0.1) { () -> Bool? in
            let views = self.cluster.addresses.all.map { NodeView.ask($0) }
            last = views.map { view in
                let parts = view.groups.sorted { $0.group < $1.group }.compactMap { $0.digest }
                return parts.isEmpty ? nil : parts.joined(separator: "/")
            }
            let applied = Set(views.map { $0.groups.sorted { $0.group < $1.group }.map { $0.appliedIndex } })
            return applied.count == 1 && Set(last).count == 1 ? true : nil
        }
        return last
    }

    private func alarms(_ metrics: MetricWatch) -> [FaultRecord.Proof] {
        self.scenario.expectations.alarms.map { sign in
            switch sign {
            case .metric(let name): return FaultRecord.Proof("\(sign)", holds: metrics.hasSeen(name))
            case .log(let text):
                let isThere = (0..<self.cluster.count).contains { node in
                    (Files.text(self.cluster.logPath(node)) ?? "").contains(text)
                }
                return FaultRecord.Proof("\(sign)", holds: isThere)
            }
        }
    }

    /// Ends that nobody asked for. A trapping element is meant to end processes; a full disk may, in good order.
    private func crashes() -> [String] {
        let kinds = Set(self.scenario.faults.map { $0.kind })
        if kinds.contains(.trap) { return [] }
        return (0..<self.cluster.count).flatMap { node in
            self.cluster.member(node).crashes.filter { ending in
                if case .exited = ending { !kinds.contains(.fillDisk) } else { true }
            }.map { "node \(node + 1) by \(self.cluster.ending(node, $0))" }
        }
    }
}
