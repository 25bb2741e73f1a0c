import JSON
import Testing

/// Strict reading, in the spirit of the public JSON test suites: what RFC 8259 allows is read, all else is refused.
struct ParserTests {
    @Test(arguments: [
        "[]", "{}", "0", "-0", "\"\"", "null", "true", " [ ] ", "[1 ]", "[\n1\n,\t2\r]", "[[[[]]]]", "{\"\":0}",
        "{\"a\":{}}", "[123.456e78]", "[0e+1]", "[0E-1]", "[-0.0]", "[1E22]", "[20e1]", "[1.5]",
        "{\"a\\u0000b\":1}", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\u{7F}\"]", "[\"\u{2028}\u{2029}\"]",
        "[\"\\uD834\\uDD1E\"]", "[\"\\uFFFF\"]", "[\"\u{10FFFF}\"]", "[\"\u{FFFD}\"]", "[\"\u{E000}\"]",
        "{\"a\":1,\"A\":2}", "{\"\u{E9}\":1,\"e\u{301}\":2}", "[null,true,false,\"x\",-12.5e-3,{\"k\":[]}]",
        "\"aaaaaaaabbbbbbbb\u{E4}cccccccc\\n\"",
    ])
    func `a valid document is read and written back`(text: String) throws {
        let value = try JSONParser.parse(text)

        let again = try JSONParser.parse(value.serialized())
        let pretty = try JSONParser.parse(value.serializedPretty())

        #expect(again == value)
        #expect(pretty == value)
    }

    @Test(arguments: [
        "", " ", "[", "]", "{", "}", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1,,2]", "[1 2]", "[1:2]", "{,}", "{\"a\"}",
        "{\"a\":}", "{\"a\":1,}", "{\"a\":1,,\"b\":2}", "{a:1}", "{'a':1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}",
        "{\"a\":1]", "[1}", "nul", "nulll", "True", "tru", "fals", "NaN", "[NaN]", "Infinity", "-Infinity", "+1", "-",
        "--1", "01", "-01", "00", "1.", ".5", "-.5", "1.e1", "1e", "1e+", "1E", "0x10", "1_000", "1 000", "2.e3",
        "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\U0041\"", "\"a\nb\"", "\"a\tb\"",
        "\"\u{0}\"", "\"\u{1F}\"", "[1]x", "[1] [2]", "1 2", "{} {}", "//c\n1", "/**/1", "[1]//", "\u{FEFF}[]",
        "\u{A0}1", "[\u{B}1]", "[\u{C}]", "\"\\\u{E4}\"", "[\"a\",\n4\n,1,", "{\"a\":/*c*/1}", "'x'", "\u{0}",
        "[1\u{0}]", "abc", "&", "*", "[-foo]", "[1+2]", "[1ea]", "{\"a\":tru}", "[\"x\"y]", "\"x\"\"y\"",
    ])
    func `a document outside of the grammar is refused as a syntax error`(text: String) {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(text) }

