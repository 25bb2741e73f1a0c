import Linearizability
import ProcessEngine
import RaftCore
import ReplicaCore
import Simulation

/// Variables of instances that nobody lets end, used as registers: written through commands, read on any node after a
/// read index. Their histories must be linearizable.
final class SimulatedRegisters {
    private static let clientsPerRegister = 2
    private static let readTime = 1_500

    private unowned let world: NodeWorld
    private var history: [Operation<RegisterInput<Int>, RegisterOutput<Int>>] = []
    private var isStopped = false
    private var lastValue = 0
    private var lastRead: UInt64 = 0
    private var open = 0

    init(_ world: NodeWorld) { self.world = world }

    var isIdle: Bool { self.isStopped && self.open == 0 }

    func stop() { self.isStopped = true }

    func begin(_ instance: Key) {
        for client in 0..<Self.clientsPerRegister { self.planNext(instance, UInt64(client)) }
    }

    private func planNext(_ instance: Key, _ client: UInt64) {
        self.world.plan(after: 20 + self.world.random.next(below: 300)) { [unowned self] in
            guard !self.isStopped else { return }
            self.open += 1
            if self.world.random.next(below: 2) == 0 {
                self.write(instance, client)
            } else {
                self.read(instance, client)
            }
        }
    }

    private func end(
        _ instance: Key,
        _ client: UInt64,
        _ invoked: Int,
        _ input: RegisterInput<Int>,
        _ outcome: Outcome<RegisterOutput<Int>>
    ) {
        self.open -= 1
        let isAnswered = if case .ok = outcome { true } else { false }
        self.history.append(
            Operation(
                key: "\(instance)",
                client: client,
                invoked: Int64(invoked),
                completed: isAnswered ? Int64(self.world.now) : nil,
                input: input,
                outcome: outcome
            )
        )
        self.planNext(instance, client)
    }

    private func write(_ instance: Key, _ client: UInt64) {
        self.lastValue += 1
        let value = self.lastValue
        let invoked = self.world.now
        let command = Command.setVariables(scope: instance, variables: .one("r", "\(value)"), isLocal: true)
        self.world.gateway.submit(
            command,
            key: RequestID("write-\(value)"),
            at: self.world.clients.someHost()
        ) { [unowned self] outcome in
            let result: Outcome<RegisterOutput<Int>> =
                switch outcome {
                case .answered(.rejected), .refused: .failed
                case .answered: .ok(.written)
                case .unknown: .unknown
                }
            self.end(instance, client, invoked, .write(value), result)
        }
    }

    private func read(_ instance: Key, _ client: UInt64) {
        let host = self.world.clients.someHost()
        let invoked = self.world.now
        guard host.isUp, host.pausedUntil <= self.world.now, let group = host.group(EngineGroups.instances) else {
            self.end(instance, client, invoked, .read, .failed)
            return
        }
        self.lastRead += 1
        let id = ReadRequestID(self.lastRead)
        var isDone = false
        group.reads[id] = { [unowned self, unowned group] isReady in
            // What is read here and now is the answer; it takes a moment on its way.
            var value: [UInt8]?
            if isReady {
                self.world.attempt(on: host) { value = try group.committedVariable("r", scope: instance) }
            }
            self.world.plan(after: 1) { [unowned self] in
                guard !isDone else { return }
                isDone = true
                self.world.count(\.reads)
                let number = value.flatMap { Int(String(decoding: $0, as: UTF8.self)) }
                self.end(instance, client, invoked, .read, isReady ? .ok(.value(number)) : .failed)
            }
        }
        self.world.plan(after: Self.readTime) { [unowned self] in
            guard !isDone else { return }
            isDone = true
            self.end(instance, client, invoked, .read, .failed)
        }
        self.world.step(host, group, [.read(id)])
    }

    func checkAtTheEnd() {
        let checker = LinearizabilityChecker(RegisterModel<Int>(), stepLimit: 200_000)
        switch checker.check(self.history) {
        case .linearizable: break
        case .undecided: self.world.count(\.undecided)
        case .violated(let counterexample): self.world.violation("registers are linearizable: \(counterexample)")
        case .malformed(let problem): self.world.violation("a malformed history: \(problem)")
        }
    }
}
