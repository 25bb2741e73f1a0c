import CSQLite

/// An operation that SQLite refused or that failed, with everything needed to name it in a log.
package struct SQLiteError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The extended result code, for example 3338 for `SQLITE_IOERR_ACCESS`.
    package var extendedCode: Int32
    /// SQLite's own description of the problem.
    package var message: String
    /// The statement or the operation that failed. Never holds bound values.
    package var operation: String
    /// The operating system's error number behind it, or 0.
    package var systemErrorNumber: Int32

    package init(extendedCode: Int32, message: String, operation: String, systemErrorNumber: Int32 = 0) {
        self.extendedCode = extendedCode
        self.message = message
        self.operation = operation
        self.systemErrorNumber = systemErrorNumber
    }

    /// The primary result code: the lowest byte of the extended one.
    package var primaryCode: Int32 { self.extendedCode & 0xFF }

    /// The code's name in SQLite's documentation, of the primary code if the extended one is rare.
    package var name: String { Self.names[self.extendedCode] ?? Self.names[self.primaryCode] ?? "SQLITE_UNKNOWN" }

    package var description: String {
        let system = self.systemErrorNumber == 0 ? "" : ", errno \(self.systemErrorNumber)"
        return "\(self.name) (\(self.extendedCode)\(system)): \(self.message), in \(self.operation)"
    }

    /// No space is left on the device, or a quota or size limit was met.
    package var isDiskFull: Bool {
        if self.primaryCode == SQLITE_FULL { return true }
        return self.primaryCode == SQLITE_IOERR && [28, 122].contains(self.systemErrorNumber)
    }

    /// The file is damaged, or no database at all.
    package var isCorrupt: Bool {
        if self.extendedCode == Self.shortReadCode || self.extendedCode == Self.dataCode { return true }
        return [SQLITE_CORRUPT, SQLITE_NOTADB].contains(self.primaryCode)
    }

    /// Another connection holds a lock that is needed; the same call may succeed later.
    package var isBusy: Bool { [SQLITE_BUSY, SQLITE_LOCKED].contains(self.primaryCode) }

    /// The device or the file system failed. After one during a sync nothing is known about what is durable.
    package var isIOError: Bool { self.primaryCode == SQLITE_IOERR }

    /// The database or the file system can only be read.
    package var isReadOnly: Bool { self.primaryCode == SQLITE_READONLY }

    /// Ended by `Interrupter.interrupt()` or by a time limit.
    package var isInterrupted: Bool { self.primaryCode == SQLITE_INTERRUPT }

    /// A UNIQUE, NOT NULL, CHECK or foreign key rule was violated.
    package var isConstraint: Bool { self.primaryCode == SQLITE_CONSTRAINT }

    /// `SQLITE_IOERR_SHORT_READ`: a page that must exist is missing from the file.
    private static let shortReadCode: Int32 = 10 | 2 << 8
    /// `SQLITE_IOERR_DATA`: a page checksum does not match.
    private static let dataCode: Int32 = 10 | 32 << 8

    private static let names: [Int32: String] = [
        1: "SQLITE_ERROR", 2: "SQLITE_INTERNAL", 3: "SQLITE_PERM", 4: "SQLITE_ABORT", 5: "SQLITE_BUSY",
        6: "SQLITE_LOCKED", 7: "SQLITE_NOMEM", 8: "SQLITE_READONLY", 9: "SQLITE_INTERRUPT", 10: "SQLITE_IOERR",
        11: "SQLITE_CORRUPT", 12: "SQLITE_NOTFOUND", 13: "SQLITE_FULL", 14: "SQLITE_CANTOPEN", 15: "SQLITE_PROTOCOL",
        16: "SQLITE_EMPTY", 17: "SQLITE_SCHEMA", 18: "SQLITE_TOOBIG", 19: "SQLITE_CONSTRAINT", 20: "SQLITE_MISMATCH",
        21: "SQLITE_MISUSE", 22: "SQLITE_NOLFS", 23: "SQLITE_AUTH", 25: "SQLITE_RANGE", 26: "SQLITE_NOTADB",
        266: "SQLITE_IOERR_READ", 522: "SQLITE_IOERR_SHORT_READ", 778: "SQLITE_IOERR_WRITE",
        1034: "SQLITE_IOERR_FSYNC", 1290: "SQLITE_IOERR_DIR_FSYNC", 1546: "SQLITE_IOERR_TRUNCATE",
        1802: "SQLITE_IOERR_FSTAT", 3338: "SQLITE_IOERR_ACCESS", 3850: "SQLITE_IOERR_LOCK",
        4106: "SQLITE_IOERR_CLOSE", 4618: "SQLITE_IOERR_SHMOPEN", 4874: "SQLITE_IOERR_SHMSIZE",
        5386: "SQLITE_IOERR_SHMMAP", 8202: "SQLITE_IOERR_DATA", 267: "SQLITE_CORRUPT_VTAB",
        264: "SQLITE_READONLY_RECOVERY", 1032: "SQLITE_READONLY_DBMOVED", 261: "SQLITE_BUSY_RECOVERY",
        517: "SQLITE_BUSY_SNAPSHOT", 1555: "SQLITE_CONSTRAINT_PRIMARYKEY", 2067: "SQLITE_CONSTRAINT_UNIQUE",
        1299: "SQLITE_CONSTRAINT_NOTNULL", 275: "SQLITE_CONSTRAINT_CHECK", 2579: "SQLITE_CONSTRAINT_ROWID",
        787: "SQLITE_CONSTRAINT_FOREIGNKEY",
    ]
}
