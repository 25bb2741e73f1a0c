import JSON
import Testing

struct NumberTests {
    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("1.0", 1), ("1e3", 1000), ("-1E+3", -1000), ("12.50e1", 125), ("1000e-3", 1),
            ("0.00100e5", 100), ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("9223372036854775807.000", .max), ("922337203685477580700e-2", .max), ("-0.0e999999999999", 0),
            ("0e-5", 0), ("100000000000000000000000e-20", 1000),
        ] as [(String, Int64)]
    )
    func `an integer is exact in every spelling`(text: String, expected: Int64) throws {
        let number = try #require(JSONNumber(text: text))

        #expect(number.int64 == expected)
        #expect(number.text == text)
    }

    @Test(arguments: [
        "1.5", "9223372036854775808", "-9223372036854775809", "1e19", "1e999999999999999999999", "1e-1", "0.1",
        "5e-324", "1.00000000000000000000000000001",
    ])
    func `what is no integer or does not fit has no integer value`(text: String) throws {
        let number = try #require(JSONNumber(text: text))

        #expect(number.int64 == nil)
    }

    @Test(arguments: ["", "01", "+1", "1.", ".1", "1e", "NaN", "1 ", " 1", "0x1", "1e5x", "١"])
    func `a text outside of the grammar is no number`(text: String) {
        #expect(JSONNumber(text: text) == nil)
    }

    @Test func `binary numbers are nearest, and none when out of range`() {
        #expect(JSONNumber(text: "0.1")?.double == 0.1)
        #expect(JSONNumber(text: "1e400")?.double == nil)
        #expect(JSONNumber(Int64.min).int64 == .min)
    }
}

struct ObjectTests {
    @Test func `members keep their order and are replaced in place`() throws {
        var object = try #require(try JSONParser.parse("{\"b\":1,\"a\":2}").objectValue)

        object.set("b", .bool(true))
        object.set("c", .null)

        #expect(object.keys == ["b", "a", "c"])
        #expect(object["b"] == .bool(true))
        #expect(object["d"] == nil)
    }

    @Test func `keys are compared by their bytes`() throws {
        let object = try #require(try JSONParser.parse("{\"\u{E9}\":1,\"e\u{301}\":2}").objectValue)

        #expect(object["\u{E9}"]?.int64Value == 1)
        #expect(object["e\u{301}"]?.int64Value == 2)
    }

    @Test func `growing and shrinking over the size of the index keeps lookups right`() {
        var object = JSONObject()

        for number in 0..<100 { object.set("k\(number)", .int(Int64(number))) }
        for number in 0..<90 where number % 2 == 0 { object.remove("k\(number)") }

        #expect(object.count == 55)
        for number in 0..<100 {
            let isKept = number >= 90 || number % 2 == 1
            #expect(object["k\(number)"] == (isKept ? .int(Int64(number)) : nil))
        }
    }
}

struct WriterTests {
    @Test func `a document is written without a tree`() throws {
        var writer = JSONWriter()

        writer.beginObject()
        writer.member("name", "a\"\\\u{1}\n\u{E4}")
        writer.key("list")
        writer.beginArray()
        writer.int(1)
        writer.double(0.5)
        writer.double(.nan)
        writer.null()
        writer.raw(Array("{\"x\":1}".utf8))
        writer.quotedInt(UInt64.max)
        writer.beginObject()
        writer.endObject()
        writer.endArray()
        writer.member("done", true)
        writer.endObject()

        let expected =
            #"{"name":"a\"\\\u0001\n"# + "\u{E4}"
            + #"","list":[1,0.5,null,null,{"x":1},"18446744073709551615",{}],"done":true}"#
        #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
        try JSONScanner.validate(writer.bytes)
    }

    @Test func `the pretty layout puts one member a line`() throws {
        let value = try JSONParser.parse("{\"a\":[1,{}],\"b\":{\"c\":[]}}")

        let text = String(decoding: value.serializedPretty(), as: UTF8.self)

        #expect(text == "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": []\n  }\n}")
    }

    @Test(arguments: [1.0, -0.0, 1e300, 2.3e-308, 0.1, 123456789.123, 1e21, -2.5e-7])
    func `a binary number reads back the same`(number: Double) throws {
        var writer = JSONWriter()

        writer.double(number)

        #expect(try JSONParser.parse(writer.bytes).numberValue?.double == number)
    }

    @Test func `a value without a key is our own bug`() async {
        await #expect(processExitsWith: .failure) {
            var writer = JSONWriter()
            writer.beginObject()
            writer.int(1)
        }
    }
}

struct ScannerTests {
    @Test func `the members of the outermost object are found with their exact bytes`() throws {
        let text = " { \"a\" : 1.50 , \"\\u0062\":[1, {\"a\": 2}],\"c\":\"x\" , \"d\" : { \"e\" : null }, \"f\":true } "
        let bytes = Array(text.utf8)

        let members = try JSONScanner.topLevelMembers(of: bytes)

        #expect(members.map(\.key) == ["a", "b", "c", "d", "f"])
        let values = members.map { String(decoding: bytes[$0.value], as: UTF8.self) }
        #expect(values == ["1.50", "[1, {\"a\": 2}]", "\"x\"", "{ \"e\" : null }", "true"])
        for member in members { _ = try JSONParser.parse(bytes[member.value]) }
    }

    @Test(arguments: ["[1]", "1", "\"a\"", "null", "[{\"a\":1}]"])
    func `a document that is no object is refused`(text: String) {
        let error = #expect(throws: JSONError.self) { try JSONScanner.topLevelMembers(of: Array(text.utf8)) }

        #expect(error?.code == .unexpectedKind)
    }

    @Test func `the whole document is checked, also behind and inside of the members`() {
        #expect(throws: JSONError.self) { try JSONScanner.topLevelMembers(of: Array("{\"a\":[1,]}".utf8)) }
        #expect(throws: JSONError.self) { try JSONScanner.topLevelMembers(of: Array("{\"a\":1}}".utf8)) }
        #expect(throws: JSONError.self) { try JSONScanner.topLevelMembers(of: Array("{\"a\":{\"b\":1,\"b\":2}}".utf8)) }
    }

    @Test func `compaction strips white space outside of strings only`() {
        let text = "{ \"a b\" : [ 1 ,\n\t2 ] , \"c\\\" d\" : \" x \\\\\" , \"e\" : { } , \"f\" : true }"

        let compacted = JSONScanner.compacted(Array(text.utf8))

        let expected = "{\"a b\":[1,2],\"c\\\" d\":\" x \\\\\",\"e\":{},\"f\":true}"
        #expect(String(decoding: compacted, as: UTF8.self) == expected)
    }
}
