import Checksum
import RaftCore
import SQLite

/// The log's rows in SQLite. Used by one thread at a time: by whoever holds the turn of `SQLiteRaftLog`.
///
/// `entry` has the row number `group << 51 | index`, so that the entries of a group lie side by side in order and a new
/// one is an append at the end of its group. The checksum is over group, incarnation, index, term, kind and payload:
/// a row that is damaged, moved or left over from another life of its group is noticed when it is read.
final class LogStore {
    static let schemaVersion: Int32 = 1
    private static let emptyEntryBytes = LogEntry(term: .zero, index: .zero).byteCount

    let database: Database
    private let checkpointPages: Int
    private let insertEntry: Statement
    private let deleteEntries: Statement
    private let selectEntries: Statement
    private let selectNewestEntries: Statement
    private let selectFirst: Statement
    private let selectLast: Statement
    private let countEntries: Statement
    private let saveRecord: Statement
    private let deleteRecord: Statement

    init(path: String, identity: LogIdentity, options: RaftLogOptions) throws {
        if let file = try StoredFile(writeAheadFile: path + "-wal", vfs: options.vfs) {
            try Self.check(WriteAheadInspection.inspect(file), path: path, options)
        }
        let database = try Database(path: path, options: Self.databaseOptions(options))
        try database.execute("PRAGMA secure_delete=OFF")
        try database.setPersistentWAL(true)
        let isNew = try Self.prepareSchema(database, identity: identity, mustExist: options.mustExist)
        if isNew, options.preallocates { try Self.preallocate(database, pages: options.checkpointPages, options) }
        self.database = database
        self.checkpointPages = options.checkpointPages
        self.insertEntry = try database.prepare(
            "INSERT INTO entry (id, term, kind, checksum, payload) VALUES (?,?,?,?,?)"
        )
        self.deleteEntries = try database.prepare("DELETE FROM entry WHERE id BETWEEN ? AND ?")
        let columns = "SELECT id, term, kind, checksum, payload FROM entry WHERE id BETWEEN ? AND ? ORDER BY id"
        self.selectEntries = try database.prepare(columns)
        self.selectNewestEntries = try database.prepare(columns + " DESC")
        self.selectFirst = try database.prepare("SELECT min(id) FROM entry WHERE id BETWEEN ? AND ?")
        self.selectLast = try database.prepare("SELECT max(id) FROM entry WHERE id BETWEEN ? AND ?")
        self.countEntries = try database.prepare("SELECT count(*) FROM entry WHERE id BETWEEN ? AND ?")
        self.saveRecord = try database.prepare("INSERT OR REPLACE INTO raft_group (id, record) VALUES (?,?)")
        self.deleteRecord = try database.prepare("DELETE FROM raft_group WHERE id = ?")
    }

    // MARK: Opening

    private static func databaseOptions(_ options: RaftLogOptions) -> DatabaseOptions {
        DatabaseOptions(
            access: options.mustExist ? .readWrite : .create,
            synchronous: options.synchronous,
            pageBytes: options.pageBytes,
            busyTimeout: .zero,
            cacheBytes: 8 << 20,
            isExclusive: true,
            autocheckpointPages: 0,
            vfs: options.vfs
        )
    }

    private static func check(
        _ finding: WriteAheadInspection.Finding,
        path: String,
        _ options: RaftLogOptions
    ) throws {
        guard finding != .sound else { return }
        // What another process writes at this moment may look like damage.
        var probing = Self.databaseOptions(options)
        probing.access = .readOnly
        probing.isExclusive = false
        do {
            _ = try Database(path: path, options: probing).userVersion()
        } catch let error as SQLiteError where error.isBusy {
            throw RaftLogError(error)
        } catch {}
        switch finding {
        case .sound: return
        case .damagedFrame(let number):
            throw RaftLogError(.corrupted, "Expected a sound write-ahead file, but got a damaged frame \(number)")
        case .damagedHeader:
            throw RaftLogError(.corrupted, "Expected a sound write-ahead file, but got a damaged header")
        }
    }

