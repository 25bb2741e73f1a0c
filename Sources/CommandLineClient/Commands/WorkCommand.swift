import ArgumentParser
import JSON

/// `work`: a job worker that runs a shell command per job.
struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Work on jobs by running a command for each.",
        discussion: """
            Waits for jobs of TYPE and runs the command through /bin/sh -c for each one.

            The command gets the job's variables as a JSON object on standard input, and in its environment \
            THALWEG_JOB_KEY, THALWEG_JOB_TYPE, THALWEG_RETRIES, THALWEG_PROCESS_INSTANCE_KEY, THALWEG_PROCESS_ID, \
            THALWEG_ELEMENT_ID and THALWEG_JOB_HEADERS (the task's headers as a JSON object).

            Its exit code decides what becomes of the job:
              0       completed
              100     BPMN error
              others  failed

            Completed: standard output must be empty or a JSON object of result variables.

            BPMN error: the first line of standard output is the error code, behind it may follow a JSON object of \
            variables, and standard error is the message.

            Failed: the job is offered again after --backoff with one retry less; without retries left, an incident \
            waits for an operator. The last lines of standard error are the message. The same goes for a command that \
            is not found (127), cannot be run (126), is killed by a signal, prints something else than a JSON object, \
            or runs longer than --timeout.

            When the time is over, SIGTERM and three seconds later SIGKILL go to the command's process group. A job \
            may be worked on twice (for example when this machine loses power), so commands should be repeatable.

            SIGINT or SIGTERM ends the worker in order: it takes no more jobs and waits for the running ones. A second \
            one kills them; their jobs are offered again when their time is over. When the server is away, the worker \
            waits for it to come back.

            Examples:
              thalweg work charge-card --exec ./charge-card.sh
              thalweg work greet --exec 'jq "{greeting: (\\"hello \\" + .name)}"'
              thalweg work resize --exec ./resize --parallel 8 --timeout 10m --backoff 30s
              thalweg work import --exec ./import --once

            With --json each ended job is one line of JSON with the members jobKey, outcome (completed, failed, \
            bpmnError), isReported, milliseconds, and where they apply retries, errorMessage, errorCode and reportError.
            """
    )

    @Argument(help: "Job type, as the service task names it.")
    var type: String

    @Option(name: .customLong("exec"), help: ArgumentHelp("The command to run for each job.", valueName: "command"))
    var command: String

    @Option(help: "How many jobs to work on at the same time.")
    var parallel: Int = 4

    @Option(
        help: ArgumentHelp("How long a command may run.", valueName: "duration"),
        transform: DurationArgument.argument
    )
    var timeout = DurationArgument(milliseconds: 300_000)

    @Option(
        help: ArgumentHelp("Wait before a failed job is offered again.", valueName: "duration"),
        transform: DurationArgument.argument
    )
    var backoff = DurationArgument(milliseconds: 0)

    @Option(name: .customLong("max-jobs"), help: "End after this many jobs.")
    var jobLimit: Int?

    @Flag(name: .customLong("once"), help: "Work on what is there, then end.")
    var isOnce = false

    @Option(
        name: .customLong("output-limit"),
        help: ArgumentHelp("Bytes of standard output a command may write.", valueName: "bytes")
    )
    var outputLimitBytes: Int = 1 << 20

    @Option(name: .customLong("fetch"), help: ArgumentHelp("Only get this variable (repeatable).", valueName: "name"))
    var fetchedVariables: [String] = []

    @Option(name: .customLong("worker"), help: "Name of this worker. Default: thalweg-HOST-PID.")
    var worker: String?

    @Flag(
        name: .customLong("lease"),
        help: "Take jobs with a lease, so that a report that comes too late is refused."
    )
    var isLeased = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard self.parallel >= 1, self.parallel <= 256 else {
            throw ValidationError("Expected 1 to 256 parallel jobs, but got \(self.parallel)")
        }
        guard self.timeout.milliseconds >= 100 else {
            throw ValidationError("Expected a timeout of 100ms or more, but got \(self.timeout)")
        }
        guard (self.jobLimit ?? 1) >= 1 else { throw ValidationError("Expected a --max-jobs of 1 or more") }
        guard self.outputLimitBytes >= 0, self.outputLimitBytes <= 64 << 20 else {
            throw ValidationError("Expected an output limit of 0 to \(64 << 20), but got \(self.outputLimitBytes)")
        }
        guard !self.command.isEmpty, !self.command.utf8.contains(0) else {
            throw ValidationError("Expected a command in --exec")
        }
        guard !self.type.isEmpty else { throw ValidationError("Expected a job type") }
    }

    func run() async throws {
        try await self.common.perform { session in
            let interrupts = Interrupts.stream()
            if !session.isJSON {
                Console.note("working on \(self.type) at \(session.connection.address.base); end with Ctrl-C")
            }
            let (tally, failure) = try await self.worker(for: session).run(interrupts: interrupts)
            if !session.isJSON { Console.note(tally.summary) }
            if let failure { throw failure }
        }
    }

    private func worker(for session: Session) -> JobWorker {
        let isJSON = session.isJSON
        return JobWorker(
            connection: session.connection,
            query: JobQuery(
                type: self.type,
                worker: self.worker ?? "thalweg-\(SystemText.hostName())-\(SystemText.processIdentifier())",
                commandTimeout: self.timeout.duration,
                fetchedVariables: self.fetchedVariables,
                isLeased: self.isLeased
            ),
            settings: WorkerState.Settings(
                parallel: self.parallel,
                jobLimit: self.jobLimit,
                endsWhenIdle: self.isOnce
            ),
            rules: OutcomeRules(backoff: self.backoff.duration, outputLimitBytes: self.outputLimitBytes),
            runner: CommandRunner(
                command: self.command,
                timeout: self.timeout.duration,
                outputLimitBytes: self.outputLimitBytes
            ),
            onReport: { report in try Console.line(isJSON ? report.document.compactText : report.line) },
            onNote: { text in Console.note(TerminalText.sanitized(text)) }
        )
    }
}

