/// What is going to happen, by time; among equal times in the order in which it was planned.
package struct EventQueue<Event> {
    private struct Item {
        var time: Int
        var order: UInt64
        var event: Event
    }

    private var heap: [Item] = []
    private var planned: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { self.heap.isEmpty }

    /// Plans an event.
    package mutating func plan(_ event: Event, at time: Int) {
        self.planned += 1
        self.heap.append(Item(time: time, order: self.planned, event: event))
        var child = self.heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.isEarlier(child, parent) else { break }
            self.heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the earliest event.
    package mutating func next() -> (time: Int, event: Event)? {
        guard let first = self.heap.first else { return nil }
        let last = self.heap.removeLast()
        if !self.heap.isEmpty {
            self.heap[0] = last
            self.sink()
        }
        return (first.time, first.event)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var earliest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < self.heap.count {
                if self.isEarlier(child, earliest) { earliest = child }
            }
            if earliest == parent { return }
            self.heap.swapAt(parent, earliest)
            parent = earliest
        }
    }

    private func isEarlier(_ left: Int, _ right: Int) -> Bool {
        (self.heap[left].time, self.heap[left].order) < (self.heap[right].time, self.heap[right].order)
    }
}
