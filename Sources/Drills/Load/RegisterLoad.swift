import JSON
import Synchronization

/// Reads and writes variables of one instance through all nodes, and writes down what each client saw.
struct RegisterLoad: Sendable {
    /// The instance whose variables are the registers.
    let instance: String
    let registers: Int
    let pause: Double
    let addresses: AddressBook
    let stopwatch: Stopwatch
    let ledger: Ledger
    let recorder: RegisterRecorder
    let isClosing: Signal
    /// When set, one read gets an answer that is too old: shows that the checker would see it.
    let plant: StaleReadPlant?

    static func variable(_ register: Int) -> String { "register\(register)" }

    /// One client; it asks one node, and another one for a while when that does not answer.
    func run(client: Int) {
        var random = SeededGenerator(seed: UInt64(client) &* 7_919 &+ 17)
        var node = client
        var connection = self.connection(node)
        var number: Int64 = 0
        while !self.isClosing.value {
            let register = Int(random.next() % UInt64(max(1, self.registers)))
            number += 1
            let isWrite = random.next() % 2 == 0
            // Unlike every other value that is ever written.
            let kind: RegisterOperation.Kind =
                isWrite ? .write(Int64(client) * 1_000_000_000 + number) : .read(nil)
            let place = node % max(1, self.addresses.count)
            let operation = self.perform(kind, register: register, client: client, node: place, on: connection)
            self.recorder.add(operation)
            if operation.outcome != .ok {
                node += 1
                connection = self.connection(node)
                DrillClock.sleep(seconds: 0.005)
            } else if node % self.addresses.count != client % self.addresses.count, random.next() % 16 == 0 {
                node = client
                connection = self.connection(node)
            }
            DrillClock.sleep(seconds: self.pause * (0.5 + random.fraction()))
        }
    }

    private func connection(_ node: Int) -> HTTPConnection {
        HTTPConnection(self.addresses[node], timeoutSeconds: 3)
    }

    private func perform(
        _ kind: RegisterOperation.Kind,
        register: Int,
        client: Int,
        node: Int,
        on connection: HTTPConnection
    ) -> RegisterOperation {
        let began = DrillClock.nanoseconds()
        var result = kind
        var outcome: RegisterOperation.Outcome
        do throws(HTTPFailure) {
            let reply = try connection.send(self.request(kind, register: register))
            switch reply.status {
            case 200, 204:
                outcome = .ok
                if case .read = kind {
                    switch Self.value(in: reply) {
                    case .some(let value): result = .read(value)
                    case .none:
                        self.ledger.violation("a read of register \(register) was answered with \(reply.text)")
                        outcome = .failed
                    }
                }
            case 503: outcome = .failed
            case 504: outcome = .unknown
            default:
                outcome = .unknown
                self.ledger.violation("an operation on register \(register) was answered \(reply.status) \(reply.text)")
            }
        } catch {
            switch error {
            case .notConnected: outcome = .failed
            case .noAnswer: outcome = .unknown
            }
        }
        let ended = DrillClock.nanoseconds()
        if outcome == .ok, case .write = kind {
            self.ledger.acknowledge(
                Acknowledgement(sent: self.stopwatch.seconds(at: began), answered: self.stopwatch.seconds(at: ended))
            )
        }
        let operation = RegisterOperation(
            register: register,
            client: client,
            node: node,
            kind: result,
            outcome: outcome,
            began: began - self.stopwatch.origin,
            ended: ended - self.stopwatch.origin
        )
        return self.plant?.operation(insteadOf: operation) ?? operation
    }

    private func request(_ kind: RegisterOperation.Kind, register: Int) -> HTTPRequest {
        let name = Self.variable(register)
        switch kind {
        case .write(let value):
            return .put(
                "/v2/element-instances/\(self.instance)/variables",
                JSONValue(members: ["variables": JSONValue(members: [name: .int(value)])])
            )
        case .read:
            return .post(
                "/v2/variables/search",
                JSONValue(members: [
                    "filter": JSONValue(members: [
                        "processInstanceKey": .string(self.instance), "name": .string(name),
                    ]),
                    "page": JSONValue(members: ["limit": .int(2)]),
                ])
            )
        }
    }

    /// The value of the one variable found.
    private static func value(in reply: HTTPReply) -> Int64? {
        guard let items = reply.json["items"].arrayValue, items.count == 1 else { return nil }
        return items[0].integer("value")
    }
}

/// Answers one read from an old value: from one that had been overwritten before the read began.
final class StaleReadPlant: Sendable {
    private struct State {
        /// By register: values whose writes were acknowledged, with the end of the write.
        var written: [Int: [(value: Int64, ended: Int64)]] = [:]
        var isDone = false
    }

    private let state = Mutex(State())

    func operation(insteadOf operation: RegisterOperation) -> RegisterOperation {
        self.state.withLock { state in
            guard operation.outcome == .ok else { return operation }
            switch operation.kind {
            case .write(let value):
                state.written[operation.register, default: []].append((value, operation.ended))
                return operation
            case .read(let value):
                let earlier = (state.written[operation.register] ?? []).filter { $0.ended < operation.began }
                guard !state.isDone, earlier.count >= 8, let old = earlier.first, old.value != value else {
                    return operation
                }
                state.isDone = true
                var result = operation
                result.kind = .read(old.value)
                return result
            }
        }
    }
}