        #expect(error?.code == .syntax)
        #expect(error?.message.hasPrefix("Expected ") == true)
        #expect((error?.offset ?? -1) <= text.utf8.count)
    }

    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xF0, 0x80, 0x80, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
            [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x98, 0x41],
        ] as [[UInt8]]
    )
    func `bytes that are not UTF-8 are refused in strings and keys`(bytes: [UInt8]) {
        let string = [0x22] + bytes + [0x22]
        let key = Array("{\"".utf8) + bytes + Array("\":1}".utf8)

        #expect(throws: JSONError.self) { try JSONParser.parse(string) }
        #expect(throws: JSONError.self) { try JSONParser.parse(key) }
        #expect(throws: JSONError.self) { try JSONScanner.validate(string) }
    }

    @Test(arguments: [
        "\"\\uD834\"", "\"\\uDD1E\"", "\"\\uD834\\uD834\"", "\"\\uD834x\"", "\"\\uD834\\n\"", "\"\\uDD1E\\uD834\"",
        "\"\\uD834\\u0041\"",
    ])
    func `half of a surrogate pair is refused`(text: String) {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(text) }

        #expect(error?.code == .invalidText)
    }

    @Test(arguments: ["{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":2,\"\\u0061\":3}", "[{\"\":{}, \"\":{}}]"])
    func `a key that comes twice is refused`(text: String) {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(text) }

        #expect(error?.code == .duplicateKey)
    }

    @Test func `a key that comes twice is found in an object of many keys`() throws {
        let members = (0..<1000).map { "\"key\($0)\":{\"a\":\($0),\"b\":[]}" }
        let unique = "{" + members.joined(separator: ",") + "}"
        let repeated = "{" + members.joined(separator: ",") + ",\"\\u006bey77\":0}"

        let value = try JSONParser.parse(unique)
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(repeated) }

        #expect(value.objectValue?.count == 1000)
        #expect(value.objectValue?["key999"]?.objectValue?["a"]?.int64Value == 999)
        #expect(value.objectValue?["key1000"] == nil)
        #expect(error?.code == .duplicateKey)
    }

    @Test func `escapes are decoded`() throws {
        let value = try JSONParser.parse(#""\"\\\/\b\f\n\r\t\u00e4\u20AC\uD83D\uDE00\u0000x""#)

        #expect(value == .string("\"\\/\u{8}\u{C}\n\r\t\u{E4}\u{20AC}\u{1F600}\u{0}x"))
    }

    @Test func `an error names offset, line and column`() {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse("{\n  \"\u{E4}\": 1,\n  \"\u{E4}b\": x}") }

        #expect(error?.offset == 22)
        #expect(error?.line == 3)
        #expect(error?.column == 9)
        #expect(error?.message == "Expected a value, but got 'x'")
        #expect(error?.description == "line 3, column 9: Expected a value, but got 'x'")
    }

    @Test func `every prefix of a document is refused`() throws {
        let text = "{\"a\": [1, -2.5e+3, \"x\\u00e4\\ud83d\\ude00\u{20AC}\", true, null], \"b\": {}}"
        let bytes = Array(text.utf8)

        for length in 0..<bytes.count {
            #expect(throws: JSONError.self) { try JSONParser.parse(Array(bytes[..<length])) }
        }
        _ = try JSONParser.parse(bytes)
    }
}

/// Every dimension of a document has a bound.
struct LimitTests {
    @Test(arguments: [
        ("[[[]]]", JSONLimits(depth: 2)), ("[1,2,3]", JSONLimits(members: 2)),
        ("{\"a\":1,\"b\":2}", JSONLimits(members: 1)), ("\"abcd\"", JSONLimits(stringBytes: 3)),
        ("{\"abcd\":1}", JSONLimits(stringBytes: 3)), ("12345", JSONLimits(numberBytes: 4)),
        ("[     ]", JSONLimits(bytes: 6)),
    ])
    func `a document beyond a limit is refused`(text: String, limits: JSONLimits) {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(text, limits: limits) }

        #expect(error?.code == .limitExceeded)
    }

    @Test(arguments: [
        ("[[]]", JSONLimits(depth: 2)), ("[1,2]", JSONLimits(members: 2)), ("\"abc\"", JSONLimits(stringBytes: 3)),
        ("1234", JSONLimits(numberBytes: 4)), ("[    ]", JSONLimits(bytes: 6)),
    ])
    func `a document at a limit is read`(text: String, limits: JSONLimits) throws {
        _ = try JSONParser.parse(text, limits: limits)
    }

    @Test func `the default depth is 128 and hostile nesting is refused early`() throws {
        let deep = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        let hostile = String(repeating: "[{\"a\":", count: 100_000)

        _ = try JSONParser.parse(deep)
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(hostile) }

        #expect(error?.code == .limitExceeded)
        #expect(error?.offset == 6 * 64)
    }

    @Test func `the deepest tree that can be allowed is read, compared, written and released`() throws {
        let limits = JSONLimits(depth: 100_000)
        let depth = JSONLimits.deepest
        let text = String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)

        let value = try JSONParser.parse(text, limits: limits)
        let again = try JSONParser.parse(value.serialized(), limits: limits)

        #expect(value == again)
        #expect(throws: JSONError.self) { try JSONParser.parse("[" + text + "]", limits: limits) }
    }
}
