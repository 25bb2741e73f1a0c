/// String functions (DMN 1.3, table 74) and those of Camunda. Positions count characters as code points, from 1.
extension BuiltinFunction {
    static let strings: [BuiltinFunction] = [
        BuiltinFunction("substring", "string, start position, length?", substring),
        BuiltinFunction("string length", "string") { evaluator, arguments throws(FEELEvaluationError) in
            guard let text = arguments.string(0) else { return nil }
            try evaluator.step(count: text.utf8.count / 64)
            return .integer(text.unicodeScalars.count)
        },
        BuiltinFunction("upper case", "string") { evaluator, arguments throws(FEELEvaluationError) in
            guard let text = arguments.string(0) else { return nil }
            return try evaluator.produce(text.uppercased())
        },
        BuiltinFunction("lower case", "string") { evaluator, arguments throws(FEELEvaluationError) in
            guard let text = arguments.string(0) else { return nil }
            return try evaluator.produce(text.lowercased())
        },
        BuiltinFunction("substring before", "string, match") { evaluator, arguments throws(FEELEvaluationError) in
            try BuiltinFunction.part(&evaluator, arguments, isBefore: true)
        },
        BuiltinFunction("substring after", "string, match") { evaluator, arguments throws(FEELEvaluationError) in
            try BuiltinFunction.part(&evaluator, arguments, isBefore: false)
        },
        BuiltinFunction("contains", "string, match") { evaluator, arguments throws(FEELEvaluationError) in
            guard let text = arguments.string(0), let match = arguments.string(1) else { return nil }
            let bytes = Array(text.utf8)
            return .boolean(try evaluator.position(of: Array(match.utf8), in: bytes) != nil)
        },
        BuiltinFunction("starts with", "string, match") { _, arguments in
            guard let text = arguments.string(0), let match = arguments.string(1) else { return nil }
            return .boolean(text.utf8.starts(with: match.utf8))
        },
        BuiltinFunction("ends with", "string, match") { _, arguments in
            guard let text = arguments.string(0), let match = arguments.string(1) else { return nil }
            return .boolean(text.utf8.suffix(match.utf8.count).elementsEqual(match.utf8))
        },
        BuiltinFunction("string join", "list, delimiter?, prefix?, suffix?", join),
        BuiltinFunction("trim", "string") { evaluator, arguments throws(FEELEvaluationError) in
            guard let text = arguments.string(0) else { return nil }
            return try evaluator.produce(BuiltinFunction.trimmed(text))
        },
        BuiltinFunction("is blank", "string") { _, arguments in
            arguments.string(0).map { .boolean($0.unicodeScalars.allSatisfy(\.properties.isWhitespace)) }
        },
        BuiltinFunction("uuid", "") { evaluator, _ throws(FEELEvaluationError) in
            try evaluator.produce(evaluator.nextUUID())
        },
        BuiltinFunction("to base64", "value") { evaluator, arguments throws(FEELEvaluationError) in
            guard let text = arguments.string(0) else { return nil }
            return try evaluator.produce(Base64Text.encode(Array(text.utf8)))
        },
    ]

    static func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars.drop(while: \.properties.isWhitespace)
        let end = scalars.lastIndex { !$0.properties.isWhitespace }
        return end.map { String(String.UnicodeScalarView(scalars[...$0])) } ?? ""
    }

    private static func substring(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let text = arguments.string(0), let start = arguments.integer(1), start != 0 else { return nil }
        let scalars = Array(text.unicodeScalars)
        try evaluator.step(count: scalars.count / 64)
        let first = start > 0 ? start - 1 : scalars.count + max(start, -scalars.count - 1)
        guard first >= 0, first < scalars.count else { return first == scalars.count || first > 0 ? .string("") : nil }
        var end = scalars.count
        if !arguments[2].isNull {
            guard let length = arguments.integer(2), length >= 1 else { return nil }
            end = min(end, first + min(length, scalars.count))
        }
        var part = String.UnicodeScalarView()
        part.append(contentsOf: scalars[first..<end])
        return try evaluator.produce(String(part))
    }

    private static func part(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments,
        isBefore: Bool
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let text = arguments.string(0), let match = arguments.string(1) else { return nil }
        let bytes = Array(text.utf8)
        let pattern = Array(match.utf8)
        guard let position = try evaluator.position(of: pattern, in: bytes) else { return .string("") }
        let part = isBefore ? bytes[..<position] : bytes[(position + pattern.count)...]
        return try evaluator.produce(String(decoding: part, as: UTF8.self))
    }

    private static func join(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let list = arguments.list(0), arguments.count != 3 else { return nil }
        for index in 1..<4 where !arguments[index].isNull && arguments.string(index) == nil { return nil }
        let delimiter = arguments.string(1) ?? ""
        var text = arguments.string(2) ?? ""
        var isFirst = true
        for element in list where !element.isNull {
            guard case .string(let part) = element else { return nil }
            try evaluator.step()
            try evaluator.produce(bytes: part.utf8.count + delimiter.utf8.count)
            if !isFirst { text += delimiter }
            isFirst = false
            text += part
        }
        return try evaluator.produce(text + (arguments.string(3) ?? ""))
    }
}

extension Evaluator {
    /// Where a byte string first occurs in another; nil if it does not.
    mutating func position(of pattern: [UInt8], in text: [UInt8]) throws(FEELEvaluationError) -> Int? {
        guard let first = pattern.first else { return 0 }
        guard pattern.count <= text.count else { return nil }
        try self.step(count: text.count / 64)
        for start in 0...(text.count - pattern.count) where text[start] == first {
            var length = 1
            while length < pattern.count, text[start + length] == pattern[length] { length += 1 }
            if length == pattern.count { return start }
            if length > 64 { try self.step(count: length / 64) }
        }
        return nil
    }

    /// A UUID of the shape of version 4 (RFC 9562), derived from the seed and a counter.
    mutating func nextUUID() -> String {
        self.uuidCount += 1
        var digits = ""
        var state = self.environment.uuidSeed &+ self.uuidCount &* 0xD1B5_4A32_D192_ED03
        for _ in 0..<2 {
            // SplitMix64, so that neighbouring seeds give unrelated results.
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            word ^= word >> 31
            let text = String(word, radix: 16)
            digits += String(repeating: "0", count: 16 - text.count) + text
        }
        var characters = Array(digits.utf8)
        characters[12] = 0x34
        characters[16] = [0x38, 0x39, 0x61, 0x62][Int(characters[16] & 3)]
        var result: [UInt8] = []
        for (index, character) in characters.enumerated() {
            if [8, 12, 16, 20].contains(index) { result.append(0x2D) }
            result.append(character)
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// Base64 with padding (RFC 4648, section 4).
enum Base64Text {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word: UInt32 = 0
            for offset in 0..<3 { word = word << 8 | (offset < group.count ? UInt32(group[start + offset]) : 0) }
            for offset in 0..<4 {
                let index = Int(word >> UInt32(18 - 6 * offset) & 63)
                text.append(offset <= group.count ? Base64Text.alphabet[index] : 0x3D)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
