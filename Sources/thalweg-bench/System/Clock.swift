import Glibc

/// The time of the monotonic clock in nanoseconds. Only differences mean something.
func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

extension UInt64 {
    /// A number of seconds in nanoseconds; 0 for anything that is not positive.
    static func nanoseconds(seconds: Double) -> UInt64 { seconds > 0 ? UInt64(Swift.min(seconds, 1e9) * 1e9) : 0 }

    /// These nanoseconds in seconds.
    var seconds: Double { Double(self) / 1e9 }
}

/// Sleeps, but not through an interruption.
/// - Throws: when the program is interrupted.
func pause(seconds: Double) throws {
    let end = monotonicNanoseconds() + .nanoseconds(seconds: seconds)
    while true {
        try Interruption.check()
        let now = monotonicNanoseconds()
        guard now < end else { return }
        let step = min(end - now, 100_000_000)
        var time = timespec(tv_sec: 0, tv_nsec: Int(step))
        nanosleep(&time, nil)
    }
}
