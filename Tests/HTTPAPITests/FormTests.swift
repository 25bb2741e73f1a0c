import NIOHTTP1
import ProcessEngine
import Testing

@testable import HTTPAPI

@Suite struct FormTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00.000Z", 0), ("2000-02-29T23:59:59.999Z", 951_868_799_999),
            ("1969-12-31T23:59:59.999Z", -1), ("2023-11-14T22:13:20.000Z", 1_700_000_000_000),
            ("0000-01-01T00:00:00.000Z", -62_167_219_200_000), ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("0000-02-29T12:00:00.000Z", -62_162_078_400_000), ("2100-03-01T00:00:00.000Z", 4_107_542_400_000),
        ] as [(String, Int64)]
    )
    func `a date-time has one text`(_ text: String, _ milliseconds: Int64) {
        #expect(DateTime.text(milliseconds) == text)
        #expect(DateTime.milliseconds(text) == milliseconds)
    }

    @Test func `every day has its date-time`() {
        for day in stride(from: -719_528 as Int64, to: 2_932_896, by: 97) {
            let milliseconds = day * 86_400_000 + 1
            #expect(DateTime.milliseconds(DateTime.text(milliseconds)) == milliseconds)
        }
        #expect(DateTime.text(.max) == "9999-12-31T23:59:59.999Z")
        #expect(DateTime.text(.min) == "0000-01-01T00:00:00.000Z")
    }

    @Test(
        arguments: [
            ("1970-01-01T01:00:00+01:00", 0), ("1969-12-31T18:30:00-05:30", 0), ("1970-01-01t00:00:01.5z", 1500),
            ("1970-01-01 00:00:00.123456789Z", 123), ("1970-01-01T23:59:60Z", 86_399_000),
        ] as [(String, Int64)]
    )
    func `other spellings of a date-time are read`(_ text: String, _ milliseconds: Int64) {
        #expect(DateTime.milliseconds(text) == milliseconds)
    }

    @Test(arguments: [
        "", "1970", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "1970-02-30T00:00:00Z",
        "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z", "1970-01-01T00:00:61Z", "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00Zx", "1970-01-01T00:00:00+1:00", "1970-01-01T00:00:00+24:00", "+1970-01-01T00:00:00Z",
        "1970-1-1T00:00:00Z",
    ])
    func `what is no date-time is not read`(_ text: String) {
        #expect(DateTime.milliseconds(text) == nil)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy"),
    ])
    func `base 64 is as RFC 4648 has it`(_ plain: String, _ encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
        #expect(Base64.decode(encoded.filter { $0 != "=" }) == Array(plain.utf8))
    }

    @Test func `base 64 reads both alphabets and nothing else`() {
        #expect(Base64.encode([0xFB, 0xFF]) == "+/8=")
        #expect(Base64.decode("-_8") == [0xFB, 0xFF])
        #expect(Base64.decode("Zg=a") == nil)
        #expect(Base64.decode("Z") == nil)
        #expect(Base64.decode("Zm 9v") == nil)
    }

    @Test(arguments: 0..<20)
    func `a cursor that was tampered with is refused or harmless`(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let request = SearchRequest(view: .job, sort: [SearchSort(field: 1, isDescending: true)])
        let row = makeRow(.job, ["type": .text("pay")])
        let text = SearchCursor.text(row, of: request)
        #expect((try? SearchCursor.values(text, for: request, name: "after")) == [.text("pay"), row.values[0]])
        for _ in 0..<200 {
            var bytes = Base64.decode(text) ?? []
            let position = Int.random(in: 0..<bytes.count, using: &generator)
            bytes[position] = UInt8.random(in: 0...255, using: &generator)
            bytes.removeLast(Int.random(in: 0...3, using: &generator))
            let values = try? SearchCursor.values(Base64.encode(bytes), for: request, name: "after")
            #expect(values == nil || values?.count == 2)
        }
    }

    @Test func `a written-out segment wins over a parameter`() {
        let table = RouteTable(HTTPAPI.routes)
        func pattern(_ method: HTTPMethod, _ path: Substring) -> String {
            switch table.match(method, path) {
            case .found(let route, let parameter): "\(table.routes[route].pattern) \(parameter)"
            case .wrongMethod(let allowed): allowed.joined(separator: ",")
            case .unknownPath: "unknown"
            }
        }

        #expect(pattern(.POST, "/v2/jobs/search") == "/v2/jobs/search ")
        #expect(pattern(.PATCH, "/v2/jobs/1") == "/v2/jobs/{jobKey} 1")
        #expect(pattern(.POST, "/v2/jobs/1/error") == "/v2/jobs/{jobKey}/error 1")
        #expect(pattern(.GET, "/v2/jobs/1") == "PATCH")
        #expect(pattern(.GET, "/v2") == "unknown")
        #expect(pattern(.GET, "") == "unknown")
        #expect(pattern(.GET, "//v2/topology") == "unknown")
        #expect(pattern(.GET, "/v2/topology/") == "unknown")
    }
}
