import Foundation
import Synchronization

/// Threads that were started together and are awaited together. Everything in a drill blocks, so it has threads of its
/// own and never holds up the pool of the program.
final class ThreadGroup: Sendable {
    private let group = DispatchGroup()

    func start(_ name: String, _ work: @escaping @Sendable () -> Void) {
        self.group.enter()
        let thread = Thread { [group] in
            work()
            group.leave()
        }
        thread.name = name
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Blocks until all have ended; false when that takes longer.
    @discardableResult
    func join(seconds: Double) -> Bool { self.group.wait(timeout: .now() + seconds) == .success }
}

/// A flag that many threads look at.
final class Signal: Sendable {
    private let isSet = Atomic<Bool>(false)

    var value: Bool { self.isSet.load(ordering: .acquiring) }

    func set() { self.isSet.store(true, ordering: .releasing) }
}

/// Runs blocking work on a thread of its own.
func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try work() }) }
        thread.stackSize = 4 << 20
        thread.start()
    }
}

/// Asks again and again until there is an answer; nil when there is none in time.
func waitFor<Value>(seconds: Double, every interval: Double = 0.02, _ probe: () throws -> Value?) rethrows -> Value? {
    let deadline = DrillClock.nanoseconds() + Int64(seconds * 1_000_000_000)
    while true {
        if let value = try probe() { return value }
        guard DrillClock.nanoseconds() < deadline else { return nil }
        DrillClock.sleep(seconds: interval)
    }
}
