import Glibc
import JSON

/// Where a node listens for clients.
package struct NodeAddress: Hashable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: UInt16

    package var description: String { "http://\(self.host):\(self.port)" }

    /// Reads `http://HOST:PORT`; anything behind the port is dropped.
    package init?(url: String) {
        guard let range = url.firstRange(of: "http://") else { return nil }
        let authority = url[range.upperBound...].prefix { !$0.isWhitespace && $0 != "/" }
        guard let colon = authority.lastIndex(of: ":"),
            let port = UInt16(authority[authority.index(after: colon)...])
        else { return nil }
        let host = authority[..<colon]
        guard !host.isEmpty else { return nil }
        self.init(host: String(host), port: port)
    }

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
}

/// Why a request has no answer.
enum HTTPFailure: Error, Hashable {
    /// Nobody listens: surely nothing was done.
    case notConnected(String)
    /// The request, or a part of it, was sent, but no whole answer came back.
    case noAnswer(String)
}

struct HTTPRequest: Sendable {
    var method: String
    var path: String
    var body: [UInt8] = []
    var contentType = "application/json"
    var idempotencyKey: String?

    static func get(_ path: String) -> HTTPRequest { HTTPRequest(method: "GET", path: path) }

    static func post(_ path: String, _ body: JSONValue = .object(JSONObject()), key: String? = nil) -> HTTPRequest {
        HTTPRequest(method: "POST", path: path, body: body.serialized(), idempotencyKey: key)
    }

    static func put(_ path: String, _ body: JSONValue) -> HTTPRequest {
        HTTPRequest(method: "PUT", path: path, body: body.serialized())
    }

    /// A deployment of one model.
    static func deployment(_ name: String, _ model: String) -> HTTPRequest {
        let boundary = "thalweg-drill-part"
        let text =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"resources\"; filename=\"\(name)\"\r\n"
            + "Content-Type: application/octet-stream\r\n\r\n\(model)\r\n--\(boundary)--\r\n"
        return HTTPRequest(
            method: "POST",
            path: "/v2/deployments",
            body: Array(text.utf8),
            contentType: "multipart/form-data; boundary=\(boundary)"
        )
    }

    fileprivate func bytes(_ address: NodeAddress) -> [UInt8] {
        var head =
            "\(self.method) \(self.path) HTTP/1.1\r\nHost: \(address.host):\(address.port)\r\n"
            + "Accept: application/json\r\n"
        if !self.body.isEmpty || self.method != "GET" {
            head += "Content-Type: \(self.contentType)\r\nContent-Length: \(self.body.count)\r\n"
        }
        if let key = self.idempotencyKey { head += "Idempotency-Key: \(key)\r\n" }
        return Array((head + "\r\n").utf8) + self.body
    }
}

struct HTTPReply: Sendable {
    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    var isSuccess: Bool { (200..<300).contains(self.status) }
    var text: String { String(decoding: self.body.prefix(2_000), as: UTF8.self) }

    /// The body as JSON; null when it is none.
    var json: JSONValue { (try? JSONParser.parse(self.body)) ?? .null }

    func header(_ name: String) -> String? { self.headers.first { $0.name == name }?.value }
}

/// One client connection that stays open, used by one thread at a time. It blocks.
final class HTTPConnection {
    private static let headLimit = 64 << 10
    private static let bodyLimit = 256 << 20

    let address: NodeAddress
    private let timeoutSeconds: Double
    private var descriptor: Int32 = -1
    private var received: [UInt8] = []
    private var position = 0

    init(_ address: NodeAddress, timeoutSeconds: Double) {
        self.address = address
        self.timeoutSeconds = timeoutSeconds
    }

    deinit { self.disconnect() }

    /// Sends one request on an address of its own and waits for the answer.
    static func send(
        _ request: HTTPRequest,
        to address: NodeAddress,
        timeoutSeconds: Double = 10
    ) throws(HTTPFailure) -> HTTPReply {
        try HTTPConnection(address, timeoutSeconds: timeoutSeconds).send(request)
    }

    /// Sends one request and waits for its answer.
    func send(_ request: HTTPRequest) throws(HTTPFailure) -> HTTPReply {
        if self.descriptor >= 0, self.isClosedByPeer { self.disconnect() }
        if self.descriptor < 0 { try self.connect() }
        do throws(HTTPFailure) {
            try self.write(request.bytes(self.address))
            let reply = try self.reply()
            if reply.header("connection")?.lowercased() == "close" { self.disconnect() }
            return reply
        } catch {
            self.disconnect()
            throw error
        }
    }

