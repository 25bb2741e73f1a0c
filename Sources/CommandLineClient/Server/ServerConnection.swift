import AsyncHTTPClient
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Sends requests to one server and judges the answers; the only place that knows the HTTP library.
struct ServerConnection: Sendable {
    /// An answer larger than this is not read to its end.
    static let answerBytesLimit = 64 << 20

    let address: ServerAddress
    let credentials: Credentials
    private let client: HTTPClient

    /// Opens a client for the time of `body` and closes it afterwards.
    static func with<Result>(
        _ settings: ConnectionSettings,
        body: (ServerConnection) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        if settings.address.isSecure, let file = settings.authorityFile {
            var security = TLSConfiguration.makeClientConfiguration()
            security.trustRoots = .file(file)
            configuration.tlsConfiguration = security
        }
        return try await HTTPClient.withHTTPClient(configuration: configuration) { client in
            let connection = ServerConnection(
                address: settings.address,
                credentials: settings.credentials,
                client: client
            )
            return try await body(connection)
        }
    }

    /// Sends the request, again while the server answers 503 (at most ``RetryDelay/requestAttemptLimit`` times, begun
    /// within ``RetryDelay/requestTimeLimit``), and returns the answer's JSON (null when it has no body).
    @discardableResult
    func send(_ request: APIRequest) async throws -> JSONValue {
        var attempt = 1
        let deadline = ContinuousClock.now + RetryDelay.requestTimeLimit
        while true {
            let response = try await self.exchange(request)
            switch ResponseJudgement(response, to: request) {
            case .success: return try response.document()
            case .failure(let failure): throw failure
            case .retry(let failure):
                // A few times in any case: the time may have passed because this machine is busy.
                let isTimeLeft = attempt < 3 || ContinuousClock.now < deadline
                let isWorthwhile = attempt < RetryDelay.requestAttemptLimit && isTimeLeft
                guard isWorthwhile else { throw failure }
                let jitter = Double.random(in: 0..<1)
                try await Task.sleep(for: RetryDelay.request.wait(after: attempt, jitter: jitter))
                attempt += 1
            }
        }
    }

    /// Sends the request once and returns whatever the server answered; throws only where there is no answer.
    func exchange(_ request: APIRequest) async throws -> ServerResponse {
        do {
            let response = try await self.client.execute(
                self.encoded(request),
                timeout: .milliseconds(Int64(request.timeout.wholeMilliseconds))
            )
            let body = try await response.body.collect(upTo: Self.answerBytesLimit)
            return ServerResponse(status: Int(response.status.code), body: Array(body.readableBytesView))
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as HTTPClientError where error == .cancelled {
            throw CancellationError()
        } catch is NIOTooManyBytesError {
            throw ClientFailure.refused("the server's answer is larger than \(Self.answerBytesLimit) bytes")
        } catch {
            throw TransportProblem(error).failure(for: request, at: self.address)
        }
    }

    private func encoded(_ request: APIRequest) -> HTTPClientRequest {
        var result = HTTPClientRequest(url: self.address.base + request.root + request.path)
        result.method = HTTPMethod(rawValue: request.method.rawValue)
        result.headers.add(name: "accept", value: "application/json, application/problem+json")
        if let value = self.credentials.headerValue { result.headers.add(name: "authorization", value: value) }
        if let key = request.idempotencyKey { result.headers.add(name: "idempotency-key", value: key) }
        switch request.body {
        case .none: break
        case .json(let value):
            result.headers.add(name: "content-type", value: "application/json")
            result.body = .bytes(ByteBuffer(bytes: value.serialized()))
        case .multipart(let form):
            let boundary = form.boundary
            result.headers.add(name: "content-type", value: "multipart/form-data; boundary=\(boundary)")
            result.body = .bytes(ByteBuffer(bytes: form.encoded(boundary: boundary)))
        }
        return result
    }
}

/// Why no answer came, reduced to what matters: was the request surely not executed?
enum TransportProblem: Equatable, Sendable {
    /// No connection was made; nothing was sent.
    case notConnected(String)
    /// No encrypted connection was made; nothing was sent.
    case notSecured(String)
    /// No answer within the time.
    case timedOut
    /// The connection broke after the request was sent, or may have been.
    case connectionLost(String)

    init(_ error: any Error) {
        if let failure = error as? HTTPClientError {
            switch failure {
            case .connectTimeout: self = .notConnected("no answer to the connection attempt")
            case .tlsHandshakeTimeout: self = .notSecured("no answer to the TLS handshake")
            case .deadlineExceeded, .readTimeout: self = .timedOut
            case .getConnectionFromPoolTimeout: self = .notConnected("no free connection in time")
            case .remoteConnectionClosed: self = .connectionLost("the server closed the connection")
            default: self = .connectionLost(failure.shortDescription)
            }
        } else if let failure = error as? NIOConnectionError {
            if failure.dnsAError != nil || failure.dnsAAAAError != nil, failure.connectionErrors.isEmpty {
                self = .notConnected("the host name \(failure.host) could not be looked up")
            } else {
                self = .notConnected(Self.reason(failure.connectionErrors.first?.error))
            }
        } else if let failure = error as? IOError, failure.errnoCode == Self.refusedNumber {
            self = .notConnected("connection refused")
        } else if error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError {
            self = .notSecured(String(describing: error))
        } else {
            self = .connectionLost(String(describing: error))
        }
    }

    private static let refusedNumber = SystemText.connectionRefused

    private static func reason(_ error: (any Error)?) -> String {
        guard let error = error as? IOError else { return error.map { String(describing: $0) } ?? "no address" }
        return SystemText.description(of: error.errnoCode)
    }

    /// One sentence with what to do next.
    func failure(for request: APIRequest, at address: ServerAddress) -> ClientFailure {
        switch self {
        case .notConnected(let reason):
            return ClientFailure(
                code: .unavailable,
                message: "cannot reach \(address.base): \(reason); "
                    + "is the server running? start one with: thalweg serve"
            )
        case .notSecured(let reason):
            return ClientFailure(
                code: .unavailable,
                message: "cannot make a secure connection to \(address.base): \(reason); "
                    + "is the address right, and is its certificate authority trusted (--ca-file)?"
            )
        case .timedOut:
            return ClientFailure(
                code: .unknown,
                message: "no answer from \(address.base) for \(request.subject) within "
                    + "\(DurationArgument(milliseconds: Int64(request.timeout.wholeMilliseconds))); "
                    + "it may still have happened, so check before you repeat it"
            )
        case .connectionLost(let reason):
            return ClientFailure(
                code: request.method == .get ? .unavailable : .unknown,
                message: "lost the connection to \(address.base) before the answer for \(request.subject) came: "
                    + "\(reason); check before you repeat it"
            )
        }
    }
}
