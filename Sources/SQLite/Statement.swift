import CSQLite

/// A prepared statement: compiled once, kept by its owner, run many times. Used by one thread at a time, that of its
/// database. Indexes of parameters count from 1, columns from 0, as in SQLite.
package final class Statement {
    private let connection: Connection
    private let handle: OpaquePointer
    /// The columns it sets, as `ColumnMarks` has them.
    private let columns: UInt64

    init(_ connection: Connection, sql: String) throws {
        var handle: OpaquePointer?
        var sql = sql
        connection.marks.pointee.beginCompiling()
        let code = sql.withUTF8 { text in
            text.withMemoryRebound(to: CChar.self) {
                sqlite3_prepare_v3(
                    connection.handle,
                    $0.baseAddress,
                    Int32(clamping: $0.count),
                    UInt32(SQLITE_PREPARE_PERSISTENT),
                    &handle,
                    nil
                )
            }
        }
        try connection.check(code, sql)
        guard let handle else {
            throw SQLiteError(
                extendedCode: SQLITE_MISUSE,
                message: "Expected a statement, but got none",
                operation: sql
            )
        }
        self.connection = connection
        self.handle = handle
        self.columns = connection.marks.pointee.compiled
    }

    deinit { sqlite3_finalize(self.handle) }

    /// The text the statement was made from, with placeholders for the values.
    package var sql: String { sqlite3_sql(self.handle).map { String(cString: $0) } ?? "" }

    // MARK: Parameters

    package func bind(_ index: Int32, _ value: Int64) throws {
        try self.check(sqlite3_bind_int64(self.handle, index, value))
    }

    package func bind(_ index: Int32, _ value: Int) throws { try self.bind(index, Int64(value)) }

    package func bind(_ index: Int32, _ value: Double) throws {
        try self.check(sqlite3_bind_double(self.handle, index, value))
    }

    package func bindNull(_ index: Int32) throws { try self.check(sqlite3_bind_null(self.handle, index)) }

    package func bind(_ index: Int32, _ value: Int64?) throws {
        guard let value else { return try self.bindNull(index) }
        try self.bind(index, value)
    }

    /// Copies the text.
    package func bind(_ index: Int32, _ value: String) throws {
        var value = value
        let code = value.withUTF8 { text in
            text.withMemoryRebound(to: CChar.self) { characters in
                // An empty buffer may have no address, which SQLite would take for NULL.
                guard let start = characters.baseAddress else {
                    return csqlite_bind_text_copy(self.handle, index, "", 0)
                }
                return csqlite_bind_text_copy(self.handle, index, start, UInt64(characters.count))
            }
        }
        try self.check(code)
    }

    package func bind(_ index: Int32, _ value: String?) throws {
        guard let value else { return try self.bindNull(index) }
        try self.bind(index, value)
    }

    /// Copies the bytes.
    package func bind(_ index: Int32, _ bytes: UnsafeRawBufferPointer) throws {
        guard let start = bytes.baseAddress, !bytes.isEmpty else {
            return try self.check(sqlite3_bind_zeroblob(self.handle, index, 0))
        }
        try self.check(csqlite_bind_blob_copy(self.handle, index, start, UInt64(bytes.count)))
    }

    /// Copies the bytes. See `run(_:borrowing:)` for the way without a copy.
    package func bind(_ index: Int32, _ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try self.bind(index, $0) }
    }

    package func bind(_ index: Int32, _ bytes: [UInt8]?) throws {
        guard let bytes else { return try self.bindNull(index) }
        try self.bind(index, bytes)
    }

    /// Forgets all values bound so far: every parameter is NULL.
    package func clearBindings() { sqlite3_clear_bindings(self.handle) }

    // MARK: Running

    /// Goes to the next row. False when there is none, and the statement is ready to be run again after `reset`.
    @inline(__always)
    package func step() throws -> Bool {
        self.connection.marks.pointee.running = self.columns
        let code = sqlite3_step(self.handle)
        if code == SQLITE_ROW { return true }
        if code == SQLITE_DONE { return false }
        // Read before the reset, which would replace the message.
        let error = self.connection.error(code, self.sql)
        sqlite3_reset(self.handle)
        throw error
    }

    /// Makes the statement ready to run again; bound values stay. A statement that is not reset keeps its read
    /// transaction open.
    @inline(__always)
    package func reset() { sqlite3_reset(self.handle) }

    /// Runs a statement that returns no rows, and resets it.
    @inline(__always)
    package func run() throws {
        _ = try self.step()
        sqlite3_reset(self.handle)
    }

    /// Like `run()`, with `bytes` bound to one parameter for this run only, without a copy.
    @inline(__always)
    package func run(_ index: Int32, borrowing bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try self.run(index, borrowing: $0) }
    }

    /// Like `run()`, with `bytes` bound to one parameter for this run only, without a copy.
    @inline(__always)
    package func run(_ index: Int32, borrowing bytes: UnsafeRawBufferPointer) throws {
        guard let start = bytes.baseAddress, !bytes.isEmpty else {
            try self.check(sqlite3_bind_zeroblob(self.handle, index, 0))
            return try self.run()
        }
        try self.check(csqlite_bind_blob_borrowed(self.handle, index, start, UInt64(bytes.count)))
        // The memory is the caller's: the statement must not keep the address.
        defer { sqlite3_bind_null(self.handle, index) }
        self.connection.marks.pointee.running = self.columns
        let code = sqlite3_step(self.handle)
        if code != SQLITE_DONE, code != SQLITE_ROW {
            let error = self.connection.error(code, self.sql)
            sqlite3_reset(self.handle)
            throw error
        }
        sqlite3_reset(self.handle)
    }

    // MARK: Columns of the current row

    package var columnCount: Int32 { sqlite3_column_count(self.handle) }

    @inline(__always)
    package func isNull(_ column: Int32) -> Bool { sqlite3_column_type(self.handle, column) == SQLITE_NULL }

    /// The type of a column's value, as SQLite numbers them.
    @inline(__always)
    func type(_ column: Int32) -> Int32 { sqlite3_column_type(self.handle, column) }

    @inline(__always)
    package func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(self.handle, column) }

    @inline(__always)
    package func double(_ column: Int32) -> Double { sqlite3_column_double(self.handle, column) }

    /// The text of a column; bytes that are not UTF-8 are replaced. Empty for NULL.
    package func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(self.handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(self.handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// A copy of the bytes of a column. Empty for NULL.
    package func blob(_ column: Int32) -> [UInt8] { self.withBlob(column) { [UInt8]($0) } }

    /// Lends the bytes of a column, which are gone after the call.
    @inline(__always)
    package func withBlob<Result>(
        _ column: Int32,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let start = sqlite3_column_blob(self.handle, column)
        let count = Int(sqlite3_column_bytes(self.handle, column))
        return try body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    }

    @inline(__always)
    private func check(_ code: Int32) throws {
        if code != SQLITE_OK { throw self.connection.error(code, self.sql) }
    }
}
