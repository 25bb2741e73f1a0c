import ProcessEngine
import RaftCore
import ReplicaCore
import Simulation
import StateStore

/// Clients and workers, with what they remember: the oracle of what was promised to them.
final class SimulatedClients {
    unowned let world: NodeWorld
    private(set) var registers: SimulatedRegisters
    private var workers: SimulatedWorkers
    private var isDeployed = false
    /// Commands whose outcome somebody still wants to know.
    private(set) var pending = 0
    /// What creations were answered with, by the client's own name for each.
    private var created: [String: Key] = [:]
    /// Names of instances that wait for a message.
    private var correlationKeys: [String] = []
    private var attempts = 0

    init(_ world: NodeWorld) {
        self.world = world
        self.registers = SimulatedRegisters(world)
        self.workers = SimulatedWorkers(world)
    }

    private var events: EventModel? { self.world.checkers[EngineGroups.instances]?.events }

    // MARK: Phases

    func begin() {
        if self.world.options.hasClusterGroup { self.deploy() } else { self.define() }
        self.planResolver()
        self.planCancellations()
        self.workers.begin()
    }

    func heal() {
        self.registers.stop()
        self.workers.heal()
    }

    /// Whether nobody waits for anything but the ends of instances.
    var isAtRest: Bool { self.isDeployed && self.pending == 0 && self.registers.isIdle }

    var restlessness: String {
        let instances = self.events?.instances.filter { $0.value.state == .active } ?? [:]
        let names = instances.keys.sorted().prefix(5).map { "\($0) \(instances[$0]?.businessID ?? "")" }
        return "deployed \(self.isDeployed), pending \(self.pending), registers idle \(self.registers.isIdle), "
            + "\(instances.count) unfinished: \(names.joined(separator: ", ")), "
            + "incidents \(self.events?.openIncidents.count ?? 0)"
    }

    // MARK: Calls

    /// A node that clients would try next.
    func someHost() -> SimulatedHost {
        let up = self.world.hosts.filter(\.isUp)
        return up.isEmpty ? self.world.anyHost() : up[self.world.random.next(below: up.count)]
    }

    /// Sends a command again and again, always under the same key, until something is known or the client gives up.
    ///
    /// - Parameter patience: chance in thousandths to go on after an unknown outcome.
    func insist(
        _ command: Command,
        key: String,
        patience: Int = 800,
        _ done: @escaping (CallOutcome) -> Void
    ) {
        self.pending += 1
        self.attempt(command, RequestID(key), patience) { [unowned self] outcome in
            self.pending -= 1
            switch outcome {
            case .answered(.rejected): self.world.count(\.commands.failed)
            case .answered: self.world.count(\.commands.ok)
            case .refused, .unknown: self.world.count(\.commands.unknown)
            }
            done(outcome)
        }
    }

    private func attempt(
        _ command: Command,
        _ key: RequestID,
        _ patience: Int,
        _ done: @escaping (CallOutcome) -> Void
    ) {
        self.world.gateway.submit(command, key: key, at: self.someHost()) { [unowned self] outcome in
            switch outcome {
            case .answered: done(outcome)
            case .unknown where !self.world.isHealing && self.world.random.next(below: 1_000) >= patience:
                done(outcome)
            case .refused, .unknown:
                self.world.plan(after: 50 + self.world.random.next(below: 200)) { [unowned self] in
                    self.attempt(command, key, patience, done)
                }
            }
        }
    }

    // MARK: Definitions

    private func deploy() {
        let resources = SimulatedModels.allCases.map(\.resource)
        self.insist(.deploy(resources: resources, tenantID: defaultTenantID), key: "deploy", patience: 1_000) {
            [unowned self] outcome in
            guard case .answered(.deployed(let deployment)) = outcome,
                deployment.processes.count == SimulatedModels.allCases.count
            else { return self.world.violation("the deployment came to \(outcome)") }
            self.beginWork()
        }
    }

    /// Gives group 1 its definitions as group 0 would, one after the other, until all have arrived.
    private func define() {
        let known = self.events?.definitions.count ?? 0
        guard known < SimulatedModels.allCases.count else { return self.beginWork() }
        let sequence = Int64(known + 1)
        let model = SimulatedModels.allCases[known]
        let resource = ResourceRecord(
            key: Key(group: 0, counter: sequence * 10),
            name: model.resource.name,
            content: model.resource.content
        )
        let definition = DefinitionRecord(
            key: Key(group: 0, counter: sequence * 10 + 1),
            processID: model.rawValue,
            version: 1,
            tenantID: defaultTenantID,
            deploymentKey: Key(group: 0, counter: sequence * 10 + 2),
            resourceName: resource.name,
            resourceHash: sequence,
            resourceKey: resource.key,
            deployedAt: NodeWorld.epoch
        )
        let transfer = Transfer.definitions([definition], resources: [resource])
        self.world.gateway.route(
            .receive(transfer, sourceGroup: 0, sequence: sequence),
            to: EngineGroups.instances,
            from: self.someHost()
        )
        self.world.plan(after: 60) { [unowned self] in self.define() }
    }

