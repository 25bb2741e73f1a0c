import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

@testable import CommandLineClient

/// One request as the scripted server saw it.
struct SeenRequest: Sendable {
    let method: String
    let uri: String
    let headers: [String: String]
    let body: [UInt8]

    var json: JSONValue { (try? JSONParser.parse(self.body)) ?? .null }
}

/// An answer of the script; `afterMilliseconds` lets a long poll stay open.
struct ScriptedAnswer: Sendable {
    var status = 200
    var body = ""
    var afterMilliseconds: Int64 = 0

    static let noContent = ScriptedAnswer(status: 204)
    static func problem(_ status: Int, _ title: String, _ detail: String) -> ScriptedAnswer {
        ScriptedAnswer(
            status: status,
            body: #"{"type":"about:blank","title":"\#(title)","status":\#(status),"detail":"\#(detail)"}"#
        )
    }
}

/// An HTTP server on a free port of the loopback address whose answers the test decides, one closure call a request.
final class ScriptedServer: Sendable {
    private let channel: any Channel
    private let seen: Recorder

    /// The requests so far, in order.
    var requests: [SeenRequest] { self.seen.requests.withLock { $0 } }
    var url: String { "http://127.0.0.1:\(self.channel.localAddress?.port ?? 0)" }

    fileprivate final class Recorder: Sendable {
        let requests = Mutex<[SeenRequest]>([])
    }

    private init(channel: any Channel, seen: Recorder) {
        self.channel = channel
        self.seen = seen
    }

    /// Runs `body` against a server that answers with `script`.
    @discardableResult
    static func with<Result>(
        port: Int = 0,
        _ script: @escaping @Sendable (SeenRequest) -> ScriptedAnswer,
        body: (ScriptedServer) async throws -> Result
    ) async throws -> Result {
        let seen = Recorder()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(ScriptHandler(script: script, seen: seen))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        let server = ScriptedServer(channel: channel, seen: seen)
        do {
            let result = try await body(server)
            try await channel.close()
            return result
        } catch {
            try? await channel.close()
            throw error
        }
    }

    /// A client connection to this server.
    @discardableResult
    func connect<Result>(_ body: (ServerConnection) async throws -> Result) async throws -> Result {
        let settings = ConnectionSettings(
            address: try ServerAddress(self.url),
            credentials: .bearer("secret"),
            authorityFile: nil
        )
        return try await ServerConnection.with(settings, body: body)
    }
}

private final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let script: @Sendable (SeenRequest) -> ScriptedAnswer
    private let seen: ScriptedServer.Recorder
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(script: @escaping @Sendable (SeenRequest) -> ScriptedAnswer, seen: ScriptedServer.Recorder) {
        self.script = script
        self.seen = seen
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            self.body = []
        case .body(let buffer): self.body += Array(buffer.readableBytesView)
        case .end: self.answer(context)
        }
    }

    private func answer(_ context: ChannelHandlerContext) {
        guard let head else { return }
        var headers: [String: String] = [:]
        for (name, value) in head.headers { headers[name.lowercased()] = value }
        let request = SeenRequest(
            method: head.method.rawValue,
            uri: head.uri,
            headers: headers,
            body: self.body
        )
        self.seen.requests.withLock { $0.append(request) }
        let answer = self.script(request)
        let channel = context.channel
        let write: @Sendable () -> Void = {
            var responseHeaders = HTTPHeaders()
            let bytes = ByteBuffer(string: answer.body)
            if answer.status != 204 { responseHeaders.add(name: "content-length", value: "\(bytes.readableBytes)") }
            let status = HTTPResponseStatus(statusCode: answer.status)
            channel.write(
                HTTPServerResponsePart.head(.init(version: .http1_1, status: status, headers: responseHeaders)),
                promise: nil
            )
            if bytes.readableBytes > 0 {
                channel.write(HTTPServerResponsePart.body(.byteBuffer(bytes)), promise: nil)
            }
            channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        }
        if answer.afterMilliseconds > 0 {
            context.eventLoop.scheduleTask(in: .milliseconds(answer.afterMilliseconds), write)
        } else {
            write()
        }
    }
}
