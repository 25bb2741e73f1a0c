import Gateway
import JSON
import ProcessEngine

/// What every operation needs besides the request.
final class Backend: Sendable {
    let commands: any CommandGateway
    let queries: any QueryGateway
    let status: any StatusGateway
    let administration: any ClusterAdministration
    let configuration: HTTPAPIConfiguration
    let metrics: HTTPMetrics

    init(
        commands: any CommandGateway,
        queries: any QueryGateway,
        status: any StatusGateway,
        administration: any ClusterAdministration,
        configuration: HTTPAPIConfiguration,
        metrics: HTTPMetrics
    ) {
        self.commands = commands
        self.queries = queries
        self.status = status
        self.administration = administration
        self.configuration = configuration
        self.metrics = metrics
    }
}

/// One request on its way through an operation.
struct Call: Sendable {
    let request: Request
    let backend: Backend
    /// The path's segment that stands for a parameter; empty if there is none.
    let parameter: Substring
    let client: ClientPresence

    private static let keyLengthLimit = 25

    var limits: HTTPAPIConfiguration.Limits { self.backend.configuration.limits }

    /// The key in the path.
    func key(_ name: String) throws(Problem) -> Key { try Call.key(self.parameter, name: name) }

    /// Reads a key: `^-?[0-9]+$`, at most 25 characters, and of 64 bits.
    static func key(_ text: some StringProtocol, name: String) throws(Problem) -> Key {
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        let isNumber = !digits.isEmpty && digits.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        guard isNumber, text.utf8.count <= Self.keyLengthLimit, let number = Int64(text) else {
            throw .invalid("Expected a key (a string of digits) for '\(name)', but got \(Problem.quoted(text))")
        }
        return Key(rawValue: number)
    }

    /// The value of a boolean query parameter.
    func flag(_ name: String, default standard: Bool) throws(Problem) -> Bool {
        switch self.queryValue(name) {
        case nil: return standard
        case "true": return true
        case "false": return false
        case .some(let other):
            let found = Problem.quoted(other)
            throw .invalid("Expected 'true' or 'false' for the query parameter '\(name)', but got \(found)")
        }
    }

    /// What the query parameter `consistency` asks for: with `stale` this node answers from what it has.
    func consistency() throws(Problem) -> ReadConsistency {
        switch self.queryValue("consistency") {
        case nil, "linearizable": return .linearizable
        case "stale": return .stale
        case .some(let other):
            let found = Problem.quoted(other)
            throw .invalid(
                "Expected 'linearizable' or 'stale' for the query parameter 'consistency', but got \(found)"
            )
        }
    }

    /// The first value of a query parameter, as written; empty if it has none, nil if it is not there.
    private func queryValue(_ name: String) -> Substring? {
        for pair in self.request.target.query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.first == name[...] { return parts.count == 2 ? parts[1] : "" }
        }
        return nil
    }
}

// MARK: - Body

extension Call {
    /// The body of a request that carries JSON.
    func jsonBody() throws(Problem) -> [UInt8] {
        let contentType = self.request.header("Content-Type")
        if let contentType, !Self.isJSON(contentType) {
            throw Problem(
                status: 415,
                title: "UNSUPPORTED_MEDIA_TYPE",
                detail: "Expected a body of type 'application/json', but got \(Problem.quoted(contentType))"
            )
        }
        return self.request.body
    }

    private static func isJSON(_ contentType: String) -> Bool {
        if contentType == "application/json" { return true }
        let type = contentType.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        return type == "application/json" || type.hasSuffix("+json")
    }

    /// The members of a JSON object in the body; an empty body is an empty object unless `isRequired`.
    func object(allowed: [String], isRequired: Bool = true) throws(Problem) -> RequestObject {
        let bytes = try self.jsonBody()
        if bytes.isEmpty, !isRequired { return .empty }
        return try RequestObject(bytes, allowed: allowed, depth: self.limits.jsonDepth)
    }
}

// MARK: - Commands

