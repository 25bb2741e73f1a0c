import Foundation
import Synchronization

/// Runs blocking work on a thread of its own, so that it never holds up the pool that tests run on.
func onOwnThread<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Swift.Result { try work() }) }.start()
    }
}

/// Threads that were started together and are awaited together.
final class ThreadGroup: Sendable {
    private let group = DispatchGroup()

    func start(_ work: @escaping @Sendable () -> Void) {
        self.group.enter()
        Thread { [group] in
            work()
            group.leave()
        }.start()
    }

    /// Blocks until all have ended; false when that takes longer than `seconds`.
    func join(seconds: Int) -> Bool { self.group.wait(timeout: .now() + .seconds(seconds)) == .success }
}

/// A test's own complaint.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Asks again and again until there is an answer; throws when there is none in time. For what happens in another
/// process by itself, which nothing announces.
func eventually<Value>(
    _ what: String,
    within limit: Duration = .seconds(15),
    _ probe: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    while true {
        if let value = try await probe() { return value }
        guard ContinuousClock.now < deadline else { throw Failure("Expected within \(limit): \(what)") }
        try await Task.sleep(for: .milliseconds(25))
    }
}

/// Reproducible random numbers (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
