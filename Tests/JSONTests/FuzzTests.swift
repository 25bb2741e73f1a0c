import JSON
import Testing

/// SplitMix64: small, and the same everywhere.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

struct FuzzTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `a random tree survives writing and reading`(seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)

        for _ in 0..<20 {
            let value = Self.randomValue(depth: 5, using: &generator)
            let compact = value.serialized()
            let pretty = value.serializedPretty()

            #expect(try JSONParser.parse(compact) == value)
            #expect(try JSONParser.parse(pretty) == value)
            #expect(JSONScanner.compacted(pretty) == compact)
            try JSONScanner.validate(pretty)
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `a damaged document never traps, and parser and scanner agree`(seed: UInt64) {
        var generator = SeededGenerator(state: seed &+ 1000)
        let alphabet = Array("{}[]\",:\\u0019dDeE+-.tfnrl \n\u{E4}\u{0}".utf8) + [0x80, 0xC2, 0xED, 0xF4, 0xFF]

        for _ in 0..<100 {
            var bytes = Self.randomValue(depth: 4, using: &generator).serialized()
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                let byte = alphabet.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[position] = byte
                case 1: bytes.insert(byte, at: position)
                default: bytes.remove(at: position)
                }
            }
            let tree = Result { () throws(JSONError) in try JSONParser.parse(bytes) }
            let check = Result { () throws(JSONError) in try JSONScanner.validate(bytes) }

            switch (tree, check) {
            case (.success(let value), .success):
                #expect(throws: Never.self) { try JSONParser.parse(value.serialized()) }
            case (.failure(let left), .failure(let right)): #expect(left == right)
            default: Issue.record("Expected parser and scanner to agree on \(bytes)")
            }
        }
    }

    private static func randomValue(depth: Int, using generator: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2: return .int(Int64.random(in: .min ... .max, using: &generator))
        case 3:
            let texts = ["0.5", "-1e-7", "1E400", "3.14159265358979323846", "-0"]
            return texts.randomElement(using: &generator).flatMap { JSONNumber(text: $0) }.map { .number($0) } ?? .null
        case 4: return .string(Self.randomText(using: &generator))
        case 5:
            return .array(
                (0..<Int.random(in: 0..<6, using: &generator)).map { _ in
                    Self.randomValue(depth: depth - 1, using: &generator)
                }
            )
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<24, using: &generator) {
                object.set(Self.randomText(using: &generator), Self.randomValue(depth: depth - 2, using: &generator))
            }
            return .object(object)
        }
    }

    private static func randomText(using generator: inout SeededGenerator) -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "b", "\"", "\\", "\n", "\u{0}", "\u{7F}", "\u{E4}", "\u{20AC}", "\u{1F600}",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0..<20, using: &generator) {
            text.unicodeScalars.append(scalars.randomElement(using: &generator) ?? "x")
        }
        return text
    }
}
