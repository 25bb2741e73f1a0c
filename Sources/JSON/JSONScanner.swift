/// Checks documents without building a tree, for values that are kept as bytes and read only when somebody asks.
package enum JSONScanner {
    /// A member of the outermost object.
    package struct Member: Sendable, Hashable {
        /// The decoded key.
        package var key: String
        /// Where the value's bytes stand in the document, without white space around them.
        package var value: Range<Int>
    }

    /// Checks that `bytes` are one document, as strictly as `JSONParser`.
    package static func validate(_ bytes: [UInt8], limits: JSONLimits = .default) throws(JSONError) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
            var grammar = JSONGrammar(JSONBytes(buffer), limits: limits, sink: JSONMemberFinder())
            try grammar.document()
        }
    }

    /// Checks the whole document and finds the members of its outermost object, in source order.
    ///
    /// Throws `.unexpectedKind` for a document that is not an object.
    package static func topLevelMembers(
        of bytes: [UInt8],
        limits: JSONLimits = .default
    ) throws(JSONError) -> [Member] {
        try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
            let source = JSONBytes(buffer)
            var grammar = JSONGrammar(source, limits: limits, sink: JSONMemberFinder())
            try grammar.document()
            guard grammar.sink.isObject else {
                var lexer = JSONLexer(source, limits: limits)
                lexer.skipWhitespace()
                let found = source.described(at: lexer.offset)
                let message = "Expected an object, but got another value, which begins with \(found)"
                throw JSONError(.unexpectedKind, at: lexer.offset, in: source, message)
            }
            return grammar.sink.members
        }
    }

    /// Appends the bytes of `document[range]` to `output` without insignificant white space. The range must hold valid
    /// JSON, which is not checked again; anything else gives meaningless bytes, but never a trap.
    package static func appendCompacted(_ document: [UInt8], _ range: Range<Int>, to output: inout [UInt8]) {
        output.reserveCapacity(output.count + range.count)
        var position = range.lowerBound
        let end = range.upperBound
        document.withUnsafeBufferPointer { source in
            while position < end {
                let byte = source[position]
                if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
                    position += 1
                    continue
                }
                let start = position
                position =
                    byte == UInt8(ascii: "\"")
                    ? Self.endOfString(source, from: position, to: end)
                    : Self.endOfToken(source, from: position, to: end)
                output.append(contentsOf: UnsafeBufferPointer(rebasing: source[start..<position]))
            }
        }
    }

    /// Valid JSON without insignificant white space.
    package static func compacted(_ document: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        Self.appendCompacted(document, document.indices, to: &output)
        return output
    }

    private static func endOfString(_ source: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) -> Int {
        var position = start + 1
        while position < end, source[position] != UInt8(ascii: "\"") {
            position += source[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(position + 1, end)
    }

    private static func endOfToken(_ source: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) -> Int {
        var position = start + 1
        while position < end, source[position] > 0x20, source[position] != UInt8(ascii: "\"") { position += 1 }
        return position
    }
}

/// Notes where the values of the outermost object begin and end.
private struct JSONMemberFinder: JSONSink {
    private(set) var members: [JSONScanner.Member] = []
    private(set) var isObject = false
    private var depth = 0
    private var pendingKey = ""
    private var valueStart = 0
    private var scratch: [UInt8] = []

    mutating func beginObject(at offset: Int) {
        if self.depth == 0 { self.isObject = true }
        self.begin(at: offset)
    }

    mutating func beginArray(at offset: Int) { self.begin(at: offset) }
    mutating func endObject(at end: Int) { self.end(at: end) }
    mutating func endArray(at end: Int) { self.end(at: end) }

    @inline(__always)
    mutating func key(_ token: JSONStringToken, in bytes: JSONBytes) {
        guard self.isObject, self.depth == 1 else { return }
        self.pendingKey = JSONStringDecoding.string(token, in: bytes, scratch: &self.scratch)
    }

    @inline(__always)
    mutating func string(_ token: JSONStringToken, in bytes: JSONBytes) {
        self.scalar((token.range.lowerBound - 1)..<(token.range.upperBound + 1))
    }

    @inline(__always)
    mutating func number(_ range: Range<Int>, in bytes: JSONBytes) { self.scalar(range) }

    @inline(__always)
    mutating func bool(_ value: Bool, _ range: Range<Int>) { self.scalar(range) }

    @inline(__always)
    mutating func null(_ range: Range<Int>) { self.scalar(range) }

    @inline(__always)
    private mutating func begin(at offset: Int) {
        if self.depth == 1 { self.valueStart = offset }
        self.depth += 1
    }

    @inline(__always)
    private mutating func end(at end: Int) {
        self.depth -= 1
        self.scalar(self.valueStart..<max(self.valueStart, end))
    }

    @inline(__always)
    private mutating func scalar(_ range: Range<Int>) {
        guard self.isObject, self.depth == 1 else { return }
        self.members.append(JSONScanner.Member(key: self.pendingKey, value: range))
    }
}
