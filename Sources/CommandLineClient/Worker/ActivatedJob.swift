import JSON

/// What a worker asks for, the same in every poll.
struct JobQuery: Equatable, Sendable {
    /// Time between the end of a command's allowance and the end of its activation, so that the command can be
    /// killed and its failure reported before the server offers the job to somebody else.
    static let reportingMargin: Duration = .seconds(10)

    let type: String
    let worker: String
    /// How long a command may run.
    let commandTimeout: Duration
    /// The only variables wanted; empty means all.
    let fetchedVariables: [String]
    /// Whether activations carry a lease token that makes late reports of another worker fail.
    let isLeased: Bool

    /// The activation timeout told to the server.
    var activationTimeout: Duration { self.commandTimeout + Self.reportingMargin }
}

/// A job as the server handed it out, as far as the worker needs it.
struct ActivatedJob: Equatable, Sendable {
    let key: String
    let type: String
    let retries: Int
    /// When the activation ends, in milliseconds since 1970 by the server's clock.
    let deadline: Int
    let processInstanceKey: String
    let processID: String
    let elementID: String
    let variables: JSONValue
    let customHeaders: JSONValue
    let leaseToken: String?

    /// Reads one entry of an activation's answer; nil when it has no key.
    init?(_ value: JSONValue) {
        guard let key = value.member("jobKey")?.stringValue, !key.isEmpty else { return nil }
        self.key = key
        self.type = value.member("type")?.stringValue ?? ""
        self.retries = value.member("retries")?.integerValue ?? 0
        self.deadline = value.member("deadline")?.integerValue ?? 0
        self.processInstanceKey = value.member("processInstanceKey")?.stringValue ?? ""
        self.processID = value.member("processDefinitionId")?.stringValue ?? ""
        self.elementID = value.member("elementId")?.stringValue ?? ""
        self.variables = value.member("variables") ?? JSONFields().value
        self.customHeaders = value.member("customHeaders") ?? JSONFields().value
        self.leaseToken = value.member("jobLeaseToken")?.stringValue
    }

    /// The jobs of an activation's answer; entries without a key are left out.
    static func list(_ answer: JSONValue) -> [ActivatedJob] {
        (answer.member("jobs")?.arrayValue ?? []).compactMap { ActivatedJob($0) }
    }

    /// What the command finds in its environment; no value holds a NUL byte, which an environment cannot carry.
    var environment: [(name: String, value: String)] {
        let facts = [
            ("THALWEG_JOB_KEY", self.key),
            ("THALWEG_JOB_TYPE", self.type),
            ("THALWEG_RETRIES", String(self.retries)),
            ("THALWEG_PROCESS_INSTANCE_KEY", self.processInstanceKey),
            ("THALWEG_PROCESS_ID", self.processID),
            ("THALWEG_ELEMENT_ID", self.elementID),
            ("THALWEG_JOB_HEADERS", self.customHeaders.compactText),
        ]
        return facts.map { name, value in
            (name: name, value: String(value.unicodeScalars.filter { $0 != "\0" }.map { Character($0) }))
        }
    }
}
