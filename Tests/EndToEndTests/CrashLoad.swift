import Foundation
import JSON
import Synchronization

/// Tells the clients of the crash test where the server is now, and when to stop.
final class ServerGate: @unchecked Sendable {
    // Guarded by `condition`.
    private let condition = NSCondition()
    private var port: UInt16?
    private var stops = false

    /// Blocks while the server is away; nil once there is nothing more to do.
    func waitForPort() -> UInt16? {
        self.condition.lock()
        defer { self.condition.unlock() }
        while self.port == nil, !self.stops { self.condition.wait() }
        return self.port
    }

    var isStopped: Bool {
        self.condition.lock()
        defer { self.condition.unlock() }
        return self.stops
    }

    func open(_ port: UInt16) { self.change { self.port = port } }
    func close() { self.change { self.port = nil } }
    /// No new work; what is being asked is still asked to its end, as long as the gate is open.
    func stop() { self.change { self.stops = true } }

    private func change(_ body: () -> Void) {
        self.condition.lock()
        body()
        self.condition.broadcast()
        self.condition.unlock()
    }
}

/// What the server acknowledged to the clients, written down by the clients.
final class Ledger: Sendable {
    struct Contents: Sendable {
        /// Instance by the id it was created under, and by process.
        var created: [String: [String: String]] = [:]
        /// Key of the message by the id it was published under.
        var starting: [String: String] = [:]
        var correlated: [String: String] = [:]
        /// Instance by key of the completed job.
        var completedJobs: [String: String] = [:]
        /// Every key ever given out for something new.
        var keys: Set<String> = []
        var repeatedRequests = 0
        var lostRaces = 0
        /// What should never have been seen.
        var violations: [String] = []
    }

    private let contents = Mutex(Contents())

    var snapshot: Contents { self.contents.withLock { $0 } }

    func note(_ change: (inout Contents) -> Void) { self.contents.withLock { change(&$0) } }

    func violation(_ text: String) { self.note { if $0.violations.count < 50 { $0.violations.append(text) } } }

    /// Writes down a key for something new; the same key twice is a violation.
    func newKey(_ key: String, for what: String) {
        self.note { contents in
            if key.isEmpty || !contents.keys.insert(key).inserted {
                contents.violations.append("\(what) got the key '\(key)', which is not new")
            }
        }
    }
}

/// One client of the crash test: it asks until it has an answer, whatever happens to the server meanwhile.
struct CrashClient {
    let gate: ServerGate
    let ledger: Ledger
    let name: String
    /// Whether no further work is to be begun.
    var isStopped: @Sendable () -> Bool
    private var random: SeededGenerator
    private var connection: HTTPConnection?
    private var connectedPort: UInt16 = 0

    init(gate: ServerGate, ledger: Ledger, name: String, seed: UInt64) {
        self.gate = gate
        self.ledger = ledger
        self.name = name
        self.random = SeededGenerator(seed: seed)
        self.isStopped = { gate.isStopped }
    }

    /// Sends a request again and again until it is surely executed or refused. 503 says surely not executed; everything
    /// without an answer may have been executed, and is made safe by the request's idempotency key.
    private mutating func settle(_ request: HTTPRequest) -> HTTPReply? {
        while let port = self.gate.waitForPort() {
            if self.connection == nil || self.connectedPort != port {
                self.connection = HTTPConnection(port: port, timeoutSeconds: 20)
                self.connectedPort = port
            }
            if let reply = try? self.connection?.send(request), reply.status != 503, reply.status != 504 {
                return reply
            }
            self.ledger.note { $0.repeatedRequests += 1 }
            // The server is gone or not ready; its successor has another port.
            usleep(1_000)
        }
        return nil
    }

    // MARK: Kinds of load

    /// Creates instances of one task; now and then repeats an acknowledged request.
    mutating func create() {
        var number = 0
        while !self.isStopped() {
            number += 1
            _ = self.create("one-task", id: "\(self.name)-\(number)")
        }
    }

