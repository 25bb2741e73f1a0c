/// Why stored bytes could not be read back.
package struct DecodingFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// "Expected X, but got Y at byte N".
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// Appends values in the engine's stored form: LEB128 integers (zig-zag for signed ones), length-prefixed bytes.
package struct ByteWriter {
    package private(set) var bytes: [UInt8] = []

    package init(reserving capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    package mutating func write(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    package mutating func write(_ value: Int64) { write(UInt64(bitPattern: (value << 1) ^ (value >> 63))) }
    package mutating func write(_ value: Int32) { write(Int64(value)) }
    package mutating func write(_ value: Int) { write(Int64(value)) }
    package mutating func write(_ value: UInt8) { bytes.append(value) }
    package mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }
    package mutating func write(_ value: Key) { write(value.rawValue) }

    package mutating func write(_ value: [UInt8]) {
        write(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    package mutating func write(_ value: String) {
        var text = value
        text.withUTF8 { buffer in
            write(UInt64(buffer.count))
            bytes.append(contentsOf: buffer)
        }
    }

    package mutating func write(_ value: [String]) {
        write(UInt64(value.count))
        for text in value { write(text) }
    }

    package mutating func write<Value>(_ value: Value?, _ body: (inout ByteWriter, Value) -> Void) {
        write(value != nil)
        if let value { body(&self, value) }
    }

    package mutating func write(_ value: Key?) { write(value) { $0.write($1) } }
    package mutating func write(_ value: String?) { write(value) { $0.write($1) } }
    package mutating func write(_ value: Int64?) { write(value) { $0.write($1) } }
    package mutating func write(_ value: Int32?) { write(value) { $0.write($1) } }

    package mutating func write(_ value: VariableDocument) {
        write(UInt64(value.entries.count))
        for entry in value.entries {
            write(entry.name)
            write(entry.value)
        }
    }

    /// Appends bytes without a length.
    package mutating func append(contentsOf raw: some Sequence<UInt8>) { bytes.append(contentsOf: raw) }
}

/// Reads what `ByteWriter` wrote. Any bytes are safe to read: lengths are checked against what is left.
package struct ByteReader {
    private let bytes: [UInt8]
    package private(set) var position: Int
    private let end: Int

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        self.position = 0
        self.end = bytes.count
    }

    package var isAtEnd: Bool { position == end }

    package mutating func byte() throws -> UInt8 {
        guard position < end else { throw DecodingFailure("Expected a byte, but got the end at byte \(position)") }
        defer { position += 1 }
        return bytes[position]
    }

    package mutating func unsigned() throws -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 63 || next <= 1 else {
                throw DecodingFailure("Expected an integer of 64 bits, but got a longer one at byte \(position)")
            }
            result |= UInt64(next & 0x7f) << shift
            if next & 0x80 == 0 { return result }
            shift += 7
        }
    }

    package mutating func int64() throws -> Int64 {
        let raw = try unsigned()
        return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    package mutating func int32() throws -> Int32 {
        let value = try int64()
        guard let narrow = Int32(exactly: value) else {
            throw DecodingFailure("Expected an integer of 32 bits, but got \(value) at byte \(position)")
        }
        return narrow
    }

    package mutating func int() throws -> Int { Int(try int64()) }
    package mutating func key() throws -> Key { Key(try int64()) }

    package mutating func bool() throws -> Bool {
        let value = try byte()
        guard value <= 1 else { throw DecodingFailure("Expected 0 or 1, but got \(value) at byte \(position - 1)") }
        return value == 1
    }

    /// A count of things that take at least one byte each.
    package mutating func count() throws -> Int {
        let raw = try unsigned()
        guard raw <= UInt64(end - position) else {
            throw DecodingFailure("Expected at most \(end - position) bytes, but got a length of \(raw)")
        }
        return Int(raw)
    }

    package mutating func byteArray() throws -> [UInt8] {
        let length = try count()
        defer { position += length }
        return Array(bytes[position..<position + length])
    }

    package mutating func string() throws -> String {
        let length = try count()
        defer { position += length }
        guard let text = String(validating: bytes[position..<position + length], as: UTF8.self) else {
            throw DecodingFailure("Expected UTF-8 text, but got other bytes at byte \(position)")
        }
        return text
    }

    package mutating func strings() throws -> [String] {
        let number = try count()
        var result: [String] = []
        result.reserveCapacity(number)
        for _ in 0..<number { result.append(try string()) }
        return result
    }

    package mutating func optional<Value>(_ body: (inout ByteReader) throws -> Value) throws -> Value? {
        try bool() ? try body(&self) : nil
    }

    package mutating func optionalKey() throws -> Key? { try optional { try $0.key() } }
    package mutating func optionalString() throws -> String? { try optional { try $0.string() } }

    package mutating func enumeration<Value: RawRepresentable<UInt8>>(_ type: Value.Type) throws -> Value {
        let raw = try byte()
        guard let value = Value(rawValue: raw) else {
            throw DecodingFailure("Expected a \(type), but got \(raw) at byte \(position - 1)")
        }
        return value
    }

    package mutating func variables() throws -> VariableDocument {
        let number = try count()
        var entries: [VariableDocument.Entry] = []
        entries.reserveCapacity(number)
        for _ in 0..<number {
            entries.append(.init(name: try string(), value: try byteArray()))
        }
        return VariableDocument(entries)
    }
}

/// A value with a stored form. The form is versioned by the event that carries it.
package protocol BinaryCodable {
    func write(to writer: inout ByteWriter)
    init(from reader: inout ByteReader) throws
}

extension ByteReader {
    /// The number of a group.
    package mutating func group() throws -> UInt32 {
        let raw = try unsigned()
        guard let group = UInt32(exactly: raw) else {
            throw DecodingFailure("Expected the number of a group, but got \(raw) at byte \(position)")
        }
        return group
    }

    /// A counted list of things that take at least one byte each.
    package mutating func list<Value>(_ body: (inout ByteReader) throws -> Value) throws -> [Value] {
        let number = try count()
        var result: [Value] = []
        for _ in 0..<number { result.append(try body(&self)) }
        return result
    }
}

extension RequestID: BinaryCodable {
    package func write(to writer: inout ByteWriter) { writer.write(text) }
    package init(from reader: inout ByteReader) throws { self.init(try reader.string()) }
}

extension IncidentType: BinaryCodable {
    package func write(to writer: inout ByteWriter) { writer.write(rawValue) }

    package init(from reader: inout ByteReader) throws {
        let name = try reader.string()
        guard let type = IncidentType(rawValue: name) else {
            throw DecodingFailure("Expected an incident type, but got \(name.prefix(64))")
        }
        self = type
    }
}

extension Transfer: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        switch self {
        case .definitions(let definitions, let resources):
            writer.write(UInt8(0))
            writer.write(UInt64(definitions.count))
            for definition in definitions { definition.write(to: &writer) }
            writer.write(UInt64(resources.count))
            for resource in resources { resource.write(to: &writer) }
        }
    }

    package init(from reader: inout ByteReader) throws {
        switch try reader.byte() {
        case 0:
            self = .definitions(
                try reader.list { try DefinitionRecord(from: &$0) },
                resources: try reader.list { try ResourceRecord(from: &$0) }
            )
        case let other: throw DecodingFailure("Expected a transfer of kind 0, but got \(other)")
        }
    }
}

