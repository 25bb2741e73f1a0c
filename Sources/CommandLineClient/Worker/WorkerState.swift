/// The decisions of a job worker: when to ask for jobs, when to wait, when to end. Knows neither network nor clock.
///
/// At most one poll is under way, and it asks for as many jobs as there are free places, so that a job never waits
/// here while its activation runs out.
struct WorkerState: Equatable, Sendable {
    /// What the user asked for.
    struct Settings: Equatable, Sendable {
        /// Commands at the same time.
        let parallel: Int
        /// End after that many jobs; nil: never.
        let jobLimit: Int?
        /// End when nothing is left to do.
        let endsWhenIdle: Bool
    }

    /// What happened.
    enum Input: Equatable, Sendable {
        case started
        /// A poll brought jobs, or none.
        case polled([ActivatedJob])
        /// A poll failed in a way that may pass.
        case pollFailed(String, jitter: Double)
        /// A poll was refused for good.
        case pollRefused(ClientFailure)
        /// The wait asked for by ``Action/wait(_:)`` is over.
        case waited
        /// A job's command ended and its outcome was reported, or could not be.
        case ended(JobReport)
        /// The user wants an end: the first time in order, the second time at once.
        case interrupted
    }

    /// What is to be done.
    enum Action: Equatable, Sendable {
        /// Ask for up to so many jobs; with a long poll, or answered at once.
        case poll(count: Int, isLong: Bool)
        /// Give up a poll that is under way.
        case cancelPoll
        case run(ActivatedJob)
        /// Give a job back unworked, for others to take at once.
        case handBack(ActivatedJob)
        case wait(Duration)
        /// Tell the user.
        case say(String)
        /// Kill the running commands.
        case killAll
        /// The end; a failure is why, if it is not because the work is done.
        case finish(ClientFailure?)
    }

    /// How many jobs ended in which way.
    struct Tally: Equatable, Sendable {
        var completed = 0
        var failed = 0
        var threw = 0
        /// Ended, but the server does not know.
        var unreported = 0

        /// One line for the user.
        var summary: String {
            let total = self.completed + self.failed + self.threw + self.unreported
            var parts = ["\(self.completed) completed", "\(self.failed) failed"]
            if self.threw > 0 { parts.append("\(self.threw) with a BPMN error") }
            if self.unreported > 0 { parts.append("\(self.unreported) not reported") }
            return "\(total) \(total == 1 ? "job" : "jobs") done: " + parts.joined(separator: ", ")
        }
    }

    /// What occupies the one place for asking.
    private enum Asking: Equatable, Sendable {
        /// Legal next: polling, waiting.
        case idle
        /// Legal next: idle, waiting.
        case polling
        /// Legal next: idle.
        case waiting
    }

    let settings: Settings
    private(set) var tally = Tally()
    private(set) var running = 0
    private var begun = 0
    private var asking: Asking = .idle
    private var failures = 0
    private var isStopping = false
    private var isFinished = false
    private var failure: ClientFailure?
    /// True while the last poll came back empty and nothing has ended since: then there is nothing left to do.
    private var isDrained = false
    /// A job ended while a poll was under way; what that poll saw may be older than what the job brought about.
    private var hasEndedWhilePolling = false

    init(settings: Settings) {
        self.settings = settings
    }

    /// Takes in what happened and says what to do about it.
    mutating func step(_ input: Input) -> [Action] {
        guard !self.isFinished else { return [] }
        var actions: [Action] = []
        switch input {
        case .started: break
        case .polled(let jobs): actions += self.take(jobs)
        case .pollFailed(let reason, let jitter): actions += self.loseServer(reason, jitter: jitter)
        case .pollRefused(let failure):
            self.asking = .idle
            self.failure = failure
            self.isStopping = true
        case .waited:
            if self.asking == .waiting { self.asking = .idle }
        case .ended(let report):
            self.running -= 1
            self.isDrained = false
            self.hasEndedWhilePolling = self.asking == .polling
            self.count(report)
        case .interrupted: actions += self.interrupt()
        }
        return actions + self.next()
    }

    private mutating func take(_ jobs: [ActivatedJob]) -> [Action] {
        var actions: [Action] = []
        self.asking = .idle
        if self.failures > 0 {
            self.failures = 0
            actions.append(.say("connected again"))
        }
        self.isDrained = jobs.isEmpty && !self.hasEndedWhilePolling
        self.hasEndedWhilePolling = false
        for job in jobs {
            // More than asked for, or after the end was asked for: somebody else shall have it.
            guard !self.isStopping, self.places > 0 else {
                actions.append(.handBack(job))
                continue
            }
            self.begun += 1
            self.running += 1
            actions.append(.run(job))
        }
        return actions
    }

    private mutating func loseServer(_ reason: String, jitter: Double) -> [Action] {
        self.asking = .idle
        guard !self.isStopping else { return [] }
        self.failures += 1
        self.asking = .waiting
        let wait = Action.wait(RetryDelay.worker.wait(after: self.failures, jitter: jitter))
        return self.failures == 1 ? [.say("\(reason); trying again until it is back"), wait] : [wait]
    }

    private mutating func interrupt() -> [Action] {
        guard !self.isStopping else {
            self.isFinished = true
            return [
                .killAll, .finish(ClientFailure(code: .interrupted, message: "ended at once; running jobs killed")),
            ]
        }
        self.isStopping = true
        let waits = self.running == 0 ? "" : "; waiting for \(self.running) running, once more to kill them"
        return [.say("ending\(waits)")] + (self.asking == .polling ? [.cancelPoll] : [])
    }

    private mutating func count(_ report: JobReport) {
        guard report.isReported else {
            self.tally.unreported += 1
            return
        }
        switch report.outcome {
        case .completed: self.tally.completed += 1
        case .failed: self.tally.failed += 1
        case .threw: self.tally.threw += 1
        }
    }

    /// Free places, bounded by how many jobs may still be begun.
    private var places: Int {
        let free = self.settings.parallel - self.running
        guard let limit = self.settings.jobLimit else { return free }
        return min(free, limit - self.begun)
    }

    private mutating func next() -> [Action] {
        guard !self.isFinished else { return [] }
        let hasAllJobs = self.settings.jobLimit.map { self.begun >= $0 } ?? false
        let isIdle = self.settings.endsWhenIdle && self.isDrained && self.running == 0
        if self.running == 0, self.isStopping || hasAllJobs || isIdle {
            // A poll that is still under way is cancelled with everything else.
            self.isFinished = true
            return [.finish(self.failure)]
        }
        guard !self.isStopping, !hasAllJobs, self.asking == .idle, self.places > 0 else { return [] }
        // Drained, but jobs are running: their end may bring new ones, and asking before that is pointless.
        if self.settings.endsWhenIdle, self.isDrained { return [] }
        self.asking = .polling
        return [.poll(count: self.places, isLong: !self.settings.endsWhenIdle)]
    }
}

/// How one job ended.
struct JobReport: Equatable, Sendable {
    let jobKey: String
    let outcome: JobOutcome
    /// Why the server does not know of it; nil when it does.
    let reportFailure: String?
    /// How long the command ran.
    let elapsed: Duration

    var isReported: Bool { self.reportFailure == nil }
}
