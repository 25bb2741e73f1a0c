import JSON

/// Carries out what a ``WorkerState`` decides: polls the server, runs commands, reports their outcomes.
struct JobWorker: Sendable {
    /// How long the server may hold a poll open when there is no job.
    static let longPoll: Duration = .seconds(10)
    /// How much longer than the activation an outcome is offered to a server that does not answer.
    static let reportingLimit: Duration = .seconds(30)

    let connection: ServerConnection
    let query: JobQuery
    let settings: WorkerState.Settings
    let rules: OutcomeRules
    let runner: CommandRunner
    /// Called for each job that has ended.
    let onReport: @Sendable (JobReport) throws -> Void
    /// Called with notes for the user.
    let onNote: @Sendable (String) -> Void

    /// Works until the state decides to end; returns what was done. `interrupts` yields once per signal.
    func run(interrupts: AsyncStream<Int32>) async throws -> (tally: WorkerState.Tally, failure: ClientFailure?) {
        let (inputs, feed) = AsyncStream.makeStream(of: WorkerState.Input.self)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                for await _ in interrupts { feed.yield(.interrupted) }
            }
            var state = WorkerState(settings: self.settings)
            var pollCancellation: AsyncStream<Void>.Continuation?
            feed.yield(.started)
            for await input in inputs {
                if case .ended(let report) = input { try self.onReport(report) }
                for action in state.step(input) {
                    switch action {
                    case .poll(let count, let isLong):
                        let (cancelled, cancellation) = AsyncStream.makeStream(of: Void.self)
                        pollCancellation = cancellation
                        group.addTask {
                            guard let result = await self.poll(count, isLong: isLong, until: cancelled) else { return }
                            feed.yield(result)
                        }
                    case .cancelPoll: pollCancellation?.finish()
                    case .run(let job): group.addTask { feed.yield(.ended(await self.work(on: job))) }
                    case .handBack(let job): group.addTask { await self.handBack(job) }
                    case .wait(let duration):
                        group.addTask {
                            try? await Task.sleep(for: duration)
                            feed.yield(.waited)
                        }
                    case .say(let text): self.onNote(text)
                    case .killAll: group.cancelAll()
                    case .finish(let failure): return (state.tally, failure)
                    }
                }
            }
            return (state.tally, nil)
        }
    }

    /// The poll's result, or nil when `cancellation` ended first.
    private func poll(
        _ count: Int,
        isLong: Bool,
        until cancellation: AsyncStream<Void>
    ) async -> WorkerState.Input? {
        await withTaskGroup(of: WorkerState.Input?.self) { race in
            race.addTask { await self.poll(count, isLong: isLong) }
            race.addTask {
                for await _ in cancellation {}
                return nil
            }
            let first = await race.next() ?? nil
            race.cancelAll()
            return first
        }
    }

    private func poll(_ count: Int, isLong: Bool) async -> WorkerState.Input? {
        let request = APIRequest.activateJobs(self.query, count: count, longPoll: isLong ? Self.longPoll : nil)
        do {
            let response = try await self.connection.exchange(request)
            switch ResponseJudgement(response, to: request) {
            case .success: return .polled(ActivatedJob.list(try response.document()))
            case .retry(let failure): throw failure
            // No jobs within the server's own limit is no error for a worker.
            case .failure where response.status == 504 || response.status == 408: return .polled([])
            case .failure(let failure): throw failure
            }
        } catch let failure as ClientFailure {
            if ReportPolicy.isPassing(failure) {
                return .pollFailed(failure.message, jitter: Double.random(in: 0..<1))
            }
            return .pollRefused(failure)
        } catch {
            return nil
        }
    }

    /// Runs the command and reports its outcome.
    private func work(on job: ActivatedJob) async -> JobReport {
        let clock = ContinuousClock()
        let start = clock.now
        let result = await self.runner.run(input: job.variables.serialized(), environment: job.environment)
        let elapsed = clock.now - start
        var outcome = self.rules.outcome(of: result, retries: job.retries)
        let deadline = start + self.query.activationTimeout + Self.reportingLimit
        var failure = await self.report(&outcome, of: job, until: deadline)
        if result.ending == .abandoned { failure = failure ?? "the worker was ended" }
        return JobReport(jobKey: job.key, outcome: outcome, reportFailure: failure, elapsed: elapsed)
    }

    /// Reports until the server knows, refuses or the deadline is over; returns why it does not know.
    private func report(
        _ outcome: inout JobOutcome,
        of job: ActivatedJob,
        until deadline: ContinuousClock.Instant
    ) async -> String? {
        var attempt = 1
        var isUncertain = false
        while true {
            let request = APIRequest.report(outcome, for: job)
            let policy: ReportPolicy
            do {
                let response = try await self.connection.exchange(request)
                policy = ReportPolicy.next(after: response, to: request, isUncertain: isUncertain)
            } catch let failure as ClientFailure {
                policy = ReportPolicy.next(after: failure, isUncertain: isUncertain)
            } catch {
                return "the worker was ended"
            }
            switch policy {
            case .done: return nil
            case .giveUp(let reason): return reason
            case .reportRefusal(let reason):
                if case .failed = outcome { return reason }
                outcome = .failed(
                    retries: max(0, job.retries - 1),
                    message: "the result was refused: \(reason)",
                    backoff: self.rules.backoff
                )
                continue
            case .again(let isNowUncertain): isUncertain = isNowUncertain
            }
            guard ContinuousClock.now < deadline else { return "the server could not be reached in time" }
            let wait = RetryDelay.worker.wait(after: attempt, jitter: Double.random(in: 0..<1))
            attempt += 1
            guard (try? await Task.sleep(for: wait)) != nil else { return "the worker was ended" }
        }
    }

    /// Gives a job back with all its retries. If that fails, its activation simply runs out.
    private func handBack(_ job: ActivatedJob) async {
        let outcome = JobOutcome.failed(
            retries: job.retries,
            message: "handed back: the worker was ending",
            backoff: .zero
        )
        _ = try? await self.connection.exchange(.report(outcome, for: job))
    }
}
