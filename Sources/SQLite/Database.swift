import CSQLite

/// One connection to one SQLite database, used by one thread at a time (not `Sendable`; the owner's isolation or lock
/// is the guard). A thin layer: every call is one call of SQLite's C interface, so that the hot path costs what
/// SQLite does.
package final class Database {
    package enum TransactionKind: Int, Sendable {
        /// Takes locks as they are needed.
        case deferred
        /// Takes the write lock at once.
        case immediate
    }

    package enum CheckpointMode: Sendable {
        /// As much as can be done without waiting for anybody.
        case passive
        /// Everything, so that the next commit may begin anew at the head of the WAL.
        case restart
        /// Everything, and the WAL file is cut to nothing.
        case truncate
    }

    package struct CheckpointResult: Sendable, Hashable {
        /// Another connection kept it from finishing.
        package var isBusy: Bool
        /// Pages in the WAL, and how many of them are in the database file now.
        package var walPages: Int
        package var checkpointedPages: Int

        package init(isBusy: Bool, walPages: Int, checkpointedPages: Int) {
            self.isBusy = isBusy
            self.walPages = walPages
            self.checkpointedPages = checkpointedPages
        }

        /// Whether nothing in the WAL is missing from the database file.
        package var isComplete: Bool { !self.isBusy && self.walPages == self.checkpointedPages }
    }

    package let path: String
    let connection: Connection
    private let observer: ConnectionObserver
    private var savepoints: [String: SavepointStatements] = [:]
    private let beginStatements: [Statement]
    private let commitStatement: Statement
    private let rollbackStatement: Statement

    /// Opens the database and applies the options, which makes the file if that is allowed.
    package init(path: String, options: DatabaseOptions = DatabaseOptions()) throws {
        let connection = try Connection(path: path, options: options)
        let (seconds, attoseconds) = options.busyTimeout.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        sqlite3_busy_timeout(connection.handle, Int32(clamping: milliseconds))
        var pragmas = "PRAGMA foreign_keys=OFF; PRAGMA cache_size=-\(options.cacheBytes / 1024);"
        pragmas += "PRAGMA mmap_size=\(options.mmapBytes); PRAGMA temp_store=MEMORY;"
        if options.isExclusive { pragmas += "PRAGMA locking_mode=EXCLUSIVE;" }
        if options.access != .readOnly {
            pragmas += "PRAGMA page_size=\(options.pageBytes); PRAGMA journal_mode=\(options.journal.rawValue);"
            pragmas += "PRAGMA synchronous=\(options.synchronous.rawValue);"
            pragmas += "PRAGMA wal_autocheckpoint=\(options.autocheckpointPages);"
        }
        try connection.check(sqlite3_exec(connection.handle, pragmas, nil, nil, nil), "opening '\(path)'")
        self.path = path
        self.connection = connection
        self.observer = ConnectionObserver(connection, countsPages: options.autocheckpointPages == 0)
        self.beginStatements = [
            try Statement(connection, sql: "BEGIN DEFERRED"), try Statement(connection, sql: "BEGIN IMMEDIATE"),
        ]
        self.commitStatement = try Statement(connection, sql: "COMMIT")
        self.rollbackStatement = try Statement(connection, sql: "ROLLBACK")
    }

    // MARK: Statements

    /// Compiles a statement for use again and again.
    package func prepare(_ sql: String) throws -> Statement { try Statement(self.connection, sql: sql) }

    /// Runs one or more statements that need no values and whose rows nobody wants.
    package func execute(_ sql: String) throws {
        self.connection.marks.pointee.running = ColumnMarks.all
        try self.connection.check(sqlite3_exec(self.connection.handle, sql, nil, nil, nil), sql)
    }

    /// The first column of the first row as an integer, or nil if there is no row or it is NULL.
    package func int64(_ sql: String) throws -> Int64? {
        let statement = try self.prepare(sql)
        guard try statement.step(), !statement.isNull(0) else { return nil }
        return statement.int64(0)
    }

    /// The first column of the first row as text, or nil if there is no row or it is NULL.
    package func text(_ sql: String) throws -> String? {
        let statement = try self.prepare(sql)
        guard try statement.step(), !statement.isNull(0) else { return nil }
        return statement.text(0)
    }

    /// Rows changed by the last statement that finished.
    package var changes: Int64 { sqlite3_changes64(self.connection.handle) }

    /// Rows changed since the connection was opened.
    package var totalChanges: Int64 { sqlite3_total_changes64(self.connection.handle) }

    package var lastInsertRowID: Int64 { sqlite3_last_insert_rowid(self.connection.handle) }

    /// The number that the owner keeps in the file's header (`PRAGMA user_version`), by custom its schema version.
    package func userVersion() throws -> Int64 { try self.int64("PRAGMA user_version") ?? 0 }

    package func setUserVersion(_ version: Int32) throws { try self.execute("PRAGMA user_version=\(version)") }

    package func setSynchronous(_ synchronous: DatabaseOptions.Synchronous) throws {
        try self.execute("PRAGMA synchronous=\(synchronous.rawValue)")
    }

    // MARK: Transactions

    package func begin(_ kind: TransactionKind = .immediate) throws {
        try self.beginStatements[kind.rawValue].run()
    }

    package func commit() throws { try self.commitStatement.run() }

    /// Undoes the open transaction; does nothing if SQLite has already done so after an error.
    package func rollback() throws {
        guard self.isInTransaction else { return }
        try self.rollbackStatement.run()
    }

    package var isInTransaction: Bool { sqlite3_get_autocommit(self.connection.handle) == 0 }

    /// Opens a savepoint. Names are identifiers of our own code, never input; one name may be open several times.
    package func savepoint(_ name: String) throws { try self.savepointStatements(name).begin.run() }

    /// Keeps what was done since the innermost savepoint of that name, as part of what is around it.
    package func release(_ name: String) throws { try self.savepointStatements(name).release.run() }

    /// Undoes what was done since the innermost savepoint of that name, and closes it.
    package func rollback(to name: String) throws {
        let statements = try self.savepointStatements(name)
        try statements.rollback.run()
        try statements.release.run()
    }

    private struct SavepointStatements {
        var begin: Statement
        var release: Statement
        var rollback: Statement
    }

    private func savepointStatements(_ name: String) throws -> SavepointStatements {
        if let statements = self.savepoints[name] { return statements }
        precondition(
            !name.isEmpty && name.utf8.allSatisfy { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A },
            "Expected a savepoint name of letters, but got '\(name)'"
        )
        let statements = SavepointStatements(
            begin: try self.prepare("SAVEPOINT \(name)"),
            release: try self.prepare("RELEASE \(name)"),
            rollback: try self.prepare("ROLLBACK TO \(name)")
        )
        self.savepoints[name] = statements
        return statements
    }

    // MARK: The write-ahead log

    /// Copies pages from the WAL into the database file. Anything but `.passive` fails while this connection has a
    /// transaction open.
    @discardableResult
    package func checkpoint(_ mode: CheckpointMode) throws -> CheckpointResult {
        let number =
            switch mode {
            case .passive: SQLITE_CHECKPOINT_PASSIVE
            case .restart: SQLITE_CHECKPOINT_RESTART
            case .truncate: SQLITE_CHECKPOINT_TRUNCATE
            }
        var walPages: Int32 = -1
        var checkpointedPages: Int32 = -1
        let code = sqlite3_wal_checkpoint_v2(self.connection.handle, nil, number, &walPages, &checkpointedPages)
        guard code & 0xFF == SQLITE_BUSY || code == SQLITE_OK else {
            throw self.connection.error(code, "checkpoint")
        }
        return CheckpointResult(
            isBusy: code != SQLITE_OK,
            walPages: Int(walPages),
            checkpointedPages: Int(checkpointedPages)
        )
    }

    /// Pages in the WAL after the last commit. Counted only if `autocheckpointPages` is 0.
    package var walPages: Int { self.observer.walPages }

    /// Whether the WAL file stays when the last connection closes, so that its blocks are used again.
    package func setPersistentWAL(_ isPersistent: Bool) throws {
        var value: Int32 = isPersistent ? 1 : 0
        try self.fileControl(SQLITE_FCNTL_PERSIST_WAL, &value)
    }

    /// Lets the database file grow and shrink in steps of this many bytes.
    package func setChunkBytes(_ count: Int) throws {
        var value = Int32(clamping: count)
        try self.fileControl(SQLITE_FCNTL_CHUNK_SIZE, &value)
    }

    private func fileControl(_ operation: Int32, _ value: inout Int32) throws {
        let code = sqlite3_file_control(self.connection.handle, "main", operation, &value)
        try self.connection.check(code, "file control \(operation)")
    }

    // MARK: Limits

    /// Lets other threads end what runs on this connection.
    package var interrupter: Interrupter { Interrupter(self.connection) }

    /// Asks `shouldContinue` about every `instructions` steps of SQLite's machine, a few of which make up a row; false
    /// ends the running statement with an error whose `isInterrupted` is true.
    package func setProgressHandler(every instructions: Int32, _ shouldContinue: (() -> Bool)?) {
        self.observer.setProgressHandler(every: instructions, shouldContinue)
    }

    /// Runs `body`; a statement that is still running after `limit` fails with an error whose `isInterrupted` is true.
    package func withTimeLimit<Result>(_ limit: Duration, _ body: () throws -> Result) rethrows -> Result {
        let deadline = ContinuousClock.now + limit
        self.setProgressHandler(every: 1000) { ContinuousClock.now < deadline }
        defer { self.setProgressHandler(every: 0, nil) }
        return try body()
    }
}

