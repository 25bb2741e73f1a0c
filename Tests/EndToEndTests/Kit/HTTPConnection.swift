import Glibc
import JSON

/// Why a request has no answer.
enum HTTPFailure: Error, CustomStringConvertible {
    /// Nobody listens: surely nothing was done.
    case notConnected(String)
    /// The request, or a part of it, was sent, but no whole answer came back.
    case noAnswer(String)

    var description: String {
        switch self {
        case .notConnected(let reason): "not connected: \(reason)"
        case .noAnswer(let reason): "no answer: \(reason)"
        }
    }
}

/// A request to the server under test.
struct HTTPRequest: Sendable {
    var method: String
    var path: String
    var body: [UInt8] = []
    var contentType = "application/json"
    var idempotencyKey: String?

    static func get(_ path: String) -> HTTPRequest { HTTPRequest(method: "GET", path: path) }

    static func post(_ path: String, _ json: String = "{}", idempotencyKey: String? = nil) -> HTTPRequest {
        HTTPRequest(method: "POST", path: path, body: Array(json.utf8), idempotencyKey: idempotencyKey)
    }

    static func patch(_ path: String, _ json: String) -> HTTPRequest {
        HTTPRequest(method: "PATCH", path: path, body: Array(json.utf8))
    }

    static func put(_ path: String, _ json: String) -> HTTPRequest {
        HTTPRequest(method: "PUT", path: path, body: Array(json.utf8))
    }

    /// A deployment of files, as `multipart/form-data`.
    static func deployment(_ files: [(name: String, content: [UInt8])]) -> HTTPRequest {
        let boundary = "thalweg-end-to-end-boundary"
        var body: [UInt8] = []
        for file in files {
            body += "--\(boundary)\r\nContent-Disposition: form-data; name=\"resources\"; ".utf8
            body += "filename=\"\(file.name)\"\r\nContent-Type: application/octet-stream\r\n\r\n".utf8
            body += file.content
            body += "\r\n".utf8
        }
        body += "--\(boundary)--\r\n".utf8
        return HTTPRequest(
            method: "POST",
            path: "/v2/deployments",
            body: body,
            contentType: "multipart/form-data; boundary=\(boundary)"
        )
    }

    fileprivate func bytes(port: UInt16) -> [UInt8] {
        var head = "\(self.method) \(self.path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nAccept: application/json\r\n"
        if !self.body.isEmpty || self.method != "GET" {
            head += "Content-Type: \(self.contentType)\r\nContent-Length: \(self.body.count)\r\n"
        }
        if let key = self.idempotencyKey { head += "Idempotency-Key: \(key)\r\n" }
        return Array((head + "\r\n").utf8) + self.body
    }
}

/// An answer of the server under test.
struct HTTPReply: Sendable, CustomStringConvertible {
    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    var isSuccess: Bool { (200..<300).contains(self.status) }
    var text: String { String(decoding: self.body, as: UTF8.self) }
    var description: String { "\(self.status) \(self.text)" }

    /// The body as JSON; null when it is none.
    var json: JSONValue { (try? JSONParser.parse(self.body)) ?? .null }

    func header(_ name: String) -> String? { self.headers.first { $0.name == name.lowercased() }?.value }
}

/// A client connection that stays open, used by one thread at a time. It blocks, so it belongs on a thread of its own.
final class HTTPConnection {
    private let port: UInt16
    private let timeoutSeconds: Int
    private var descriptor: Int32 = -1
    private var received: [UInt8] = []

    init(port: UInt16, timeoutSeconds: Int = 30) {
        self.port = port
        self.timeoutSeconds = timeoutSeconds
    }

    deinit { self.close() }

    /// Sends one request and waits for its answer.
    func send(_ request: HTTPRequest) throws(HTTPFailure) -> HTTPReply {
        if self.descriptor < 0 { try self.connect() }
        do throws(HTTPFailure) {
            try self.write(request.bytes(port: self.port))
            let reply = try self.readReply()
            if reply.header("connection")?.lowercased() == "close" { self.close() }
            return reply
        } catch {
            self.close()
            throw error
        }
    }

    func close() {
        if self.descriptor >= 0 { _ = Glibc.close(self.descriptor) }
        self.descriptor = -1
        self.received = []
    }

    private func connect() throws(HTTPFailure) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .notConnected(Self.reason()) }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        var limit = timeval(tv_sec: self.timeoutSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = self.port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let reason = Self.reason()
            _ = Glibc.close(descriptor)
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
            guard count > 0 else { throw .noAnswer(Self.reason()) }
            start += count
        }
    }

    private func readReply() throws(HTTPFailure) -> HTTPReply {
        while true {
            let headEnd = try self.position(of: Array("\r\n\r\n".utf8))
            let lines = String(decoding: self.received[..<headEnd], as: UTF8.self).split(separator: "\r\n")
            self.received.removeFirst(headEnd + 4)
            let words = (lines.first ?? "").split(separator: " ")
            guard words.count >= 2, let status = Int(words[1]) else { throw .noAnswer("malformed status line") }
            if status == 100 { continue }
            var reply = HTTPReply(status: status)
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                let value = parts.count == 2 ? parts[1].drop { $0 == " " } : ""
                reply.headers.append((parts.first.map { $0.lowercased() } ?? "", String(value)))
            }
            if reply.header("transfer-encoding")?.lowercased() == "chunked" {
                reply.body = try self.readChunks()
            } else {
                reply.body = try self.take(Int(reply.header("content-length") ?? "0") ?? 0)
            }
            return reply
        }
    }

    private func readChunks() throws(HTTPFailure) -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let lineEnd = try self.position(of: Array("\r\n".utf8))
            let line = String(decoding: self.received[..<lineEnd], as: UTF8.self)
            self.received.removeFirst(lineEnd + 2)
            guard let size = Int(line.prefix { $0 != ";" }, radix: 16) else { throw .noAnswer("malformed chunk") }
            body += try self.take(size)
            _ = try self.take(2)
            if size == 0 { return body }
        }
    }

    /// Reads until `mark` is there, and returns where it begins.
    private func position(of mark: [UInt8]) throws(HTTPFailure) -> Int {
        var searched = 0
        while true {
            let last = self.received.count - mark.count
            if searched <= last {
                for start in searched...last where self.received[start..<start + mark.count].elementsEqual(mark) {
                    return start
                }
                searched = last + 1
            }
            try self.receive()
        }
    }

    private func take(_ count: Int) throws(HTTPFailure) -> [UInt8] {
        while self.received.count < count { try self.receive() }
        let bytes = Array(self.received.prefix(count))
        self.received.removeFirst(count)
        return bytes
    }

    private func receive() throws(HTTPFailure) {
        let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = max(0, recv(self.descriptor, buffer.baseAddress, buffer.count, 0))
        }
        guard !chunk.isEmpty else { throw .noAnswer(errno == 0 ? "connection closed" : Self.reason()) }
        self.received += chunk
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}

extension JSONValue {
    /// The member of an object, null when there is none.
    subscript(name: String) -> JSONValue { self.objectValue?[name] ?? .null }

    /// The items of a search result.
    var items: [JSONValue] { self["items"].arrayValue ?? [] }

    /// A member's text, empty when it is none.
    func text(_ name: String) -> String { self[name].stringValue ?? "" }

    /// This text as a JSON string.
    static func quoted(_ text: String) -> String {
        String(decoding: JSONValue.string(text).serialized(), as: UTF8.self)
    }
}
