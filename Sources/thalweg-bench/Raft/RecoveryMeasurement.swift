import Glibc
import RaftCore
import RaftLog

/// How long a node waits for its log after a crash.
struct RecoveryMeasurement {
    let megabytes: Int

    private static let identity = LogIdentity(node: NodeID(1), directory: 1)
    private static let incarnation = IncarnationID(1)
    private static let groups = 2 as UInt32
    private static let payloadBytes = 4000
    private static let entriesPerWrite = 128 as UInt64
    private static let openings = 5

    func run(_ folder: TemporaryFolder, _ report: inout Report) throws {
        let path = folder.newPath("large")
        try Files.makeFolder(path)
        let entries = try self.fill(path)
        var cold: [Double] = []
        var warm: [Double] = []
        for _ in 0..<Self.openings {
            try Interruption.check()
            try Self.forgetCached("\(path)/raft.db")
            try Self.forgetCached("\(path)/raft.db-wal")
            cold.append(try self.open(path, entries))
            warm.append(try self.open(path, entries))
        }
        var recovery = Measurement(
            id: "raft.recovery",
            title: "opening a log of \(self.megabytes) MB after a crash, nothing cached, median",
            value: cold.sorted()[cold.count / 2] * 1e3,
            unit: .milliseconds
        )
        recovery.add("slowest", (cold.max() ?? 0) * 1e3, .milliseconds)
        recovery.add("file cached", warm.sorted()[warm.count / 2] * 1e3, .milliseconds)
        recovery.add("entries", Double(entries), .count)
        recovery.add("verify all", try self.verify(path), .seconds)
        report.add(recovery)
    }

    /// Writes the log, and leaves its write-ahead file as full as a crash would find it.
    private func fill(_ path: String) throws -> UInt64 {
        let log = try SQLiteRaftLog(folder: path, identity: Self.identity)
        let payload = (0..<Self.payloadBytes).map { UInt8(truncatingIfNeeded: $0) }
        let each = UInt64(self.megabytes) * 1_000_000 / UInt64(Self.payloadBytes) / UInt64(Self.groups)
        for group in 0..<Self.groups {
            try log.createGroup(GroupID(group), incarnation: Self.incarnation, configuration: ClusterConfiguration())
        }
        var next: UInt64 = 1
        while next <= each {
            try Interruption.check()
            let last = min(each, next + Self.entriesPerWrite - 1)
            let entries = (next...last).map { LogEntry(term: Term(1), index: LogIndex($0), payload: payload) }
            let hardState = HardState(term: Term(1), commit: LogIndex(last))
            try log.append(
                (0..<Self.groups).map { group in
                    LogWrite(
                        group: GroupID(group),
                        incarnation: Self.incarnation,
                        hardState: hardState,
                        entries: entries
                    )
                }
            )
            next = last + 1
        }
        // Closing copies the write-ahead file into the database; a crash does not.
        let left = try Files.read("\(path)/raft.db-wal", limit: 256 << 20)
        log.close()
        try Files.write(left, to: "\(path)/raft.db-wal")
        return each * UInt64(Self.groups)
    }

    private func open(_ path: String, _ entries: UInt64) throws -> Double {
        let left = try Files.read("\(path)/raft.db-wal", limit: 256 << 20)
        try Self.forgetCached("\(path)/raft.db-wal")
        let start = monotonicNanoseconds()
        let log = try SQLiteRaftLog(
            folder: path,
            identity: Self.identity,
            options: RaftLogOptions(mustExist: true)
        )
        var found: UInt64 = 0
        for group in try log.groups() { found += try log.status(of: group).lastIndex.rawValue }
        let seconds = (monotonicNanoseconds() - start).seconds
        guard found == entries else { throw BenchError("Expected \(entries) entries, but got \(found)") }
        log.close()
        try Files.write(left, to: "\(path)/raft.db-wal")
        return seconds
    }

    private func verify(_ path: String) throws -> Double {
        let log = try SQLiteRaftLog(folder: path, identity: Self.identity)
        defer { log.close() }
        let start = monotonicNanoseconds()
        for group in try log.groups() { try log.verify(group) }
        return (monotonicNanoseconds() - start).seconds
    }

    /// Takes a file out of the system's cache.
    private static func forgetCached(_ path: String) throws {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw BenchError.system("read '\(path)'") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw BenchError.system("sync '\(path)'") }
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    }
}
