/// Writes JSON text into a byte array, without a tree in between. Commas, colons and white space come by themselves.
///
/// A sequence of calls that cannot give valid JSON (a value without a key, an end too many) is our own bug and stops.
package struct JSONWriter {
    /// How the text is laid out.
    package enum Layout: Sendable {
        /// No white space at all.
        case compact
        /// One member or element a line, indented by two spaces a level.
        case pretty
    }

    private enum Scope {
        case emptyArray, array
        case emptyObject, object
        /// A key has been written, its value has not.
        case member
    }

    /// What has been written so far; a complete document once every container is closed.
    package private(set) var bytes: [UInt8]
    private let layout: Layout
    private var scopes: [Scope] = []

    /// Appends to `bytes`, for example to a buffer whose space is used again.
    package init(appendingTo bytes: [UInt8] = [], layout: Layout = .compact) {
        self.bytes = bytes
        self.layout = layout
    }

    // MARK: Containers

    package mutating func beginObject() {
        self.prepareValue()
        self.scopes.append(.emptyObject)
        self.bytes.append(UInt8(ascii: "{"))
    }

    package mutating func endObject() {
        let scope = self.scopes.popLast()
        precondition(scope == .object || scope == .emptyObject, "Expected an open object, but got an end without one")
        if scope == .object { self.breakLine() }
        self.bytes.append(UInt8(ascii: "}"))
    }

    package mutating func beginArray() {
        self.prepareValue()
        self.scopes.append(.emptyArray)
        self.bytes.append(UInt8(ascii: "["))
    }

    package mutating func endArray() {
        let scope = self.scopes.popLast()
        precondition(scope == .array || scope == .emptyArray, "Expected an open array, but got an end without one")
        if scope == .array { self.breakLine() }
        self.bytes.append(UInt8(ascii: "]"))
    }

    /// Writes a key; exactly one value must follow.
    package mutating func key(_ key: String) {
        let innermost = self.scopes.count - 1
        precondition(
            innermost >= 0 && (self.scopes[innermost] == .object || self.scopes[innermost] == .emptyObject),
            "Expected an open object, but got a key in another place"
        )
        if self.scopes[innermost] == .object { self.bytes.append(UInt8(ascii: ",")) }
        self.breakLine()
        self.scopes[innermost] = .member
        self.appendQuoted(key)
        self.bytes.append(UInt8(ascii: ":"))
        if self.layout == .pretty { self.bytes.append(UInt8(ascii: " ")) }
    }

    // MARK: Values

    package mutating func null() {
        self.prepareValue()
        self.append("null")
    }

    package mutating func bool(_ value: Bool) {
        self.prepareValue()
        self.append(value ? "true" : "false")
    }

    package mutating func string(_ value: String) {
        self.prepareValue()
        self.appendQuoted(value)
    }

    package mutating func int(_ value: some FixedWidthInteger) {
        self.prepareValue()
        self.appendDecimal(value)
    }

    /// An integer in quotes, as keys are written in bodies for clients whose numbers have 53 bits.
    package mutating func quotedInt(_ value: some FixedWidthInteger) {
        self.prepareValue()
        self.bytes.append(UInt8(ascii: "\""))
        self.appendDecimal(value)
        self.bytes.append(UInt8(ascii: "\""))
    }

    /// The shortest text that reads back as the same number; `null` for infinities and NaN, which JSON does not have.
    package mutating func double(_ value: Double) {
        guard value.isFinite else { return self.null() }
        self.prepareValue()
        self.bytes.append(contentsOf: value.description.utf8)
    }

    package mutating func number(_ value: JSONNumber) {
        self.prepareValue()
        self.bytes.append(contentsOf: value.text.utf8)
    }

    /// Bytes of one valid value, written as they are.
    package mutating func raw(_ value: some Collection<UInt8>) {
        self.prepareValue()
        self.bytes.append(contentsOf: value)
    }

    /// A whole tree.
    package mutating func value(_ value: JSONValue) {
        switch value {
        case .null: self.null()
        case .bool(let value): self.bool(value)
        case .number(let value): self.number(value)
        case .string(let value): self.string(value)
        case .array(let elements):
            self.beginArray()
            for element in elements { self.value(element) }
            self.endArray()
        case .object(let object):
            self.beginObject()
            for member in object.members {
                self.key(member.key)
                self.value(member.value)
            }
            self.endObject()
        }
    }

    // MARK: Members

    package mutating func member(_ key: String, _ value: String) {
        self.key(key)
        self.string(value)
    }

    package mutating func member(_ key: String, _ value: some FixedWidthInteger) {
        self.key(key)
        self.int(value)
    }

    package mutating func member(_ key: String, _ value: Bool) {
        self.key(key)
        self.bool(value)
    }

    package mutating func member(_ key: String, _ value: JSONValue) {
        self.key(key)
        self.value(value)
    }

    // MARK: Bytes

    private mutating func prepareValue() {
        guard let scope = self.scopes.last else { return }
        switch scope {
        case .array:
            self.bytes.append(UInt8(ascii: ","))
            self.breakLine()
        case .emptyArray:
            self.scopes[self.scopes.count - 1] = .array
            self.breakLine()
        case .member:
            self.scopes[self.scopes.count - 1] = .object
        case .object, .emptyObject:
            preconditionFailure("Expected a key, but got a value in an object")
        }
    }

    private mutating func breakLine() {
        guard self.layout == .pretty else { return }
        self.bytes.append(0x0A)
        for _ in self.scopes {
            self.bytes.append(0x20)
            self.bytes.append(0x20)
        }
    }

    private mutating func append(_ text: StaticString) {
        self.bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func appendDecimal(_ value: some FixedWidthInteger) {
        self.bytes.append(contentsOf: String(value).utf8)
    }

    private mutating func appendQuoted(_ text: String) {
        self.bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { source in
            let plain = JSONBytes(source)
            var runStart = 0
            while true {
                let position = Self.nextEscaped(plain, from: runStart)
                self.bytes.append(contentsOf: plain.slice(runStart..<position))
                guard position < source.count else { break }
                self.appendEscape(plain[position])
                runStart = position + 1
            }
        }
        self.bytes.append(UInt8(ascii: "\""))
    }

    /// The position of the next byte that cannot stand in a string as it is, or the end; eight bytes at a time, as in
    /// `JSONLexer`.
    @inline(__always)
    private static func nextEscaped(_ text: JSONBytes, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var position = start
        while let word = text.word(at: position) {
            let quotes = word ^ (ones &* 0x22)
            let slashes = word ^ (ones &* 0x5C)
            let controls = (word &- (ones &* 0x20)) & ~word
            let found = (quotes &- ones) & ~quotes | (slashes &- ones) & ~slashes | controls
            let marks = found & 0x8080_8080_8080_8080
            if marks != 0 { return position &+ marks.trailingZeroBitCount >> 3 }
            position &+= 8
        }
        while position < text.count {
            let byte = text[position]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return position }
            position &+= 1
        }
        return position
    }

    private mutating func appendEscape(_ byte: UInt8) {
        self.bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: self.bytes.append(UInt8(ascii: "b"))
        case 0x09: self.bytes.append(UInt8(ascii: "t"))
        case 0x0A: self.bytes.append(UInt8(ascii: "n"))
        case 0x0C: self.bytes.append(UInt8(ascii: "f"))
        case 0x0D: self.bytes.append(UInt8(ascii: "r"))
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): self.bytes.append(byte)
        default:
            self.append("u00")
            for digit in [byte >> 4, byte & 15] {
                self.bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
        }
    }
}
