extension Execution {
    /// Hands out jobs, oldest first. What the answer has no room for stays activatable.
    func activateJobs(_ command: Command.ActivateJobs) throws -> Answer {
        let candidates = try state.activatableJobs(
            type: command.type,
            tenantIDs: command.tenantIDs,
            limit: min(Int(command.limit), environment.limits.jobsPerActivation)
        )
        var jobs: [Answer.ActivatedJob] = []
        var bytesLeft = environment.limits.activationBytes
        for job in candidates {
            guard let element = try state.elementInstance(job.elementInstanceKey),
                let record = try state.processInstance(job.processInstanceKey)
            else { throw EngineFault("Expected the element instance of job \(job.key), but it is not there") }
            let variables = try visibleVariables(
                chain: try scopeChain(element),
                instance: record.key,
                only: command.fetchVariables
            )
            let size = variables.entries.reduce(job.headers.count) { $0 + $1.name.utf8.count + $1.value.count + 8 }
            if size > bytesLeft {
                if size <= environment.limits.activationBytes { break }
                try parkOversized(job, element: element, size: size)
                continue
            }
            bytesLeft -= size
            jobs.append(try activate(job, record: record, variables: variables, command: command))
        }
        return .jobsActivated(jobs)
    }

    private func activate(
        _ job: JobRecord,
        record: ProcessInstanceRecord,
        variables: VariableDocument,
        command: Command.ActivateJobs
    ) throws -> Answer.ActivatedJob {
        let (sum, isOverflow) = now.addingReportingOverflow(command.timeoutMilliseconds)
        let deadline = isOverflow ? Int64.max : sum
        try emit(.jobActivated(job.key, worker: command.worker, deadline: deadline, at: now))
        let definition = try process(record.definitionKey).definition
        return Answer.ActivatedJob(
            key: job.key,
            type: job.type,
            processInstanceKey: record.key,
            rootProcessInstanceKey: record.rootInstanceKey,
            definitionKey: record.definitionKey,
            processID: definition.processID,
            version: definition.version,
            elementID: job.elementID,
            elementInstanceKey: job.elementInstanceKey,
            customHeaders: job.headers,
            worker: command.worker,
            retries: job.retries,
            deadline: deadline,
            variables: variables,
            tenantID: job.tenantID,
            tags: record.tags,
            priority: job.priority,
            businessID: record.businessID,
            lease: command.withLease ? JobLease.text(job.key, activations: job.activations + 1) : nil
        )
    }

    /// A job whose variables fit into no answer becomes an incident instead of blocking those behind it.
    private func parkOversized(_ job: JobRecord, element: ElementInstanceRecord, size: Int) throws {
        var changed = job
        changed.state = .failed
        changed.mark = .failed
        changed.updatedAt = now
        try emit(.jobChanged(changed))
        try raise(
            StepFailure(
                type: .messageSizeExceeded,
                message:
                    "Expected at most \(environment.limits.activationBytes) bytes of variables for job \(job.key), "
                    + "but got \(size); make them smaller, then resolve the incident"
            ),
            at: element,
            job: job
        )
    }

    func completeJob(_ key: Key, variables: VariableDocument, lease: String?) throws -> Answer {
        let job = try openJob(key, lease: lease)
        try checkNames(variables)
        let active = try located(job.elementInstanceKey)
        try emit(.jobEnded(key, .completed, at: now))
        try complete(active, result: variables)
        return .done
    }

    func failJob(_ key: Key, _ failure: Command.FailJob, lease: String?) throws -> Answer {
        var job = try openJob(key, lease: lease)
        try checkNames(failure.variables)
        let active = try located(job.elementInstanceKey)
        job.retries = max(0, failure.retries)
        job.errorMessage = String(failure.errorMessage.prefix(10_000))
        job.mark = .failed
        job.worker = ""
        job.updatedAt = now
        if job.retries == 0 {
            job.state = .failed
            job.deadline = nil
        } else if failure.retryBackOffMilliseconds > 0 {
            job.state = .backingOff
            let (sum, isOverflow) = now.addingReportingOverflow(failure.retryBackOffMilliseconds)
            job.deadline = isOverflow ? Int64.max : sum
        } else {
            job.state = .activatable
            job.deadline = nil
        }
        try emit(.jobChanged(job))
        try setAllLocal(failure.variables, scope: active.key, instance: active.instance.key)
        switch job.state {
        case .failed:
            let message = failure.errorMessage.isEmpty ? "No more retries left." : failure.errorMessage
            try raise(StepFailure(type: .jobNoRetries, message: message), at: active.record, job: job)
        case .activatable: release(.jobsAvailable(type: job.type, tenantID: job.tenantID))
        case .backingOff, .activated, .errorThrown, .completed, .canceled: break
        }
        return .done
    }

