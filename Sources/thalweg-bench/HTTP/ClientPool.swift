import Glibc

/// Many clients driven by one thread with `poll`, each with one request under way at most. For some dozens of
/// connections, most of which answer at once when a batch commits, one `poll` costs less than the reads behind it.
final class ClientPool {
    /// An answer to one client; the body is valid during the call alone.
    struct Answer {
        let client: Int
        let status: Int
        let body: UnsafeRawBufferPointer
        /// From handing the request to the kernel until the answer was complete, in nanoseconds.
        let nanoseconds: UInt64
        /// The monotonic time at which the answer was complete.
        let time: UInt64
    }

    let requests: RequestWriter
    private let connections: [Connection]
    private var sendTimes: [UInt64]
    private var watched: [pollfd]

    convenience init(port: UInt16, count: Int) throws { try self.init([Endpoint(port: port)], count: count) }

    /// - Parameter endpoints: at least one; the clients are spread over them in turn.
    init(_ endpoints: [Endpoint], count: Int) throws {
        self.requests = RequestWriter(endpoints[0])
        self.connections = try (0..<count).map { try Connection(endpoints[$0 % endpoints.count]) }
        self.sendTimes = Array(repeating: 0, count: count)
        self.watched = self.connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    }

    /// Sends a request for a client that waits for no answer.
    func send(_ request: [UInt8], on client: Int) throws {
        self.sendTimes[client] = monotonicNanoseconds()
        guard try !self.connections[client].send(request, isWaiting: false) else { return }
        self.watched[client].events = Int16(POLLIN | POLLOUT)
    }

    /// Waits for answers, at most this long, and gives each to `handle`, which may send the client's next request.
    func poll(milliseconds: Int32, _ handle: (Answer) throws -> Void) throws {
        try Interruption.check()
        var remaining = Glibc.poll(&self.watched, nfds_t(self.watched.count), milliseconds)
        if remaining < 0 {
            if errno == EINTR { return }
            throw BenchError.system("wait for responses")
        }
        for client in self.watched.indices where remaining > 0 {
            let events = Int32(self.watched[client].revents)
            guard events != 0 else { continue }
            remaining -= 1
            let connection = self.connections[client]
            if events & POLLOUT != 0, try connection.flush(isWaiting: false) {
                self.watched[client].events = Int16(POLLIN)
            }
            guard events & ~POLLOUT != 0 else { continue }
            let start = self.sendTimes[client]
            _ = try connection.receive(isWaiting: false) { status, body in
                let now = monotonicNanoseconds()
                try handle(Answer(client: client, status: status, body: body, nanoseconds: now - start, time: now))
            }
        }
    }
}
