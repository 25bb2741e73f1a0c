import Glibc

/// Where a server listens.
struct Endpoint: Hashable {
    /// An IPv4 address.
    var host = "127.0.0.1"
    var port: UInt16
}

/// One keep-alive connection to a server on this machine. One request at a time.
final class Connection {
    private static let receiveLimitSeconds = 60

    let descriptor: Int32
    private var input = ResponseBuffer()
    private var output: [UInt8] = []
    private var sentCount = 0

    /// Connects and waits until that has worked.
    init(_ endpoint: Endpoint) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard self.descriptor >= 0 else { throw BenchError.system("make a socket") }
        var isOn: Int32 = 1
        setsockopt(self.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
        var limit = timeval(tv_sec: Self.receiveLimitSeconds, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = endpoint.port.bigEndian
        guard inet_pton(AF_INET, endpoint.host, &address.sin_addr) == 1 else {
            close(self.descriptor)
            throw BenchError("Expected an IPv4 address, but got '\(endpoint.host)'")
        }
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            let error = BenchError.system("connect to \(endpoint.host):\(endpoint.port)")
            close(self.descriptor)
            throw error
        }
    }

    deinit { close(self.descriptor) }

    /// Sends a request; returns whether the kernel took all of it. The rest goes with `flush`.
    func send(_ request: [UInt8], isWaiting: Bool) throws -> Bool {
        self.output = request
        self.sentCount = 0
        return try self.flush(isWaiting: isWaiting)
    }

    func flush(isWaiting: Bool) throws -> Bool {
        let flags = Int32(MSG_NOSIGNAL) | (isWaiting ? 0 : Int32(MSG_DONTWAIT))
        while self.sentCount < self.output.count {
            let count = self.output.withUnsafeBytes {
                Glibc.send(
                    self.descriptor,
                    $0.baseAddress.map { $0 + self.sentCount },
                    $0.count - self.sentCount,
                    flags
                )
            }
            if count < 0 {
                try Interruption.check()
                if errno == EINTR { continue }
                if errno == EAGAIN, !isWaiting { return false }
                throw BenchError.system("send a request")
            }
            self.sentCount += count
        }
        return true
    }

    /// Reads what is there, or waits for it; calls `use` with status and body once the response is complete, and
    /// returns nil before that.
    func receive<Value>(
        isWaiting: Bool,
        _ use: (Int, UnsafeRawBufferPointer) throws -> Value
    ) throws -> Value? {
        let flags = isWaiting ? 0 : Int32(MSG_DONTWAIT)
        while true {
            let count = try self.input.fill { recv(self.descriptor, $0.baseAddress, $0.count, flags) }
            if count < 0 {
                try Interruption.check()
                if errno == EINTR { continue }
                if errno == EAGAIN, !isWaiting { return nil }
                throw BenchError.system("receive a response")
            }
            guard count > 0 else {
                throw BenchError("Expected a response, but the server closed the connection")
            }
            guard let response = try self.input.response() else {
                if isWaiting { continue }
                return nil
            }
            guard !response.isLast else {
                throw BenchError(
                    "Expected an open connection, but the server closes it behind status \(response.status)"
                )
            }
            return try self.input.consume(response) { try use(response.status, $0) }
        }
    }
}
