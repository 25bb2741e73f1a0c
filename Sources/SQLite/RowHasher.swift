import CSQLite

/// Hashes the values of a row that has a key, each by itself: the row's hash is their sum, so that a change of one
/// column needs no look at the others. A value's hash is over the number of the table, the row's key, the position of
/// the column, the type and the value, every part mixed into both lanes: equal values of other rows or columns have
/// unrelated hashes. NULL adds nothing.
struct ValueHasher {
    private let first: UInt64
    private let second: UInt64

    @inline(__always)
    init(table: UInt64, key: Int64) {
        let word = UInt64(bitPattern: key)
        self.first = ContentHasher.mix(word ^ table &* 0x9E37_79B9_7F4A_7C15)
        self.second = ContentHasher.mix(word &+ table &* 0xD6E8_FEB8_6659_FD93 &+ 0x2545_F491_4F6C_DD1D)
    }

    @inline(__always)
    private func hash(_ column: Int32, _ type: UInt64, _ first: UInt64, _ second: UInt64) -> ContentHash {
        let place = UInt64(UInt32(bitPattern: column)) << 3 | type
        return ContentHash(
            first: ContentHasher.mix((self.first ^ first) &+ place &* 0xA076_1D64_78BD_642F),
            second: ContentHasher.mix((self.second &+ second) ^ place &* 0xE703_7ED1_A0B4_28DB)
        )
    }

    @inline(__always)
    func hash(_ column: Int32, _ value: Int64) -> ContentHash {
        self.hash(column, 1, UInt64(bitPattern: value), UInt64(bitPattern: value))
    }

    func hash(_ column: Int32, _ value: Double) -> ContentHash {
        self.hash(column, 2, value.bitPattern, value.bitPattern)
    }

    @inline(__always)
    func hash(_ column: Int32, _ bytes: UnsafeRawBufferPointer, isText: Bool) -> ContentHash {
        var hasher = ContentHasher(seed: 0)
        hasher.addCounted(bytes)
        let (first, second) = hasher.lanes
        return self.hash(column, isText ? 3 : 4, first, second)
    }

    /// A value that SQLite hands to a hook.
    @inline(__always)
    func hash(_ column: Int32, value: OpaquePointer) -> ContentHash {
        let type = sqlite3_value_type(value)
        switch type {
        case SQLITE_INTEGER: return self.hash(column, sqlite3_value_int64(value))
        case SQLITE_NULL: return ContentHash()
        case SQLITE_FLOAT: return self.hash(column, sqlite3_value_double(value))
        default: return self.hash(column, value.storedBytes, isText: type == SQLITE_TEXT)
        }
    }
}

/// Hashes a row without a key: the number of its table and all of its values with their types, in the order of the
/// columns.
struct RowHasher {
    private var hasher: ContentHasher
    private var types: UInt64 = 0

    init(table: UInt64) { self.hasher = ContentHasher(seed: table) }

    mutating func addNull() { self.note(type: 5) }

    mutating func add(_ value: Int64) {
        self.note(type: 1)
        self.hasher.add(UInt64(bitPattern: value))
    }

    mutating func add(_ value: Double) {
        self.note(type: 2)
        self.hasher.add(value.bitPattern)
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer, isText: Bool) {
        self.note(type: isText ? 3 : 4)
        self.hasher.addCounted(bytes)
    }

    /// A value that SQLite hands to a hook.
    mutating func add(value: OpaquePointer) {
        let type = sqlite3_value_type(value)
        switch type {
        case SQLITE_INTEGER: self.add(sqlite3_value_int64(value))
        case SQLITE_NULL: self.addNull()
        case SQLITE_FLOAT: self.add(sqlite3_value_double(value))
        default: self.add(value.storedBytes, isText: type == SQLITE_TEXT)
        }
    }

    func finish() -> ContentHash {
        var hasher = self.hasher
        hasher.add(self.types)
        return hasher.finish()
    }

    /// Types of up to 21 columns have bits of their own; beyond that they overlap and still count.
    private mutating func note(type: UInt64) { self.types = (self.types << 3 | self.types >> 61) ^ type }
}

extension OpaquePointer {
    /// The bytes of an `sqlite3_value`. A text as it is stored, in UTF-8, without the copy that a zero at its end
    /// would take.
    @inline(__always)
    fileprivate var storedBytes: UnsafeRawBufferPointer {
        let start = sqlite3_value_blob(self)
        let count = Int(sqlite3_value_bytes(self))
        return UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count)
    }
}

extension Statement {
    /// The hash of the current row, with all its columns as those of a table: what `ContentTracker` adds for it.
    package func rowHash(_ layout: RowLayout) -> ContentHash {
        if let keyColumn = layout.keyColumn { return self.keyedHash(layout.number, self.int64(keyColumn)) }
        var hasher = RowHasher(table: layout.number)
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

    private func keyedHash(_ table: UInt64, _ key: Int64) -> ContentHash {
        let hasher = ValueHasher(table: table, key: key)
        var sum = ContentHash()
        for column in 0..<self.columnCount {
            switch self.type(column) {
            case SQLITE_INTEGER: sum = sum + hasher.hash(column, self.int64(column))
            case SQLITE_NULL: break
            case SQLITE_FLOAT: sum = sum + hasher.hash(column, self.double(column))
            case let type: sum = sum + self.withBlob(column) { hasher.hash(column, $0, isText: type == SQLITE_TEXT) }
            }
        }
        return sum
    }
}
