import CSQLite

/// Keeps the sum of the hashes of all rows of some tables, from the changes that a connection makes to them
/// ("The pre-update hook"). Counts what statements do, whatever becomes of their transaction: the owner puts `content`
/// back after a rollback, of a savepoint too. Of a statement that fails, what it had done counts as well.
///
/// Set up before statements are compiled: SQLite then deletes row by row where it would drop a whole table's pages,
/// and tells which columns a statement sets ("Compile-Time Authorization Callbacks"): an update is looked at in these
/// columns alone.
package final class ContentTracker {
    /// A table whose rows count, or one that is known not to.
    package struct Table: Hashable, Sendable {
        package var name: String
        /// Part of every row's hash, for ever. Nil for a table that does not count.
        package var number: UInt64?

        package init(name: String, number: UInt64?) {
            self.name = name
            self.number = number
        }
    }

    package struct Content: Hashable, Sendable {
        /// Of all rows that are there.
        package var rows: ContentHash
        /// Of all rows that were deleted while `isMovingOut` was set.
        package var movedOut: ContentHash

        package init(rows: ContentHash = ContentHash(), movedOut: ContentHash = ContentHash()) {
            self.rows = rows
            self.movedOut = movedOut
        }
    }

    package var content: Content {
        get { self.counter.pointee.content }
        set { self.counter.pointee.content = newValue }
    }

    /// Whether rows are deleted only to be kept elsewhere.
    package var isMovingOut: Bool {
        get { self.counter.pointee.isMovingOut }
        set { self.counter.pointee.isMovingOut = newValue }
    }

    /// What a value could not be read for; `content` means nothing then.
    package var failure: SQLiteError? {
        self.counter.pointee.failureCode.map {
            SQLiteError(extendedCode: $0, message: String(cString: sqlite3_errstr($0)), operation: "reading a row")
        }
    }

    private let counter: UnsafeMutablePointer<RowCounter>
    private let connection: Connection

    init(_ database: Database, tables: [Table]) throws {
        let layouts = try RowLayout.read(database, numbers: tables.map { ($0.name, $0.number ?? 0) })
        let known = UnsafeMutableBufferPointer<RowCounter.Table>.allocate(capacity: tables.count)
        for (index, table) in tables.enumerated() {
            known.initializeElement(at: index, to: RowCounter.Table(table, layouts[table.name]))
        }
        self.connection = database.connection
        self.counter = UnsafeMutablePointer<RowCounter>.allocate(capacity: 1)
        self.counter.initialize(to: RowCounter(tables: known, marks: self.connection.marks))
        self.listen()
    }

    private func listen() {
        self.connection.marks.pointee.isActive = true
        sqlite3_preupdate_hook(
            self.connection.handle,
            { context, handle, operation, _, table, oldKey, newKey in
                guard let context, let handle, let table else { return }
                let change = RowCounter.Change(handle: handle, operation: operation, oldKey: oldKey, newKey: newKey)
                context.assumingMemoryBound(to: RowCounter.self).pointee.note(change, of: table)
            },
            self.counter
        )
        sqlite3_set_authorizer(
            self.connection.handle,
            { context, action, table, column, _, _ in
                guard action == SQLITE_UPDATE, let context, let table, let column else { return SQLITE_OK }
                let counter = context.assumingMemoryBound(to: RowCounter.self)
                guard let index = counter.pointee.index(of: table), let start = counter.pointee.tables.baseAddress
                else { return SQLITE_OK }
                counter.pointee.marks.pointee.note(start + index, column)
                return SQLITE_OK
            },
            self.counter
        )
    }

    deinit {
        sqlite3_preupdate_hook(self.connection.handle, nil, nil)
        sqlite3_set_authorizer(self.connection.handle, nil, nil)
        self.connection.marks.pointee.isActive = false
        for table in self.counter.pointee.tables { table.deallocate() }
        self.counter.pointee.tables.deallocate()
        self.counter.deallocate()
    }

    /// Puts back what was there before; what failed since is undone.
    package func restore(_ content: Content) {
        self.counter.pointee.content = content
        self.counter.pointee.failureCode = nil
        self.counter.pointee.isMovingOut = false
    }
}

extension RowCounter.Table {
    fileprivate init(_ table: ContentTracker.Table, _ layout: RowLayout?) {
        let columns = layout?.columns ?? []
        let copies = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>>.allocate(capacity: columns.count)
        for (index, column) in columns.enumerated() { copies.initializeElement(at: index, to: Self.copy(column)) }
        self.init(
            name: Self.copy(table.name),
            columns: copies,
            address: nil,
            number: table.number,
            keyColumn: layout?.keyColumn ?? -1
        )
    }

    private static func copy(_ text: String) -> UnsafeMutablePointer<CChar> {
        let characters = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: characters.count)
        for (position, character) in characters.enumerated() { (copy + position).initialize(to: character) }
        return copy
    }

    fileprivate func deallocate() {
        self.name.deallocate()
        for column in self.columns { column.deallocate() }
        self.columns.deallocate()
    }
}

extension Database {
    /// Counts from now on what this connection changes in tables, which are there already. A connection has one tracker
    /// at a time: the last one.
    package func trackContent(of tables: [ContentTracker.Table]) throws -> ContentTracker {
        try ContentTracker(self, tables: tables)
    }
}
