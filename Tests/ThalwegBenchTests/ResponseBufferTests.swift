import Testing

@testable import thalweg_bench

@Suite
struct ResponseBufferTests {
    /// Feeds a text in pieces of `step` bytes; returns the status and body of the response it makes.
    private func read(_ text: String, step: Int) throws -> (status: Int, body: String)? {
        var buffer = ResponseBuffer()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let piece = rest.prefix(step)
            rest = rest.dropFirst(step)
            _ = try buffer.fill { space in
                for (position, byte) in piece.enumerated() { space[position] = byte }
                return piece.count
            }
            if let response = try buffer.response() {
                try #require(rest.isEmpty)
                return (response.status, buffer.consume(response) { String(decoding: $0, as: UTF8.self) })
            }
        }
        return nil
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello", 200, "hello"),
        ("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", 200, ""),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n", 200,
            "abc0123456789"
        ),
        ("HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 404, ""),
    ])
    func `a response is complete at its last byte, however it arrives`(
        text: String,
        status: Int,
        body: String
    ) throws {
        for step in [1, 2, 3, 7, 1000] {
            let response = try read(text, step: step)

            #expect(response?.status == status)
            #expect(response?.body == body)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    ])
    func `a cut response is not taken for a whole one`(text: String) throws {
        let response = try read(text, step: 4)

        #expect(response == nil)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
        "SMTP ready and waiting\r\n\r\n",
    ])
    func `what is not one response of a server is refused`(text: String) {
        #expect(throws: BenchError.self) { try read(text, step: 1000) }
    }

    @Test func `a body larger than the first buffer is read`() throws {
        let body = String(repeating: "0123456789", count: 20_000)

        let response = try read("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + body, step: 4096)

        #expect(response?.body == body)
    }

    @Test func `keys are found behind their member's name alone`() {
        let text = #"{"jobs":[{"jobKey":"12","x":"\"jobKey\":\"7\""},{"jobKey":"4503599627370497"},{"jobKey":""}]}"#
        var keys: [Int64] = []

        Array(text.utf8).withUnsafeBytes { bytes in
            ByteSearch.integers(after: "\"jobKey\":\"", in: bytes) { keys.append($0) }
        }

        #expect(keys == [12, 4_503_599_627_370_497])
    }
}