    func disconnect() {
        if self.descriptor >= 0 { close(self.descriptor) }
        self.descriptor = -1
        self.received = []
        self.position = 0
    }

    /// A connection on which something is readable before the request was sent is over.
    private var isClosedByPeer: Bool {
        var request = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) != 0
    }

    private func connect() throws(HTTPFailure) {
        var hints = addrinfo()
        hints.ai_family = AF_INET
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(self.address.host, String(self.address.port), &hints, &found) == 0, let found else {
            throw .notConnected("the host \(self.address.host) could not be looked up")
        }
        defer { freeaddrinfo(found) }
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, flags, 0)
        guard descriptor >= 0 else { throw .notConnected(SystemText.message(errno)) }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        let whole = Int(self.timeoutSeconds)
        var limit = timeval(tv_sec: whole, tv_usec: Int((self.timeoutSeconds - Double(whole)) * 1_000_000))
        // On Linux the send limit also bounds the time to connect.
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard Glibc.connect(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0 else {
            let reason = SystemText.message(errno)
            close(descriptor)
            throw .notConnected(reason)
        }
        self.descriptor = descriptor
    }

    private func write(_ bytes: [UInt8]) throws(HTTPFailure) {
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw .noAnswer(SystemText.message(errno)) }
            start += count
        }
    }

    private func reply() throws(HTTPFailure) -> HTTPReply {
        let head = try self.line(endingWith: [13, 10, 13, 10])
        let lines = head.split(separator: "\r\n")
        let words = (lines.first ?? "").split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else { throw .noAnswer("malformed status line") }
        var reply = HTTPReply(status: status)
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            let value = parts.count == 2 ? parts[1].drop { $0 == " " } : ""
            reply.headers.append((parts.first.map { $0.lowercased() } ?? "", String(value)))
        }
        if reply.header("transfer-encoding")?.lowercased() == "chunked" {
            reply.body = try self.chunks()
        } else {
            reply.body = try self.take(Int(reply.header("content-length") ?? "0") ?? 0)
        }
        if self.position == self.received.count {
            self.received.removeAll(keepingCapacity: true)
            self.position = 0
        }
        return reply
    }

    private func chunks() throws(HTTPFailure) -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let line = try self.line(endingWith: [13, 10])
            guard let size = Int(line.prefix { $0 != ";" }, radix: 16) else { throw .noAnswer("malformed chunk") }
            body += try self.take(size)
            _ = try self.take(2)
            if size == 0 { return body }
        }
    }

    /// Reads until `mark` is there, and returns what is before it.
    private func line(endingWith mark: [UInt8]) throws(HTTPFailure) -> String {
        var searched = self.position
        while true {
            let last = self.received.count - mark.count
            while searched <= last {
                if self.received[searched..<searched + mark.count].elementsEqual(mark) {
                    let text = String(decoding: self.received[self.position..<searched], as: UTF8.self)
                    self.position = searched + mark.count
                    return text
                }
                searched += 1
            }
            guard self.received.count - self.position < Self.headLimit else { throw .noAnswer("endless head") }
            try self.receive()
        }
    }

    private func take(_ count: Int) throws(HTTPFailure) -> [UInt8] {
        guard (0...Self.bodyLimit).contains(count) else { throw .noAnswer("a body of \(count) bytes") }
        while self.received.count - self.position < count { try self.receive() }
        defer { self.position += count }
        return Array(self.received[self.position..<self.position + count])
    }

    private func receive() throws(HTTPFailure) {
        errno = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = max(0, recv(self.descriptor, buffer.baseAddress, buffer.count, 0))
        }
        guard !chunk.isEmpty else {
            throw .noAnswer(errno == 0 ? "the connection was closed" : SystemText.message(errno))
        }
        self.received += chunk
    }
}

extension JSONValue {
    /// The member of an object, null when there is none.
    subscript(name: String) -> JSONValue { self.objectValue?[name] ?? .null }

    /// A member's text; empty when it is none.
    func text(_ name: String) -> String { self[name].stringValue ?? "" }

    /// A member's whole number, also one written as text.
    func integer(_ name: String) -> Int64? { self[name].int64Value ?? self[name].stringValue.flatMap { Int64($0) } }
}
