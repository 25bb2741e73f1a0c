/// Strict reading of RFC 8259 into a tree. Refused are: duplicate keys, invalid UTF-8, half surrogate pairs, a byte
/// order mark, anything before or behind the one value, and every laxity of other parsers.
package enum JSONParser {
    /// Reads one document.
    package static func parse(
        _ bytes: [UInt8],
        limits: JSONLimits = .default
    ) throws(JSONError) -> JSONValue {
        try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in try Self.parse(buffer, limits: limits) }
    }

    /// Reads one document, for example the range of a value that `JSONScanner` found.
    package static func parse(
        _ bytes: ArraySlice<UInt8>,
        limits: JSONLimits = .default
    ) throws(JSONError) -> JSONValue {
        try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in try Self.parse(buffer, limits: limits) }
    }

    /// Reads one document from memory that stays valid during the call.
    package static func parse(
        _ bytes: UnsafeBufferPointer<UInt8>,
        limits: JSONLimits = .default
    ) throws(JSONError) -> JSONValue {
        var grammar = JSONGrammar(JSONBytes(bytes), limits: limits, sink: JSONTreeBuilder())
        try grammar.document()
        return grammar.sink.value
    }

    /// Reads one document from text.
    package static func parse(
        _ text: String,
        limits: JSONLimits = .default
    ) throws(JSONError) -> JSONValue {
        try Self.parse(Array(text.utf8), limits: limits)
    }
}

/// Builds the tree bottom up: finished values wait on one stack until their container closes, so every array is made
/// once and in its final size.
private struct JSONTreeBuilder: JSONSink {
    private struct Base {
        var value: Int
        var key: Int
    }

    private var values: [JSONValue] = []
    private var keys: [String] = []
    private var bases: [Base] = []
    private var scratch: [UInt8] = []

    /// The document's value, once the grammar has accepted it.
    var value: JSONValue {
        precondition(self.values.count == 1, "Expected 1 finished value, but got \(self.values.count)")
        return self.values[0]
    }

    @inline(__always)
    mutating func beginObject(at offset: Int) {
        self.bases.append(Base(value: self.values.count, key: self.keys.count))
    }

    @inline(__always)
    mutating func beginArray(at offset: Int) {
        self.bases.append(Base(value: self.values.count, key: self.keys.count))
    }

    mutating func endObject(at end: Int) {
        let base = self.bases.removeLast()
        let count = self.values.count - base.value
        var members: [JSONObject.Member] = []
        members.reserveCapacity(count)
        for position in 0..<count {
            // Moved, not copied: what is left behind costs nothing to release.
            var member = JSONObject.Member(key: "", value: .null)
            swap(&member.key, &self.keys[base.key + position])
            swap(&member.value, &self.values[base.value + position])
            members.append(member)
        }
        self.values.removeLast(count)
        self.keys.removeLast(count)
        self.values.append(.object(JSONObject(uniqueMembers: members)))
    }

    mutating func endArray(at end: Int) {
        let base = self.bases.removeLast()
        let count = self.values.count - base.value
        var elements: [JSONValue] = []
        elements.reserveCapacity(count)
        for position in 0..<count {
            var element = JSONValue.null
            swap(&element, &self.values[base.value + position])
            elements.append(element)
        }
        self.values.removeLast(count)
        self.values.append(.array(elements))
    }

    @inline(__always)
    mutating func key(_ token: JSONStringToken, in bytes: JSONBytes) {
        self.keys.append(JSONStringDecoding.string(token, in: bytes, scratch: &self.scratch))
    }

    @inline(__always)
    mutating func string(_ token: JSONStringToken, in bytes: JSONBytes) {
        self.values.append(.string(JSONStringDecoding.string(token, in: bytes, scratch: &self.scratch)))
    }

    @inline(__always)
    mutating func number(_ range: Range<Int>, in bytes: JSONBytes) {
        let text = String(decoding: bytes.slice(range), as: UTF8.self)
        self.values.append(.number(JSONNumber(checkedText: text)))
    }

    @inline(__always)
    mutating func bool(_ value: Bool, _ range: Range<Int>) { self.values.append(.bool(value)) }

    @inline(__always)
    mutating func null(_ range: Range<Int>) { self.values.append(.null) }
}
