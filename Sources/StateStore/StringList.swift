/// Lists of strings as JSON arrays: searches show them as they are stored.
enum StringList {
    static func encode(_ list: [String]) -> String {
        if list.isEmpty { return "[]" }
        var bytes: [UInt8] = [UInt8(ascii: "[")]
        for (position, text) in list.enumerated() {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(UInt8(ascii: "\""))
            for byte in text.utf8 { append(byte, to: &bytes) }
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(UInt8(ascii: "]"))
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
        case 0..<0x20: bytes += Array("\\u00".utf8) + [hexDigit(byte >> 4), hexDigit(byte & 15)]
        default: bytes.append(byte)
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// Reads what `encode` writes, and nothing else.
    ///
    /// - Throws: `StateStoreError` for any other text.
    static func decode(_ bytes: [UInt8]) throws -> [String] {
        guard bytes != Array("[]".utf8) else { return [] }
        var parser = Parser(bytes: bytes)
        return try parser.list()
    }

    private struct Parser {
        let bytes: [UInt8]
        var position = 0

        mutating func list() throws -> [String] {
            try expect("[")
            var result = [try string()]
            while position < bytes.count, bytes[position] == UInt8(ascii: ",") {
                position += 1
                result.append(try string())
            }
            try expect("]")
            guard position == bytes.count else { throw failure() }
            return result
        }

        private mutating func string() throws -> String {
            try expect("\"")
            var text: [UInt8] = []
            while true {
                let byte = try next()
                if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
                text.append(byte == UInt8(ascii: "\\") ? try escaped() : byte)
            }
        }

        private mutating func escaped() throws -> UInt8 {
            let byte = try next()
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return byte }
            guard byte == UInt8(ascii: "u"), try hex() == 0, try hex() == 0 else { throw failure() }
            return try hex() << 4 | hex()
        }

        private mutating func hex() throws -> UInt8 {
            switch try next() {
            case let digit where digit >= UInt8(ascii: "0") && digit <= UInt8(ascii: "9"): digit - UInt8(ascii: "0")
            case let digit where digit >= UInt8(ascii: "a") && digit <= UInt8(ascii: "f"):
                digit - UInt8(ascii: "a") + 10
            default: throw failure()
            }
        }

        private mutating func next() throws -> UInt8 {
            guard position < bytes.count else { throw failure() }
            defer { position += 1 }
            return bytes[position]
        }

        private mutating func expect(_ character: Unicode.Scalar) throws {
            guard try next() == UInt8(ascii: character) else { throw failure() }
        }

        private func failure() -> StateStoreError {
            StateStoreError(.invalidRow, "Expected a stored list of strings, but got another text at byte \(position)")
        }
    }
}