    /// Makes or checks the tables; answers whether the log is new.
    private static func prepareSchema(_ database: Database, identity: LogIdentity, mustExist: Bool) throws -> Bool {
        let version = try database.userVersion()
        guard version <= Self.schemaVersion else {
            throw RaftLogError(
                .newerVersion,
                "Expected a log of at most version \(Self.schemaVersion), but got version \(version)"
            )
        }
        guard version == 0 else {
            try Self.checkIdentity(database, identity)
            return false
        }
        let tables = try database.int64("SELECT count(*) FROM sqlite_master") ?? 0
        guard tables == 0, !mustExist else {
            throw RaftLogError(.corrupted, "Expected a log, but got a database of \(tables) tables without a version")
        }
        try database.begin(.immediate)
        try database.execute(
            """
            CREATE TABLE identity (id INTEGER PRIMARY KEY CHECK (id = 1),
                node INTEGER NOT NULL, directory INTEGER NOT NULL);
            CREATE TABLE raft_group (id INTEGER PRIMARY KEY, record BLOB NOT NULL);
            CREATE TABLE entry (id INTEGER PRIMARY KEY, term INTEGER NOT NULL, kind INTEGER NOT NULL,
                checksum INTEGER NOT NULL, payload BLOB NOT NULL);
            CREATE TABLE filler (bytes BLOB);
            """
        )
        let insert = try database.prepare("INSERT INTO identity (id, node, directory) VALUES (1,?,?)")
        try insert.bind(1, Int64(bitPattern: identity.node.rawValue))
        try insert.bind(2, Int64(bitPattern: identity.directory))
        try insert.run()
        try database.setUserVersion(Self.schemaVersion)
        try database.commit()
        return true
    }

    private static func checkIdentity(_ database: Database, _ identity: LogIdentity) throws {
        let select = try database.prepare("SELECT node, directory FROM identity WHERE id = 1")
        guard try select.step() else { throw RaftLogError(.corrupted, "Expected an identity, but got none") }
        let found = LogIdentity(
            node: NodeID(UInt64(bitPattern: select.int64(0))),
            directory: UInt64(bitPattern: select.int64(1))
        )
        guard found == identity else {
            throw RaftLogError(
                .foreignIdentity,
                "Expected the log of node \(identity.node) and directory \(identity.directory), "
                    + "but got that of node \(found.node) and directory \(found.directory)"
            )
        }
    }

    /// Writes the write-ahead file once in full and copies it to the database file, whose free pages it leaves for
    /// entries. From then on commits go into blocks that exist.
    private static func preallocate(_ database: Database, pages: Int, _ options: RaftLogOptions) throws {
        let insert = try database.prepare("INSERT INTO filler VALUES (zeroblob(?))")
        try insert.bind(1, Int64(pages) * Int64(options.pageBytes))
        try insert.run()
        try database.execute("DELETE FROM filler")
        try database.checkpoint(.passive)
    }

    // MARK: Transactions

    func begin() throws { try self.database.begin(.immediate) }
    func commit() throws { try self.database.commit() }
    func rollback() throws { try self.database.rollback() }

    /// Whether the write-ahead file has grown enough to be copied to the database file.
    var isCheckpointDue: Bool { self.database.walPages >= self.checkpointPages && !self.database.isInTransaction }

    /// Copies the write-ahead file to the database file. There are no other readers, so this is always all of it, and
    /// the next commit begins anew at the head.
    func checkpoint() throws { try self.database.checkpoint(.passive) }

    // MARK: Group records

    func save(_ status: GroupStatus) throws {
        try self.saveRecord.bind(1, Int64(status.group.rawValue))
        try self.saveRecord.run(2, borrowing: GroupRecord.encode(status))
    }

