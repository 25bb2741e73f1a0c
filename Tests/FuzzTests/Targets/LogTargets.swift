import Checksum
import Foundation
import RaftCore
import SQLite

@testable import RaftLog

/// What is read from the disk before anything else is known to be sound.
extension FuzzTarget {
    static let logTargets = [groupRecord, logRows, writeAhead, configurationChange]

    /// A checksum stops nearly all damage, and would stop nearly all inputs, so the right one is put behind each.
    private static let groupRecord = FuzzTarget(
        name: "group-record",
        what: "the Raft log's record of a group",
        bytesLimit: 512,
        seeds: { sampleStatuses.map { Array(GroupRecord.encode($0).dropLast(4)) } },
        run: { input in
            let group = GroupID(7)
            guard let status = try? GroupRecord.decode(sealed(input, group: group), of: group) else { return nil }
            guard status.firstIndex > status.snapshot.index else { return "an index that cannot be counted on from" }
            let again = try? GroupRecord.decode(GroupRecord.encode(status), of: group)
            return again == status ? nil : "another record after writing and reading it again"
        }
    )

    /// A log whose rows say anything, with right checksums where the input asks for them.
    private static let logRows = FuzzTarget(
        name: "log-rows",
        what: "the Raft log's rows when it is opened",
        bytesLimit: 2_048,
        seeds: { [logSeed(entries: 0), logSeed(entries: 1), logSeed(entries: 9)] },
        run: { LogRows.shared?.problem(with: $0) }
    )

    private static let writeAhead = FuzzTarget(
        name: "write-ahead",
        what: "the search for damage in a write-ahead file",
        bytesLimit: 4_096,
        seeds: { [0, 1, 3].map { writeAheadSeed(frames: $0) } },
        run: { WriteAheadFile.shared.problem(with: $0) }
    )

    private static let configurationChange = FuzzTarget(
        name: "configuration-change",
        what: "changes of members in the log",
        bytesLimit: 4_096,
        seeds: {
            let steps: [ConfigurationChange.Step] = [.init(.addVoter, NodeID(4)), .init(.remove, NodeID(.max))]
            let changes = [
                ConfigurationChange(steps, transition: .jointExplicit, context: [1, 2, 3]),
                ConfigurationChange([steps[0]]), .leaveJoint,
            ]
            return changes.flatMap { change in
                [[2] + change.encoded()] + (change.encodedAsSingleChange().map { [[1] + $0] } ?? [])
            }
        },
        run: { input in
            guard let first = input.first else { return nil }
            let kinds: [EntryKind] = [.normal, .configurationChange, .configurationChangeV2]
            let kind = kinds[Int(first) % kinds.count]
            let read = { (kind: EntryKind, payload: [UInt8]) in
                try? ConfigurationChange(of: LogEntry(term: Term(1), index: LogIndex(1), kind: kind, payload: payload))
            }
            guard let change = read(kind, Array(input.dropFirst())) else { return nil }
            let again =
                kind == .configurationChange
                ? change.encodedAsSingleChange().flatMap { read(kind, $0) }
                : read(.configurationChangeV2, change.encoded())
            return again == change ? nil : "another change after writing and reading it again"
        }
    )

    fileprivate static let sampleStatuses: [GroupStatus] = [0, 1, 5].map { count in
        let members = (0..<UInt64(count)).map { NodeID($0 + 1) }
        return GroupStatus(
            group: GroupID(7),
            incarnation: IncarnationID(99),
            hardState: HardState(term: Term(3), vote: members.first, commit: LogIndex(UInt64(count))),
            snapshot: SnapshotMetadata(
                index: LogIndex(0),
                term: Term(0),
                configuration: ClusterConfiguration(
                    voters: members,
                    learners: [],
                    votersOutgoing: [],
                    learnersNext: [],
                    autoLeave: false
                )
            ),
            lastIndex: LogIndex(0),
            lastTerm: Term(0)
        )
    }

    /// The bytes with the checksum that a group record of that group ends with.
    fileprivate static func sealed(_ bytes: [UInt8], group: GroupID) -> [UInt8] {
        var checksum = CRC32C()
        checksum.add(group.rawValue)
        checksum.add(bytes)
        return bytes + withUnsafeBytes(of: checksum.value.littleEndian) { Array($0) }
    }

    private static func logSeed(entries: UInt8) -> [UInt8] {
        var input: [UInt8] = []
        let record = Array(GroupRecord.encode(sampleStatuses[0]).dropLast(4))
        input += [1, 7, UInt8(record.count - 1)] + record
        for index in 0..<entries { input += [2, 7, index + 1, 1, 0, 1, index, index] }
        return input
    }

    private static func writeAheadSeed(frames: Int) -> [UInt8] {
        [0, UInt8(frames)] + (0..<32 + frames * (512 + 24)).map { UInt8(truncatingIfNeeded: $0 / 8) }
    }
}

/// A log in a folder of its own, whose rows each input replaces. Inputs come from one thread at a time.
private final class LogRows: @unchecked Sendable {
    static let shared = try? LogRows()

    private let lock = NSLock()
    private let store: LogStore
    private let insertEntry: Statement
    private let insertRecord: Statement

    init() throws {
        let options = RaftLogOptions(preallocates: false, synchronous: .off)
        let identity = LogIdentity(node: NodeID(1), directory: 1)
        self.store = try LogStore(path: ScratchPath.make("log") + "/raft.db", identity: identity, options: options)
        self.insertEntry = try self.store.database.prepare("INSERT OR REPLACE INTO entry VALUES (?,?,?,?,?)")
        self.insertRecord = try self.store.database.prepare("INSERT OR REPLACE INTO raft_group VALUES (?,?)")
    }