    func throwJobError(_ key: Key, _ error: Command.ThrowJobError, lease: String?) throws -> Answer {
        var job = try openJob(key, lease: lease)
        try checkNames(error.variables)
        let active = try located(job.elementInstanceKey)
        job.mark = .errorThrown
        job.state = .canceled
        job.errorCode = error.errorCode
        job.errorMessage = String(error.errorMessage.prefix(10_000))
        job.worker = ""
        job.deadline = nil
        job.updatedAt = now
        job.endedAt = now
        // Whether it is caught is known before anything is written: the job's row says which.
        if try isCaught(error.errorCode, from: active) {
            try emit(.jobChanged(job))
            _ = try throwError(
                code: error.errorCode,
                variables: error.variables,
                from: active,
                includingOrigin: true
            )
            return .done
        }
        job.state = .errorThrown
        job.endedAt = nil
        try emit(.jobChanged(job))
        let text = error.errorMessage.isEmpty ? "" : " (\(error.errorMessage.prefix(1_000)))"
        try raise(
            StepFailure(
                type: .unhandledError,
                message: "Expected an event that catches the error with code '\(error.errorCode)'\(text), "
                    + "but there is none"
            ),
            at: active.record,
            job: job
        )
        return .done
    }

    func updateJob(_ key: Key, _ change: Command.JobChange, lease: String?) throws -> Answer {
        guard var job = try state.job(key), job.state != .completed, job.state != .canceled else {
            throw Rejection(.notFound, "Expected a job with key \(key), but there is none")
        }
        try checkLease(lease, of: job)
        if let retries = change.retries {
            guard retries >= 1 else {
                throw Rejection(.invalidArgument, "Expected at least 1 retry for job \(key), but got \(retries)")
            }
            job.retries = retries
            job.mark = .retriesUpdated
        }
        if let timeout = change.timeoutMilliseconds {
            guard job.state == .activated else {
                throw Rejection(
                    .invalidState,
                    "Expected job \(key) to be with a worker to change its timeout, but it is not"
                )
            }
            let (sum, isOverflow) = now.addingReportingOverflow(max(0, timeout))
            job.deadline = isOverflow ? Int64.max : sum
            job.mark = .timeoutUpdated
        }
        if let priority = change.priority {
            job.priority = priority
            job.mark = .priorityUpdated
        }
        job.updatedAt = now
        try emit(.jobChanged(job))
        return .done
    }

    /// The activation or back-off is over: the job is offered again, its retries unchanged.
    func expireJob(_ key: Key) throws {
        guard var job = try state.job(key), job.state == .activated || job.state == .backingOff,
            let deadline = job.deadline, deadline <= now
        else { return }
        if job.state == .activated { job.mark = .timedOut }
        job.state = .activatable
        job.deadline = nil
        job.updatedAt = now
        try emit(.jobChanged(job))
        release(.jobsAvailable(type: job.type, tenantID: job.tenantID))
    }

    /// Takes an activation back that reached nobody; a later activation stays.
    func returnJob(_ key: Key, deadline: Int64) throws {
        guard var job = try state.job(key), job.state == .activated, job.deadline == deadline else { return }
        job.state = .activatable
        job.deadline = nil
        job.worker = ""
        job.updatedAt = now
        try emit(.jobChanged(job))
        release(.jobsAvailable(type: job.type, tenantID: job.tenantID))
    }

    /// A job that may be completed, failed or end in an error. One whose activation timed out may, too: the first
    /// answer wins.
    private func openJob(_ key: Key, lease: String?) throws -> JobRecord {
        guard let job = try state.job(key) else {
            throw Rejection(.notFound, "Expected a job with key \(key), but there is none")
        }
        switch job.state {
        case .completed, .canceled:
            throw Rejection(
                .notFound,
                "Expected an open job with key \(key), but it was \(job.state == .completed ? "completed" : "canceled")"
            )
        case .failed, .errorThrown:
            throw Rejection(
                .invalidState,
                "Expected job \(key) to be activatable or activated, but it has an incident; resolve it first"
            )
        case .activatable, .activated, .backingOff: break
        }
        try checkLease(lease, of: job)
        return job
    }

    private func checkLease(_ lease: String?, of job: JobRecord) throws {
        guard let lease else { return }
        let expected = JobLease.text(job.key, activations: job.activations)
        guard lease == expected, job.state == .activated else {
            throw Rejection(
                .invalidState,
                "Expected the lease of the last activation of job \(job.key), but got another one: "
                    + "the job was handed out again"
            )
        }
    }
}

/// The token that tells one activation of a job from the next.
enum JobLease {
    static func text(_ key: Key, activations: Int32) -> String { "\(key)-\(activations)" }
}

extension Execution {
    /// Whether an error would be caught.
    private func isCaught(_ code: String, from origin: ActiveElement) throws -> Bool {
        try catchingEvent(code: code, from: origin, includingOrigin: true) != nil
    }
}
