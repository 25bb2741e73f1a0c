import CSQLite

/// What `ContentTracker` keeps at an address of its own: SQLite's hook comes here for every changed row, so there is
/// nothing here to be retained, and no array.
struct RowCounter {
    struct Table {
        /// Copies, freed with the tracker.
        let name: UnsafeMutablePointer<CChar>
        let columns: UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>>
        /// Where SQLite kept the name when it was last seen.
        var address: UnsafePointer<CChar>?
        /// Nil for a table that does not count.
        let number: UInt64?
        /// -1 for rows that have no key.
        let keyColumn: Int32
    }

    /// One row that changes.
    struct Change {
        let handle: OpaquePointer
        let operation: Int32
        let oldKey: Int64
        let newKey: Int64
    }

    var content = ContentTracker.Content()
    var isMovingOut = false
    var failureCode: Int32?
    let tables: UnsafeMutableBufferPointer<Table>
    let marks: UnsafeMutablePointer<ColumnMarks>

    @inline(__always)
    mutating func note(_ change: Change, of name: UnsafePointer<CChar>) {
        guard let index = self.index(of: name), let number = self.tables[index].number else { return }
        let keyColumn = self.tables[index].keyColumn
        let columns = sqlite3_preupdate_count(change.handle)
        if change.operation == SQLITE_UPDATE, keyColumn >= 0, change.oldKey == change.newKey,
            self.marks.pointee.running != ColumnMarks.all
        {
            return self.noteUpdate(change, ValueHasher(table: number, key: change.oldKey))
        }
        if change.operation != SQLITE_INSERT {
            let hash = self.row(change, number, keyColumn, columns, isNew: false)
            self.content.rows = self.content.rows - hash
            if change.operation == SQLITE_DELETE {
                if self.isMovingOut { self.content.movedOut = self.content.movedOut + hash }
                return
            }
        }
        self.content.rows = self.content.rows + self.row(change, number, keyColumn, columns, isNew: true)
    }

    /// Only what the statement sets is looked at.
    @inline(__always)
    private mutating func noteUpdate(_ change: Change, _ hasher: ValueHasher) {
        var left = self.marks.pointee.running
        var rows = self.content.rows
        while left != 0 {
            let column = Int32(truncatingIfNeeded: left.trailingZeroBitCount)
            left &= left &- 1
            guard let old = self.value(change.handle, column, isNew: false),
                let new = self.value(change.handle, column, isNew: true)
            else { return }
            rows = rows - hasher.hash(column, value: old) + hasher.hash(column, value: new)
        }
        self.content.rows = rows
    }

    @inline(__always)
    private mutating func row(
        _ change: Change,
        _ table: UInt64,
        _ keyColumn: Int32,
        _ columns: Int32,
        isNew: Bool
    ) -> ContentHash {
        guard keyColumn >= 0 else { return self.rowWithoutKey(change, table, columns, isNew: isNew) }
        let key = isNew ? change.newKey : change.oldKey
        let hasher = ValueHasher(table: table, key: key)
        var sum = hasher.hash(keyColumn, key)
        for column in 0..<columns where column != keyColumn {
            guard let value = self.value(change.handle, column, isNew: isNew) else { return ContentHash() }
            sum = sum + hasher.hash(column, value: value)
        }
        return sum
    }

    private mutating func rowWithoutKey(
        _ change: Change,
        _ table: UInt64,
        _ columns: Int32,
        isNew: Bool
    ) -> ContentHash {
        var hasher = RowHasher(table: table)
        for column in 0..<columns {
            guard let value = self.value(change.handle, column, isNew: isNew) else { return ContentHash() }
            hasher.add(value: value)
        }
        return hasher.finish()
    }

    @inline(__always)
    private mutating func value(_ handle: OpaquePointer, _ column: Int32, isNew: Bool) -> OpaquePointer? {
        var value: OpaquePointer?
        let code =
            isNew ? sqlite3_preupdate_new(handle, column, &value) : sqlite3_preupdate_old(handle, column, &value)
        if code == SQLITE_OK, let value { return value }
        if self.failureCode == nil { self.failureCode = code == SQLITE_OK ? SQLITE_NOMEM : code }
        return nil
    }

    @inline(__always)
    func index(of name: UnsafePointer<CChar>) -> Int? {
        for index in self.tables.indices where self.tables[index].address == name {
            // Another table may have been given a place that became free.
            if sqlite3_stricmp(self.tables[index].name, name) == 0 { return index }
        }
        for index in self.tables.indices where sqlite3_stricmp(self.tables[index].name, name) == 0 {
            self.tables[index].address = name
            return index
        }
        return nil
    }
}