    private func beginWork() {
        self.isDeployed = true
        guard !self.world.isHealing else { return }
        let time = max(1, (self.world.options.faultyTime - self.world.now) * 4 / 5)
        for number in 0..<self.world.options.instances {
            self.world.plan(after: self.world.random.next(below: time)) { [unowned self] in
                let models = SimulatedModels.allCases.filter { $0 != .hold }
                self.create(models[self.world.random.next(below: models.count)], name: "b\(number)") { _ in }
            }
        }
        for number in 0..<self.world.options.registers {
            self.create(.hold, name: "r\(number)") { [unowned self] key in self.registers.begin(key) }
        }
    }

    // MARK: Instances

    private func create(_ model: SimulatedModels, name: String, _ done: @escaping (Key) -> Void) {
        guard !self.world.isHealing else { return }
        let command = Command.createInstance(
            .init(
                definition: .processID(model.rawValue, version: nil),
                variables: .one("key", "\"\(name)\""),
                businessID: name
            )
        )
        self.insist(command, key: "create-\(name)") { [unowned self] outcome in
            switch outcome {
            case .answered(.instanceCreated(let answer)):
                self.created[name] = answer.processInstanceKey
                done(answer.processInstanceKey)
            case .answered(let answer): self.world.violation("creating \(name) came to \(answer)")
            case .refused, .unknown: break
            }
        }
        guard model == .message else { return }
        let publish = Command.publishMessage(
            .init(name: "go", correlationKey: name, timeToLiveMilliseconds: 600_000, variables: .one("got", "1"))
        )
        self.world.plan(after: self.world.random.next(below: 3_000)) { [unowned self] in
            self.insist(publish, key: "publish-\(name)", patience: 1_000) { _ in }
        }
    }

    private func planCancellations() {
        self.world.plan(after: self.world.draw(1_000...6_000)) { [unowned self] in
            guard !self.world.isHealing else { return }
            let names = self.created.keys.filter { $0.hasPrefix("b") }.sorted()
            if !names.isEmpty {
                let name = names[self.world.random.next(below: names.count)]
                if let key = self.created[name] {
                    self.attempts += 1
                    self.insist(.cancelInstance(key), key: "cancel-\(self.attempts)") { [unowned self] outcome in
                        guard case .answered(.done) = outcome, self.events?.instances[key]?.state == .active else {
                            return
                        }
                        self.world.violation("instance \(key) runs on after its cancellation was acknowledged")
                    }
                }
            }
            self.planCancellations()
        }
    }

    // MARK: Incidents

    /// An operator who looks for incidents now and then, and resolves the first.
    private func planResolver() {
        self.world.plan(after: 300 + self.world.random.next(below: 300)) { [unowned self] in
            self.attempts += 1
            guard let incident = self.events?.openIncidents.first, let job = incident.jobKey else {
                self.planResolver()
                return
            }
            let number = self.attempts
            self.insist(.updateJob(job, .init(retries: 1), lease: nil), key: "retries-\(number)") {
                [unowned self] _ in
                self.insist(.resolveIncident(incident.key), key: "resolve-\(number)") { [unowned self] _ in
                    self.planResolver()
                }
            }
        }
    }

    // MARK: What the gateway hands on

    func acknowledged(_ command: InternalCommand) {}

    func dispatch(_ job: Key, to worker: String, until deadline: Int64) {
        self.workers.takeEarly(job, worker: worker, until: deadline)
    }

    // MARK: The end

    /// What was promised must be in every state.
    func checkAtTheEnd() {
        guard let events = self.events else { return }
        for name in self.created.keys.sorted() {
            guard let key = self.created[name] else { continue }
            if events.instances[key]?.businessID != name {
                self.world.violation("no acknowledged instance is lost: \(name) as \(key) is not there")
            }
        }
        self.workers.checkAtTheEnd(events)
        self.registers.checkAtTheEnd()
        let leader = self.world.leaderHost(EngineGroups.instances)?.group(EngineGroups.instances)
        let members = leader?.replica.configuration.allMembers ?? []
        // A node that was removed may not have heard of it.
        for host in self.world.hosts where members.contains(host.id) {
            guard let group = host.group(EngineGroups.instances) else { continue }
            self.world.attempt(on: host) { try self.compare(events, with: group, on: host) }
        }
    }

    private func compare(_ events: EventModel, with group: HostedGroup, on host: SimulatedHost) throws {
        for key in events.instances.keys.sorted() {
            let state = try group.state.processInstance(key)?.state
            // What is over may have left the state.
            if state == nil, events.instances[key].map({ $0.state != .active }) ?? false { continue }
            if state != events.instances[key]?.state {
                self.world.violation("instance \(key) is \(String(describing: state)) on \(host.id)")
            }
        }
        for key in events.jobs.keys.sorted() where events.jobs[key]?.isCompleted ?? false {
            let state = try group.state.job(key)?.state
            if state == nil, let instance = events.jobs[key]?.instance,
                try group.state.processInstance(instance) == nil
            {
                continue
            }
            if state != .completed {
                self.world.violation("completed job \(key) is \(String(describing: state)) on \(host.id)")
            }
        }
        for group in host.groups {
            let found = try SQLiteState.recomputeDigest(try group.state.openReader())
            if found != group.replica.digest {
                self.world.violation("group \(group.number) on \(host.id) has other rows than its digest says")
            }
        }
    }
}
