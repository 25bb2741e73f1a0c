import HTTPTypes
import HummingbirdTesting
import JSON
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Testing

@testable import HTTPAPI

/// A server on a free port of this machine.
struct TestServer: Sendable {
    let port: Int
    private let group: ServiceGroup

    /// Runs a server as long as the test, and lets it shut down in good order.
    static func run(
        _ gateway: ScriptedGateway,
        limits: HTTPAPIConfiguration.Limits = .init(),
        _ test: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let ports = AsyncStream<Int>.makeStream()
        let server = HTTPAPI.makeServer(
            configuration: HTTPAPIConfiguration(port: 0, limits: limits),
            commands: gateway,
            queries: gateway,
            status: gateway,
            administration: gateway,
            logger: logger,
            onServerRunning: { ports.continuation.yield($0) }
        )
        let group = ServiceGroup(services: [server], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await group.run()
                ports.continuation.finish()
            }
            var iterator = ports.stream.makeAsyncIterator()
            let port = try #require(await iterator.next())
            do {
                try await test(TestServer(port: port, group: group))
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    func shutDown() async { await self.group.triggerGracefulShutdown() }

    /// Connects without any knowledge of HTTP.
    func connect(_ test: @escaping @Sendable (inout RawConnection) async throws -> Void) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: self.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        try await channel.executeThenClose { inbound, outbound in
            var connection = RawConnection(iterator: inbound.makeAsyncIterator(), outbound: outbound)
            try await test(&connection)
        }
    }
}

/// Sends and receives bytes.
struct RawConnection {
    fileprivate var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    fileprivate let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    /// What has been received so far.
    private(set) var text = ""

    fileprivate init(
        iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.iterator = iterator
        self.outbound = outbound
    }

    func send(_ text: String) async throws { try await self.outbound.write(ByteBuffer(string: text)) }

    /// Closes the half that sends.
    func finish() { self.outbound.finish() }

    /// Receives until `part` has come `count` times; fails when the connection ends before.
    mutating func receive(_ part: String, count: Int = 1) async throws {
        while self.occurrences(of: part) < count {
            guard let bytes = try await self.iterator.next() else {
                Issue.record("Expected \(count) times '\(part)', but got '\(self.text)'")
                throw ChannelError.eof
            }
            self.text += String(buffer: bytes)
        }
    }

    /// Receives until the server closes the connection.
    mutating func receiveAll() async throws {
        while let bytes = try await self.iterator.next() { self.text += String(buffer: bytes) }
    }

    func occurrences(of part: String) -> Int { self.text.ranges(of: part).count }
}

/// Sends requests one after the other over one connection.
struct APIClient: Sendable {
    let server: TestServer
    private let http: TestClient

    fileprivate init(server: TestServer, http: TestClient) {
        self.server = server
        self.http = http
    }

    func send(
        _ method: String,
        _ path: String,
        _ body: String? = nil,
        headers: HTTPFields = [.contentType: "application/json"]
    ) async throws -> Reply {
        try await self.send(method, path, bytes: body.map { Array($0.utf8) }, headers: headers)
    }

    func send(_ method: String, _ path: String, bytes: [UInt8]?, headers: HTTPFields) async throws -> Reply {
        let method = try #require(HTTPRequest.Method(rawValue: method))
        let body = bytes.map { ByteBuffer(bytes: $0) }
        let response = try await self.http.execute(.init(path, method: method, headers: headers, body: body))
        return Reply(
            status: response.status.code,
            headers: response.headers,
            body: response.body.map { Array(buffer: $0) } ?? []
        )
    }
}

/// Serves the API to one client.
func withAPI(
    _ gateway: ScriptedGateway,
    limits: HTTPAPIConfiguration.Limits = .init(),
    _ test: @escaping @Sendable (APIClient) async throws -> Void
) async throws {
    try await TestServer.run(gateway, limits: limits) { server async throws in
        try await TestClient.withClient(host: "127.0.0.1", port: server.port) { http async throws in
            try await test(APIClient(server: server, http: http))
        }
    }
}

struct Reply {
    var status: Int
    var headers: HTTPFields
    var body: [UInt8]

    var text: String { String(decoding: self.body, as: UTF8.self) }
    func json() throws -> JSONValue { try JSONParser.parse(self.body) }
    /// The `detail` of a problem.
    func detail() throws -> String { try self.json().objectValue?["detail"]?.stringValue ?? "" }
    func title() throws -> String { try self.json().objectValue?["title"]?.stringValue ?? "" }
}