extension JobReport {
    /// One line for people.
    var line: String {
        let milliseconds = self.elapsed.wholeMilliseconds
        let time = milliseconds < 1_000 ? "\(milliseconds) ms" : "\(milliseconds / 1_000).\(milliseconds / 100 % 10) s"
        let text: String
        switch self.outcome {
        case .completed: text = "completed in \(time)"
        case .failed(let retries, let message, _):
            text = "failed after \(time), \(retries) \(retries == 1 ? "retry" : "retries") left: \(message)"
        case .threw(let code, let message, _):
            text = "BPMN error \(code) after \(time)" + (message.isEmpty ? "" : ": \(message)")
        }
        let unreported = self.reportFailure.map { " (the server does not know: \($0))" } ?? ""
        return TerminalText.sanitized("job \(self.jobKey) \(text)\(unreported)")
    }

    /// One line for programs.
    var document: JSONValue {
        var fields = JSONFields()
        fields["jobKey"] = .string(self.jobKey)
        switch self.outcome {
        case .completed: fields["outcome"] = .string("completed")
        case .failed(let retries, let message, _):
            fields["outcome"] = .string("failed")
            fields["retries"] = .integer(retries)
            fields["errorMessage"] = .string(message)
        case .threw(let code, let message, _):
            fields["outcome"] = .string("bpmnError")
            fields["errorCode"] = .string(code)
            fields["errorMessage"] = message.isEmpty ? nil : .string(message)
        }
        fields["isReported"] = .bool(self.isReported)
        fields["reportError"] = self.reportFailure.map { .string($0) }
        fields["milliseconds"] = .integer(self.elapsed.wholeMilliseconds)
        return fields.value
    }
}
