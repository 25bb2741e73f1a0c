import Foundation
import RaftCore
import RaftLog

/// Every implementation of the durable log runs the same suite.
enum LogImplementation: CaseIterable, Sendable {
    case sqlite
    /// Nothing stays in memory, so that every read comes from the disk.
    case sqliteWithoutCache
}

/// A folder with one log, which can be closed, damaged and opened again.
final class LogFixture {
    let folder: URL
    let implementation: LogImplementation
    static let identity = LogIdentity(node: NodeID(1), directory: 0xFFFF_0000_1234_5678)

    init(_ implementation: LogImplementation = .sqlite) throws {
        self.implementation = implementation
        self.folder = FileManager.default.temporaryDirectory.appendingPathComponent("raft-log-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: self.folder) }

    func open(
        mustExist: Bool = false,
        identity: LogIdentity = LogFixture.identity,
        adjusting adjust: (inout RaftLogOptions) -> Void = { _ in }
    ) throws -> SQLiteRaftLog {
        var options = RaftLogOptions(mustExist: mustExist, preallocates: false)
        if self.implementation == .sqliteWithoutCache { options.cacheBytes = 0 }
        adjust(&options)
        return try SQLiteRaftLog(folder: self.folder.path, identity: identity, options: options)
    }

    /// A log with one group that has `count` entries of term 1.
    func openWithEntries(_ count: UInt64) throws -> SQLiteRaftLog {
        let log = try self.open()
        try log.createGroup(.one, incarnation: .first, configuration: .three)
        try log.append(.one(HardState(term: Term(1)), entries: .run(1...max(count, 1), term: 1)))
        return log
    }

    func path(_ name: String) -> String { self.folder.appendingPathComponent(name).path }
}

extension GroupID {
    static let one = GroupID(1)
    static let two = GroupID(2)
}

extension IncarnationID {
    static let first = IncarnationID(11)
    static let second = IncarnationID(22)
}

extension ClusterConfiguration {
    static let three = ClusterConfiguration(voters: [NodeID(1), NodeID(2), NodeID(3)])
}

extension LogWrite {
    /// A write to group one.
    static func one(
        _ hardState: HardState? = nil,
        snapshot: SnapshotMetadata? = nil,
        stateGeneration: UInt64? = nil,
        entries: [LogEntry] = []
    ) -> LogWrite {
        LogWrite(
            group: .one,
            incarnation: .first,
            hardState: hardState,
            snapshot: snapshot,
            stateGeneration: stateGeneration,
            entries: entries
        )
    }
}

extension [LogEntry] {
    /// Entries whose payload tells index and term.
    static func run(_ indexes: ClosedRange<UInt64>, term: UInt64, payloadBytes: Int = 8) -> [LogEntry] {
        indexes.map { index in
            var payload = [UInt8](repeating: UInt8(truncatingIfNeeded: term), count: payloadBytes)
            for position in payload.indices.prefix(8) {
                payload[position] = UInt8(truncatingIfNeeded: index >> (8 * UInt64(position)))
            }
            return LogEntry(term: Term(term), index: LogIndex(index), payload: payload)
        }
    }
}

extension DurableLog {
    func all(_ group: GroupID = .one) throws -> [LogEntry] {
        let status = try self.status(of: group)
        return try self.entries(of: group, from: status.firstIndex, through: status.lastIndex, maxBytes: .max)
    }
}
