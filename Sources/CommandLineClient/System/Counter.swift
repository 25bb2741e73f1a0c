import Synchronization

/// A number that one task raises and another shows.
final class Counter: Sendable {
    private let storage = Atomic<Int>(0)

    var value: Int { self.storage.load(ordering: .relaxed) }

    func increment() {
        self.storage.add(1, ordering: .relaxed)
    }
}
