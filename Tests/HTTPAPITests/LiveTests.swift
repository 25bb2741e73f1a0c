import Gateway
import ProcessEngine
import Testing

@testable import HTTPAPI

/// What a connection can do besides one request after the other.
@Suite(.timeLimit(.minutes(10))) struct LiveTests {
    private static let activation = #"{"type":"a","timeout":1,"maxJobsToActivate":1,"requestTimeout":3600000}"#
    private static let longPoll = Self.post("/v2/jobs/activation", Self.activation)
    private static let completion = Self.post("/v2/jobs/1/completion", "{}")
    private static let live = "GET /thalweg/v1/live HTTP/1.1\r\nHost: a\r\n\r\n"

    private static func post(_ path: String, _ body: String, more: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\(more)\r\n\(body)"
    }

    private static func waiting() -> ScriptedGateway {
        ScriptedGateway(.init(outcome: .answered(.jobsActivated([])), waitsForCancellation: true))
    }

    /// About a megabyte.
    private static let jobs = (0..<100).map { number in
        Answer.ActivatedJob(
            key: Key(Int64(number)),
            type: String(repeating: "x", count: 10_000),
            processInstanceKey: Key(7),
            rootProcessInstanceKey: Key(6),
            definitionKey: Key(5),
            processID: "order",
            version: 2,
            elementID: "task",
            elementInstanceKey: Key(8),
            customHeaders: Array("{}".utf8),
            worker: "w",
            retries: 3,
            deadline: 1,
            variables: VariableDocument([]),
            tenantID: "<default>",
            tags: [],
            priority: 50,
            businessID: nil,
            lease: nil
        )
    }

    // MARK: Several requests

    @Test func `requests follow each other on one connection`() async throws {
        let gateway = ScriptedGateway(.jobsActivated([]))

        try await withAPI(gateway) { client async throws in
            for _ in 0..<20 {
                let reply = try await client.send("POST", "/v2/jobs/activation", Self.activation)
                #expect(reply.text == #"{"jobs":[]}"#)
                #expect(try await client.send("GET", "/v2/nothing").status == 404)
            }
            #expect(gateway.submissions.count == 20)
        }
    }

    @Test func `pipelined requests are answered in their order`() async throws {
        let gateway = ScriptedGateway(.init(waitsForRelease: true))

        try await TestServer.run(gateway) { server async throws in
            try await server.connect { connection async throws in
                try await connection.send(
                    Self.live + Self.completion + "GET /v2/nothing HTTP/1.1\r\nHost: a\r\n\r\n" + Self.live
                )
                await gateway.untilSubmitted()
                try await connection.receive("live\n")
                #expect(connection.occurrences(of: "HTTP/1.1") == 1)

                gateway.release()

                try await connection.receive("live\n", count: 2)
                let statuses = connection.text.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
                #expect(statuses == ["200", "204", "404", "200"])
            }
        }
    }

    @Test func `a client that reads nothing is not worked for without end`() async throws {
        let gateway = ScriptedGateway(.jobsActivated(Self.jobs))

        try await TestServer.run(gateway) { server async throws in
            try await server.connect { connection async throws in
                try await connection.send(String(repeating: Self.longPoll, count: 200))
                await gateway.untilSubmitted()
                try await connection.receive(#""jobs""#)
                // Some megabytes fit into the buffers between the two, not all of the 200 that were asked for.
                #expect(gateway.submissions.count < 100)

                try await connection.receive(#""jobs""#, count: 3)
            }
        }
    }

    @Test(arguments: [
        ("GET /thalweg/v1/live HTTP/1.0\r\n\r\n", true), ("GET /thalweg/v1/live HTTP/1.1\r\nHost: a\r\n\r\n", false),
        ("GET /thalweg/v1/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false),
        ("GET /thalweg/v1/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true),
        ("GET /thalweg/v1/live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", true),
    ])
    func `a connection stays open as its client wants it`(_ request: String, _ isClosed: Bool) async throws {
        try await TestServer.run(ScriptedGateway()) { server async throws in
            try await server.connect { connection async throws in
                try await connection.send(request)
                try await connection.receive("live\n")
                #expect(connection.text.contains("Connection: close\r\n") == isClosed)

                if !isClosed { try await connection.send(request + "\r\n") }
                if isClosed {
                    try await connection.receiveAll()
                } else {
                    try await connection.receive("live\n", count: 2)
                }
            }
        }
    }

    @Test func `an answer to HEAD has no body`() async throws {
        try await TestServer.run(ScriptedGateway()) { server async throws in
            try await server.connect { connection async throws in
                try await connection.send("HEAD /thalweg/v1/live HTTP/1.1\r\nHost: a\r\n\r\n" + Self.live)
                try await connection.receive("live\n")

                #expect(connection.text.hasPrefix("HTTP/1.1 405 Method Not Allowed\r\n"))
                #expect(!connection.text.contains("METHOD_NOT_ALLOWED"))
            }
        }
    }

    @Test func `an idle connection is closed`() async throws {
        var limits = HTTPAPIConfiguration.Limits()
        limits.idleTimeout = .milliseconds(50)

        try await TestServer.run(ScriptedGateway(), limits: limits) { server async throws in
            try await server.connect { connection async throws in
                try await connection.receiveAll()

                #expect(connection.text.isEmpty)
            }
        }
    }

    // MARK: Ends

    @Test func `a client that goes away ends its long poll`() async throws {
        let gateway = Self.waiting()

        try await TestServer.run(gateway) { server async throws in
            try await server.connect { connection async throws in
                try await connection.send(Self.longPoll)
                await gateway.untilSubmitted()
            }

            await gateway.untilCancelled()
        }
    }

    @Test func `a client that goes away with requests behind its long poll ends all of them`() async throws {
        let gateway = Self.waiting()

        try await TestServer.run(gateway) { server async throws in
            try await server.connect { connection async throws in
                try await connection.send(String(repeating: Self.longPoll, count: 3))
                await gateway.untilSubmitted()
            }

            await gateway.untilCancelled()
        }
    }

    @Test func `a client that closes its half gets the answer to its long poll`() async throws {
        let gateway = Self.waiting()

        try await TestServer.run(gateway) { server async throws in
            try await server.connect { connection async throws in
                try await connection.send(Self.longPoll)
                await gateway.untilSubmitted()
                connection.finish()

                try await connection.receiveAll()

                #expect(connection.text.hasSuffix(#"{"jobs":[]}"#))
            }
        }
    }

    @Test func `a client that closes its half while it reads gets all of its answers`() async throws {
        let gateway = ScriptedGateway(.jobsActivated(Self.jobs))

        try await TestServer.run(gateway) { server async throws in
            try await server.connect { connection async throws in
                try await connection.send(String(repeating: Self.longPoll, count: 20))
                try await connection.receive(#""jobs""#)
                connection.finish()

                try await connection.receiveAll()

                #expect(connection.occurrences(of: "HTTP/1.1 200 OK\r\n") == 20)
                #expect(connection.text.hasSuffix("]}"))
            }
        }
    }

    @Test func `a client that closes its half gets the answers to its commands`() async throws {
        let gateway = ScriptedGateway(.init(waitsForRelease: true))

        try await TestServer.run(gateway) { server async throws in
            try await server.connect { connection async throws in
                try await connection.send(Self.completion + Self.completion)
                connection.finish()
                await gateway.untilSubmitted()
                gateway.release()
                gateway.release()

                try await connection.receiveAll()

                #expect(connection.occurrences(of: "HTTP/1.1 204 No Content\r\n") == 2)
            }
        }
    }

    @Test func `a shutdown answers long polls`() async throws {
        let gateway = Self.waiting()

        try await TestServer.run(gateway) { server async throws in
            try await server.connect { connection async throws in
                try await connection.send(Self.longPoll)
                await gateway.untilSubmitted()

                await server.shutDown()

                try await connection.receiveAll()
                #expect(connection.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(connection.text.hasSuffix(#"{"jobs":[]}"#))
            }
        }
    }

    @Test func `a shutdown lets a request that is worked on finish`() async throws {
        let gateway = ScriptedGateway(.init(waitsForRelease: true))

        try await TestServer.run(gateway) { server async throws in
            let (steps, idle) = AsyncStream<Void>.makeStream()
            async let idleEnd: Void = server.connect { connection async throws in
                try await connection.send(Self.live)
                try await connection.receive("live\n")
                idle.yield()
                try await connection.receiveAll()
                idle.finish()
            }
            for await _ in steps { break }
            try await server.connect { connection async throws in
                try await connection.send(Self.completion)
                await gateway.untilSubmitted()
                await server.shutDown()
                // The other one is told to go at once.
                for await _ in steps {}

                gateway.release()

                try await connection.receiveAll()
                #expect(connection.text.hasPrefix("HTTP/1.1 204 No Content\r\n"))
                #expect(connection.text.contains("Connection: close\r\n"))
            }
            try await idleEnd
        }
    }
}
