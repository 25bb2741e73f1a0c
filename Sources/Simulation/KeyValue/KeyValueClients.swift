import Linearizability
import RaftCore

/// A command or a read on its way to a server.
struct ClientRequest {
    var client: Int
    var sequence: UInt64
    var attempt: Int
    var key: UInt64
    var input: RegisterInput<UInt64>
}

/// What a server says to one attempt.
enum ServerAnswer {
    case done(RegisterOutput<UInt64>)
    /// This attempt has no effect and never will.
    case refused(leader: NodeID?)
}

/// A client with one operation at a time, which it sends again under the same number until it is answered or gives up.
struct SimulatedClient {
    struct Current {
        var input: RegisterInput<UInt64>
        var key: UInt64
        var invoked: Int64
        var deadline: Int
        /// Attempts that may have an effect: neither answered nor refused.
        var open: Set<Int> = []
        var attempt = 0
    }

    let number: Int
    var sequence: UInt64 = 0
    var leader: NodeID?
    var current: Current?
    /// Values are unique, so that a read tells which write it saw.
    var nextValue: UInt64
    var completed = 0

    init(number: Int) {
        self.number = number
        self.nextValue = UInt64(number + 1) << 32
    }
}

extension KeyValueSimulation {
    mutating func act(_ number: Int) {
        guard self.clients[number].current == nil else { return }
        let key = UInt64(self.random.next(below: self.options.keys))
        let input: RegisterInput<UInt64>
        if self.random.next(below: 1_000) < self.options.readChance {
            input = .read
        } else {
            self.clients[number].nextValue += 1
            let value = self.clients[number].nextValue
            let compares = self.random.next(below: 3) == 0
            input = compares ? .compareAndSet(expected: self.lastSeen[key], new: value) : .write(value)
        }
        self.clients[number].sequence += 1
        self.clients[number].current = SimulatedClient.Current(
            input: input,
            key: key,
            invoked: self.moment(),
            deadline: self.now + self.options.operationTime
        )
        self.attempt(number)
    }

    /// A time that tells apart what happens in the same millisecond.
    func moment() -> Int64 { Int64(self.report.events) }

    private mutating func attempt(_ number: Int) {
        guard var current = self.clients[number].current else { return }
        current.attempt += 1
        current.open.insert(current.attempt)
        self.clients[number].current = current
        let request = ClientRequest(
            client: number,
            sequence: self.clients[number].sequence,
            attempt: current.attempt,
            key: current.key,
            input: current.input
        )
        let server = self.target(of: number, isRead: current.input == .read)
        self.queue.plan(.attemptTimeout(request), at: self.now + self.options.attemptTime)
        // A connection loses what is sent, but never repeats it.
        guard !self.happens(self.options.lossChance / 4) else { return }
        self.queue.plan(.request(request, to: server), at: self.now + self.draw(self.options.clientLatency))
    }

    private mutating func target(of number: Int, isRead: Bool) -> NodeID {
        if let leader = self.clients[number].leader, !isRead || self.random.next(below: 2) == 0 { return leader }
        return self.servers[self.random.next(below: self.servers.count)].id
    }

    mutating func attemptTimedOut(_ request: ClientRequest) {
        guard let current = self.current(of: request), current.attempt == request.attempt else { return }
        self.clients[request.client].leader = nil
        self.goOn(request.client, current)
    }

    private func current(of request: ClientRequest) -> SimulatedClient.Current? {
        guard self.clients[request.client].sequence == request.sequence else { return nil }
        return self.clients[request.client].current
    }

    private mutating func goOn(_ number: Int, _ current: SimulatedClient.Current) {
        guard self.now < current.deadline else {
            self.finish(number, current.open.isEmpty ? .failed : .unknown)
            return
        }
        self.attempt(number)
    }

    mutating func answer(_ request: ClientRequest, _ answer: ServerAnswer) {
        guard !self.happens(self.options.lossChance / 4) else { return }
        self.queue.plan(.answer(request, answer), at: self.now + self.draw(self.options.clientLatency))
    }

    mutating func take(_ answer: ServerAnswer, to request: ClientRequest) {
        guard var current = self.current(of: request) else { return }
        switch answer {
        case .done(let output):
            if case .value(let value) = output { self.lastSeen[request.key] = value }
            if request.input != .read { self.acknowledged.append((UInt64(request.client), request.sequence)) }
            self.clients[request.client].completed += 1
            self.finish(request.client, .ok(output))
        case .refused(let leader):
            current.open.remove(request.attempt)
            self.clients[request.client].current = current
            guard current.attempt == request.attempt else { return }
            self.clients[request.client].leader = leader
            guard self.now < current.deadline else {
                self.goOn(request.client, current)
                return
            }
            // The next attempt follows soon; the timeout of this one is void then.
            let wait = 1 + self.random.next(below: 20)
            self.queue.plan(.again(client: request.client, request.sequence, request.attempt), at: self.now + wait)
        }
    }

    mutating func again(_ number: Int, _ sequence: UInt64, _ attempt: Int) {
        guard self.clients[number].sequence == sequence, let current = self.clients[number].current else { return }
        guard current.attempt == attempt else { return }
        self.goOn(number, current)
    }

    private mutating func finish(_ number: Int, _ outcome: Outcome<RegisterOutput<UInt64>>) {
        guard let current = self.clients[number].current else { return }
        var completed: Int64? = self.moment()
        switch outcome {
        case .ok: self.report.commands.ok += 1
        case .failed: self.report.commands.failed += 1
        case .unknown:
            self.report.commands.unknown += 1
            completed = nil
        }
        self.history.append(
            Operation(
                key: "key \(current.key)",
                client: UInt64(number),
                invoked: current.invoked,
                completed: completed,
                input: current.input,
                outcome: outcome
            )
        )
        self.clients[number].current = nil
        self.queue.plan(.act(client: number), at: self.now + 1 + self.random.next(below: self.options.thinkTime))
    }

    /// At the end: what is still under way may or may not have had an effect.
    mutating func abandonOperations() {
        for number in self.clients.indices where self.clients[number].current != nil { self.finish(number, .unknown) }
    }
}