/// What SQLite calls back, on the thread that uses the connection.
private final class ConnectionObserver {
    private let connection: Connection
    private var shouldContinue: (() -> Bool)?
    private(set) var walPages = 0

    init(_ connection: Connection, countsPages: Bool) {
        self.connection = connection
        guard countsPages else { return }
        sqlite3_wal_hook(
            connection.handle,
            { context, _, _, pages in
                guard let context else { return SQLITE_OK }
                Unmanaged<ConnectionObserver>.fromOpaque(context).takeUnretainedValue().walPages = Int(pages)
                return SQLITE_OK
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    deinit {
        // Statements may keep the connection open for longer than this object lives.
        sqlite3_wal_hook(self.connection.handle, nil, nil)
        sqlite3_progress_handler(self.connection.handle, 0, nil, nil)
    }

    func setProgressHandler(every instructions: Int32, _ shouldContinue: (() -> Bool)?) {
        self.shouldContinue = shouldContinue
        guard shouldContinue != nil else {
            sqlite3_progress_handler(self.connection.handle, 0, nil, nil)
            return
        }
        sqlite3_progress_handler(
            self.connection.handle,
            instructions,
            { context in
                guard let context else { return 0 }
                let observer = Unmanaged<ConnectionObserver>.fromOpaque(context).takeUnretainedValue()
                return observer.shouldContinue?() == false ? 1 : 0
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }
}
