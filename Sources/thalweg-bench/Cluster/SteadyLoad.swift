import Glibc

/// Clients that create instances whatever happens to the nodes: a request without an answer is repeated under its
/// idempotency key, at another node if need be, until it is acknowledged.
final class SteadyLoad {
    private static let retryPauseNanoseconds: UInt64 = 5_000_000
    private static let silenceLimitSeconds = 60.0

    private struct Client {
        var connection: Connection?
        var isSent = false
        var request: [UInt8] = []
        var retryTime: UInt64 = 0
        /// Which of the endpoints it uses.
        var turn: Int
        var number = 0
    }

    private let model: Model
    private let cluster: ThalwegCluster
    private var clients: [Client]
    private var watched: [pollfd] = []
    private var isEnding = false
    /// When commands were acknowledged, in order.
    private(set) var times: [UInt64] = []
    /// The keys of all acknowledged instances.
    private(set) var keys: [Int64] = []
    /// Answers and broken connections after which a request was repeated.
    private(set) var repetitions = 0

    init(_ cluster: ThalwegCluster, _ model: Model, clients count: Int) {
        self.cluster = cluster
        self.model = model
        self.clients = (0..<count).map { Client(turn: $0) }
        self.times = [monotonicNanoseconds()]
    }

    /// Lets the clients work for a moment.
    func advance(milliseconds: Int32 = 2) throws {
        try Interruption.check()
        let now = monotonicNanoseconds()
        guard now - (self.times.last ?? now) < .nanoseconds(seconds: Self.silenceLimitSeconds) else {
            throw BenchError("Expected acknowledgements, but none came for \(Self.silenceLimitSeconds) s")
        }
        self.watched.removeAll(keepingCapacity: true)
        for index in self.clients.indices {
            self.sendIfDue(index, now)
            let descriptor = self.clients[index].isSent ? self.clients[index].connection?.descriptor : nil
            // A negative descriptor is passed over.
            self.watched.append(pollfd(fd: descriptor ?? -1, events: Int16(POLLIN), revents: 0))
        }
        guard Glibc.poll(&self.watched, nfds_t(self.watched.count), milliseconds) > 0 else { return }
        for index in self.clients.indices where self.watched[index].revents != 0 { self.receive(index) }
    }

    /// Lets the clients work for some seconds.
    func run(seconds: Double) throws {
        let end = monotonicNanoseconds() + .nanoseconds(seconds: seconds)
        while monotonicNanoseconds() < end { try self.advance() }
    }

    /// Sends nothing new and waits until every request is acknowledged.
    func finish() throws {
        self.isEnding = true
        while self.clients.contains(where: { !$0.request.isEmpty }) { try self.advance() }
    }

    private func sendIfDue(_ index: Int, _ now: UInt64) {
        guard !self.clients[index].isSent, self.clients[index].retryTime <= now else { return }
        if self.clients[index].connection == nil {
            let endpoints = self.cluster.endpoints
            guard !endpoints.isEmpty else { return }
            let endpoint = endpoints[self.clients[index].turn % endpoints.count]
            self.clients[index].connection = try? Connection(endpoint)
        }
        guard let connection = self.clients[index].connection else { return self.tryElsewhere(index, now) }
        if self.clients[index].request.isEmpty {
            if self.isEnding { return }
            self.clients[index].number += 1
            let key = "Idempotency-Key: bench-\(index)-\(self.clients[index].number)\r\n"
            self.clients[index].request = RequestWriter(Endpoint(port: 0))
                .post("/v2/process-instances", Array(self.model.creationBody.utf8), fields: key)
        }
        guard (try? connection.send(self.clients[index].request, isWaiting: true)) == true else {
            return self.tryElsewhere(index, now)
        }
        self.clients[index].isSent = true
    }

    private func receive(_ index: Int) {
        guard let connection = self.clients[index].connection else { return }
        let answer: (status: Int, key: Int64?)?
        do {
            answer = try connection.receive(isWaiting: false) { status, body in
                var key: Int64?
                ByteSearch.integers(after: "\"processInstanceKey\":\"", in: body) { key = $0 }
                return (status, key)
            }
        } catch {
            return self.tryElsewhere(index, monotonicNanoseconds())
        }
        guard let answer else { return }
        let now = monotonicNanoseconds()
        guard answer.status == 200, let key = answer.key else { return self.tryElsewhere(index, now) }
        self.times.append(now)
        self.keys.append(key)
        self.clients[index].isSent = false
        self.clients[index].request = []
    }

    private func tryElsewhere(_ index: Int, _ now: UInt64) {
        self.repetitions += 1
        self.clients[index].connection = nil
        self.clients[index].isSent = false
        self.clients[index].turn += 1
        self.clients[index].retryTime = now + Self.retryPauseNanoseconds
    }
}
