/// A pattern with `*` (any text, also none) and `?` (one character), where `\` takes the meaning from the character
/// after it. It becomes a pattern of SQLite's GLOB, which compares case-sensitively and knows character classes
/// besides: what would be special there is put into a class of its own.
enum LikePattern {
    /// A pattern costs time in proportion to its length and its wildcards.
    static let byteLimit = 2048
    static let wildcardLimit = 32

    static func glob(_ pattern: String) throws(SearchError) -> String {
        guard pattern.utf8.count <= self.byteLimit else {
            throw SearchError.invalid(
                "Expected a pattern of at most \(self.byteLimit) bytes, but got \(pattern.utf8.count)"
            )
        }
        var glob: [UInt8] = []
        var wildcards = 0
        var isEscaped = false
        for byte in pattern.utf8 {
            if byte == 0 { throw SearchError.invalid("Expected a pattern without NUL characters, but got one") }
            if isEscaped {
                self.append(literal: byte, to: &glob)
                isEscaped = false
                continue
            }
            switch byte {
            case UInt8(ascii: "\\"): isEscaped = true
            case UInt8(ascii: "*"):
                // Several in a row mean the same as one.
                if glob.last == byte { continue }
                wildcards += 1
                glob.append(byte)
            case UInt8(ascii: "?"):
                glob.append(byte)
            default: self.append(literal: byte, to: &glob)
            }
        }
        // A backslash with nothing after it stands for itself.
        if isEscaped { glob.append(UInt8(ascii: "\\")) }
        guard wildcards <= self.wildcardLimit else {
            throw SearchError.invalid("Expected at most \(self.wildcardLimit) '*' in a pattern, but got \(wildcards)")
        }
        return String(decoding: glob, as: UTF8.self)
    }

    private static func append(literal byte: UInt8, to glob: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["):
            glob.append(contentsOf: [UInt8(ascii: "["), byte, UInt8(ascii: "]")])
        default: glob.append(byte)
        }
    }
}
