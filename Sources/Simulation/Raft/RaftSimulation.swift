import RaftCore

/// A seeded, single-threaded world around the production core: servers with disks, a network and faults.
///
/// Everything that happens is an event with a time; the order of events and all chances come from the seed, so the same
/// seed gives the same run on every machine.
package struct RaftSimulation {
    enum Event {
        case tick(NodeID, life: Int)
        case deliver(RaftMessage)
        case snapshotLost(RaftMessage)
        case diskDone(NodeID, life: Int)
        case acknowledge(NodeID, life: Int)
        case applyDone(NodeID, life: Int)
        case start(NodeID)
        case crash(NodeID, life: Int)
        case fault
        case propose
        case read
    }

    package internal(set) var report: ScenarioReport
    package private(set) var options: SimulationOptions

    var random: SplitMix64
    var replicas: [SimulatedReplica]
    var checker = SafetyChecker()
    var queue = EventQueue<Event>()
    var now = 0
    /// Links over which nothing passes, one per direction.
    var cuts: Set<[NodeID]> = []
    var isHealing = false
    var injected = 0
    var trace = TraceHash()
    private var proposals: UInt64 = 0
    private var lastRead: UInt64 = 0
    /// The highest commit index anywhere when a read was asked.
    private var askedReads: [UInt64: LogIndex] = [:]

    package init(_ options: SimulationOptions) {
        self.options = options
        self.report = ScenarioReport(seed: options.seed)
        self.random = SplitMix64(seed: options.seed)
        let ids = (1...options.servers).map { NodeID(UInt64($0)) }
        let founders = Array(ids.prefix(options.initialVoters))
        self.replicas = ids.map { SimulatedReplica(id: $0, founders: founders) }
    }

    /// Runs a phase with faults and one without, in which the group must become whole.
    package static func run(_ options: SimulationOptions) -> ScenarioReport {
        var simulation = RaftSimulation(options)
        simulation.runFaultyPhase()
        if simulation.checker.violations.isEmpty { simulation.runHealingPhase() }
        simulation.finish()
        return simulation.report
    }

    private mutating func runFaultyPhase() {
        for replica in self.replicas { self.start(replica.id) }
        self.queue.plan(.fault, at: self.options.faultInterval)
        self.queue.plan(.propose, at: self.options.proposalInterval)
        self.queue.plan(.read, at: self.options.proposalInterval)
        self.runEvents(until: self.options.faultyTime) { _ in false }
    }

    /// Stops all faults; from then on the members must elect a leader and agree on all entries and states.
    private mutating func runHealingPhase() {
        self.isHealing = true
        // A healed world is fast: disks and network answer well within an election timeout.
        self.options.latency = 1...5
        self.options.diskLatency = 0...3
        self.cuts = []
        for replica in self.replicas where replica.node == nil { self.start(replica.id) }
        let goal = self.checker.highestCommit + 5
        let isWhole = self.runEvents(until: self.now + self.options.healingTime) { $0.hasConverged(beyond: goal) }
        if !isWhole, self.checker.violations.isEmpty {
            self.checker.report("liveness: the healed group did not agree on 5 more entries; \(self.summary)")
        }
    }

    private mutating func finish() {
        self.report.trace = self.trace.value
        self.report.violations = self.checker.violations.map { "seed \(self.options.seed), \(self.now) ms: \($0)" }
        self.report.simulatedTime = self.now
        self.report.elections = self.checker.elections
        self.report.committed = Int(self.checker.highestCommit.rawValue)
    }

    private var summary: String {
        self.replicas.map { replica in
            guard let node = replica.node else { return "\(replica.id) down" }
            let place = "commit \(node.commitIndex), last \(node.lastIndex), applied \(replica.machine.index)"
            let peers = node.status.peers.map { "\($0.id):\($0.state) \($0.match)/\($0.next) paused \($0.isPaused)" }
            return "\(replica.id) \(node.role) of term \(node.term), \(place), members \(node.members), \(peers)"
        }.joined(separator: "; ")
    }

    private func hasConverged(beyond goal: LogIndex) -> Bool {
        guard self.checker.highestCommit >= goal else { return false }
        let leaders = self.replicas.compactMap(\.node).filter { $0.role == .leader }
        guard let leader = leaders.max(by: { $0.term < $1.term }) else { return false }
        guard !leader.members.isJoint else { return false }
        return leader.members.allMembers.allSatisfy { member in
            self.replicas.contains { $0.id == member && $0.machine.index >= goal }
        }
    }

    /// Runs events until the time is up, a property is violated, or the goal is reached.
    @discardableResult
    private mutating func runEvents(until end: Int, _ isDone: (Self) -> Bool) -> Bool {
        while self.checker.violations.isEmpty {
            if self.report.events.isMultiple(of: 64), isDone(self) { return true }
            guard let (time, event) = self.queue.next() else { return false }
            if time > end {
                self.queue.plan(event, at: time)
                return false
            }
            self.now = time
            self.report.events += 1
            self.handle(event)
        }
        return false
    }

    // MARK: Events

    private mutating func handle(_ event: Event) {
        self.trace.add(UInt64(self.now))
        switch event {
        case .tick(let id, let life): self.tick(id, life)
        case .deliver(let message): self.deliver(message)
        case .snapshotLost(let message): self.reportTransfer(of: message, succeeded: false)
        case .diskDone(let id, let life): self.diskDone(id, life)
        case .acknowledge(let id, let life): self.acknowledge(id, life)
        case .applyDone(let id, let life): self.applyDone(id, life)
        case .start(let id): self.start(id)
        case .crash(let id, let life): if self.isAlive(id, life) { self.crash(id) }
        case .fault:
            if self.isHealing { return }
            self.injectFault()
            self.queue.plan(.fault, at: self.now + 1 + self.random.next(below: 2 * self.options.faultInterval))
        case .propose:
            self.propose()
            self.queue.plan(.propose, at: self.now + 1 + self.random.next(below: 2 * self.options.proposalInterval))
        case .read:
            self.read()
            self.queue.plan(.read, at: self.now + 1 + self.random.next(below: 4 * self.options.proposalInterval))
        }
    }

    func position(_ id: NodeID) -> Int { Int(id.rawValue) - 1 }

    private func isAlive(_ id: NodeID, _ life: Int) -> Bool {
        let replica = self.replicas[self.position(id)]
        return replica.node != nil && replica.life == life
    }

    private mutating func tick(_ id: NodeID, _ life: Int) {
        guard self.isAlive(id, life) else { return }
        self.trace.add(id.rawValue)
        self.with(id) { $0.tick() }
        // Clocks differ by up to a quarter.
        let drift = self.random.next(below: self.options.tickTime / 2 + 1) - self.options.tickTime / 4
        self.queue.plan(.tick(id, life: life), at: self.now + self.options.tickTime + drift)
    }

    mutating func start(_ id: NodeID) {
        let position = self.position(id)
        guard self.replicas[position].node == nil else { return }
        do throws(RaftStartError) {
            try self.replicas[position].start(self.options, seed: self.random.next())
        } catch {
            self.checker.report("\(id) does not start: \(error)")
            return
        }
        if let node = self.replicas[position].node { self.checker.restarted(node) }
        let life = self.replicas[position].life
        self.queue.plan(.tick(id, life: life), at: self.now + 1 + self.random.next(below: self.options.tickTime))
        self.settle(id)
    }

    private mutating func propose() {
        let leaders = self.replicas.filter { $0.node?.role == .leader }
        guard !leaders.isEmpty else { return }
        let id = leaders[self.random.next(below: leaders.count)].id
        // An operator ends what was begun.
        if self.isHealing { self.with(id) { _ = try? $0.proposeConfigurationChange(.leaveJoint) } }
        var payloads: [[UInt8]] = []
        for _ in 0...self.random.next(below: 4) {
            self.proposals += 1
            let number = self.proposals
            let size = 8 + self.random.next(below: 60)
            payloads.append((0..<size).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 % 8))) })
        }
        self.with(id) { _ = try? $0.propose(payloads) }
    }

    private mutating func read() {
        let alive = self.replicas.filter { $0.node != nil }
        guard !alive.isEmpty else { return }
        let id = alive[self.random.next(below: alive.count)].id
        self.lastRead += 1
        let request = ReadRequestID(self.lastRead)
        self.askedReads[request.rawValue] = self.checker.highestCommit
        self.with(id) { try? $0.readIndex(request) }
    }

    // MARK: The host of a node

    /// Gives a node an input and does what it asks for.
    mutating func with(_ id: NodeID, _ input: (inout RaftNode<MemoryStorage>) -> Void) {
        let position = self.position(id)
        guard var node = self.replicas[position].node.take() else { return }
        input(&node)
        self.replicas[position].node = node
        self.settle(id)
    }

    private mutating func settle(_ id: NodeID) {
        let position = self.position(id)
        self.checker.check(self.replicas[position], among: self.replicas)
        while self.checker.violations.isEmpty, let ready = self.nextReady(position) {
            self.checker.appended(ready.entries, by: self.replicas[position].node, id)
            for read in ready.readStates {
                self.report.reads += 1
                let asked = self.askedReads.removeValue(forKey: read.request.rawValue) ?? .zero
                self.checker.served(read, askedAt: asked, by: id)
            }
            for alarm in ready.alarms { self.checker.report("\(id) raises an alarm: \(alarm)") }
            for message in ready.messages { self.send(message) }
            if self.options.asynchronousStorageWrites {
                self.enqueue(ready, at: position)
            } else {
                self.doNow(ready, at: position)
            }
            self.checker.check(self.replicas[position], among: self.replicas)
        }
    }

    private mutating func nextReady(_ position: Int) -> Ready? {
        guard self.replicas[position].node?.hasReady == true else { return nil }
        return self.replicas[position].node?.ready()
    }

    /// A synchronous host: persists, sends, applies, and goes on.
    private mutating func doNow(_ ready: Ready, at position: Int) {
        self.persist(ready.hardState, ready.entries, ready.snapshot, at: position)
        for message in ready.messagesAfterPersist { self.send(message) }
        self.apply(ready.committedEntries, at: position)
        self.replicas[position].node?.advance()
    }

    private mutating func enqueue(_ ready: Ready, at position: Int) {
        let id = self.replicas[position].id
        let life = self.replicas[position].life
        if let work = ready.storageAppend {
            self.replicas[position].appendQueue.append(work)
            if !self.isHealing, self.random.next(below: 1_000) < self.options.crashAtWriteChance {
                // Between what was sent and what it depends on.
                self.count(.crashAtWrite)
                self.queue.plan(.crash(id, life: life), at: self.now + self.random.next(below: 30))
            }
            if self.replicas[position].appendQueue.count == 1 {
                self.queue.plan(.diskDone(id, life: life), at: self.now + self.draw(self.options.diskLatency))
            }
        }
        if let work = ready.storageApply {
            self.replicas[position].applyQueue.append(work)
            if self.replicas[position].applyQueue.count == 1 {
                self.queue.plan(.applyDone(id, life: life), at: self.now + self.draw(self.options.diskLatency))
            }
        }
    }

    private mutating func diskDone(_ id: NodeID, _ life: Int) {
        guard self.isAlive(id, life) else { return }
        let position = self.position(id)
        // One sync serves what has gathered, as in a host with group commit.
        let gathered = self.replicas[position].appendQueue.count
        for _ in 0..<(self.random.next(below: 4) == 0 ? 1 : gathered) {
            let work = self.replicas[position].appendQueue.removeFirst()
            self.persist(work.hardState, work.entries, work.snapshot, at: position)
            self.replicas[position].acknowledging.append(work)
            self.queue.plan(.acknowledge(id, life: life), at: self.now + self.random.next(below: 2))
        }
        if !self.replicas[position].appendQueue.isEmpty {
            self.queue.plan(.diskDone(id, life: life), at: self.now + self.draw(self.options.diskLatency))
        }
    }

    private mutating func acknowledge(_ id: NodeID, _ life: Int) {
        guard self.isAlive(id, life) else { return }
        let position = self.position(id)
        let work = self.replicas[position].acknowledging.removeFirst()
        for message in self.replicas[position].node?.persisted(work) ?? [] { self.send(message) }
        self.settle(id)
    }

    private mutating func applyDone(_ id: NodeID, _ life: Int) {
        guard self.isAlive(id, life) else { return }
        let position = self.position(id)
        let work = self.replicas[position].applyQueue.removeFirst()
        if !self.replicas[position].applyQueue.isEmpty {
            self.queue.plan(.applyDone(id, life: life), at: self.now + self.draw(self.options.diskLatency))
        }
        self.apply(work.entries, at: position)
        self.replicas[position].node?.applied(work.acknowledgement)
        self.settle(id)
    }

    private mutating func persist(
        _ hardState: HardState?,
        _ entries: [LogEntry],
        _ snapshot: Snapshot?,
        at position: Int
    ) {
        self.replicas[position].persist(hardState, entries, snapshot)
        if let hardState { self.checker.persisted(hardState, by: self.replicas[position].id) }
        if let snapshot {
            self.report.snapshots += 1
            if self.replicas[position].machine.index == snapshot.id.index {
                self.noteApplied(position)
            }
        }
    }

    private mutating func noteApplied(_ position: Int) {
        let machine = self.replicas[position].machine
        let id = self.replicas[position].id
        self.checker.applied(at: machine.index, digest: machine.chain, members: machine.members, by: id)
    }

    private mutating func apply(_ entries: [LogEntry], at position: Int) {
        for entry in entries where entry.index > self.replicas[position].machine.index {
            if entry.index != self.replicas[position].machine.index.next {
                self.checker.report("\(self.replicas[position].id) applies \(entry.index) out of order")
                return
            }
            self.checker.applying(entry, by: self.replicas[position].id)
            self.replicas[position].machine.apply(entry)
            if entry.kind != .normal, let members = try? self.replicas[position].node?.applyConfigurationChange(entry) {
                self.replicas[position].machine.members = members
            }
            self.noteApplied(position)
        }
        // The state machine syncs when it likes; until then a crash takes it back.
        if self.random.next(below: 4) == 0 { self.replicas[position].durableMachine = self.replicas[position].machine }
    }

    mutating func count(_ kind: FaultKind) { self.report.count(kind) }
}
