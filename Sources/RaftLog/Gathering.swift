import Glibc

/// How long whoever has the turn waits for company before it begins a transaction.
///
/// Writers that wait come back as soon as they are told: those of the last transaction are on their way while the next
/// one begins. Without patience two writers would alternate, each with a sync of its own. So the next transaction waits
/// until as many have come as were there lately, for as long as one follows the other closely. A single writer is all
/// the company there is, and never waits.
struct Gathering {
    /// Writers that were served last, and those that had come meanwhile.
    private var expected = 0
    /// How long the last transaction took.
    private var nanoseconds: UInt64 = 0

    /// The longest wait after an arrival, in nanoseconds; at most a quarter of a transaction.
    private static let patience: UInt64 = 50_000
    /// The longest wait in all; at most two transactions.
    private static let limit: UInt64 = 1_000_000

    /// Time of the monotonic clock in nanoseconds.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Notes how a transaction went.
    mutating func note(batch: Int, queued: Int, nanoseconds: UInt64) {
        self.expected = batch + queued
        self.nanoseconds = nanoseconds
    }

    /// Waits while more writers may be expected. `count` tells how many are there.
    func wait(_ count: () -> Int) {
        var seen = count()
        guard seen < self.expected else { return }
        let start = Self.now()
        let patience = min(Self.patience, self.nanoseconds / 4)
        let limit = min(Self.limit, 2 * self.nanoseconds)
        var lastArrival = start
        while true {
            // The others need the processor more than this thread does.
            sched_yield()
            let found = count()
            let now = Self.now()
            if found >= self.expected || now - start > limit { return }
            if found > seen {
                seen = found
                lastArrival = now
            } else if now - lastArrival > patience {
                return
            }
        }
    }
}
