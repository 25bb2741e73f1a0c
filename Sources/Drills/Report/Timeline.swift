/// What happened when, computed from acknowledgements and faults. Pure.
struct Timeline: Hashable, Sendable {
    /// Length of one interval, in seconds.
    static let interval = 0.1

    /// A time in which nothing was acknowledged.
    struct Gap: Hashable, Sendable {
        var from: Double
        var to: Double
        var length: Double { self.to - self.from }
    }

    /// Acknowledged commands by interval, from the beginning of the load.
    let counts: [Int]
    /// The beginning of the first interval.
    let start: Double
    /// The longest times without an acknowledgement, the longest first.
    let gaps: [Gap]

    /// - Parameters:
    ///   - answered: when commands were acknowledged, in any order.
    ///   - start: when the load began.
    ///   - end: when it ended.
    init(answered: [Double], start: Double, end: Double) {
        let inside = answered.filter { $0 >= start && $0 < end }.sorted()
        let size = max(0, Int(((end - start) / Self.interval).rounded(.up)))
        var counts = [Int](repeating: 0, count: size)
        for time in inside { counts[min(size - 1, Int((time - start) / Self.interval))] += 1 }
        self.counts = counts
        self.start = start
        var gaps: [Gap] = []
        var last = start
        for time in inside + [end] {
            if time - last >= Self.interval { gaps.append(Gap(from: last, to: time)) }
            last = time
        }
        self.gaps = Array(gaps.sorted { $0.length > $1.length }.prefix(20))
    }

    /// Share of intervals with at least one acknowledged command.
    var availability: Double {
        self.counts.isEmpty ? 0 : Double(self.counts.count { $0 > 0 }) / Double(self.counts.count)
    }

    /// From a moment to the first acknowledgement of a command that was sent at or behind it; nil when there is none.
    static func recovery(since moment: Double, _ acknowledgements: [Acknowledgement]) -> Double? {
        acknowledgements.lazy.filter { $0.sent >= moment }.map { $0.answered }.min().map { $0 - moment }
    }
}

/// A few numbers in order, summed up.
struct Distribution: Hashable, Sendable {
    let sorted: [Double]

    init(_ values: [Double]) { self.sorted = values.sorted() }

    var maximum: Double? { self.sorted.last }

    /// The smallest value that at least this share of all is not above (nearest rank).
    func quantile(_ share: Double) -> Double? {
        guard !self.sorted.isEmpty else { return nil }
        let rank = Int((share * Double(self.sorted.count)).rounded(.up))
        return self.sorted[min(max(rank, 1), self.sorted.count) - 1]
    }

    var median: Double? { self.quantile(0.5) }
}
