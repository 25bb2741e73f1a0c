import Foundation
import Glibc

/// Time for a leader: the wall clock at the start, moved on by the monotonic clock, so that it never jumps.
struct NodeClock: Sendable {
    private let origin: Int64

    init() { origin = NodeClock.milliseconds(CLOCK_REALTIME) - NodeClock.milliseconds(CLOCK_MONOTONIC) }

    /// Milliseconds since 1970.
    var now: Int64 { origin + NodeClock.milliseconds(CLOCK_MONOTONIC) }

    private static func milliseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// Names the calling thread, as tools of the operating system show it. At most 15 bytes count.
func nameThread(_ name: String) {
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = name.withCString { write(descriptor, $0, strlen($0)) }
    close(descriptor)
}

/// Runs a closure on a thread of its own.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) {
    let thread = Thread {
        nameThread(name)
        body()
    }
    thread.start()
}