    /// Starts instances by message, and lets messages arrive at waiting instances, in turn.
    mutating func publish() {
        var number = 0
        while !self.isStopped() {
            number += 1
            let id = "\(self.name)-\(number)"
            if number % 2 == 0 {
                self.publish("work-wanted", correlationKey: "", id: id) { $0.starting[id] = $1 }
            } else if self.create("message", id: id) {
                self.publish("message-arrived", correlationKey: id, id: id) { $0.correlated[id] = $1 }
            }
        }
    }

    /// Completes jobs until told to stop, and then what is left of them.
    mutating func work() {
        let body = """
            {"type":"work","worker":"\(self.name)","timeout":3000,"maxJobsToActivate":16,"requestTimeout":200,\
            "fetchVariable":["id"]}
            """
        while !self.isStopped() {
            guard let reply = self.settle(.post("/v2/jobs/activation", body)) else { return }
            guard reply.status == 200 else {
                self.ledger.violation("activation answered \(reply)")
                continue
            }
            for job in reply.json["jobs"].arrayValue ?? [] { self.complete(job) }
        }
    }

    private mutating func create(_ process: String, id: String) -> Bool {
        let request = HTTPRequest.post(
            "/v2/process-instances",
            "{\"processDefinitionId\":\"\(process)\",\"variables\":{\"id\":\"\(id)\",\"key\":\"\(id)\"}}",
            idempotencyKey: "create-\(id)"
        )
        guard let reply = self.settle(request) else { return false }
        let key = reply.json.text("processInstanceKey")
        guard reply.status == 200, !key.isEmpty else {
            self.ledger.violation("creation of \(id) answered \(reply)")
            return false
        }
        self.ledger.newKey(key, for: "instance \(id)")
        self.ledger.note { $0.created[process, default: [:]][id] = key }
        if self.random.next() % 8 == 0, let again = self.settle(request) {
            let secondKey = again.json.text("processInstanceKey")
            if secondKey != key { self.ledger.violation("repeated creation of \(id): \(key), then \(again)") }
        }
        return true
    }

    private mutating func publish(
        _ message: String,
        correlationKey: String,
        id: String,
        _ note: (inout Ledger.Contents, String) -> Void
    ) {
        let request = HTTPRequest.post(
            "/v2/messages/publication",
            "{\"name\":\"\(message)\",\"correlationKey\":\"\(correlationKey)\",\"timeToLive\":600000,"
                + "\"variables\":{\"id\":\"\(id)\"}}",
            idempotencyKey: "publish-\(message)-\(id)"
        )
        guard let reply = self.settle(request) else { return }
        let key = reply.json.text("messageKey")
        guard reply.status == 200, !key.isEmpty else {
            self.ledger.violation("publication of \(id) answered \(reply)")
            return
        }
        self.ledger.newKey(key, for: "message \(id)")
        self.ledger.note { note(&$0, key) }
        if self.random.next() % 8 == 0, let again = self.settle(request), again.json.text("messageKey") != key {
            self.ledger.violation("repeated publication of \(id): \(key), then \(again)")
        }
    }

    private mutating func complete(_ job: JSONValue) {
        let key = job.text("jobKey")
        let deadline = job["deadline"].int64Value ?? 0
        let request = HTTPRequest.post(
            "/v2/jobs/\(key)/completion",
            "{\"variables\":{\"completedBy\":\"\(self.name)\"}}",
            idempotencyKey: "complete-\(key)-\(deadline)"
        )
        guard let reply = self.settle(request) else { return }
        switch reply.status {
        case 204:
            self.ledger.note { contents in
                let instance = job.text("processInstanceKey")
                if contents.completedJobs.updateValue(instance, forKey: key) != nil {
                    contents.violations.append("job \(key) was completed twice")
                }
            }
        case 404:
            // Its time was over, and another worker was first.
            self.ledger.note { $0.lostRaces += 1 }
        default: self.ledger.violation("completion of job \(key) answered \(reply)")
        }
    }
}
