import ProcessEngine
import RaftCore
import ReplicaCore
import Simulation

/// What a client learns of a command.
enum CallOutcome {
    case answered(Answer)
    /// Surely not executed.
    case refused
    /// Perhaps executed.
    case unknown
}

/// A client's command at the node it talks to.
final class Call {
    let number: Int
    let command: Command
    /// Names the command across repetitions; without it nothing is submitted a second time.
    let key: RequestID?
    let group: UInt32
    let gateway: SimulatedHost
    let deadline: Int
    /// How long an activation waits for jobs.
    let waits: Int64?
    let done: (CallOutcome) -> Void
    var attempts = 0
    var isFinished = false

    init(
        number: Int,
        command: Command,
        key: RequestID?,
        group: UInt32,
        gateway: SimulatedHost,
        deadline: Int,
        waits: Int64?,
        done: @escaping (CallOutcome) -> Void
    ) {
        self.number = number
        self.command = command
        self.key = key
        self.group = group
        self.gateway = gateway
        self.deadline = deadline
        self.waits = waits
        self.done = done
    }

    /// The request of the present attempt.
    var request: RequestID { RequestID("\(self.gateway.id)-\(self.number)-\(self.attempts)") }
}

/// The ways into the nodes, with the rules of production: a command goes to the leader that the client's node believes
/// in; what was surely not executed is tried elsewhere; what perhaps was is submitted again under the same key; what is
/// still unknown at the deadline is said to be so.
final class SimulatedGateway {
    private static let attemptTime = 1_200

    private unowned let world: NodeWorld
    private var calls: [Int: Call] = [:]
    private var lastNumber = 0

    init(_ world: NodeWorld) { self.world = world }

    /// Submits a command at a node. `done` is called once, later.
    func submit(
        _ command: Command,
        key: RequestID?,
        at host: SimulatedHost,
        timeLimit: Int = 4_000,
        waits: Int64? = nil,
        _ done: @escaping (CallOutcome) -> Void
    ) {
        guard host.isUp, host.pausedUntil <= self.world.now else {
            self.world.plan(after: 5) { done(.refused) }
            return
        }
        let group: UInt32 = if case .deploy = command { EngineGroups.cluster } else { EngineGroups.instances }
        self.lastNumber += 1
        let call = Call(
            number: self.lastNumber,
            command: command,
            key: key,
            group: group,
            gateway: host,
            deadline: self.world.now + timeLimit + Int(waits ?? 0),
            waits: waits,
            done: done
        )
        self.calls[call.number] = call
        self.world.plan(after: timeLimit + Int(waits ?? 0)) { [unowned self] in self.finish(call, .unknown) }
        self.forward(call)
    }

    private func finish(_ call: Call, _ outcome: CallOutcome) {
        guard !call.isFinished else { return }
        call.isFinished = true
        self.calls[call.number] = nil
        self.world.plan(after: 1) { call.done(outcome) }
    }

    /// The node ended, and with it all that clients had asked there.
    func hostEnded(_ host: SimulatedHost) {
        for number in self.calls.keys.sorted() {
            if let call = self.calls[number], call.gateway === host { self.finish(call, .unknown) }
        }
    }

    func clear() { self.calls = [:] }

    // MARK: Attempts

    private func forward(_ call: Call) {
        guard !call.isFinished, call.gateway.isUp, let local = call.gateway.group(call.group) else { return }
        call.attempts += 1
        let attempt = call.attempts
        guard let leader = local.isLeader ? call.gateway.id : local.replica.leader else {
            self.retry(call, attempt, after: 30 + self.world.random.next(below: 100))
            return
        }
        let request = RequestedCommand(id: call.request, idempotencyKey: call.key, command: call.command)
        let target = self.world.host(leader)
        self.world.carry(
            from: call.gateway.id,
            to: leader,
            lost: { [unowned self] in
                // The connection broke: nobody knows whether the request arrived.
                self.attemptEnded(call, attempt, .unknown(reason: "lost"))
            }
        ) { [unowned self] in
            self.accept(request, waits: call.waits, origin: call.gateway, call: call.number, at: target)
        }
        self.world.plan(after: Self.attemptTime + Int(call.waits ?? 0)) { [unowned self] in
            self.attemptEnded(call, attempt, .unknown(reason: "no answer"))
        }
    }

    private func retry(_ call: Call, _ attempt: Int, after delay: Int) {
        self.world.plan(on: call.gateway, after: delay) { [unowned self] in
            if call.attempts == attempt { self.forward(call) }
        }
    }

    private func accept(_ request: RequestedCommand, waits: Int64?, origin: SimulatedHost, call: Int, at: SimulatedHost)
    {
        self.world.plan(on: at, after: 0) { [unowned self] in
            guard let group = at.group(self.group(of: request.command)) else { return }
            at.waiters[request.id] = .init(origin: origin.position, call: call)
            let until = waits.map { at.localTime(self.world.now) + $0 }
            let submitted = SubmittedRequest(request: request, waitsUntil: until)
            self.world.step(at, group, [.submitted(submitted)])
        }
    }

