import ProcessEngine
import RaftCore
import RaftLog
import ReplicaCore
import SQLite
import SimulatedDisk
import Simulation
import StateStore

/// A seeded, single-threaded world in which whole nodes run: the production log, state, replica and engine on disks
/// that lose power, with a network, clocks, clients and workers that misbehave.
///
/// Everything that happens is planned for a time; the order and all chances come from the seed, so the same seed gives
/// the same run on every machine.
final class NodeWorld {
    /// True time at the start of a run, in milliseconds since 1970.
    static let epoch: Int64 = 1_800_000_000_000
    /// How far a node's clock may be off while the node may lead.
    static let clockBound: Int64 = 200

    struct Link: Hashable {
        var from: NodeID
        var to: NodeID
    }

    let options: NodeSimulationOptions
    private(set) var report: ScenarioReport
    var random: SplitMix64
    private(set) var hosts: [SimulatedHost] = []
    private(set) var checkers: [UInt32: GroupChecker] = [:]
    let depot = SnapshotDepot()
    private(set) var now = 0
    /// Links over which nothing passes, one per direction.
    var cuts: Set<Link> = []
    private(set) var isHealing = false
    /// Faults tried so far.
    var injected = 0
    private(set) var trace = TraceHash()
    private var queue = EventQueue<() -> Void>()
    private(set) lazy var gateway = SimulatedGateway(self)
    private(set) lazy var clients = SimulatedClients(self)
    private(set) lazy var operators = SimulatedOperator(self)

    private init(_ options: NodeSimulationOptions) {
        self.options = options
        self.report = ScenarioReport(seed: options.seed)
        self.random = SplitMix64(seed: options.seed)
        let founders = (1...options.founders).map { NodeID(UInt64($0)) }
        for id in founders { self.hosts.append(SimulatedHost(id, founders: founders, options: options)) }
        for group in self.groupNumbers { self.checkers[group] = self.makeChecker(group) }
    }

    private func makeChecker(_ group: UInt32) -> GroupChecker {
        let checker = GroupChecker(group: group) { [unowned self] in self.violation($0) }
        checker.onTimer { [unowned self] due in
            // Group time is the leader's clock, which may be off by no more than the bound and a little drift.
            let time = NodeWorld.epoch + Int64(self.now)
            if time < due - NodeWorld.clockBound - 50 {
                self.violation("timers are never early: one is due at \(due) and triggered at true time \(time)")
            }
        }
        return checker
    }

    var groupNumbers: [UInt32] {
        self.options.hasClusterGroup ? [EngineGroups.cluster, EngineGroups.instances] : [EngineGroups.instances]
    }

    /// Runs a phase with faults and one without, in which everything must come to rest.
    static func run(_ options: NodeSimulationOptions) -> ScenarioReport {
        let world = NodeWorld(options)
        world.runFaultyPhase()
        if world.report.violations.isEmpty { world.runHealingPhase() }
        world.finish()
        return world.report
    }

    // MARK: Phases

    private func runFaultyPhase() {
        for host in self.hosts { self.start(host) }
        self.planFault()
        self.clients.begin()
        self.runEvents(until: self.options.faultyTime) { false }
    }

    /// Stops all faults; from then on there must be a leader, every instance must end, and all states be equal.
    private func runHealingPhase() {
        self.isHealing = true
        self.healAll()
        self.clients.heal()
        let end = self.now + self.options.healingTime
        let isWhole = self.runEvents(until: end) { self.hasConverged }
        if !isWhole, self.report.violations.isEmpty {
            self.violation("liveness: the healed cluster did not come to rest; \(self.summary)")
        }
        if self.report.violations.isEmpty { self.clients.checkAtTheEnd() }
    }

    private var hasConverged: Bool {
        guard self.clients.isAtRest else { return false }
        for number in self.groupNumbers {
            let leaders = self.hosts.compactMap { $0.group(number) }.filter(\.isLeader)
            guard let leader = leaders.max(by: { $0.replica.term < $1.replica.term }), leader.replica.isReady,
                let checker = self.checkers[number], checker.events.unfinishedCount == 0
            else { return false }
            let index = leader.replica.appliedIndex
            guard index >= checker.highestCommit.rawValue else { return false }
            for member in leader.replica.configuration.allMembers {
                let host = self.host(member)
                guard !host.isGone else { continue }
                guard let group = host.group(number), group.replica.appliedIndex == index,
                    group.replica.digest == leader.replica.digest, !group.replica.hasOpenTransaction
                else { return false }
            }
        }
        return true
    }

