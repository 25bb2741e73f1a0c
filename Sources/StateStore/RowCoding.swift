import ProcessEngine
import SQLite

/// Binds the parameters of a statement one after the other. Every parameter is bound anew before each run, because
/// SQLite keeps the values of the run before.
struct ParameterWriter {
    private let statement: Statement
    private(set) var index: Int32 = 0

    @inline(__always)
    init(_ statement: Statement) { self.statement = statement }

    @inline(__always)
    private mutating func next() -> Int32 {
        index += 1
        return index
    }

    @inline(__always)
    mutating func write(_ value: Int64) throws { try statement.bind(next(), value) }
    @inline(__always)
    mutating func write(_ value: Int64?) throws { try statement.bind(next(), value) }
    @inline(__always)
    mutating func write(_ value: Int32) throws { try write(Int64(value)) }
    @inline(__always)
    mutating func write(_ value: Bool) throws { try write(value ? 1 as Int64 : 0) }
    @inline(__always)
    mutating func write(_ value: Key) throws { try write(value.rawValue) }
    @inline(__always)
    mutating func write(_ value: Key?) throws { try write(value?.rawValue) }
    @inline(__always)
    mutating func write(_ value: some RawRepresentable<UInt8>) throws { try write(Int64(value.rawValue)) }
    @inline(__always)
    mutating func write(_ value: String) throws { try statement.bind(next(), value) }
    @inline(__always)
    mutating func write(_ value: String?) throws { try statement.bind(next(), value) }
    mutating func write(_ value: [UInt8]) throws { try statement.bind(next(), value) }
    mutating func write(_ value: [String]) throws { try write(StringList.encode(value)) }

    mutating func write(encoded value: some BinaryCodable) throws {
        var writer = ByteWriter()
        value.write(to: &writer)
        try write(writer.bytes)
    }

    /// Runs the statement.
    @inline(__always)
    func run() throws { try statement.run() }

    /// Runs the statement with `bytes` as the last parameter, without a copy: values may be large.
    @inline(__always)
    mutating func run(borrowing bytes: [UInt8]) throws { try statement.run(next(), borrowing: bytes) }

    /// The first row, if there is one.
    @inline(__always)
    func first<Value>(_ read: (inout RowReader) throws -> Value) throws -> Value? {
        defer { statement.reset() }
        guard try statement.step() else { return nil }
        var row = RowReader(statement)
        return try read(&row)
    }

    /// All rows.
    func rows<Value>(_ read: (inout RowReader) throws -> Value) throws -> [Value] {
        defer { statement.reset() }
        var result: [Value] = []
        while try statement.step() {
            var row = RowReader(statement)
            result.append(try read(&row))
        }
        return result
    }
}

/// Reads the columns of a statement's current row one after the other.
struct RowReader {
    private let statement: Statement
    private var column: Int32 = -1

    @inline(__always)
    init(_ statement: Statement) { self.statement = statement }

    @inline(__always)
    private mutating func next() -> Int32 {
        column += 1
        return column
    }

    @inline(__always)
    mutating func int64() -> Int64 { statement.int64(next()) }

    @inline(__always)
    mutating func optionalInt64() -> Int64? {
        let column = next()
        return statement.isNull(column) ? nil : statement.int64(column)
    }

    @inline(__always)
    mutating func key() -> Key { Key(int64()) }
    @inline(__always)
    mutating func optionalKey() -> Key? { optionalInt64().map { Key($0) } }
    @inline(__always)
    mutating func bool() -> Bool { int64() != 0 }
    @inline(__always)
    mutating func text() -> String { statement.text(next()) }

    @inline(__always)
    mutating func optionalText() -> String? {
        let column = next()
        return statement.isNull(column) ? nil : statement.text(column)
    }

    @inline(__always)
    mutating func bytes() -> [UInt8] { statement.blob(next()) }

    mutating func texts() throws -> [String] { try StringList.decode(bytes()) }

    mutating func int32() throws -> Int32 {
        let value = int64()
        guard let narrow = Int32(exactly: value) else { throw invalid("an integer of 32 bits", value) }
        return narrow
    }

    mutating func group() throws -> UInt32 {
        let value = int64()
        guard let group = UInt32(exactly: value) else { throw invalid("the number of a group", value) }
        return group
    }

    mutating func enumeration<Value: RawRepresentable<UInt8>>(_ type: Value.Type) throws -> Value {
        let value = int64()
        guard let raw = UInt8(exactly: value), let result = Value(rawValue: raw) else {
            throw invalid("a \(type)", value)
        }
        return result
    }

    /// A value in the engine's stored form; nothing may follow it.
    mutating func decoded<Value: BinaryCodable>(_ type: Value.Type) throws -> Value {
        var reader = ByteReader(bytes())
        let value = try Value(from: &reader)
        guard reader.isAtEnd else { throw invalid("the end of a \(type)", "more bytes at byte \(reader.position)") }
        return value
    }

    func invalid(_ expected: String, _ found: some CustomStringConvertible) -> StateStoreError {
        StateStoreError(.invalidRow, "Expected \(expected), but got \(found) in column \(column) of: \(statement.sql)")
    }
}
