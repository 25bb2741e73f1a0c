import CSQLite

/// Keeps the sum of the hashes of all rows of some tables, from the changes that a connection makes to them
/// ("The pre-update hook"). Counts what statements do, whatever becomes of their transaction: the owner puts `content`
/// back after a rollback, of a savepoint too. Of a statement that fails, what it had done counts as well.
///
/// Set up before statements are compiled: SQLite then deletes row by row where it would drop a whole table's pages.
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

    private struct KnownTable {
        /// A copy of the name, freed with the tracker.
        let name: UnsafeMutablePointer<CChar>
        /// Where SQLite kept the name when it was last seen.
        var address: UnsafePointer<CChar>?
        let number: UInt64?
    }

    package var content = Content()
    /// Whether rows are deleted only to be kept elsewhere.
    package var isMovingOut = false
    /// What a value could not be read for; `content` means nothing then.
    package private(set) var failure: SQLiteError?

    /// Freed with the tracker. Not an array: this is looked at for every changed row.
    private let tables: UnsafeMutableBufferPointer<KnownTable>
    private let connection: Connection

    init(_ connection: Connection, tables: [Table]) {
        self.connection = connection
        self.tables = UnsafeMutableBufferPointer<KnownTable>.allocate(capacity: tables.count)
        for (index, table) in tables.enumerated() {
            let characters = table.name.utf8CString
            let name = UnsafeMutablePointer<CChar>.allocate(capacity: characters.count)
            for (position, character) in characters.enumerated() { (name + position).initialize(to: character) }
            self.tables.initializeElement(at: index, to: KnownTable(name: name, number: table.number))
        }
        sqlite3_preupdate_hook(
            connection.handle,
            { context, handle, operation, _, table, _, _ in
                guard let context, let handle, let table else { return }
                Unmanaged<ContentTracker>.fromOpaque(context).takeUnretainedValue().note(handle, operation, table)
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    deinit {
        sqlite3_preupdate_hook(self.connection.handle, nil, nil)
        for table in self.tables { table.name.deallocate() }
        self.tables.deallocate()
    }

    /// Puts back what was there before; what failed since is undone.
    package func restore(_ content: Content) {
        self.content = content
        self.failure = nil
        self.isMovingOut = false
    }

    private func note(_ handle: OpaquePointer, _ operation: Int32, _ table: UnsafePointer<CChar>) {
        guard let number = self.number(of: table) else { return }
        let columns = sqlite3_preupdate_count(handle)
        if operation != SQLITE_INSERT {
            let hash = self.hash(handle, number, columns, sqlite3_preupdate_old)
            self.content.rows = self.content.rows - hash
            if operation == SQLITE_DELETE {
                if self.isMovingOut { self.content.movedOut = self.content.movedOut + hash }
                return
            }
        }
        self.content.rows = self.content.rows + self.hash(handle, number, columns, sqlite3_preupdate_new)
    }

    /// The number of a table that counts.
    @inline(__always)
    private func number(of table: UnsafePointer<CChar>) -> UInt64? {
        for index in self.tables.indices where self.tables[index].address == table {
            // Another table may have been given a place that became free.
            if sqlite3_stricmp(self.tables[index].name, table) == 0 { return self.tables[index].number }
        }
        for index in self.tables.indices where sqlite3_stricmp(self.tables[index].name, table) == 0 {
            self.tables[index].address = table
            return self.tables[index].number
        }
        return nil
    }

    @inline(__always)
    private func hash(
        _ handle: OpaquePointer,
        _ table: UInt64,
        _ columns: Int32,
        _ read: (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Int32
    ) -> ContentHash {
        var hasher = RowHasher(table: table)
        for column in 0..<columns {
            var value: OpaquePointer?
            let code = read(handle, column, &value)
            guard code == SQLITE_OK, let value else {
                if self.failure == nil {
                    self.failure = SQLiteError(
                        extendedCode: code == SQLITE_OK ? SQLITE_NOMEM : code,
                        message: String(cString: sqlite3_errstr(code == SQLITE_OK ? SQLITE_NOMEM : code)),
                        operation: "reading a changed row"
                    )
                }
                return ContentHash()
            }
            hasher.add(value)
        }
        return hasher.finish()
    }
}

extension Database {
    /// Counts from now on what this connection changes in tables. A connection has one tracker at a time: the last one.
    package func trackContent(of tables: [ContentTracker.Table]) -> ContentTracker {
        ContentTracker(self.connection, tables: tables)
    }
}