    func problem(with input: [UInt8]) -> String? {
        self.lock.withLock {
            do {
                try self.store.database.begin(.immediate)
                defer { try? self.store.database.rollback() }
                try self.fill(InputCursor(input))
                let contents = try LogContents(of: self.store, options: RaftLogOptions())
                for (_, head) in contents.heads.sorted(by: { $0.key < $1.key }) {
                    let status = head.status
                    _ = try? self.store.entries(
                        of: status,
                        from: status.firstIndex,
                        through: status.lastIndex,
                        maxBytes: 1 << 20
                    )
                    _ = try? self.store.sweep(status, limit: 16)
                }
                return nil
            } catch {
                return error is RaftLogError || error is SQLiteError ? nil : "threw \(error)"
            }
        }
    }

    private func fill(_ cursor: InputCursor) throws {
        var cursor = cursor
        var incarnations: [UInt8: UInt64] = [:]
        while !cursor.isAtEnd {
            let tag = cursor.byte()
            let group = cursor.byte()
            switch tag % 4 {
            case 0, 1:
                let record = cursor.chunk()
                let number = GroupID(UInt32(group))
                let stored = tag % 4 == 1 ? FuzzTarget.sealed(record, group: number) : record
                incarnations[group] = (try? GroupRecord.decode(stored, of: number))?.incarnation.rawValue
                try self.insertRecord.bind(1, Int64(group))
                try stored.withUnsafeBytes { try self.insertRecord.run(2, borrowing: $0) }
            default:
                let isSmall = tag % 4 == 2
                let index = isSmall ? Int64(cursor.byte()) : cursor.int64()
                let term = isSmall ? Int64(cursor.byte()) : cursor.int64()
                let kind = isSmall ? Int64(cursor.byte()) : cursor.int64()
                let payload = cursor.chunk()
                var checksum = CRC32C()
                checksum.add(UInt64(group) << 8 | UInt64(UInt8(truncatingIfNeeded: kind)))
                checksum.add(incarnations[group] ?? 0)
                checksum.add(UInt64(bitPattern: index))
                checksum.add(UInt64(bitPattern: term))
                checksum.add(payload)
                try self.insertEntry.bind(1, Int64(group) << 51 | index)
                try self.insertEntry.bind(2, term)
                try self.insertEntry.bind(3, kind)
                try self.insertEntry.bind(4, Int64(checksum.value))
                try payload.withUnsafeBytes { try self.insertEntry.run(5, borrowing: $0) }
            }
        }
    }
}

/// A file that each input overwrites.
private final class WriteAheadFile: @unchecked Sendable {
    static let shared = WriteAheadFile()

    private let lock = NSLock()
    private let path = ScratchPath.make("wal") + "/raft.db-wal"

    func problem(with input: [UInt8]) -> String? {
        self.lock.withLock {
            guard let first = input.first else { return nil }
            var bytes = Array(input.dropFirst())
            if first & 1 == 0 { Self.seal(&bytes, frames: Int(bytes.first ?? 0)) }
            do {
                try Data(bytes).write(to: URL(filePath: self.path))
                guard let file = try StoredFile(writeAheadFile: self.path, vfs: nil) else { return nil }
                _ = try WriteAheadInspection.inspect(file)
                return nil
            } catch {
                return error is SQLiteError ? nil : "threw \(error)"
            }
        }
    }

    /// Makes the header right, and as many frames as asked for, so that inputs get behind the checksums.
    private static func seal(_ bytes: inout [UInt8], frames: Int) {
        guard bytes.count >= 32 else { return }
        let page = 512
        bytes.replaceSubrange(0..<12, with: [0x37, 0x7F, 0x06, 0x83, 0, 0x2D, 0xE2, 0x18, 0, 0, 2, 0])
        var sums: (UInt32, UInt32) = (0, 0)
        Self.add(bytes[0..<24], to: &sums)
        Self.put(sums, in: &bytes, at: 24)
        for frame in 0..<frames {
            let start = 32 + frame * (page + 24)
            guard bytes.count >= start + page + 24 else { return }
            bytes.replaceSubrange(start + 8..<start + 16, with: Array(bytes[16..<24]))
            Self.add(bytes[start..<start + 8], to: &sums)
            Self.add(bytes[start + 24..<start + 24 + page], to: &sums)
            Self.put(sums, in: &bytes, at: start + 16)
        }
    }

    private static func add(_ bytes: ArraySlice<UInt8>, to sums: inout (UInt32, UInt32)) {
        var position = bytes.startIndex
        while position + 8 <= bytes.endIndex {
            sums.0 = sums.0 &+ Self.number(bytes, position) &+ sums.1
            sums.1 = sums.1 &+ Self.number(bytes, position + 4) &+ sums.0
            position += 8
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>, _ position: Int) -> UInt32 {
        bytes[position..<position + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func put(_ sums: (UInt32, UInt32), in bytes: inout [UInt8], at position: Int) {
        for (offset, sum) in [(0, sums.0), (4, sums.1)] {
            let big = withUnsafeBytes(of: sum.bigEndian) { Array($0) }
            bytes.replaceSubrange(position + offset..<position + offset + 4, with: big)
        }
    }
}

/// Folders for targets that need files; in memory where the system has such a place.
private enum ScratchPath {
    static func make(_ name: String) -> String {
        let memory = "/dev/shm"
        let base = FileManager.default.isWritableFile(atPath: memory) ? memory : NSTemporaryDirectory()
        let path = "\(base)/thalweg-fuzz-\(name)-\(ProcessInfo.processInfo.processIdentifier)"
        try? FileManager.default.removeItem(atPath: path)
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}
