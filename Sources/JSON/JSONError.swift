/// Why a document was refused, and where.
package struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of the problem, for callers that answer different ones differently.
    package enum Code: Sendable, Hashable {
        /// Not JSON as RFC 8259 defines it.
        case syntax
        /// Bytes inside a string that are not UTF-8, or half of a surrogate pair.
        case invalidText
        /// The same key twice in one object.
        case duplicateKey
        /// Well-formed so far, but larger or deeper than the caller allows.
        case limitExceeded
        /// Valid JSON of another kind than the caller needs, for example an array where an object is due.
        case unexpectedKind
    }

    package var code: Code
    /// The position of the first offending byte, counted from zero.
    package var offset: Int
    /// The line of that byte, counted from 1.
    package var line: Int
    /// The column of that byte, counted from 1 in Unicode scalars.
    package var column: Int
    /// "Expected X, but got Y".
    package var message: String

    /// Locates `offset` in `bytes`; everything before it has been read and is valid.
    init(_ code: Code, at offset: Int, in bytes: JSONBytes, _ message: String) {
        var line = 1
        var column = 1
        for position in 0..<min(offset, bytes.count) {
            let byte = bytes[position]
            if byte == 0x0A {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        self.code = code
        self.offset = offset
        self.line = line
        self.column = column
        self.message = message
    }

    /// The message with line and column.
    package var description: String { "line \(self.line), column \(self.column): \(self.message)" }
}

extension JSONBytes {
    /// Names the byte at `offset` for the second half of an error message.
    func described(at offset: Int) -> String {
        guard offset < self.count else { return "the end of the input" }
        let byte = self[offset]
        guard byte > 0x20, byte < 0x7F else {
            let digits = String(byte, radix: 16, uppercase: true)
            return "byte 0x" + (digits.utf8.count < 2 ? "0" : "") + digits
        }
        return "'\(Unicode.Scalar(byte))'"
    }
}
