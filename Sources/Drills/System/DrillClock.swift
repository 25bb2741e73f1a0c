import Glibc

/// The machine's monotonic clock, which all processes of a drill share.
enum DrillClock {
    /// Nanoseconds since some moment before.
    static func nanoseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }

    static func sleep(seconds: Double) {
        guard seconds > 0 else { return }
        let whole = Int(seconds)
        var rest = timespec(tv_sec: whole, tv_nsec: Int((seconds - Double(whole)) * 1_000_000_000))
        var remaining = timespec()
        while nanosleep(&rest, &remaining) != 0, errno == EINTR { rest = remaining }
    }
}

/// Time within one drill: seconds since it began.
struct Stopwatch: Sendable {
    /// The monotonic clock when the drill began.
    let origin: Int64

    init(origin: Int64 = DrillClock.nanoseconds()) { self.origin = origin }

    var seconds: Double { self.seconds(at: DrillClock.nanoseconds()) }

    func seconds(at nanoseconds: Int64) -> Double { Double(nanoseconds - self.origin) / 1_000_000_000 }
}