    private func finish() {
        self.report.trace = self.trace.value
        self.report.simulatedTime = self.now
        for number in self.groupNumbers {
            guard let checker = self.checkers[number] else { continue }
            self.report.elections += checker.elections
            self.report.committed += Int(checker.highestCommit.rawValue)
        }
        // What is planned holds the world, and the world what is planned.
        self.queue = EventQueue()
        for host in self.hosts { host.crash(.losesNothing) }
        self.gateway.clear()
    }

    private var summary: String {
        let hosts = self.hosts.map { host -> String in
            guard host.isUp else { return "\(host.id) \(host.isGone ? "gone" : "down")" }
            let groups = host.groups.map { group in
                "group \(group.number) \(group.replica.role) of term \(group.replica.term), "
                    + "commit \(group.replica.commitIndex), applied \(group.replica.appliedIndex), "
                    + "members \(group.replica.configuration.voters) \(group.replica.configuration.learners)"
            }
            return "\(host.id): " + groups.joined(separator: "; ")
        }
        return (hosts + [self.clients.restlessness]).joined(separator: " | ")
    }

    // MARK: Events

    /// Plans something for later.
    func plan(after delay: Int, _ body: @escaping () -> Void) { self.queue.plan(body, at: self.now + max(0, delay)) }

    /// Plans something that a node does: void when the node has ended before, put off while it is paused.
    func plan(on host: SimulatedHost, after delay: Int, _ body: @escaping () -> Void) {
        let life = host.life
        self.plan(after: delay) { [unowned self] in
            guard host.life == life, host.isUp else { return }
            guard host.pausedUntil <= self.now else {
                self.plan(on: host, after: host.pausedUntil - self.now, body)
                return
            }
            body()
        }
    }

    @discardableResult
    private func runEvents(until end: Int, _ isDone: () -> Bool) -> Bool {
        while self.report.violations.isEmpty {
            if self.report.events.isMultiple(of: 64), isDone() { return true }
            guard let (time, event) = self.queue.next() else { return false }
            if time > end {
                self.queue.plan(event, at: time)
                return false
            }
            self.now = time
            self.report.events += 1
            self.trace.add(UInt64(time))
            event()
        }
        return false
    }

    func note(_ number: UInt64) { self.trace.add(number) }

    func violation(_ sentence: String) {
        guard self.report.violations.count < 20 else { return }
        self.report.violations.append("seed \(self.options.seed), \(self.now) ms: \(sentence)")
    }

    func count(_ fault: FaultKind) { self.report.count(fault) }
    func count(_ path: WritableKeyPath<ScenarioReport, Int>) { self.report[keyPath: path] += 1 }

    // MARK: Chances

    func draw(_ range: ClosedRange<Int>) -> Int { range.lowerBound + self.random.next(below: range.count) }

    var lossChance: Int { self.isDisabled(.loss) ? 0 : self.options.lossChance }
    var duplicateChance: Int { self.isDisabled(.duplication) ? 0 : self.options.duplicateChance }
    /// Whether the power may go while a node starts.
    var mayCutAtStart: Bool { !self.isDisabled(.crashAtWrite) }

    private func isDisabled(_ kind: FaultKind) -> Bool { self.options.scenario.disabledFaults.contains(kind) }

    /// Never in the healing phase.
    func chance(_ thousandths: Int) -> Bool { !self.isHealing && self.random.next(below: 1_000) < thousandths }

    func host(_ id: NodeID) -> SimulatedHost { self.hosts[Int(id.rawValue) - 1] }

    /// A node that is there, up or down.
    func anyHost() -> SimulatedHost {
        let present = self.hosts.filter { !$0.isGone }
        return present[self.random.next(below: present.count)]
    }

    /// The leader of a group as an operator would find it.
    func leaderHost(_ group: UInt32) -> SimulatedHost? {
        let leaders = self.hosts.filter { $0.group(group)?.isLeader ?? false }
        return leaders.isEmpty ? nil : leaders[self.random.next(below: leaders.count)]
    }

    /// A new node with an empty folder.
    func addHost() -> SimulatedHost {
        let host = SimulatedHost(NodeID(UInt64(self.hosts.count + 1)), founders: [], options: self.options)
        self.hosts.append(host)
        return host
    }
}
