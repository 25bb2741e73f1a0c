/// How long to wait before a connection is tried again: not at all at first, then at random up to a bound that doubles.
struct Backoff: Hashable, Sendable {
    let first: UInt64
    let longest: UInt64
    private var failures = 0

    init(first: UInt64, longest: UInt64) {
        self.first = max(1, first)
        self.longest = max(self.first, longest)
    }

    /// The next wait in milliseconds.
    ///
    /// - Parameter chance: uniform in 0..<1.
    mutating func next(chance: Double) -> UInt64 {
        defer { self.failures = min(self.failures + 1, 32) }
        guard self.failures > 0 else { return 0 }
        let bound = min(self.longest, self.first << UInt64(min(self.failures - 1, 30)))
        // At least half the bound, so that waits grow; the rest at random, so that nodes do not meet again and again.
        return bound / 2 + UInt64(chance * Double(bound - bound / 2 + 1))
    }

    /// After a connection that worked.
    mutating func reset() { self.failures = 0 }
}
