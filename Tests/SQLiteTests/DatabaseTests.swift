import Foundation
import SQLite
import Testing

/// A folder of its own for every test, gone afterwards.
final class TemporaryFolder {
    let url: URL

    init() throws {
        self.url = FileManager.default.temporaryDirectory.appendingPathComponent("thalweg-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: self.url) }

    func path(_ name: String) -> String { self.url.appendingPathComponent(name).path }
}

struct DatabaseTests {
    private let folder: TemporaryFolder

    init() throws { self.folder = try TemporaryFolder() }

    private func open(_ options: DatabaseOptions = DatabaseOptions()) throws -> Database {
        try Database(path: self.folder.path("test.db"), options: options)
    }

    @Test func `values of every type come back as they were bound`() throws {
        let database = try self.open()
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, i, d, s, b, n)")
        let insert = try database.prepare("INSERT INTO t VALUES (?,?,?,?,?,?)")

        try insert.bind(1, 7)
        try insert.bind(2, Int64.min)
        try insert.bind(3, 0.1)
        try insert.bind(4, "\u{E4}\u{1F600}")
        try insert.bind(5, [0, 1, 255])
        try insert.bind(6, String?.none)
        try insert.run()

        let select = try database.prepare("SELECT * FROM t")
        #expect(database.lastInsertRowID == 7)
        #expect(database.changes == 1)
        #expect(try select.step())
        #expect(select.int64(1) == .min)
        #expect(select.double(2) == 0.1)
        #expect(select.text(3) == "\u{E4}\u{1F600}")
        #expect(select.blob(4) == [0, 1, 255])
        #expect(select.withBlob(4) { $0.count } == 3)
        #expect(select.isNull(5) && !select.isNull(4))
        #expect(try !select.step())
    }

    @Test func `empty text and empty bytes are not NULL`() throws {
        let database = try self.open()
        try database.execute("CREATE TABLE t (s NOT NULL, b NOT NULL)")
        let insert = try database.prepare("INSERT INTO t VALUES (?,?)")

        try insert.bind(1, "")
        try insert.bind(2, [UInt8]())
        try insert.run()
        try insert.run(2, borrowing: [])

        #expect(try database.int64("SELECT count(*) FROM t WHERE s = '' AND b = x''") == 2)
    }

    @Test func `borrowed bytes are bound for one run only`() throws {
        let database = try self.open()
        try database.execute("CREATE TABLE t (b)")
        let insert = try database.prepare("INSERT INTO t VALUES (?)")

        try insert.run(1, borrowing: [1, 2, 3])
        try insert.run()

        #expect(try database.text("SELECT hex(b) FROM t WHERE rowid = 1") == "010203")
        #expect(try database.int64("SELECT count(*) FROM t WHERE b IS NULL") == 1)
    }

    @Test func `a rollback undoes, a commit keeps`() throws {
        let database = try self.open()
        try database.execute("CREATE TABLE t (i)")

        try database.begin()
        try database.execute("INSERT INTO t VALUES (1)")
        #expect(database.isInTransaction)
        try database.rollback()
        try database.begin()
        try database.execute("INSERT INTO t VALUES (2)")
        try database.commit()
        try database.rollback()

        #expect(!database.isInTransaction)
        #expect(try database.text("SELECT group_concat(i) FROM t") == "2")
    }

    @Test func `a savepoint is undone alone, also the inner one of the same name`() throws {
        let database = try self.open()
        try database.execute("CREATE TABLE t (i)")

        try database.begin()
        try database.savepoint("command")
        try database.execute("INSERT INTO t VALUES (1)")
        try database.savepoint("command")
        try database.execute("INSERT INTO t VALUES (2)")
        try database.rollback(to: "command")
        try database.release("command")
        try database.commit()

        #expect(try database.text("SELECT group_concat(i) FROM t") == "1")
    }

    @Test func `an error has code, name, message and statement`() throws {
        let database = try self.open()
        try database.execute("CREATE TABLE t (i INTEGER PRIMARY KEY)")
        let insert = try database.prepare("INSERT INTO t VALUES (1)")
        try insert.run()

        let error = #expect(throws: SQLiteError.self) { try insert.run() }
        let syntax = #expect(throws: SQLiteError.self) { try database.prepare("SELEC") }

        #expect(error?.name == "SQLITE_CONSTRAINT_PRIMARYKEY")
        #expect(error?.isConstraint == true)
        #expect(error?.operation == "INSERT INTO t VALUES (1)")
        #expect(error?.message.contains("UNIQUE") == true)
        #expect(syntax?.name == "SQLITE_ERROR")
        #expect(throws: SQLiteError.self) { try insert.bind(5, 1) }
    }

    @Test func `a read-only connection refuses writes and sees commits`() throws {
        let writer = try self.open()
        try writer.execute("CREATE TABLE t (i); INSERT INTO t VALUES (1)")
        let reader = try self.open(DatabaseOptions(access: .readOnly))

        let error = #expect(throws: SQLiteError.self) { try reader.execute("INSERT INTO t VALUES (2)") }
        try writer.execute("INSERT INTO t VALUES (3)")

        #expect(error?.isReadOnly == true)
        #expect(try reader.int64("SELECT count(*) FROM t") == 2)
    }

    @Test func `a missing file is not made unless that is asked for`() throws {
        let error = #expect(throws: SQLiteError.self) { try self.open(DatabaseOptions(access: .readWrite)) }

        #expect(error?.name == "SQLITE_CANTOPEN")
    }

    @Test func `an exclusive connection keeps others out`() throws {
        let owner = try self.open(DatabaseOptions(isExclusive: true))
        try owner.execute("CREATE TABLE t (i)")

        let error = #expect(throws: SQLiteError.self) {
            try self.open(DatabaseOptions(busyTimeout: .zero)).execute("SELECT * FROM t")
        }

        #expect(error?.isBusy == true)
    }

