import ProcessEngine

/// The text form of a place in a search result: standard base 64 (clients check its alphabet) of a version byte, a
/// fingerprint of view and order, and the row's sort values with its key.
enum SearchCursor {
    private static let version: UInt8 = 1
    /// Bytes of the text; sort values are names and words.
    private static let lengthLimit = 64 << 10

    private enum Tag {
        static let null: UInt8 = 0
        static let integer: UInt8 = 1
        static let text: UInt8 = 2
    }

    static func text(_ row: ViewRow, of request: SearchRequest) -> String {
        var bytes: [UInt8] = [Self.version]
        Self.append(Self.fingerprint(request), to: &bytes)
        for field in request.sort.map(\.field) + [0] { Self.append(row.values[field], to: &bytes) }
        return Base64.encode(bytes)
    }

    /// The values of a cursor, if it was made for a search like `request`.
    static func values(_ text: String, for request: SearchRequest, name: String) throws(Problem) -> [ViewValue] {
        let invalid = Problem.invalid(
            "Expected a cursor of a page of this search with the same sort for '\(name)', "
                + "but got \(Problem.quoted(text))"
        )
        guard text.utf8.count <= Self.lengthLimit, let bytes = Base64.decode(text) else { throw invalid }
        var expected: [UInt8] = [Self.version]
        Self.append(Self.fingerprint(request), to: &expected)
        guard bytes.starts(with: expected) else { throw invalid }
        var rest = bytes[expected.count...]
        var values: [ViewValue] = []
        for _ in 0...request.sort.count {
            guard let value = Self.value(from: &rest) else { throw invalid }
            values.append(value)
        }
        guard rest.isEmpty, case .integer = values.last else { throw invalid }
        return values
    }

    /// FNV-1a over view and order, so that a cursor is not read with another order's meaning.
    private static func fingerprint(_ request: SearchRequest) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        let order = request.sort.map { "\($0.field)\($0.isDescending ? "-" : "+")" }.joined(separator: ",")
        for byte in "\(request.view.rawValue):\(order)".utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        return hash
    }

    private static func append(_ value: ViewValue, to bytes: inout [UInt8]) {
        switch value {
        case .null: bytes.append(Tag.null)
        case .integer(let number):
            bytes.append(Tag.integer)
            Self.append(UInt64(bitPattern: number), to: &bytes)
        case .text(let text):
            bytes.append(Tag.text)
            Self.append(UInt64(text.utf8.count), to: &bytes)
            bytes.append(contentsOf: text.utf8)
        }
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    private static func value(from rest: inout ArraySlice<UInt8>) -> ViewValue? {
        guard let tag = rest.popFirst() else { return nil }
        switch tag {
        case Tag.null: return .null
        case Tag.integer: return Self.number(from: &rest).map { .integer(Int64(bitPattern: $0)) }
        case Tag.text:
            guard let length = Self.number(from: &rest), length <= UInt64(rest.count) else { return nil }
            let text = rest.prefix(Int(length))
            rest = rest.dropFirst(Int(length))
            return String(validating: text, as: UTF8.self).map { .text($0) }
        default: return nil
        }
    }

    private static func number(from rest: inout ArraySlice<UInt8>) -> UInt64? {
        guard rest.count >= 8 else { return nil }
        let number = rest.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        rest = rest.dropFirst(8)
        return number
    }
}

/// Base 64 (RFC 4648): writes the standard alphabet with padding, reads both alphabets with or without it.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits: UInt32 = 0
            for (position, byte) in group.enumerated() { bits |= UInt32(byte) << (16 - 8 * position) }
            for position in 0..<4 {
                let isPadding = position > group.count
                text.append(isPadding ? UInt8(ascii: "=") : Self.alphabet[Int(bits >> (18 - 6 * position) & 63)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func decode(_ text: String) -> [UInt8]? {
        var digits = Array(text.utf8)
        while digits.last == UInt8(ascii: "="), digits.count % 4 == 0 || digits.count % 4 == 3 { digits.removeLast() }
        guard digits.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var bitCount = 0
        for digit in digits {
            guard let value = Self.value(digit) else { return nil }
            bits = (bits << 6 | value) & 0xFFFF
            bitCount += 6
            guard bitCount >= 8 else { continue }
            bitCount -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> bitCount))
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
