import Linearizability
import RaftCore

/// A seeded, single-threaded world around core and log: servers with a replicated key-value store, a network, clients
/// that retry, operators, and everything that goes wrong. All order and chance come from the seed.
struct KeyValueSimulation {
    enum Event {
        case tick(NodeID, life: Int)
        case deliver(RaftMessage)
        case snapshotLost(RaftMessage)
        case diskDone(NodeID, life: Int)
        case acknowledge(NodeID, life: Int)
        case applyDone(NodeID, life: Int)
        case crash(NodeID, life: Int)
        case resume(NodeID, life: Int)
        case start(NodeID)
        case diskFreed(NodeID)
        case linksHealed(NodeID)
        case act(client: Int)
        case request(ClientRequest, to: NodeID)
        case answer(ClientRequest, ServerAnswer)
        case attemptTimeout(ClientRequest)
        case again(client: Int, UInt64, Int)
        case fault
        case repair
    }

    private(set) var options: KeyValueOptions
    var report: ScenarioReport
    var random: SplitMix64
    var servers: [KeyValueServer] = []
    var clients: [SimulatedClient]
    var checker = SafetyChecker()
    var queue = EventQueue<Event>()
    var now = 0
    /// Links over which nothing passes, one per direction.
    var cuts: Set<[NodeID]> = []
    var isHealing = false
    /// Servers that never come back in the second phase.
    var abandoned: Set<NodeID> = []
    var injected = 0

    // What clients saw.
    var history: [Operation<RegisterInput<UInt64>, RegisterOutput<UInt64>>] = []
    var acknowledged: [(client: UInt64, sequence: UInt64)] = []
    /// What was read last, so that comparisons often succeed.
    var lastSeen: [UInt64: UInt64] = [:]
    /// Where each command was carried out.
    var executed: [[UInt64]: LogIndex] = [:]
    var lastRead: UInt64 = 0
    /// The highest commit index anywhere when a read was asked.
    var askedReads: [UInt64: LogIndex] = [:]
    /// The last change of members that a leader took.
    var lastChange = LogIndex.zero
    /// The members at the highest applied index, and the entry that made them so.
    var newestMembers = ClusterConfiguration()
    var newestMembersIndex = LogIndex.zero

    private var trace = TraceHash()

    private static let stepLimit = 300_000
    private static let eventLimit = 3_000_000

    init(_ options: KeyValueOptions) {
        self.options = options
        self.report = ScenarioReport(seed: options.seed)
        self.random = SplitMix64(seed: options.seed)
        self.clients = (0..<options.clients).map { SimulatedClient(number: $0) }
    }

    /// Runs a phase with faults and one without, in which the group must become whole; then judges what clients saw.
    static func run(_ options: KeyValueOptions) -> ScenarioReport {
        var simulation = KeyValueSimulation(options)
        simulation.runFaultyPhase()
        if simulation.checker.violations.isEmpty { simulation.runHealingPhase() }
        if simulation.checker.violations.isEmpty { simulation.judge() }
        simulation.finish()
        return simulation.report
    }

    private mutating func runFaultyPhase() {
        let founders = (1...self.options.initialVoters).map { NodeID(UInt64($0)) }
        self.newestMembers = ClusterConfiguration(voters: founders)
        for _ in 0..<self.options.initialServers { self.addServer(founders: founders) }
        for position in self.servers.indices { self.start(self.servers[position].id) }
        for number in self.clients.indices { self.queue.plan(.act(client: number), at: 1 + number) }
        self.queue.plan(.fault, at: self.options.faultInterval)
        self.queue.plan(.repair, at: self.options.faultInterval)
        self.runEvents(until: self.options.faultyTime) { _ in false }
    }

    /// Ends all faults for everybody, or for a random quorum while the others stay away; from then on the members must
    /// elect a leader, serve every client, and agree on everything.
    private mutating func runHealingPhase() {
        self.isHealing = true
        self.cuts = []
        self.abandonSome()
        self.options.heal()
        for position in self.servers.indices {
            let id = self.servers[position].id
            self.servers[position].diskStalledUntil = 0
            self.servers[position].clockRate = 100
            self.freeDisk(id)
            if self.servers[position].node == nil, !self.isAway(id) { self.start(id) }
        }
        let goal = self.checker.highestCommit + 5
        let counts = self.clients.map { $0.completed + 2 }
        let isWhole = self.runEvents(until: self.now + self.options.healingTime) { world in
            world.hasConverged(beyond: goal) && zip(world.clients, counts).allSatisfy { $0.completed >= $1 }
        }
        if !isWhole, self.checker.violations.isEmpty {
            self.checker.report("liveness: the healed group did not agree and answer; \(self.summary)")
        }
    }

    func isAway(_ id: NodeID) -> Bool { self.abandoned.contains(id) || self.servers[self.position(id)].isRetired }

    private func hasConverged(beyond goal: LogIndex) -> Bool {
        guard self.checker.highestCommit >= goal else { return false }
        let leaders = self.servers.compactMap(\.node).filter { $0.role == .leader }
        guard let leader = leaders.max(by: { $0.term < $1.term }), !leader.members.isJoint else { return false }
        return leader.members.allMembers.allSatisfy { member in
            self.isAway(member) || self.servers[self.position(member)].disk.state.index >= goal
        }
    }

