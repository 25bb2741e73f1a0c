/// Creates a number of instances as fast as the clients can.
struct Creation {
    let count: Int
    let clients: Int

    /// - Returns: instances created per second.
    func run(_ model: Model, port: UInt16) throws -> Double {
        try self.run([Endpoint(port: port)], body: model.creationBody)
    }

    /// The same with another body, by clients spread over several nodes.
    func run(_ endpoints: [Endpoint], body: String) throws -> Double {
        let pool = try ClientPool(endpoints, count: self.clients)
        let request = pool.requests.post("/v2/process-instances", body)
        let start = monotonicNanoseconds()
        var watch = LoadWatch(start: start)
        var sent = min(self.clients, self.count)
        var created = 0
        for client in 0..<sent { try pool.send(request, on: client) }
        while created < self.count {
            try pool.poll(milliseconds: 200) { answer in
                guard answer.status == 200 else { throw LoadWatch.unexpected(answer, "created instance") }
                created += 1
                if sent < self.count {
                    sent += 1
                    try pool.send(request, on: answer.client)
                }
            }
            let progress = "\(created) of \(self.count) waiting instances created"
            try watch.check(finishedRequests: created, progress)
        }
        return Double(created) / max((monotonicNanoseconds() - start).seconds, 1e-9)
    }
}

/// Reports a load's progress each second and gives up when there is none.
struct LoadWatch {
    private static let silenceLimitSeconds = 30.0

    private let start: UInt64
    private var nextLine: UInt64
    private var finishedRequests = 0
    private var lastProgress: UInt64

    init(start: UInt64) {
        self.start = start
        self.nextLine = start + .nanoseconds(seconds: 1)
        self.lastProgress = start
    }

    /// Returns true about once a second.
    /// - Throws: when the number of finished requests has not grown for 30 s.
    @discardableResult
    mutating func check(finishedRequests: Int, _ text: @autoclosure () -> String) throws -> Bool {
        let now = monotonicNanoseconds()
        if finishedRequests > self.finishedRequests {
            self.finishedRequests = finishedRequests
            self.lastProgress = now
        }
        guard (now - self.lastProgress).seconds < Self.silenceLimitSeconds else {
            throw BenchError("Expected answers, but none came for \(Self.silenceLimitSeconds) s: \(text())")
        }
        guard now >= self.nextLine else { return false }
        self.nextLine = now + .nanoseconds(seconds: 1)
        Progress.line("  \(Unit.seconds.text((now - self.start).seconds)): \(text())")
        return true
    }

    static func unexpected(_ answer: ClientPool.Answer, _ expected: String) -> BenchError {
        let text = String(decoding: answer.body.prefix(500), as: UTF8.self)
        return BenchError("Expected a \(expected), but got status \(answer.status): \(text)")
    }
}
