import Gateway
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import ProcessEngine
import ServiceLifecycle
import Testing

@testable import HTTPAPI

/// Over a socket, where connections can break.
@Suite(.timeLimit(.minutes(10))) struct LiveTests {
    private static let activation = #"{"type":"a","timeout":1,"maxJobsToActivate":1,"requestTimeout":3600000}"#

    @Test func `requests follow each other on one connection`() async throws {
        let gateway = ScriptedGateway(.jobsActivated([]))

        try await withAPI(gateway, setup: .live) { client async throws in
            for _ in 0..<20 {
                let reply = try await client.send("POST", "/v2/jobs/activation", Self.activation)
                #expect(reply.text == #"{"jobs":[]}"#)
                #expect(try await client.send("GET", "/v2/nothing").status == 404)
            }
            #expect(gateway.submissions.count == 20)
        }
    }

    @Test func `a client that goes away ends its long poll`() async throws {
        let gateway = ScriptedGateway(.init(outcome: .answered(.jobsActivated([])), waitsForCancellation: true))

        try await withAPI(gateway, setup: .live) { client async throws in
            let port = try #require(client.port)
            let leaving = TestClient(host: "localhost", port: port)
            leaving.connect()
            let body = ByteBuffer(string: Self.activation)
            try await leaving.executeAndDontWaitForResponse(.init("/v2/jobs/activation", method: .post, body: body))
            await gateway.untilSubmitted()

            try await leaving.shutdown()

            await gateway.untilCancelled()
        }
    }

    @Test func `a shutdown answers long polls`() async throws {
        let gateway = ScriptedGateway(.init(outcome: .answered(.jobsActivated([])), waitsForCancellation: true))
        let ports = AsyncStream<Int>.makeStream()
        let application = HTTPAPI.makeApplication(
            configuration: HTTPAPIConfiguration(port: 0),
            commands: gateway,
            queries: gateway,
            status: gateway,
            administration: gateway,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onServerRunning: { ports.continuation.yield($0) }
        )
        let group = ServiceGroup(
            services: [application],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )

        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.stream.makeAsyncIterator()
            let port = try #require(await iterator.next())
            tasks.addTask {
                try await TestClient.withClient(host: "localhost", port: port) { client async throws in
                    let body = ByteBuffer(string: Self.activation)
                    let response = try await client.post("/v2/jobs/activation", body: body)
                    #expect(response.status == .ok)
                }
            }
            await gateway.untilSubmitted()

            await group.triggerGracefulShutdown()

            try await tasks.waitForAll()
        }
    }

    @Test func `header fields are bounded`() async throws {
        try await withAPI(ScriptedGateway(), setup: .live) { client async throws in
            let name = try #require(HTTPField.Name("X-Fill"))
            let fill = String(repeating: "x", count: 100_000)
            let reply = try? await client.send("GET", "/v2/topology", nil, headers: [name: fill])
            #expect(reply == nil || reply?.status == 400)
        }
    }

    @Test func `a large body is refused while it comes`() async throws {
        try await withAPI(ScriptedGateway(), setup: .live) { client async throws in
            let bytes = [UInt8](repeating: 0x20, count: 5 << 20)
            let reply = try await client.send("POST", "/v2/jobs/search", bytes: bytes, headers: [:])
            #expect(reply.status == 413)
        }
    }
}
