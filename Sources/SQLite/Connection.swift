import CSQLite

/// Done once, before whatever else this program asks SQLite for: any call starts it, and then it changes nothing.
let configuration: Void = { _ = csqlite_configure() }()

/// Owns one `sqlite3` handle and closes it when the last user is gone: the database, its statements, its interrupters.
///
/// `@unchecked Sendable`: the handle is opened without SQLite's own mutex and is used by one thread at a time, which
/// `Database` leaves to its owner, being no `Sendable` itself. Only `Interrupter` reaches it from other threads, with
/// the one call that SQLite allows from anywhere as long as the handle is open, which the reference guarantees.
final class Connection: @unchecked Sendable {
    let handle: OpaquePointer
    /// Freed with the connection. Not a property: this is written for every step of a statement.
    let marks: UnsafeMutablePointer<ColumnMarks>

    init(path: String, options: DatabaseOptions) throws {
        configuration
        var flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        switch options.access {
        case .readOnly: flags |= SQLITE_OPEN_READONLY
        case .readWrite: flags |= SQLITE_OPEN_READWRITE
        case .create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        }
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, flags, options.vfs)
        guard code == SQLITE_OK, let handle else {
            let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
            let number = handle.map { sqlite3_system_errno($0) } ?? 0
            sqlite3_close_v2(handle)
            throw SQLiteError(
                extendedCode: code,
                message: message,
                operation: "opening '\(path)'",
                systemErrorNumber: number
            )
        }
        self.handle = handle
        self.marks = UnsafeMutablePointer<ColumnMarks>.allocate(capacity: 1)
        self.marks.initialize(to: ColumnMarks())
    }

    deinit {
        // The "v2" form also accepts statements that are finalized later; there are none, for they hold a reference.
        sqlite3_close_v2(self.handle)
        self.marks.deallocate()
    }

    /// The error of the call that just failed on this connection.
    func error(_ code: Int32, _ operation: @autoclosure () -> String) -> SQLiteError {
        let isFileProblem = [SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN].contains(code & 0xFF)
        return SQLiteError(
            extendedCode: code,
            message: String(cString: sqlite3_errmsg(self.handle)),
            operation: operation(),
            systemErrorNumber: isFileProblem ? sqlite3_system_errno(self.handle) : 0
        )
    }

    @inline(__always)
    func check(_ code: Int32, _ operation: @autoclosure () -> String) throws {
        if code != SQLITE_OK { throw self.error(code, operation()) }
    }
}

/// Ends a running query of a connection from any thread.
package struct Interrupter: Sendable {
    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// What runs now on the connection fails with an error whose `isInterrupted` is true; nothing happens if none runs.
    package func interrupt() { sqlite3_interrupt(self.connection.handle) }
}