    /// Looks at the whole history of the clients.
    private mutating func judge() {
        self.abandonOperations()
        for (client, sequence) in self.acknowledged where self.executed[[client, sequence]] == nil {
            self.checker.report("no acknowledged write is lost: \(sequence) of client \(client) was never carried out")
        }
        let checker = LinearizabilityChecker(RegisterModel<UInt64>(), stepLimit: Self.stepLimit)
        switch checker.check(self.history) {
        case .linearizable: break
        case .violated(let counterexample): self.checker.report("linearizable histories: \(counterexample)")
        case .undecided: self.report.undecided += 1
        case .malformed(let problem): self.checker.report("history: \(problem)")
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
        self.servers.map { server in
            guard let node = server.node else { return "\(server.id) \(server.isRetired ? "replaced" : "down")" }
            let place = "commit \(node.commitIndex), last \(node.lastIndex), applied \(server.disk.state.index)"
            let peers = node.status.peers.map { "\($0.id):\($0.state) \($0.match)/\($0.next) paused \($0.isPaused)" }
            return "\(server.id) \(node.role) of term \(node.term), \(place), members \(node.members), \(peers)"
        }.joined(separator: "; ")
    }

    // MARK: Events

    /// Runs events until the time is up, a property is violated, or the goal is reached.
    @discardableResult
    private mutating func runEvents(until end: Int, _ isDone: (Self) -> Bool) -> Bool {
        while self.checker.violations.isEmpty {
            if self.report.events.isMultiple(of: 64), isDone(self) { return true }
            guard let (time, event) = self.queue.next() else { return false }
            guard time <= end, self.report.events < Self.eventLimit else {
                self.queue.plan(event, at: time)
                return false
            }
            self.now = time
            self.report.events += 1
            self.handle(event)
        }
        return false
    }

    private mutating func handle(_ event: Event) {
        if let id = self.receiver(of: event), self.servers[self.position(id)].pausedUntil > self.now {
            // A stopped process does nothing; what comes meanwhile waits in order.
            self.queue.plan(event, at: self.servers[self.position(id)].pausedUntil)
            return
        }
        self.trace.add(UInt64(self.now))
        switch event {
        case .tick(let id, let life): self.tick(id, life)
        case .deliver(let message): self.deliver(message)
        case .snapshotLost(let message): self.reportTransfer(of: message, succeeded: false)
        case .diskDone(let id, let life): self.diskDone(id, life)
        case .acknowledge(let id, let life): self.acknowledge(id, life)
        case .applyDone(let id, let life): self.applyDone(id, life)
        case .crash(let id, let life):
            // Such a crash is often over before others have noticed it.
            let limit = self.random.next(below: 3) == 0 ? 1_000 : 20
            if self.isAlive(id, life) { self.crash(id, restartsWithin: limit) }
        case .resume(let id, let life): if self.isAlive(id, life) { self.with(id) { $0.resumeAfterPause() } }
        case .start(let id): self.start(id)
        case .diskFreed(let id): self.freeDisk(id)
        case .linksHealed(let id): self.cuts = self.cuts.filter { !$0.contains(id) }
        case .act(let client): self.act(client)
        case .request(let request, let id): self.receive(request, at: id)
        case .answer(let request, let answer):
            self.note(request.sequence << 8 | UInt64(request.client))
            self.take(answer, to: request)
        case .attemptTimeout(let request): self.attemptTimedOut(request)
        case .again(let client, let sequence, let attempt): self.again(client, sequence, attempt)
        case .fault:
            if self.isHealing { return }
            self.injectFault()
            self.queue.plan(.fault, at: self.now + 1 + self.random.next(below: 2 * self.options.faultInterval))
        case .repair:
            self.repair()
            self.queue.plan(.repair, at: self.now + 1 + self.random.next(below: 400))
        }
    }

    private func receiver(of event: Event) -> NodeID? {
        switch event {
        case .tick(let id, _), .diskDone(let id, _), .acknowledge(let id, _), .applyDone(let id, _),
            .request(_, let id), .resume(let id, _):
            id
        case .deliver(let message): message.to
        case .snapshotLost(let message): message.from
        case .crash, .start, .diskFreed, .linksHealed, .act, .answer, .attemptTimeout, .again, .fault, .repair: nil
        }
    }

    mutating func note(_ number: UInt64) { self.trace.add(number) }

    func position(_ id: NodeID) -> Int { Int(id.rawValue) - 1 }

    func isAlive(_ id: NodeID, _ life: Int) -> Bool {
        let server = self.servers[self.position(id)]
        return server.node != nil && server.life == life
    }

    mutating func draw(_ range: ClosedRange<Int>) -> Int { range.lowerBound + self.random.next(below: range.count) }

    /// Whether something of that chance happens; never while the world heals.
    mutating func happens(_ thousandths: Int) -> Bool {
        !self.isHealing && self.random.next(below: 1_000) < thousandths
    }
}
