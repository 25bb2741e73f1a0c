import JSON
import Synchronization
import Testing

@testable import CommandLineClient

@Suite struct ServerConnectionTests {
    @Test func `503 is sent again until it is answered`() async throws {
        let calls = Counter()
        let script: @Sendable (SeenRequest) -> ScriptedAnswer = { _ in
            calls.increment()
            return calls.value < 3
                ? .problem(503, "RESOURCE_EXHAUSTED", "busy") : ScriptedAnswer(body: #"{"messageKey":"7"}"#)
        }
        try await ScriptedServer.with(script) { server in
            let answer = try await server.connect { try await $0.send(.cancel("1")) }

            #expect(answer.text("messageKey") == "7")
            #expect(server.requests.count == 3)
            #expect(server.requests[0].headers["authorization"] == "Bearer secret")
            #expect(server.requests[0].headers["content-type"] == "application/json")
            #expect(server.requests[0].uri == "/v2/process-instances/1/cancellation")
        }
    }

    @Test(arguments: [400, 404, 409, 429, 500, 504])
    func `every other refusal is sent once`(status: Int) async throws {
        try await ScriptedServer.with({ _ in .problem(status, "T", "why") }) { server in
            let failure = await clientFailure {
                try await server.connect { try await $0.send(.cancel("1")) }
            }

            #expect(failure?.status == status)
            #expect(server.requests.count == 1)
        }
    }

    @Test func `a deployment arrives as a form, an idempotency key as a header`() async throws {
        try await ScriptedServer.with({ _ in ScriptedAnswer(body: "{}") }) { server in
            let form = MultipartForm(files: [.init(name: "a.bpmn", content: Array("<x/>".utf8))], tenantID: nil)
            try await server.connect { connection in
                try await connection.send(.deploy(form))
                try await connection.send(
                    .start(
                        processID: "p",
                        version: nil,
                        variables: nil,
                        awaitTimeout: nil,
                        idempotencyKey: "once"
                    )
                )
            }

            #expect(
                server.requests[0].headers["content-type"] == "multipart/form-data; boundary=thalweg-boundary-0"
            )
            #expect(server.requests[0].body == form.encoded(boundary: "thalweg-boundary-0"))
            #expect(server.requests[1].headers["idempotency-key"] == "once")
        }
    }

    @Test func `a port without a server is unavailable, and said to be`() async throws {
        let port = try BoundPort()
        defer { port.close() }
        let address = try ServerAddress("http://127.0.0.1:\(port.number)")
        let settings = ConnectionSettings(address: address, credentials: .none, authorityFile: nil)

        let failure = await clientFailure {
            try await ServerConnection.with(settings) { try await $0.send(.topology) }
        }

        #expect(failure?.code == .unavailable)
        #expect(failure?.message.contains("connection refused; is the server running?") == true)
    }

    @Test func `no answer in time is unknown`() async throws {
        try await ScriptedServer.with({ _ in ScriptedAnswer(status: 204, afterMilliseconds: 60_000) }) { server in
            var request = APIRequest.cancel("1")
            request.timeout = .milliseconds(50)
            let failure = await clientFailure { [request] in
                try await server.connect { try await $0.send(request) }
            }

            #expect(failure?.code == .unknown)
        }
    }

    @Test func `an answer that is no JSON is an error, not a crash`() async throws {
        try await ScriptedServer.with({ _ in ScriptedAnswer(body: "<html>") }) { server in
            let failure = await clientFailure {
                try await server.connect { try await $0.send(.topology) }
            }

            #expect(failure?.code == .refused)
        }
    }
}

/// What `body` throws, if it is a client failure.
private func clientFailure<Result>(_ body: () async throws -> Result) async -> ClientFailure? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? ClientFailure
    }
}

