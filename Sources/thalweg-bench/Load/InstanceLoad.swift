import Glibc

/// Creates instances of a one-task process with some clients and works their jobs with the others, until a time is over
/// or a number is reached; then no more are created and the workers finish what is open.
///
/// Creation never runs far ahead: from `openLimit` unfinished instances on, a creating client waits for a completion.
final class InstanceLoad {
    struct Settings {
        var creators: Int
        var workers: Int
        var openLimit: Int
        /// Jobs a worker takes at once.
        var activationSize = 32
        /// Load before anything is counted.
        var warmUpSeconds: Double
        /// Counted load; ends earlier at `instanceLimit`.
        var seconds: Double
        var instanceLimit = Int.max
    }

    /// What happened between the end of the warm-up and the end of the load.
    struct Result {
        var seconds = 0.0
        var created = 0
        var completed = 0
        /// Answers 503: the server was too busy, the client tried again.
        var refusals = 0
        var creation = LatencyHistogram()
        var completion = LatencyHistogram()
        var consumption: Consumption?

        /// Instances created and completed per second: the slower of the two.
        var rate: Double { self.seconds > 0 ? Double(min(self.created, self.completed)) / self.seconds : 0 }
    }

    private enum Work {
        case creation
        case activation
        case completion
    }

    private static let retryPauseNanoseconds: UInt64 = 5_000_000
    private static let workerTimeoutMilliseconds = 600_000
    private static let longPollMilliseconds = 2_000

    private let settings: Settings
    private let processIDs: [pid_t]
    private let pool: ClientPool
    private let creationRequest: [UInt8]
    private let activationRequest: [UInt8]
    /// What each client does; its last request, for another try.
    private var works: [Work]
    private var requests: [[UInt8]]
    private var jobs: [[Int64]]
    private var idleCreators: [Int] = []
    private var refused: [(time: UInt64, client: Int)] = []

    private var isCreating = true
    private var isCounting = false
    private var createdCount = 0
    private var creationsUnderWay = 0
    private var result = Result()
    /// Instances that reached their end, warm-up included.
    private(set) var completedCount = 0
    /// The keys of all instances created, warm-up included.
    private(set) var instanceKeys: [Int64] = []

    convenience init(_ settings: Settings, model: Model, server: ServerProcess) throws {
        let endpoint = Endpoint(port: server.port)
        try self.init(settings, model: model, endpoints: [endpoint], processIDs: [server.processID])
    }

    /// - Parameters:
    ///   - endpoints: the nodes of one cluster; creators and workers are spread over them in turn.
    ///   - processIDs: whose consumption is counted.
    init(_ settings: Settings, model: Model, endpoints: [Endpoint], processIDs: [pid_t]) throws {
        let count = settings.creators + settings.workers
        self.settings = settings
        self.processIDs = processIDs
        self.pool = try ClientPool(endpoints, count: count)
        self.creationRequest = self.pool.requests.post("/v2/process-instances", model.creationBody)
        self.activationRequest = self.pool.requests.post(
            "/v2/jobs/activation",
            "{\"type\":\"\(model.jobType)\",\"worker\":\"bench\",\"timeout\":\(Self.workerTimeoutMilliseconds),"
                + "\"maxJobsToActivate\":\(settings.activationSize),\"requestTimeout\":\(Self.longPollMilliseconds)}"
        )
        self.works = (0..<count).map { $0 < settings.creators ? .creation : .activation }
        self.requests = (0..<count).map { _ in [] }
        self.jobs = (0..<count).map { _ in [] }
    }

    /// Runs the load.
    /// - Parameter everySecond: called about once a second, also while the open instances are finished.
    func run(everySecond: () throws -> Void = {}) throws -> Result {
        let start = monotonicNanoseconds()
        let countingStart = start + .nanoseconds(seconds: self.settings.warmUpSeconds)
        let end = countingStart + .nanoseconds(seconds: self.settings.seconds)
        var watch = LoadWatch(start: start)
        var consumption: Consumption?
        var actualStart = start
        for client in self.works.indices { try self.next(client) }
        while self.isCreating || self.creationsUnderWay > 0 || self.completedCount < self.createdCount {
            try self.pool.poll(milliseconds: 5) { answer in try self.handle(answer) }
            let now = monotonicNanoseconds()
            try self.retryRefused(now)
            if self.isCreating, !self.isCounting, now >= countingStart {
                self.isCounting = true
                actualStart = now
                consumption = Consumption.current(servers: self.processIDs)
            }
            if self.isCreating, now >= end || self.createdCount >= self.settings.instanceLimit {
                self.isCreating = false
                self.isCounting = false
                self.result.seconds = (now - actualStart).seconds
                self.result.consumption = consumption.map { Consumption.current(servers: self.processIDs) - $0 }
            }
            let finished = self.createdCount + self.completedCount
            let text = "\(self.createdCount) created, \(self.completedCount) completed"
            if try watch.check(finishedRequests: finished, text) { try everySecond() }
        }
        return self.result
    }

    // MARK: Clients

    /// Sends what a client does next.
    private func next(_ client: Int) throws {
        switch self.works[client] {
        case .creation:
            guard self.isCreating, self.createdCount + self.creationsUnderWay < self.settings.instanceLimit else {
                return
            }
            guard self.createdCount - self.completedCount < self.settings.openLimit else {
                self.idleCreators.append(client)
                return
            }
            self.creationsUnderWay += 1
            try self.send(self.creationRequest, client)
        case .activation, .completion:
            guard let job = self.jobs[client].popLast() else {
                self.works[client] = .activation
                return try self.send(self.activationRequest, client)
            }
            self.works[client] = .completion
            try self.send(self.pool.requests.post("/v2/jobs/\(job)/completion", "{}"), client)
        }
    }

    private func send(_ request: [UInt8], _ client: Int) throws {
        self.requests[client] = request
        try self.pool.send(request, on: client)
    }

    private func handle(_ answer: ClientPool.Answer) throws {
        let client = answer.client
        if answer.status == 503 {
            self.result.refusals += 1
            self.refused.append((answer.time + Self.retryPauseNanoseconds, client))
            return
        }
        switch self.works[client] {
        case .creation:
            guard answer.status == 200 else { throw LoadWatch.unexpected(answer, "created instance") }
            self.createdCount += 1
            self.creationsUnderWay -= 1
            ByteSearch.integers(after: "\"processInstanceKey\":\"", in: answer.body) { self.instanceKeys.append($0) }
            if self.isCounting {
                self.result.created += 1
                self.result.creation.record(answer.nanoseconds)
            }
        case .activation:
            guard answer.status == 200 else { throw LoadWatch.unexpected(answer, "list of jobs") }
            ByteSearch.integers(after: "\"jobKey\":\"", in: answer.body) { self.jobs[client].append($0) }
        case .completion:
            guard answer.status == 204 else { throw LoadWatch.unexpected(answer, "completed job") }
            self.completedCount += 1
            if self.isCounting {
                self.result.completed += 1
                self.result.completion.record(answer.nanoseconds)
            }
            if let creator = self.idleCreators.popLast() { try self.next(creator) }
        }
        try self.next(client)
    }

    private func retryRefused(_ now: UInt64) throws {
        guard let first = self.refused.first, first.time <= now else { return }
        let due = self.refused.filter { $0.time <= now }
        self.refused.removeAll { $0.time <= now }
        for entry in due { try self.send(self.requests[entry.client], entry.client) }
    }
}
