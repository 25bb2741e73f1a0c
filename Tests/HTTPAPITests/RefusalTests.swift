import HTTPTypes
import ProcessEngine
import Testing

@testable import HTTPAPI

/// What a server refuses before it has read all of it.
@Suite(.timeLimit(.minutes(10))) struct RefusalTests {
    private static let echo = "POST /thalweg/v1/echo HTTP/1.1\r\nHost: a\r\n"
    private static let gateway = ScriptedGateway()

    private static func exchange(
        _ request: String,
        limits: HTTPAPIConfiguration.Limits = .init(),
        then check: @escaping @Sendable (inout RawConnection) async throws -> Void
    ) async throws {
        try await TestServer.run(self.gateway, limits: limits) { server async throws in
            try await server.connect { connection async throws in
                try await connection.send(request)
                try await check(&connection)
            }
        }
    }

    @Test func `a large body is refused while it comes`() async throws {
        try await withAPI(ScriptedGateway()) { client async throws in
            let bytes = [UInt8](repeating: 0x20, count: 5 << 20)
            let reply = try await client.send("POST", "/v2/jobs/search", bytes: bytes, headers: [:])
            #expect(reply.status == 413)
            #expect(try reply.title() == "PAYLOAD_TOO_LARGE")
        }
    }

    @Test func `a body that is announced to be too large is refused before it comes`() async throws {
        try await Self.exchange(Self.echo + "Content-Length: 4194305\r\n\r\n") { connection async throws in
            try await connection.receiveAll()

            #expect(connection.text.hasPrefix("HTTP/1.1 413 "))
            #expect(connection.text.contains("Connection: close\r\n"))
        }
    }

    @Test func `a client that asks before it sends a body that is too large is refused`() async throws {
        let head = Self.echo + "Content-Length: 4194305\r\nExpect: 100-continue\r\n\r\n"
        try await Self.exchange(head) { connection async throws in
            try await connection.receiveAll()

            #expect(connection.text.hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test func `a client that asks before it sends its body is told to go on`() async throws {
        let head = Self.echo + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        try await Self.exchange(head) { connection async throws in
            try await connection.receive("HTTP/1.1 100 Continue\r\n\r\n")
            try await connection.send("{}")

            try await connection.receive("HTTP/1.1 204 No Content\r\n")
        }
    }

    @Test func `a body in chunks is refused as soon as it is too large`() async throws {
        var limits = HTTPAPIConfiguration.Limits()
        limits.jsonBodyBytes = 10
        let head = Self.echo + "Transfer-Encoding: chunked\r\n\r\n8\r\n{      }\r\n3\r\n   \r\n"
        try await Self.exchange(head, limits: limits) { connection async throws in
            try await connection.receiveAll()

            #expect(connection.text.hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test func `a body in chunks is put together`() async throws {
        let gateway = ScriptedGateway(.messagePublished(key: Key(1), tenantID: "<default>"))
        let head = "POST /v2/messages/publication HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        try await TestServer.run(gateway) { server async throws in
            try await server.connect { connection async throws in
                try await connection.send(head + "8\r\n{\"name\":\r\n")
                try await connection.send("4\r\n\"ab\"\r\n1\r\n}\r\n0\r\n\r\n")

                try await connection.receive("HTTP/1.1 200 OK\r\n")

                guard case .publishMessage(let message) = try #require(gateway.submissions.first).command else {
                    Issue.record("Expected a message, but got \(gateway.submissions)")
                    return
                }
                #expect(message.name == "ab")
            }
        }
    }

    @Test func `a body that comes too slowly is refused`() async throws {
        var limits = HTTPAPIConfiguration.Limits()
        limits.bodyTimeout = .milliseconds(50)
        try await Self.exchange(Self.echo + "Content-Length: 2\r\n\r\n{", limits: limits) { connection async throws in
            try await connection.receiveAll()

            #expect(connection.text.hasPrefix("HTTP/1.1 408 "))
            #expect(connection.text.contains("REQUEST_TIMEOUT"))
        }
    }

    @Test func `a body nobody reads may be large, and ends the connection`() async throws {
        let head = "POST /v2/nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 4194305\r\n\r\n"
        try await Self.exchange(head) { connection async throws in
            try await connection.receiveAll()

            #expect(connection.text.hasPrefix("HTTP/1.1 404 "))
        }
    }

    @Test(arguments: [
        "nonsense\r\n\r\n", "GET / HTTP/1.1\r\nBad Name: x\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST /thalweg/v1/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
        "GET /\u{1} HTTP/1.1\r\n\r\n",
    ])
    func `a malformed request is refused`(_ text: String) async throws {
        try await Self.exchange(text) { connection async throws in
            try await connection.receiveAll()

            #expect(connection.text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"), "\(connection.text)")
            #expect(connection.text.contains("Connection: close\r\n"))
        }
    }

    @Test func `a malformed request behind others is refused after their answers`() async throws {
        let live = "GET /thalweg/v1/live HTTP/1.1\r\nHost: a\r\n\r\n"
        try await Self.exchange(live + live + "nonsense\r\n\r\n") { connection async throws in
            try await connection.receiveAll()

            #expect(connection.occurrences(of: "HTTP/1.1 200 OK\r\n") == 2)
            #expect(connection.occurrences(of: "HTTP/1.1 400 Bad Request\r\n") == 1)
        }
    }

    @Test func `a request that ends too early is refused`() async throws {
        try await TestServer.run(ScriptedGateway()) { server async throws in
            try await server.connect { connection async throws in
                try await connection.send(Self.echo + "Content-Length: 20\r\n\r\n{")
                connection.finish()

                try await connection.receiveAll()

                #expect(connection.text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
            }
        }
    }

    @Test(arguments: [
        "X-Fill: \(String(repeating: "x", count: 100_000))\r\n", String(repeating: "X-Fill: x\r\n", count: 1000),
    ])
    func `header fields are bounded`(_ fields: String) async throws {
        try await Self.exchange("GET /v2/topology HTTP/1.1\r\n\(fields)\r\n") { connection async throws in
            try await connection.receiveAll()

            #expect(connection.text.hasPrefix("HTTP/1.1 431 "), "\(connection.text)")
        }
    }

    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"), (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] as [(Int64, String)]
    )
    func `the time of an answer has the form of HTTP`(_ seconds: Int64, _ text: String) {
        #expect(DateTime.httpText(seconds) == text)
    }
}