    @Test func `a file that is no database is called corrupt`() throws {
        try Data(repeating: 0x41, count: 8192).write(to: URL(fileURLWithPath: self.folder.path("test.db")))

        let error = #expect(throws: SQLiteError.self) { try self.open().execute("CREATE TABLE t (i)") }

        #expect(error?.isCorrupt == true)
    }

    @Test func `a full database is called full and rolls back`() throws {
        let database = try self.open()
        try database.execute("CREATE TABLE t (b)")
        try database.execute("PRAGMA max_page_count=10")

        let error = #expect(throws: SQLiteError.self) {
            try database.execute("INSERT INTO t VALUES (zeroblob(100000))")
        }

        #expect(error?.isDiskFull == true)
        #expect(try database.int64("SELECT count(*) FROM t") == 0)
    }

    @Test func `checkpoints tell what they did, and the WAL's pages are counted`() throws {
        let database = try self.open(DatabaseOptions(autocheckpointPages: 0))
        try database.execute("CREATE TABLE t (i)")

        let pages = database.walPages
        let result = try database.checkpoint(.restart)

        #expect(pages > 0)
        #expect(result == Database.CheckpointResult(isBusy: false, walPages: pages, checkpointedPages: pages))
        #expect(result.isComplete)
    }

    @Test func `a checkpoint that would have to wait says so`() throws {
        let writer = try self.open(DatabaseOptions(busyTimeout: .zero, autocheckpointPages: 0))
        try writer.execute("CREATE TABLE t (i); INSERT INTO t VALUES (1)")
        let reader = try self.open(DatabaseOptions(access: .readOnly))
        try reader.begin(.deferred)
        _ = try reader.int64("SELECT * FROM t")
        try writer.execute("INSERT INTO t VALUES (2)")

        let result = try writer.checkpoint(.truncate)

        #expect(result.isBusy)
        #expect(!result.isComplete)
    }

    private static let endlessQuery =
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT count(*) FROM c"

    @Test func `a query that takes too long is ended, and the connection stays usable`() throws {
        let database = try self.open()

        let error = #expect(throws: SQLiteError.self) {
            try database.withTimeLimit(.milliseconds(5)) { try database.int64(Self.endlessQuery) }
        }

        #expect(error?.isInterrupted == true)
        #expect(try database.int64("SELECT 1") == 1)
    }

    @Test func `another thread can end a query`() throws {
        let database = try self.open()
        let interrupter = database.interrupter
        var hasBegun = false
        database.setProgressHandler(every: 1000) {
            if !hasBegun {
                hasBegun = true
                Thread.detachNewThread { interrupter.interrupt() }
            }
            return true
        }

        let error = #expect(throws: SQLiteError.self) { try database.int64(Self.endlessQuery) }

        #expect(error?.isInterrupted == true)
    }

    @Test func `statements may outlive the database object`() throws {
        let statement: Statement
        do {
            let database = try self.open(DatabaseOptions(autocheckpointPages: 0))
            try database.execute("CREATE TABLE t (i)")
            statement = try database.prepare("INSERT INTO t VALUES (1)")
        }

        try statement.run()

        #expect(try self.open().int64("SELECT count(*) FROM t") == 1)
    }

    @Test func `the schema version is kept in the file`() throws {
        try self.open().setUserVersion(42)

        #expect(try self.open().userVersion() == 42)
    }

    @Test func `an unknown file system interface is refused`() {
        #expect(throws: SQLiteError.self) { try self.open(DatabaseOptions(vfs: "no-such-vfs")) }
    }
}