extension Call {
    /// Bytes of an `Idempotency-Key`.
    private static let idempotencyKeyLimit = 256

    /// How a command without any wait of its own is sent.
    func options() throws(Problem) -> RequestOptions {
        var options = RequestOptions(timeout: self.limits.commandTimeout)
        guard let key = self.request.header("Idempotency-Key") else { return options }
        guard !key.isEmpty, key.utf8.count <= Self.idempotencyKeyLimit else {
            let limit = Self.idempotencyKeyLimit
            throw .invalid("Expected an 'Idempotency-Key' of 1 to \(limit) bytes, but got \(key.utf8.count)")
        }
        options.idempotencyKey = key
        return options
    }

    /// Sends a command and returns its answer, which is no rejection.
    func submit(_ command: Command, _ name: CommandName) async throws(Problem) -> Answer {
        let options = try self.options()
        return try Self.answer(await self.backend.commands.submit(command, options: options), name)
    }

    /// Sends a command that may wait long; the wait ends when the client goes away.
    func submitWaiting(
        _ command: Command,
        _ name: CommandName,
        options: RequestOptions
    ) async throws(Problem) -> Answer {
        let outcome = await self.client.whilePresent {
            await self.backend.commands.submit(command, options: options)
        }
        return try Self.answer(outcome, name)
    }

    /// Sends a command whose answer says nothing but that it is done.
    func perform(_ command: Command, _ name: CommandName) async throws(Problem) -> Response {
        guard case .done = try await self.submit(command, name) else { throw Self.unexpectedAnswer(name) }
        return .done()
    }

    static func unexpectedAnswer(_ name: CommandName) -> Problem {
        Problem(
            status: 500,
            title: "INTERNAL_SERVER_ERROR",
            detail: "Expected the answer that belongs to the command '\(name.rawValue)', but got another one"
        )
    }

    private static func answer(_ outcome: CommandOutcome, _ name: CommandName) throws(Problem) -> Answer {
        switch outcome {
        case .answered(.rejected(let rejection)):
            let code = rejection.code.name
            throw Problem(
                status: Self.status(of: rejection.code),
                title: code,
                detail: "Command '\(name.rawValue)' rejected with code '\(code)': \(rejection.reason)"
            )
        case .answered(let answer): return answer
        case .unavailable(let reason): throw Problem(status: 503, title: "RESOURCE_EXHAUSTED", detail: reason)
        case .deadlineExceeded(let reason): throw Problem(status: 504, title: "DEADLINE_EXCEEDED", detail: reason)
        case .failed(let reason): throw Problem(status: 500, title: "INTERNAL_SERVER_ERROR", detail: reason)
        case .conflictingRequest(let reason): throw Problem(status: 409, title: "INVALID_STATE", detail: reason)
        }
    }

    private static func status(of code: Rejection.Code) -> Int {
        switch code {
        case .invalidArgument: 400
        case .notFound: 404
        case .alreadyExists, .invalidState: 409
        }
    }
}

/// How a command is called in messages to clients.
enum CommandName: String {
    case createDeployment = "CREATE_DEPLOYMENT"
    case createProcessInstance = "CREATE_PROCESS_INSTANCE"
    case cancelProcessInstance = "CANCEL_PROCESS_INSTANCE"
    case activateJobs = "ACTIVATE_JOBS"
    case completeJob = "COMPLETE_JOB"
    case failJob = "FAIL_JOB"
    case throwJobError = "THROW_JOB_ERROR"
    case updateJob = "UPDATE_JOB"
    case publishMessage = "PUBLISH_MESSAGE"
    case correlateMessage = "CORRELATE_MESSAGE"
    case resolveIncident = "RESOLVE_INCIDENT"
    case setVariables = "SET_VARIABLES"
    case assignUserTask = "ASSIGN_USER_TASK"
    case unassignUserTask = "UNASSIGN_USER_TASK"
    case updateUserTask = "UPDATE_USER_TASK"
    case completeUserTask = "COMPLETE_USER_TASK"
}
