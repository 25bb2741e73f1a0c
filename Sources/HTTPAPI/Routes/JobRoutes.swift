import Gateway
import JSON
import NIOHTTP1
import ProcessEngine

/// Jobs and what workers do with them.
enum JobRoutes {
    static let routes = [
        Route(.POST, "/v2/jobs/activation", activate),
        Route(.POST, "/v2/jobs/search") { try await $0.search(.job) },
        Route(.PATCH, "/v2/jobs/{jobKey}", update),
        Route(.POST, "/v2/jobs/{jobKey}/completion", complete),
        Route(.POST, "/v2/jobs/{jobKey}/failure", fail),
        Route(.POST, "/v2/jobs/{jobKey}/error", throwError),
    ]

    // MARK: Activation

    private static let activationProperties = [
        "type", "worker", "timeout", "maxJobsToActivate", "fetchVariable", "requestTimeout", "tenantIds",
        "tenantFilter", "withLease",
    ]

    /// A job with few variables, as JSON.
    private static let typicalJobBytes = 1024

    @Sendable
    private static func activate(_ call: Call) async throws -> Response {
        let body = try call.object(allowed: Self.activationProperties)
        var command = Command.ActivateJobs(
            type: try body.requiredString("type"),
            worker: try body.string("worker") ?? "",
            timeoutMilliseconds: try body.requiredInteger("timeout", in: 1...Int64.max),
            limit: try body.requiredInteger("maxJobsToActivate", in: 1...Int32.max)
        )
        command.fetchVariables = try body.strings("fetchVariable") ?? []
        command.withLease = try body.bool("withLease") ?? false
        let tenantIDs = try (body.strings("tenantIds") ?? []).map { (text) throws(Problem) in
            try RequestObject.checkedTenantID(text)
        }
        // Without users nobody has tenants assigned but the default one.
        let isAssigned = try body.word("tenantFilter", of: ["PROVIDED", "ASSIGNED"]) == "ASSIGNED"
        if !isAssigned, !tenantIDs.isEmpty { command.tenantIDs = tenantIDs }
        let requestTimeout: Int64 = try body.integer("requestTimeout") ?? 0

        var options = try call.options()
        guard requestTimeout >= 0 else {
            return try Self.response(try await call.submit(.activateJobs(command), .activateJobs))
        }
        let wait =
            requestTimeout == 0
            ? call.limits.longPolling : min(.milliseconds(requestTimeout), call.limits.longestWait)
        options.longPolling = wait
        options.timeout += wait
        return try Self.response(
            try await call.submitWaiting(.activateJobs(command), .activateJobs, options: options)
        )
    }

    private static func response(_ answer: Answer) throws(Problem) -> Response {
        guard case .jobsActivated(let jobs) = answer else { throw Call.unexpectedAnswer(.activateJobs) }
        var space: [UInt8] = []
        space.reserveCapacity(64 + jobs.count * Self.typicalJobBytes)
        var writer = JSONWriter(appendingTo: space)
        writer.beginObject()
        writer.key("jobs")
        writer.beginArray()
        for job in jobs { Self.write(job, to: &writer) }
        writer.endArray()
        writer.endObject()
        return .json(writer)
    }

    private static func write(_ job: Answer.ActivatedJob, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.keyMember("jobKey", job.key)
        writer.member("type", job.type)
        writer.member("kind", "BPMN_ELEMENT")
        writer.member("listenerEventType", "UNSPECIFIED")
        writer.keyMember("processInstanceKey", job.processInstanceKey)
        writer.keyMember("rootProcessInstanceKey", job.rootProcessInstanceKey)
        writer.keyMember("processDefinitionKey", job.definitionKey)
        writer.member("processDefinitionId", job.processID)
        writer.member("processDefinitionVersion", job.version)
        writer.member("elementId", job.elementID)
        writer.keyMember("elementInstanceKey", job.elementInstanceKey)
        writer.key("customHeaders")
        writer.raw(job.customHeaders)
        writer.member("worker", job.worker)
        writer.member("retries", job.retries)
        writer.member("deadline", job.deadline)
        writer.key("variables")
        writer.variables(job.variables)
        writer.member("tenantId", job.tenantID)
        writer.member("physicalTenantId", "default")
        writer.nullMember("userTask")
        writer.stringsMember("tags", job.tags)
        writer.member("priority", job.priority)
        writer.optionalMember("businessId", job.businessID)
        writer.optionalMember("jobLeaseToken", job.lease)
        writer.endObject()
    }

    // MARK: Ends of a job

    @Sendable
    private static func complete(_ call: Call) async throws -> Response {
        let key = try call.key("jobKey")
        let body = try call.object(
            allowed: ["variables", "result", "jobLeaseToken", "businessId"],
            isRequired: false
        )
        try body.refuse("result")
        try body.refuse("businessId")
        let command = Command.completeJob(key, variables: try body.variables(), lease: try body.lease())
        return try await call.perform(command, .completeJob)
    }

    @Sendable
    private static func fail(_ call: Call) async throws -> Response {
        let key = try call.key("jobKey")
        let body = try call.object(
            allowed: ["retries", "errorMessage", "retryBackOff", "variables", "jobLeaseToken"],
            isRequired: false
        )
        let failure = Command.FailJob(
            retries: try body.integer("retries", in: 0...Int32.max) ?? 0,
            errorMessage: try body.string("errorMessage") ?? "",
            retryBackOffMilliseconds: try body.integer("retryBackOff", in: 0...Int64.max) ?? 0,
            variables: try body.variables()
        )
        return try await call.perform(.failJob(key, failure, lease: try body.lease()), .failJob)
    }

    @Sendable
    private static func throwError(_ call: Call) async throws -> Response {
        let key = try call.key("jobKey")
        let body = try call.object(allowed: ["errorCode", "errorMessage", "variables", "jobLeaseToken"])
        let error = Command.ThrowJobError(
            errorCode: try body.requiredString("errorCode"),
            errorMessage: try body.string("errorMessage") ?? "",
            variables: try body.variables()
        )
        return try await call.perform(.throwJobError(key, error, lease: try body.lease()), .throwJobError)
    }

    // MARK: Changes

    @Sendable
    private static func update(_ call: Call) async throws -> Response {
        let key = try call.key("jobKey")
        let body = try call.object(allowed: ["changeset", "operationReference", "jobLeaseToken"])
        try body.checkOperationReference()
        let changes = try body.requiredObject("changeset", allowed: ["retries", "timeout", "priority"])
        let change = Command.JobChange(
            retries: try changes.integer("retries"),
            timeoutMilliseconds: try changes.integer("timeout", in: 0...Int64.max),
            priority: try changes.integer("priority")
        )
        guard change != Command.JobChange() else {
            throw Problem.invalid(
                "Expected at least one of 'retries', 'timeout' and 'priority' in 'changeset', but got none"
            )
        }
        return try await call.perform(.updateJob(key, change, lease: try body.lease()), .updateJob)
    }
}

extension RequestObject {
    /// What an activation with lease handed out; nil if absent.
    fileprivate func lease() throws(Problem) -> String? {
        guard self.has("jobLeaseToken") else { return nil }
        return try self.requiredString("jobLeaseToken")
    }
}
