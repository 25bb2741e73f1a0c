import ArgumentParser
import JSON

/// `start`: creates process instances.
struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start instances of a process.",
        discussion: """
            Prints the key of each new instance. With --await the command waits until the instance has ended \
            and prints \
            its variables; if the time is over first, the instance goes on and the exit code is 4.

            With --idempotency-key a repetition of the same command starts nothing new but shows the first answer; \
            with --count the keys are KEY-1, KEY-2 and so on.

            Examples:
              thalweg start order --variables '{"orderId": 31}'
              thalweg start order --variables @order.json --await --timeout 30s
              generate-order | thalweg start order --variables - --idempotency-key order-31
              thalweg start load-test --count 1000

            With --json the server's answers are printed, one a line.
            """
    )

    /// How many requests run at the same time under `--count`.
    static let concurrencyLimit = 16

    @Argument(help: "BPMN process id.")
    var processID: String

    @Option(help: "Version of the process. Default: the latest.")
    var version: Int?

    @OptionGroup var variables: VariablesOption

    @Flag(name: .customLong("await"), help: "Wait until the instance has ended.")
    var isAwaited = false

    @Option(
        help: ArgumentHelp("How long to wait with --await.", valueName: "duration"),
        transform: DurationArgument.argument
    )
    var timeout = DurationArgument(milliseconds: 60_000)

    @Option(
        name: .customLong("idempotency-key"),
        help: ArgumentHelp("Start only once under this key, however often it is repeated.", valueName: "key")
    )
    var idempotencyKey: String?

    @Option(help: "Start this many instances.")
    var count: Int = 1

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard self.count >= 1, self.count <= 10_000_000 else {
            throw ValidationError("Expected a count of 1 to 10000000, but got \(self.count)")
        }
        if let version, version < 1 {
            throw ValidationError("Expected a version of 1 or more, but got \(version)")
        }
        if let key = self.idempotencyKey {
            let isPrintable = !key.isEmpty && key.utf8.count <= 200 && key.utf8.allSatisfy { $0 > 32 && $0 < 127 }
            guard isPrintable else {
                throw ValidationError("Expected an idempotency key of 1 to 200 printable ASCII characters")
            }
        }
    }

    func run() async throws {
        try await self.common.perform { session in
            let variables = try self.variables.load()
            try await self.startAll(session, variables: variables)
        }
    }

    /// The request for instance `number` of `count`, counted from 1.
    func request(number: Int, variables: JSONValue?) -> APIRequest {
        .start(
            processID: self.processID,
            version: self.version,
            variables: variables,
            awaitTimeout: self.isAwaited ? self.timeout.duration : nil,
            idempotencyKey: self.idempotencyKey.map { self.count == 1 ? $0 : "\($0)-\(number)" }
        )
    }

    private func startAll(_ session: Session, variables: JSONValue?) async throws {
        let counter = Counter()
        let total = self.count
        let label: @Sendable () -> String = {
            total == 1 ? "starting" : "started \(counter.value) of \(total)"
        }
        do {
            // Lines that appear on the terminal one by one must not run into a progress line.
            let isQuiet = total > 1 && session.terminal.isOutputTerminal
            try await session.withProgress(label, isQuiet: isQuiet) {
                try await self.startAll(session, variables: variables, counter: counter)
            }
        } catch let failure as ClientFailure where total > 1 {
            let text = "after \(counter.value) of \(total) instances: \(failure.message)"
            throw ClientFailure(code: failure.code, message: text, status: failure.status)
        }
    }

    private func startAll(_ session: Session, variables: JSONValue?, counter: Counter) async throws {
        let connection = session.connection
        try await withThrowingTaskGroup(of: JSONValue.self) { group in
            var next = 1
            while next <= min(self.count, Self.concurrencyLimit) {
                let request = self.request(number: next, variables: variables)
                group.addTask { try await connection.send(request) }
                next += 1
            }
            while let answer = try await group.next() {
                counter.increment()
                try session.show(answer) { Self.lines(answer) }
                guard next <= self.count else { continue }
                let request = self.request(number: next, variables: variables)
                group.addTask { try await connection.send(request) }
                next += 1
            }
        }
    }

    /// The instance's key, and the variables of an awaited one.
    static func lines(_ answer: JSONValue) -> [String] {
        var lines = [answer.text("processInstanceKey")]
        if let variables = answer.member("variables"), variables.objectValue?.isEmpty == false {
            let text = TerminalText.sanitizedLines(String(decoding: variables.serializedPretty(), as: UTF8.self))
            lines += text.split(separator: "\n").map { String($0) }
        }
        return lines
    }
}
