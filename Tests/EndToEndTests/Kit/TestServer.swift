import Foundation
import Glibc
import JSON
import Synchronization

/// A server in a process of its own, with a data folder that outlives it and goes with the test.
final class TestServer: Sendable {
    private struct State {
        var process: ChildProcess?
        var port: UInt16 = 0
    }

    /// Holds the data folder and the server's log.
    let folder: String
    let data: String
    private let state = Mutex(State())

    init(data: String?) throws {
        self.folder = try Locations.temporaryFolder()
        self.data = data ?? "\(self.folder)/data"
    }

    /// Runs `body` with a server that is not started yet; ends the server and removes its folder behind it. When `body`
    /// fails, the end of the server's log is printed.
    static func with<Result>(
        data: String? = nil,
        _ body: (TestServer) async throws -> Result
    ) async throws -> Result {
        let server = try TestServer(data: data)
        do {
            let result = try await body(server)
            try await server.dispose()
            return result
        } catch {
            let tail = server.log.split(separator: "\n", omittingEmptySubsequences: false).suffix(40)
            print("--- the server's log, last lines:\n" + tail.joined(separator: "\n") + "\n---")
            try await server.dispose()
            throw error
        }
    }

    var port: UInt16 { self.state.withLock { $0.port } }
    var url: String { "http://127.0.0.1:\(self.port)" }
    var process: ChildProcess? { self.state.withLock { $0.process } }
    /// Everything that all runs of this server wrote to standard error.
    var log: String {
        let bytes = FileManager.default.contents(atPath: "\(self.folder)/log") ?? Data()
        return String(decoding: bytes, as: UTF8.self)
    }

    func dispose() async throws {
        try await onOwnThread {
            self.process?.kill()
            try? FileManager.default.removeItem(atPath: self.folder)
        }
    }

    // MARK: Start and end

    /// The command line that serves this folder.
    func command(_ options: [String], port: UInt16 = 0) -> [String] {
        [Locations.binary, "serve", "--data", self.data, "--port", String(port)] + options
    }

    /// Starts the process and blocks until it listens.
    func launch(_ options: [String] = []) throws {
        let process = try ChildProcess(self.command(options), errorFile: "\(self.folder)/log")
        self.state.withLock { $0 = State(process: process, port: 0) }
        guard let line = try process.waitForLine(seconds: 30) else {
            let ending = try process.waitForEnd(seconds: 5)
            throw Failure("Expected a listening server, but got \(ending): \(process.errors.suffix(2_000))")
        }
        guard let port = Self.port(in: line) else {
            throw Failure("Expected a first line with a URL, but got: \(line)")
        }
        self.state.withLock { $0.port = port }
    }

    /// The port of "... listening on http://127.0.0.1:PORT (data in ...)".
    static func port(in line: String) -> UInt16? {
        guard let range = line.range(of: " is listening on http://127.0.0.1:") else { return nil }
        return UInt16(line[range.upperBound...].prefix { $0.isNumber })
    }

    /// Starts the server and waits until it takes commands.
    func start(_ options: [String] = []) async throws {
        try await onOwnThread { try self.launch(options) }
        _ = try await eventually("a ready server") {
            (try? await self.send(.get("/thalweg/v1/ready")))?.status == 200 ? true : nil
        }
    }

    /// Ends the server like a power cut of the process: no warning, no cleaning up.
    func kill() async throws {
        try await onOwnThread { self.process?.kill() }
    }

    /// Asks the server to end and waits for it.
    @discardableResult
    func stop() async throws -> ChildProcess.Ending {
        try await onOwnThread {
            guard let process = self.process else { throw Failure("Expected a running server") }
            process.signal(SIGTERM)
            return try process.waitForEnd(seconds: 30)
        }
    }

    /// Waits for an end that the server comes to by itself.
    func waitForEnd() async throws -> ChildProcess.Ending {
        try await onOwnThread {
            guard let process = self.process else { throw Failure("Expected a running server") }
            return try process.waitForEnd(seconds: 30)
        }
    }

    // MARK: Requests

    /// Sends one request on a connection of its own.
    func send(_ request: HTTPRequest, timeoutSeconds: Int = 60) async throws -> HTTPReply {
        let port = self.port
        return try await onOwnThread { try HTTPConnection(port: port, timeoutSeconds: timeoutSeconds).send(request) }
    }

    /// Sends one request that has to succeed, and returns its answer.
    @discardableResult
    func call(_ request: HTTPRequest) async throws -> JSONValue {
        let reply = try await self.send(request)
        guard reply.isSuccess else {
            throw Failure("Expected success for \(request.method) \(request.path), but got \(reply)")
        }
        return reply.json
    }

    /// Deploys one file.
    @discardableResult
    func deploy(_ path: String) async throws -> JSONValue {
        let name = path.split(separator: "/").last.map { String($0) } ?? path
        return try await self.call(.deployment([(name, try Locations.contents(path))]))
    }

    /// Starts an instance and returns its key.
    func create(_ processID: String, variables: String = "{}") async throws -> String {
        let body = "{\"processDefinitionId\":\(JSONValue.quoted(processID)),\"variables\":\(variables)}"
        return try await self.call(.post("/v2/process-instances", body)).text("processInstanceKey")
    }

    /// The state of an instance.
    func instanceState(_ key: String) async throws -> String {
        try await self.call(.get("/v2/process-instances/\(key)")).text("state")
    }

    /// Takes jobs, waiting up to `waitMilliseconds` for the first.
    func activate(
        _ type: String,
        limit: Int = 1,
        timeoutMilliseconds: Int = 60_000,
        waitMilliseconds: Int = 10_000
    ) async throws -> [JSONValue] {
        let body =
            "{\"type\":\(JSONValue.quoted(type)),\"worker\":\"test\",\"timeout\":\(timeoutMilliseconds),"
            + "\"maxJobsToActivate\":\(limit),\"requestTimeout\":\(waitMilliseconds)}"
        return try await self.call(.post("/v2/jobs/activation", body))["jobs"].arrayValue ?? []
    }

    /// Takes one job and returns its key.
    func activateOne(_ type: String) async throws -> String {
        guard let job = try await self.activate(type).first else { throw Failure("Expected a job of type \(type)") }
        return job.text("jobKey")
    }

    @discardableResult
    func complete(_ jobKey: String, variables: String = "{}") async throws -> HTTPReply {
        try await self.send(.post("/v2/jobs/\(jobKey)/completion", "{\"variables\":\(variables)}"))
    }

    /// One page of a search.
    func search(_ kind: String, _ filter: String, limit: Int = 1_000) async throws -> [JSONValue] {
        try await self.call(.post("/v2/\(kind)/search", "{\"filter\":\(filter),\"page\":{\"limit\":\(limit)}}")).items
    }

    /// Runs the command line client against this server.
    func client(_ arguments: [String], input: String? = nil) async throws -> CommandResult {
        try await run([Locations.binary] + arguments, input: input, environment: ["THALWEG_URL": self.url])
    }
}