    func removeGroup(_ group: GroupID) throws {
        try self.deleteRecord.bind(1, Int64(group.rawValue))
        try self.deleteRecord.run()
        try self.removeEntries(of: group, from: .zero, through: LogIndex(GroupHead.indexLimit - 1))
    }

    /// The records of all groups in order, or why one cannot be used.
    func groupRecords() throws -> [(group: GroupID, status: Result<GroupStatus, RaftLogError>)] {
        let select = try self.database.prepare("SELECT id, record FROM raft_group ORDER BY id")
        var records: [(group: GroupID, status: Result<GroupStatus, RaftLogError>)] = []
        while try select.step() {
            guard let number = UInt32(exactly: select.int64(0)), number < GroupHead.groupLimit else {
                throw RaftLogError(.corrupted, "Expected a group identifier, but got \(select.int64(0))")
            }
            let group = GroupID(number)
            do throws(RaftLogError) {
                records.append((group, .success(try GroupRecord.decode(select.blob(1), of: group))))
            } catch {
                records.append((group, .failure(error)))
            }
        }
        return records
    }

    // MARK: Entries

    func insert(_ entries: [LogEntry], of status: GroupStatus) throws {
        for entry in entries {
            try self.insertEntry.bind(1, Self.row(status.group, entry.index))
            try self.insertEntry.bind(2, Int64(bitPattern: entry.term.rawValue))
            try self.insertEntry.bind(3, Int64(entry.kind.rawValue))
            try entry.payload.withUnsafeBytes { payload in
                let checksum = Self.checksum(
                    of: payload,
                    term: entry.term.rawValue,
                    index: entry.index,
                    kind: entry.kind.rawValue,
                    status: status
                )
                try self.insertEntry.bind(4, Int64(checksum))
                try self.insertEntry.run(5, borrowing: payload)
            }
        }
    }

    func removeEntries(of group: GroupID, from first: LogIndex, through last: LogIndex) throws {
        guard first <= last else { return }
        try self.deleteEntries.bind(1, Self.row(group, first))
        try self.deleteEntries.bind(2, Self.row(group, last))
        try self.deleteEntries.run()
    }

    /// Removes some of the rows below the group's first index; answers whether more are left.
    func sweep(_ status: GroupStatus, limit: UInt64) throws -> Bool {
        guard let oldest = try self.oldestIndex(of: status.group), oldest < status.firstIndex else { return false }
        let end = min(oldest.rawValue + limit - 1, status.snapshot.index.rawValue)
        try self.removeEntries(of: status.group, from: oldest, through: LogIndex(end))
        return end < status.snapshot.index.rawValue
    }

    func oldestIndex(of group: GroupID) throws -> LogIndex? { try self.index(self.selectFirst, of: group) }
    func newestIndex(of group: GroupID) throws -> LogIndex? { try self.index(self.selectLast, of: group) }

    private func index(_ statement: Statement, of group: GroupID) throws -> LogIndex? {
        try statement.bind(1, Self.row(group, .zero))
        try statement.bind(2, Self.row(group, LogIndex(GroupHead.indexLimit - 1)))
        defer { statement.reset() }
        guard try statement.step(), !statement.isNull(0) else { return nil }
        return LogIndex(UInt64(statement.int64(0)) & (GroupHead.indexLimit - 1))
    }

    /// Counts the rows of the group's range, which reads every page that holds some.
    func entryCount(of status: GroupStatus) throws -> UInt64 {
        try self.countEntries.bind(1, Self.row(status.group, status.firstIndex))
        try self.countEntries.bind(2, Self.row(status.group, status.lastIndex))
        defer { self.countEntries.reset() }
        guard try self.countEntries.step() else { return 0 }
        return UInt64(self.countEntries.int64(0))
    }

