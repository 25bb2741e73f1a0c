import Glibc

/// Small entries through three replicas in one thread, with nothing but arrays between them and no disk.
struct CoreMeasurement {
    private static let batch = 256
    private static let payloadBytes = 16
    /// How much more memory may be resident at the end than after the first quarter: none, but for the moment at
    /// which one looks.
    private static let growthPercent = 10.0

    let entries: Int

    func run(_ report: inout Report) throws {
        var trio = try ReplicaTrio()
        var proposed = 0
        var resident: [Int] = []
        let facts = ProcessFacts(processID: getpid())
        let quarter = max(self.entries / 4, Self.batch)
        let processorBefore = facts.processorSeconds
        let start = monotonicNanoseconds()
        while proposed < self.entries {
            try Interruption.check()
            let payloads = (0..<Self.batch).map {
                [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: Self.payloadBytes)
            }
            try trio.propose(payloads)
            proposed += Self.batch
            if proposed % quarter < Self.batch {
                resident.append(facts.residentBytes ?? 0)
            }
        }
        let seconds = (monotonicNanoseconds() - start).seconds
        guard trio.applied.allSatisfy({ $0 >= proposed }) else {
            throw BenchError("Expected \(proposed) entries to be applied, but got \(trio.applied)")
        }
        var rate = Measurement(
            id: "raft.core",
            title: "entries through the core, three replicas in memory, one thread",
            value: Double(proposed) / seconds,
            unit: .perSecond
        )
        rate.aim = Aim(direction: .atLeast, limit: 1_000_000)
        rate.add("entries", Double(proposed), .count)
        rate.add("batch", Double(Self.batch), .count)
        rate.add("payload", Double(Self.payloadBytes), .bytes)
        rate.add("messages", Double(trio.messages), .count)
        rate.add("processor", (facts.processorSeconds - processorBefore) / seconds, .cores)
        report.add(rate)
        if let first = resident.first, let last = resident.last, first > 0 {
            var growth = Measurement(
                id: "raft.core.growth",
                title: "memory at the end against that after a quarter",
                value: Double(last - first) * 100 / Double(first),
                unit: .percent
            )
            growth.aim = Aim(direction: .atMost, limit: Self.growthPercent)
            for (position, bytes) in resident.enumerated() {
                growth.add("resident at \(position + 1)/4", Double(bytes) / 1e6, .megabytes)
            }
            report.add(growth)
        }
    }
}
