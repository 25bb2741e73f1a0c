import RaftCore
import RaftLog

/// Durable appends per second, beside what the disk alone can do with the same bytes. All kinds of writers take turns
/// in short rounds, and the median of the rounds counts: the machine has other things to do at times.
struct LogMeasurement {
    let writers: Int
    let payloadBytes: Int
    let rounds: Int
    let sliceSeconds: Double

    /// As many groups as a node has at first.
    private static let nodeGroups = 2

    private struct Series {
        var sum = LogWriters.Outcome()
        var rates: [Double] = []

        mutating func add(_ outcome: LogWriters.Outcome) {
            self.sum += outcome
            self.rates.append(outcome.rate)
        }
    }

    func run(_ folder: TemporaryFolder, _ report: inout Report) throws {
        var (one, batch, blocked, told) = (Series(), Series(), Series(), Series())
        var (blockedEach, toldEach) = (Series(), Series())
        var disk: [Double] = []
        var bytes = 0
        for _ in 0..<self.rounds {
            one.add(try self.slice(folder, Self.nodeGroups) { try $0.one(seconds: $1) })
            bytes = one.sum.appends > 0 ? one.sum.writtenBytes / one.sum.appends : 4096
            let path = folder.newPath("disk")
            disk.append(try RawDisk.run(path: path, seconds: self.sliceSeconds, blockBytes: bytes).callsPerSecond)
            batch.add(try self.slice(folder, Self.nodeGroups) { try $0.batches(of: self.writers, seconds: $1) })
            told.add(try self.slice(folder, Self.nodeGroups) { try $0.told(self.writers, seconds: $1) })
            blocked.add(try self.slice(folder, Self.nodeGroups) { try $0.blockedClients(self.writers, seconds: $1) })
            toldEach.add(try self.slice(folder, self.writers) { try $0.told(self.writers, seconds: $1) })
            blockedEach.add(try self.slice(folder, self.writers) { try $0.blocked(self.writers, seconds: $1) })
        }
        self.report(one, disk, bytes, &report)
        for (id, title, series) in [
            ("batch", "one writer, batches of \(self.writers)", batch),
            ("told", "\(self.writers) writers that are told, \(Self.nodeGroups) groups", told),
            ("blocked", "\(self.writers) blocked threads, \(Self.nodeGroups) groups", blocked),
            ("told.groups", "\(self.writers) writers that are told, a group each", toldEach),
            ("blocked.groups", "\(self.writers) blocked threads, a group each", blockedEach),
        ] {
            report.add(self.measurement("raft.log.\(id)", title, series, one))
        }
    }

    /// A stretch of writing to a new log.
    private func slice(
        _ folder: TemporaryFolder,
        _ groups: Int,
        _ write: (LogWriters, _ seconds: Double) throws -> LogWriters.Outcome
    ) throws -> LogWriters.Outcome {
        try Interruption.check()
        let path = folder.newPath("log")
        try Files.makeFolder(path)
        defer { Files.removeTree(path) }
        let log = try SQLiteRaftLog(folder: path, identity: LogIdentity(node: NodeID(1), directory: 1))
        defer { log.close() }
        return try write(LogWriters(log, groups: groups, payloadBytes: self.payloadBytes), self.sliceSeconds)
    }

    private func report(_ one: Series, _ disk: [Double], _ bytes: Int, _ report: inout Report) {
        var raw = Measurement(
            id: "raft.disk",
            title: "fdatasync after \(bytes) bytes, preallocated file",
            value: Self.median(disk),
            unit: .perSecond
        )
        raw.add("rounds", Double(disk.count), .count)
        report.add(raw)
        var single = Measurement(
            id: "raft.log.one",
            title: "durable appends, one writer",
            value: Self.median(one.rates),
            unit: .perSecond
        )
        self.addDetails(one, &single)
        report.add(single)
        var ratio = Measurement(
            id: "raft.log.one.ratio",
            title: "one writer against the disk, median of the rounds",
            value: Self.median(zip(one.rates, disk).map { $0 / $1 * 100 }),
            unit: .percent
        )
        ratio.aim = Aim(direction: .atLeast, limit: 80)
        report.add(ratio)
    }

    private func measurement(
        _ id: String,
        _ title: String,
        _ series: Series,
        _ one: Series
    ) -> Measurement {
        let ratios = zip(series.rates, one.rates).map { $0 / $1 }
        var measurement = Measurement(
            id: id,
            title: "times one writer: \(title)",
            value: Self.median(ratios),
            unit: .times
        )
        measurement.aim = Aim(direction: .atLeast, limit: 20)
        measurement.add("entries", Self.median(series.rates), .perSecond)
        self.addDetails(series, &measurement)
        return measurement
    }

    private func addDetails(_ series: Series, _ measurement: inout Measurement) {
        let (appends, flushes) = (Double(max(1, series.sum.appends)), Double(max(1, series.sum.flushes)))
        measurement.add("entries a sync", appends / flushes, .decimal)
        measurement.add("syncs", flushes / series.sum.seconds, .perSecond)
        measurement.add("processor", series.sum.processorSeconds / series.sum.seconds, .cores)
        measurement.add("written per entry", Double(series.sum.writtenBytes) / appends, .bytes)
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }
}
