import JSON

/// The commands the client sends, as requests.
extension APIRequest {
    static func deploy(_ form: MultipartForm) -> APIRequest {
        APIRequest(
            method: .post,
            path: "/deployments",
            body: .multipart(form),
            timeout: .seconds(60),
            subject: "deployment"
        )
    }

    /// `awaitTimeout` nil: answer as soon as the instance exists.
    static func start(
        processID: String,
        version: Int?,
        variables: JSONValue?,
        awaitTimeout: Duration?,
        idempotencyKey: String?
    ) -> APIRequest {
        var body = JSONFields()
        body["processDefinitionId"] = .string(processID)
        body["processDefinitionVersion"] = version.map { .integer($0) }
        body["variables"] = variables
        if let awaitTimeout {
            body["awaitCompletion"] = .bool(true)
            body["requestTimeout"] = .integer(awaitTimeout.wholeMilliseconds)
        }
        return APIRequest(
            method: .post,
            path: "/process-instances",
            body: .json(body.value),
            idempotencyKey: idempotencyKey,
            // The server's own deadline should strike first, because its answer says more.
            timeout: awaitTimeout.map { $0 + .seconds(10) } ?? .seconds(30),
            subject: "process \(processID)"
        )
    }

    static func processInstance(_ key: String) -> APIRequest {
        APIRequest(method: .get, path: "/process-instances/\(key)", subject: "process instance \(key)")
    }

    static func cancel(_ key: String) -> APIRequest {
        APIRequest(
            method: .post,
            path: "/process-instances/\(key)/cancellation",
            body: .json(JSONFields().value),
            subject: "process instance \(key)"
        )
    }

    static func incident(_ key: String) -> APIRequest {
        APIRequest(method: .get, path: "/incidents/\(key)", subject: "incident \(key)")
    }

    static func resolve(_ key: String) -> APIRequest {
        APIRequest(
            method: .post,
            path: "/incidents/\(key)/resolution",
            body: .json(JSONFields().value),
            subject: "incident \(key)"
        )
    }

    static func updateJobRetries(_ key: String, retries: Int) -> APIRequest {
        var changes = JSONFields()
        changes["retries"] = .integer(retries)
        var body = JSONFields()
        body["changeset"] = changes.value
        return APIRequest(method: .patch, path: "/jobs/\(key)", body: .json(body.value), subject: "job \(key)")
    }

    static func publish(
        name: String,
        correlationKey: String,
        variables: JSONValue?,
        timeToLive: Duration,
        messageID: String?
    ) -> APIRequest {
        var body = JSONFields()
        body["name"] = .string(name)
        body["correlationKey"] = .string(correlationKey)
        body["timeToLive"] = .integer(timeToLive.wholeMilliseconds)
        body["messageId"] = messageID.map { .string($0) }
        body["variables"] = variables
        return APIRequest(
            method: .post,
            path: "/messages/publication",
            body: .json(body.value),
            subject: "message \(name)"
        )
    }

    static func completeUserTask(_ key: String, variables: JSONValue?) -> APIRequest {
        var body = JSONFields()
        body["variables"] = variables
        return APIRequest(
            method: .post,
            path: "/user-tasks/\(key)/completion",
            body: .json(body.value),
            subject: "user task \(key)"
        )
    }

    static func assignUserTask(_ key: String, user: String, allowOverride: Bool) -> APIRequest {
        var body = JSONFields()
        body["assignee"] = .string(user)
        body["allowOverride"] = .bool(allowOverride)
        return APIRequest(
            method: .post,
            path: "/user-tasks/\(key)/assignment",
            body: .json(body.value),
            subject: "user task \(key)"
        )
    }

    static func setVariables(elementInstanceKey key: String, variables: JSONValue, isLocal: Bool) -> APIRequest {
        var body = JSONFields()
        body["variables"] = variables
        body["local"] = .bool(isLocal)
        return APIRequest(
            method: .put,
            path: "/element-instances/\(key)/variables",
            body: .json(body.value),
            subject: "element instance \(key)"
        )
    }

    static let topology = APIRequest(method: .get, path: "/topology", timeout: .seconds(5), subject: "topology")
    static let status = APIRequest(method: .get, path: "/status", timeout: .seconds(5), subject: "status")
}

/// The requests of a job worker.
extension APIRequest {
    /// Asks for up to `count` jobs. `longPoll` nil: answer at once, also when there is none.
    static func activateJobs(_ query: JobQuery, count: Int, longPoll: Duration?) -> APIRequest {
        var body = JSONFields()
        body["type"] = .string(query.type)
        body["worker"] = .string(query.worker)
        body["timeout"] = .integer(query.activationTimeout.wholeMilliseconds)
        body["maxJobsToActivate"] = .integer(count)
        if !query.fetchedVariables.isEmpty {
            body["fetchVariable"] = .array(query.fetchedVariables.map { .string($0) })
        }
        body["requestTimeout"] = .integer(longPoll.map { $0.wholeMilliseconds } ?? -1)
        if query.isLeased { body["withLease"] = .bool(true) }
        return APIRequest(
            method: .post,
            path: "/jobs/activation",
            body: .json(body.value),
            timeout: (longPoll ?? .zero) + .seconds(15),
            subject: "jobs of type \(query.type)"
        )
    }

    /// Tells the server how a job ended. Under its idempotency key it can be repeated after a lost answer.
    static func report(_ outcome: JobOutcome, for job: ActivatedJob) -> APIRequest {
        var body = JSONFields()
        let action: String
        switch outcome {
        case .completed(let variables):
            action = "completion"
            body["variables"] = variables
        case .failed(let retries, let message, let backoff):
            action = "failure"
            body["retries"] = .integer(retries)
            body["errorMessage"] = .string(message)
            body["retryBackOff"] = .integer(backoff.wholeMilliseconds)
        case .threw(let code, let message, let variables):
            action = "error"
            body["errorCode"] = .string(code)
            body["errorMessage"] = message.isEmpty ? nil : .string(message)
            body["variables"] = variables
        }
        body["jobLeaseToken"] = job.leaseToken.map { .string($0) }
        return APIRequest(
            method: .post,
            path: "/jobs/\(job.key)/\(action)",
            body: .json(body.value),
            // Key and deadline name one activation, so a later activation of the same job is another report.
            idempotencyKey: "job-\(job.key)-\(job.deadline)-\(action)",
            subject: "job \(job.key)"
        )
    }
}

extension Duration {
    /// The duration in milliseconds, cut to whole ones and to what 32 bits of seconds can hold.
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = self.components
        let bounded = min(max(seconds, -2_147_483_648), 2_147_483_647)
        return Int(bounded) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