extension Step: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        switch self {
        case .enter(let element, let flow, let scope):
            writer.write(UInt8(0))
            writer.write(element)
            writer.write(flow)
            writer.write(scope)
        case .activate(let key): writer.writeStep(1, key)
        case .complete(let key): writer.writeStep(2, key)
        case .terminate(let key): writer.writeStep(3, key)
        case .childEnded(let scope): writer.writeStep(4, scope)
        case .correlateBuffered(let subscription): writer.writeStep(5, subscription)
        case .calledInstanceEnded(let instance): writer.writeStep(6, instance)
        case .terminateChildren(let scope): writer.writeStep(7, scope)
        }
    }

    package init(from reader: inout ByteReader) throws {
        switch try reader.byte() {
        case 0:
            self = .enter(
                element: try reader.int32(),
                flow: try reader.optional { try $0.int32() },
                scope: try reader.key()
            )
        case 1: self = .activate(try reader.key())
        case 2: self = .complete(try reader.key())
        case 3: self = .terminate(try reader.key())
        case 4: self = .childEnded(scope: try reader.key())
        case 5: self = .correlateBuffered(subscription: try reader.key())
        case 6: self = .calledInstanceEnded(instance: try reader.key())
        case 7: self = .terminateChildren(scope: try reader.key())
        case let other: throw DecodingFailure("Expected a step of kind 0 to 7, but got \(other)")
        }
    }
}

extension ByteWriter {
    fileprivate mutating func writeStep(_ kind: UInt8, _ key: Key) {
        write(kind)
        write(key)
    }
}