    private func group(of command: Command) -> UInt32 {
        if case .deploy = command { EngineGroups.cluster } else { EngineGroups.instances }
    }

    private func attemptEnded(_ call: Call, _ attempt: Int, _ answer: ReplicaAnswer) {
        guard !call.isFinished, call.gateway.isUp else { return }
        switch answer {
        case .answered(let answer): self.finish(call, .answered(answer))
        case .refused where attempt == call.attempts, .misdirected where attempt == call.attempts:
            self.retry(call, attempt, after: 20 + self.world.random.next(below: 100))
        case .unknown where attempt == call.attempts:
            if call.key == nil {
                self.finish(call, .unknown)
            } else {
                self.retry(call, attempt, after: 20 + self.world.random.next(below: 100))
            }
        case .failed(let reason): self.world.violation("a command failed by a fault of ours: \(reason)")
        case .refused, .misdirected, .unknown, .done, .impossible, .tooEarly: break
        }
    }

    // MARK: Answers

    /// A replica answers. What it says must be committed.
    func answered(
        _ id: RequestID,
        _ answer: ReplicaAnswer,
        _ host: SimulatedHost,
        _ group: HostedGroup,
        _ next: inout [ReplicaInput]
    ) {
        if self.world.operators.answered(id, answer) { return }
        guard let waiter = host.waiters.removeValue(forKey: id), let call = self.calls[waiter.call],
            !call.isFinished
        else {
            // A job whose receiver is gone is offered again at once.
            if case .answered(.jobsActivated(let jobs)) = answer {
                for job in jobs { next.append(.scheduled(.returnJob(job.key, deadline: job.deadline))) }
            }
            return
        }
        if case .answered(let answer) = answer { self.checkCommitted(answer, call, group) }
        self.deliver(answer, call, from: host)
    }

    private func deliver(_ answer: ReplicaAnswer, _ call: Call, from host: SimulatedHost) {
        let attempt = call.attempts
        self.world.carry(from: host.id, to: call.gateway.id) { [unowned self] in
            self.attemptEnded(call, attempt, answer)
        }
    }

    private func checkCommitted(_ answer: Answer, _ call: Call, _ group: HostedGroup) {
        guard let events = self.world.checkers[group.number]?.events else { return }
        switch answer {
        case .rejected: return
        case .jobsActivated(let jobs):
            for job in jobs {
                let activation = EventModel.Activation(worker: job.worker, deadline: job.deadline)
                if events.jobs[job.key]?.activations.contains(activation) ?? false { continue }
                self.world.violation("nothing leaves uncommitted: job \(job.key) is handed out until \(job.deadline)")
            }
        default:
            guard let key = call.key, events.answers[key] != answer else { return }
            // An answer that comes later, as that of a deployment, is not the one that is remembered.
            if case .deployed = answer { return }
            self.world.violation("nothing leaves uncommitted: \(key.text) is answered with \(answer)")
        }
    }

    // MARK: Between groups

    /// Takes an internal command to the leader of another group, as far as this node knows it. Senders repeat it.
    func route(_ command: InternalCommand, to number: UInt32, from host: SimulatedHost) {
        guard let local = host.group(number) else {
            // Without the group of definitions nobody waits for a receipt.
            self.world.clients.acknowledged(command)
            return
        }
        guard let leader = local.isLeader ? host.id : local.replica.leader else { return }
        let target = self.world.host(leader)
        self.world.carry(from: host.id, to: leader) { [unowned self] in
            self.world.plan(on: target, after: 0) { [unowned self] in
                guard let group = target.group(number), group.isLeader else { return }
                self.world.step(target, group, [.scheduled(command)])
            }
        }
    }

    // MARK: Planted defects

    /// Called with what a leader proposes, before it is durable anywhere. Two of the planted defects let answers out
    /// at this moment.
    func proposed(_ work: StorageAppend, _ host: SimulatedHost, _ group: HostedGroup) {
        guard group.isLeader else { return }
        for entry in work.entries {
            if self.world.options.has(.answersBeforeCommit) { self.answerEarly(entry, host) }
            if self.world.options.has(.dispatchesBeforeCommit) { self.dispatchEarly(entry, host, group) }
        }
    }

    private func answerEarly(_ entry: LogEntry, _ host: SimulatedHost) {
        guard entry.kind == .normal, !entry.payload.isEmpty else { return }
        _ = try? BatchEntry.decode(entry.payload) { event in
            guard case .requestAnswered(let record) = event else { return }
            for number in self.calls.keys.sorted() {
                guard let call = self.calls[number], call.key == record.id, call.gateway === host else { continue }
                self.deliver(.answered(record.answer), call, from: host)
            }
        }
    }

    private func dispatchEarly(_ entry: LogEntry, _ host: SimulatedHost, _ group: HostedGroup) {
        guard entry.kind == .normal, !entry.payload.isEmpty else { return }
        _ = try? BatchEntry.decode(entry.payload) { event in
            guard case .jobActivated(let key, let worker, let deadline, _) = event else { return }
            self.world.clients.dispatch(key, to: worker, until: deadline)
        }
    }
}
