import JSON

/// One client that waits for each answer before its next request.
final class SequentialClient {
    let requests: RequestWriter
    private let connection: Connection

    convenience init(port: UInt16) throws { try self.init(Endpoint(port: port)) }

    init(_ endpoint: Endpoint) throws {
        self.requests = RequestWriter(endpoint)
        self.connection = try Connection(endpoint)
    }

    /// Sends a request and returns the status of its answer and what `use` makes of its body.
    func exchange<Value>(_ request: [UInt8], _ use: (UnsafeRawBufferPointer) throws -> Value) throws -> (Int, Value) {
        try Interruption.check()
        _ = try self.connection.send(request, isWaiting: true)
        guard let answer = try self.connection.receive(isWaiting: true, { ($0, try use($1)) }) else {
            throw BenchError("Expected a response, but got none")
        }
        return answer
    }

    /// Sends a request whose answer must have the status `expected`, and returns the time it took in nanoseconds.
    func time(_ request: [UInt8], expected: Int) throws -> UInt64 {
        let start = monotonicNanoseconds()
        let (status, text) = try self.exchange(request) { body in
            body.count > 0 ? String(decoding: body.prefix(500), as: UTF8.self) : ""
        }
        let end = monotonicNanoseconds()
        guard status == expected else { throw BenchError("Expected status \(expected), but got \(status): \(text)") }
        return end - start
    }

    /// Sends a request whose answer must be 200 with JSON.
    func json(_ request: [UInt8]) throws -> JSONValue {
        let (status, body) = try self.exchange(request) { Array($0) }
        guard status == 200 else {
            throw BenchError(
                "Expected status 200, but got \(status): \(String(decoding: body.prefix(500), as: UTF8.self))"
            )
        }
        return try JSONParser.parse(body, limits: JSONLimits(bytes: 256 << 20))
    }
}
