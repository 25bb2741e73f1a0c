import CSQLite

/// Hashes a row: the number of its table and all of its values with their types, in the order of the columns.
struct RowHasher {
    private var hasher: ContentHasher
    private var types: UInt64 = 0

    @inline(__always)
    init(table: UInt64) { self.hasher = ContentHasher(seed: table) }

    @inline(__always)
    mutating func addNull() { self.note(type: 5) }

    @inline(__always)
    mutating func add(_ value: Int64) {
        self.note(type: 1)
        self.hasher.add(UInt64(bitPattern: value))
    }

    mutating func add(_ value: Double) {
        self.note(type: 2)
        self.hasher.add(value.bitPattern)
    }

    @inline(__always)
    mutating func add(_ bytes: UnsafeRawBufferPointer, isText: Bool) {
        self.note(type: isText ? 3 : 4)
        self.hasher.addCounted(bytes)
    }

    /// A value that SQLite hands to a hook.
    @inline(__always)
    mutating func add(_ value: OpaquePointer) {
        let type = sqlite3_value_type(value)
        switch type {
        case SQLITE_INTEGER: self.add(sqlite3_value_int64(value))
        case SQLITE_NULL: self.addNull()
        case SQLITE_FLOAT: self.add(sqlite3_value_double(value))
        default:
            // The text as it is stored, in UTF-8, without the copy that a zero at its end would take.
            let start = sqlite3_value_blob(value)
            let count = Int(sqlite3_value_bytes(value))
            let bytes = UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count)
            self.add(bytes, isText: type == SQLITE_TEXT)
        }
    }

    @inline(__always)
    func finish() -> ContentHash {
        var hasher = self.hasher
        hasher.add(self.types)
        return hasher.finish()
    }

    /// Types of up to 21 columns have bits of their own; beyond that they overlap and still count.
    @inline(__always)
    private mutating func note(type: UInt64) { self.types = (self.types << 3 | self.types >> 61) ^ type }
}

extension Statement {
    /// The hash of the current row, with all its columns as those of a table: what `ContentTracker` adds for it.
    package func rowHash(table: UInt64) -> ContentHash {
        var hasher = RowHasher(table: table)
        for column in 0..<self.columnCount {
            switch self.type(column) {
            case SQLITE_INTEGER: hasher.add(self.int64(column))
            case SQLITE_NULL: hasher.addNull()
            case SQLITE_FLOAT: hasher.add(self.double(column))
            case let type: self.withBlob(column) { hasher.add($0, isText: type == SQLITE_TEXT) }
            }
        }
        return hasher.finish()
    }
}