    /// Reads a range that must be there without a gap, up to a size, and checks every entry.
    func entries(
        of status: GroupStatus,
        from first: LogIndex,
        through last: LogIndex,
        maxBytes: Int
    ) throws -> [LogEntry] {
        try self.selectEntries.bind(1, Self.row(status.group, first))
        try self.selectEntries.bind(2, Self.row(status.group, last))
        defer { self.selectEntries.reset() }
        var entries: [LogEntry] = []
        var bytes = 0
        var expected = first.rawValue
        while expected <= last.rawValue {
            guard try self.selectEntries.step() else {
                throw Self.missing(LogIndex(expected), of: status.group)
            }
            bytes += self.selectEntries.withBlob(4) { $0.count } + Self.emptyEntryBytes
            if !entries.isEmpty, bytes > maxBytes { break }
            entries.append(try Self.entry(self.selectEntries, expecting: LogIndex(expected), of: status))
            expected += 1
        }
        return entries
    }

    /// Reads backwards from the newest entry, down to the group's first one, until `maxBytes` are reached.
    func newestEntries(of status: GroupStatus, maxBytes: Int) throws -> [LogEntry] {
        guard !status.isEmpty else { return [] }
        try self.selectNewestEntries.bind(1, Self.row(status.group, status.firstIndex))
        try self.selectNewestEntries.bind(2, Self.row(status.group, status.lastIndex))
        defer { self.selectNewestEntries.reset() }
        var entries: [LogEntry] = []
        var bytes = 0
        var expected = status.lastIndex
        repeat {
            guard try self.selectNewestEntries.step() else { throw Self.missing(expected, of: status.group) }
            let entry = try Self.entry(self.selectNewestEntries, expecting: expected, of: status)
            bytes += entry.byteCount
            entries.append(entry)
            expected = LogIndex(expected.rawValue - 1)
        } while expected >= status.firstIndex && bytes < maxBytes
        return entries.reversed()
    }

    private static func entry(
        _ row: Statement,
        expecting index: LogIndex,
        of status: GroupStatus
    ) throws(RaftLogError) -> LogEntry {
        guard row.int64(0) == Self.row(status.group, index) else { throw Self.missing(index, of: status.group) }
        let term = UInt64(bitPattern: row.int64(1))
        let kind = UInt8(truncatingIfNeeded: row.int64(2))
        let (checksum, payload) = row.withBlob(4) { payload in
            let checksum = Self.checksum(of: payload, term: term, index: index, kind: kind, status: status)
            return (checksum, [UInt8](payload))
        }
        guard Int64(checksum) == row.int64(3), Int64(kind) == row.int64(2) else {
            throw RaftLogError(
                .corrupted,
                group: status.group,
                index: index,
                "Expected an entry whose checksum is \(row.int64(3)), but got one of \(checksum)"
            )
        }
        guard let kind = EntryKind(rawValue: kind) else {
            throw RaftLogError(
                .newerVersion,
                group: status.group,
                index: index,
                "Expected a known kind of entry, but got \(kind)"
            )
        }
        return LogEntry(term: Term(term), index: index, kind: kind, payload: payload)
    }

    private static func missing(_ index: LogIndex, of group: GroupID) -> RaftLogError {
        RaftLogError(.corrupted, group: group, index: index, "Expected an entry, but got none")
    }

    private static func row(_ group: GroupID, _ index: LogIndex) -> Int64 {
        Int64(group.rawValue) << 51 | Int64(index.rawValue)
    }

    private static func checksum(
        of payload: UnsafeRawBufferPointer,
        term: UInt64,
        index: LogIndex,
        kind: UInt8,
        status: GroupStatus
    ) -> UInt32 {
        var checksum = CRC32C()
        checksum.add(UInt64(status.group.rawValue) << 8 | UInt64(kind))
        checksum.add(status.incarnation.rawValue)
        checksum.add(index.rawValue)
        checksum.add(term)
        checksum.add(payload)
        return checksum.value
    }
}