/// Whole workers against a scripted server, with real commands.
@Suite struct JobWorkerTests {
    /// A server with jobs to give out once, which records what is reported.
    private static func script(_ jobs: [String]) -> @Sendable (SeenRequest) -> ScriptedAnswer {
        let left = JobPile(jobs)
        return { request in
            guard request.uri == "/v2/jobs/activation" else { return .noContent }
            let count = request.json.member("maxJobsToActivate")?.integerValue ?? 0
            return ScriptedAnswer(body: #"{"jobs":[\#(left.take(count).joined(separator: ","))]}"#)
        }
    }

    private static func job(_ key: Int, variables: String = "{}") -> String {
        #"{"jobKey":"\#(key)","type":"pay","retries":3,"deadline":99,"processInstanceKey":"5","elementId":"T","#
            + #""customHeaders":{"h":"v"},"variables":\#(variables)}"#
    }

    private static func worker(
        _ connection: ServerConnection,
        command: String,
        timeout: Duration = .seconds(60),
        parallel: Int = 4,
        jobLimit: Int? = nil,
        once: Bool = true,
        notes: Notes = Notes()
    ) -> JobWorker {
        JobWorker(
            connection: connection,
            query: JobQuery(
                type: "pay",
                worker: "w",
                commandTimeout: timeout,
                fetchedVariables: [],
                isLeased: false
            ),
            settings: .init(parallel: parallel, jobLimit: jobLimit, endsWhenIdle: once),
            rules: OutcomeRules(backoff: .seconds(5), outputLimitBytes: 10_000),
            runner: CommandRunner(
                command: command,
                timeout: timeout,
                outputLimitBytes: 10_000,
                killDelay: .milliseconds(100)
            ),
            onReport: { _ in },
            onNote: { notes.add($0) }
        )
    }

    private static func run(
        _ jobs: [String],
        command: String,
        timeout: Duration = .seconds(60)
    ) async throws -> (summary: String, reports: [SeenRequest]) {
        try await ScriptedServer.with(Self.script(jobs)) { server in
            let (tally, failure) = try await server.connect { connection in
                try await Self.worker(connection, command: command, timeout: timeout)
                    .run(interrupts: AsyncStream { $0.finish() })
            }
            #expect(failure == nil)
            return (tally.summary, server.requests.filter { $0.uri != "/v2/jobs/activation" })
        }
    }

    @Test func `a command gets variables and facts, and its output completes the job`() async throws {
        let command =
            #"read input; printf '{"in":%s,"key":"%s","h":%s}' "$input" "$THALWEG_JOB_KEY" "#
            + #""$THALWEG_JOB_HEADERS""#
        let (summary, reports) = try await Self.run([Self.job(7, variables: #"{"a":1}"#)], command: command)

        #expect(summary == "1 job done: 1 completed, 0 failed")
        #expect(reports.map { $0.uri } == ["/v2/jobs/7/completion"])
        #expect(reports[0].json.compactText == #"{"variables":{"in":{"a":1},"key":"7","h":{"h":"v"}}}"#)
        #expect(reports[0].headers["idempotency-key"] == "job-7-99-completion")
    }

    @Test func `a failing command takes a retry and tells its last words`() async throws {
        let (_, reports) = try await Self.run([Self.job(7)], command: "echo disk full >&2; exit 3")

        #expect(reports.map { $0.uri } == ["/v2/jobs/7/failure"])
        #expect(
            reports[0].json.compactText
                == #"{"retries":2,"errorMessage":"command ended with exit code 3: disk full","retryBackOff":5000}"#
        )
    }

    @Test func `exit code 100 throws a BPMN error`() async throws {
        let (_, reports) = try await Self.run([Self.job(7)], command: "echo NO_FUNDS; echo empty >&2; exit 100")

        #expect(reports.map { $0.uri } == ["/v2/jobs/7/error"])
        #expect(reports[0].json.compactText == #"{"errorCode":"NO_FUNDS","errorMessage":"empty"}"#)
    }

    @Test func `a command that is too slow is killed with all that it started`() async throws {
        // Neither the shell nor its child heeds SIGTERM; both are gone long before their time is over.
        let command = "trap '' TERM; sleep 900 & sleep 900; sleep 900"
        let start = ContinuousClock.now
        let (_, reports) = try await Self.run([Self.job(7)], command: command, timeout: .milliseconds(200))

        #expect(reports.map { $0.uri } == ["/v2/jobs/7/failure"])
        #expect(reports[0].json.text("errorMessage") == "command killed because it ran longer than 200ms")
        #expect(reports[0].json.member("retries")?.integerValue == 2)
        #expect(ContinuousClock.now - start < .seconds(600))
    }

    @Test(
        arguments: [
            ("kill -9 $$", "command killed by signal 9 (SIGKILL)"),
            ("/nonexistent/command", "command could not be run (exit code 127: not found)"),
        ])
    func `a command that dies or does not exist is a failure`(command: String, message: String) async throws {
        let (_, reports) = try await Self.run([Self.job(7)], command: command)

        #expect(reports[0].json.text("errorMessage").hasPrefix(message))
    }

    @Test func `large input that is never read and endless output do no harm`() async throws {
        let variables = #"{"a":"\#(String(repeating: "x", count: 300_000))"}"#
        let (_, unread) = try await Self.run([Self.job(7, variables: variables)], command: "exit 0")
        let (_, endless) = try await Self.run([Self.job(8)], command: "yes | head -c 1000000")

        #expect(unread.map { $0.uri } == ["/v2/jobs/7/completion"])
        #expect(endless[0].json.text("errorMessage").hasPrefix("command wrote more than 10000 bytes"))
    }

    @Test func `large input arrives whole`() async throws {
        let variables = #"{"a":"\#(String(repeating: "x", count: 300_000))"}"#
        let (_, reports) = try await Self.run(
            [Self.job(7, variables: variables)],
            command: #"printf '{"n":%d}' $(wc -c)"#
        )

        #expect(reports[0].json.compactText == #"{"variables":{"n":300008}}"#)
    }

    @Test func `many jobs are all worked on, with no more at a time than allowed`() async throws {
        let (summary, reports) = try await Self.run((1...40).map { Self.job($0) }, command: "exit 0")

        #expect(summary == "40 jobs done: 40 completed, 0 failed")
        #expect(Set(reports.map { $0.uri }).count == 40)
    }

    @Test func `a result that the server refuses becomes a failure`() async throws {
        let jobs = JobPile([Self.job(7)])
        let script: @Sendable (SeenRequest) -> ScriptedAnswer = { request in
            if request.uri == "/v2/jobs/activation" {
                return ScriptedAnswer(body: #"{"jobs":[\#(jobs.take(9).joined(separator: ","))]}"#)
            }
            return request.uri.hasSuffix("completion") ? .problem(400, "INVALID_ARGUMENT", "bad name") : .noContent
        }
        try await ScriptedServer.with(script) { server in
            _ = try await server.connect {
                try await Self.worker($0, command: "exit 0").run(interrupts: AsyncStream { $0.finish() })
            }

            #expect(server.requests.map { $0.uri }.contains("/v2/jobs/7/failure"))
        }
    }

    @Test func `a report is repeated until the server takes it, and a lost answer is not counted as a failure`()
        async throws
    {
        let jobs = JobPile([Self.job(7)])
        let reports = Counter()
        let script: @Sendable (SeenRequest) -> ScriptedAnswer = { request in
            if request.uri == "/v2/jobs/activation" {
                return ScriptedAnswer(body: #"{"jobs":[\#(jobs.take(9).joined(separator: ","))]}"#)
            }
            reports.increment()
            switch reports.value {
            case 1: return .problem(503, "UNAVAILABLE", "no leader")
            case 2: return .problem(504, "DEADLINE_EXCEEDED", "who knows")
            default: return .problem(404, "NOT_FOUND", "completed already")
            }
        }
        try await ScriptedServer.with(script) { server in
            let (tally, _) = try await server.connect {
                try await Self.worker($0, command: "exit 0").run(interrupts: AsyncStream { $0.finish() })
            }

            #expect(tally.summary == "1 job done: 1 completed, 0 failed")
            #expect(reports.value == 3)
        }
    }

    @Test func `a lost server is told about once and found again`() async throws {
        let calls = Counter()
        let jobs = JobPile([Self.job(7)])
        let script: @Sendable (SeenRequest) -> ScriptedAnswer = { request in
            guard request.uri == "/v2/jobs/activation" else { return .noContent }
            calls.increment()
            if calls.value <= 2 { return .problem(503, "UNAVAILABLE", "no leader") }
            return ScriptedAnswer(body: #"{"jobs":[\#(jobs.take(9).joined(separator: ","))]}"#)
        }
        let notes = Notes()
        try await ScriptedServer.with(script) { server in
            let (tally, _) = try await server.connect {
                try await Self.worker($0, command: "exit 0", jobLimit: 1, once: false, notes: notes)
                    .run(interrupts: AsyncStream { $0.finish() })
            }

            #expect(tally.completed == 1)
        }
        #expect(notes.all.count == 2)
        #expect(notes.all.first?.hasSuffix("trying again until it is back") == true)
        #expect(notes.all.last == "connected again")
    }

    @Test func `an interrupt lets the running job end and gives up the long poll`() async throws {
        let jobs = JobPile([Self.job(7)])
        let (interrupts, feed) = AsyncStream.makeStream(of: Int32.self)
        let polls = Counter()
        let script: @Sendable (SeenRequest) -> ScriptedAnswer = { request in
            guard request.uri == "/v2/jobs/activation" else { return .noContent }
            polls.increment()
            let batch = jobs.take(9)
            // The second poll would stay open for a quarter of an hour; its arrival is the moment of the interrupt.
            if polls.value == 2 { feed.yield(2) }
            return ScriptedAnswer(
                body: #"{"jobs":[\#(batch.joined(separator: ","))]}"#,
                afterMilliseconds: batch.isEmpty ? 900_000 : 0
            )
        }
        try await ScriptedServer.with(script) { server in
            let start = ContinuousClock.now
            let (tally, failure) = try await server.connect {
                try await Self.worker($0, command: "sleep 0.3", once: false).run(interrupts: interrupts)
            }

            #expect(failure == nil)
            #expect(tally.completed == 1)
            #expect(ContinuousClock.now - start < .seconds(600))
        }
    }

    @Test func `a second interrupt kills what runs`() async throws {
        let jobs = JobPile([Self.job(7)])
        let (interrupts, feed) = AsyncStream.makeStream(of: Int32.self)
        let script: @Sendable (SeenRequest) -> ScriptedAnswer = { request in
            let batch = jobs.take(9)
            if batch.isEmpty {
                feed.yield(2)
                feed.yield(2)
            }
            return ScriptedAnswer(
                body: #"{"jobs":[\#(batch.joined(separator: ","))]}"#,
                afterMilliseconds: batch.isEmpty ? 900_000 : 0
            )
        }
        try await ScriptedServer.with(script) { server in
            let start = ContinuousClock.now
            let (_, failure) = try await server.connect {
                try await Self.worker($0, command: "sleep 900", once: false).run(interrupts: interrupts)
            }

            #expect(failure?.code == .interrupted)
            #expect(ContinuousClock.now - start < .seconds(600))
        }
    }
}

/// Jobs to be handed out once.
private final class JobPile: Sendable {
    private let jobs: Mutex<[String]>

    init(_ jobs: [String]) {
        self.jobs = Mutex(jobs)
    }

    func take(_ count: Int) -> [String] {
        self.jobs.withLock { jobs in
            let taken = Array(jobs.prefix(count))
            jobs.removeFirst(taken.count)
            return taken
        }
    }
}

/// What a worker told its user.
private final class Notes: Sendable {
    private let texts = Mutex<[String]>([])

    var all: [String] { self.texts.withLock { $0 } }

    func add(_ text: String) {
        self.texts.withLock { $0.append(text) }
    }
}
