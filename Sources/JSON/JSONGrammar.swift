/// Takes what the grammar reads, in document order. Ranges are positions in the source.
protocol JSONSink {
    mutating func beginObject(at offset: Int)
    mutating func endObject(at end: Int)
    mutating func beginArray(at offset: Int)
    mutating func endArray(at end: Int)
    mutating func key(_ token: JSONStringToken, in bytes: JSONBytes)
    mutating func string(_ token: JSONStringToken, in bytes: JSONBytes)
    mutating func number(_ range: Range<Int>, in bytes: JSONBytes)
    mutating func bool(_ value: Bool, _ range: Range<Int>)
    mutating func null(_ range: Range<Int>)
}

/// The strict grammar of RFC 8259 over one document. It keeps its own stack instead of calling itself, so the depth
/// of a document never becomes depth of the thread's stack.
struct JSONGrammar<Sink: JSONSink> {
    /// An array or object that is open.
    private struct Container {
        var isObject: Bool
        /// Members or elements begun so far.
        var count: Int
        /// The position of its first key in `keys`.
        var firstKey: Int
    }

    private var lexer: JSONLexer
    private var keys = DuplicateKeys()
    /// The innermost container, meaningful while `depth` is above zero, and the ones around it.
    private var innermost = Container(isObject: false, count: 0, firstKey: 0)
    private var outer: [Container] = []
    private var depth = 0
    private(set) var sink: Sink

    init(_ bytes: JSONBytes, limits: JSONLimits, sink: Sink) {
        self.lexer = JSONLexer(bytes, limits: limits)
        self.sink = sink
    }

    /// Reads the whole document.
    mutating func document() throws(JSONError) {
        guard self.lexer.bytes.count <= self.lexer.limits.bytes else {
            throw self.lexer.exceeded("bytes", limit: self.lexer.limits.bytes, at: 0)
        }
        var expectsValue = true
        while expectsValue || self.depth > 0 {
            expectsValue = expectsValue ? try self.value() : try self.afterValue()
        }
        self.lexer.skipWhitespace()
        guard self.lexer.offset == self.lexer.bytes.count else { throw self.lexer.expected("the end of the input") }
    }

    /// Reads a scalar, an empty container or the beginning of another one. Answers whether a value must follow.
    @inline(__always)
    private mutating func value() throws(JSONError) -> Bool {
        self.lexer.skipWhitespace()
        let start = self.lexer.offset
        switch self.lexer.current {
        case UInt8(ascii: "\""):
            self.sink.string(try self.lexer.string(), in: self.lexer.bytes)
        case UInt8(ascii: "{"):
            try self.open(isObject: true)
            self.sink.beginObject(at: start)
            self.lexer.skipWhitespace()
            guard self.lexer.current != UInt8(ascii: "}") else { return self.close() }
            try self.key(or: " or '}'")
            return true
        case UInt8(ascii: "["):
            try self.open(isObject: false)
            self.sink.beginArray(at: start)
            self.lexer.skipWhitespace()
            guard self.lexer.current != UInt8(ascii: "]") else { return self.close() }
            self.innermost.count = 1
            return true
        case UInt8(ascii: "t"):
            try self.lexer.literal("true")
            self.sink.bool(true, start..<self.lexer.offset)
        case UInt8(ascii: "f"):
            try self.lexer.literal("false")
            self.sink.bool(false, start..<self.lexer.offset)
        case UInt8(ascii: "n"):
            try self.lexer.literal("null")
            self.sink.null(start..<self.lexer.offset)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            self.sink.number(try self.lexer.number(), in: self.lexer.bytes)
        default:
            throw self.lexer.expected("a value")
        }
        return false
    }

    /// Reads a comma, with the key after it if there is one, or the end of the innermost container. Answers whether a
    /// value must follow.
    @inline(__always)
    private mutating func afterValue() throws(JSONError) -> Bool {
        self.lexer.skipWhitespace()
        let isObject = self.innermost.isObject
        switch self.lexer.current {
        case UInt8(ascii: ","):
            self.lexer.offset &+= 1
            if isObject {
                self.lexer.skipWhitespace()
                try self.key(or: "")
            } else {
                try self.countMember()
            }
            return true
        case isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"):
            return self.close()
        default:
            throw self.lexer.expected(isObject ? "',' or '}'" : "',' or ']'")
        }
    }

    @inline(__always)
    private mutating func key(or alternative: StaticString) throws(JSONError) {
        guard self.lexer.current == UInt8(ascii: "\"") else { throw self.lexer.expected("a key\(alternative)") }
        try self.countMember()
        let start = self.lexer.offset
        let token = try self.lexer.string()
        let firstKey = self.innermost.firstKey
        guard self.keys.insert(token, firstKey: firstKey, in: self.lexer.bytes) else {
            let message = "Expected unique keys in an object, but got one a second time"
            throw JSONError(.duplicateKey, at: start, in: self.lexer.bytes, message)
        }
        self.sink.key(token, in: self.lexer.bytes)
        self.lexer.skipWhitespace()
        guard self.lexer.current == UInt8(ascii: ":") else { throw self.lexer.expected("':'") }
        self.lexer.offset &+= 1
    }

    @inline(__always)
    private mutating func countMember() throws(JSONError) {
        self.innermost.count &+= 1
        guard self.innermost.count <= self.lexer.limits.members else {
            throw self.lexer.exceeded("members", limit: self.lexer.limits.members, at: self.lexer.offset)
        }
    }

    @inline(__always)
    private mutating func open(isObject: Bool) throws(JSONError) {
        guard self.depth < self.lexer.limits.depth else {
            throw self.lexer.exceeded("levels of nesting", limit: self.lexer.limits.depth, at: self.lexer.offset)
        }
        self.outer.append(self.innermost)
        self.innermost = Container(isObject: isObject, count: 0, firstKey: self.keys.count)
        self.depth &+= 1
        self.lexer.offset &+= 1
    }

    /// Closes the innermost container at its bracket, which is the current byte.
    @inline(__always)
    private mutating func close() -> Bool {
        let container = self.innermost
        self.innermost = self.outer.removeLast()
        self.depth &-= 1
        self.lexer.offset &+= 1
        if container.isObject {
            self.keys.close(firstKey: container.firstKey)
            self.sink.endObject(at: self.lexer.offset)
        } else {
            self.sink.endArray(at: self.lexer.offset)
        }
        return false
    }
}
