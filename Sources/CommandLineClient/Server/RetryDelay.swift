/// The wait before another attempt: doubling from `first` to `limit`, with jitter so that many clients do not come back
/// at the same moment.
struct RetryDelay: Equatable, Sendable {
    let first: Duration
    let limit: Duration

    /// For a request that was answered 503: about six seconds over all attempts.
    static let request = RetryDelay(first: .milliseconds(100), limit: .seconds(2))
    /// How often a request answered 503 is sent at most.
    static let requestAttemptLimit = 7
    /// And for how long: a server without a quorum takes its time to answer 503.
    static let requestTimeLimit: Duration = .seconds(15)
    /// For a worker that has lost its server.
    static let worker = RetryDelay(first: .milliseconds(200), limit: .seconds(10))

    /// The wait before attempt `attempt + 1` (the first attempt is 1); `jitter` in 0..<1 picks within the upper half.
    func wait(after attempt: Int, jitter: Double) -> Duration {
        let doublings = min(max(attempt - 1, 0), 20)
        var full = self.first
        for _ in 0..<doublings where full < self.limit {
            full *= 2
        }
        full = min(full, self.limit)
        let share = min(max(jitter, 0), 1)
        return full / 2 + full * (share / 2)
    }
}
