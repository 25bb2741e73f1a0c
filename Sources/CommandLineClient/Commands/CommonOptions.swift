import ArgumentParser
import JSON

/// The options every command has.
package struct CommonOptions: ParsableArguments {
    @Option(
        name: [.customLong("url"), .customLong("server")],
        help: ArgumentHelp(
            "The server's address. Default: THALWEG_URL, else \(ServerAddress.standard).",
            valueName: "url"
        )
    )
    var url: String?

    @Option(
        name: .customLong("ca-file"),
        help: ArgumentHelp(
            "PEM file with the certificate authorities to trust. Default: THALWEG_CA_FILE, else the system's.",
            valueName: "file"
        )
    )
    var authorityFile: String?

    @Flag(name: .customLong("json"), help: "Print JSON for programs instead of text for people.")
    var isJSON = false

    package init() {}

    /// Opens a session, runs `body` in it, and turns a failure into a message on standard error and an exit code.
    func perform(_ body: (Session) async throws -> Void) async throws {
        Interrupts.ignoreBrokenPipes()
        do {
            let settings = try self.settings()
            let isJSON = self.isJSON
            try await ServerConnection.with(settings) { connection in
                try await body(Session(connection: connection, terminal: Terminal.current(), isJSON: isJSON))
            }
        } catch let failure as ClientFailure {
            Self.report(failure, isJSON: self.isJSON)
            throw ExitCode(failure.code.rawValue)
        }
    }

    private func settings() throws(ClientFailure) -> ConnectionSettings {
        let text = self.url ?? SystemText.environment("THALWEG_URL") ?? ServerAddress.standard
        return ConnectionSettings(
            address: try ServerAddress(text),
            credentials: try Credentials(
                token: SystemText.environment("THALWEG_TOKEN"),
                user: SystemText.environment("THALWEG_USER"),
                password: SystemText.environment("THALWEG_PASSWORD")
            ),
            authorityFile: self.authorityFile ?? SystemText.environment("THALWEG_CA_FILE")
        )
    }

    /// Tells a failure: one sentence, or one JSON object under `--json`.
    static func report(_ failure: ClientFailure, isJSON: Bool) {
        guard !failure.message.isEmpty else { return }
        Console.note(Self.text(of: failure, isJSON: isJSON))
    }

    /// The text of ``report(_:isJSON:)``.
    static func text(of failure: ClientFailure, isJSON: Bool) -> String {
        guard isJSON else { return "Error: " + TerminalText.sanitizedLines(failure.message) }
        var fields = JSONFields()
        fields["error"] = .string(failure.message)
        fields["exitCode"] = .integer(Int(failure.code.rawValue))
        fields["status"] = failure.status.map { .integer($0) }
        return fields.value.compactText
    }
}

/// What a running command works with.
struct Session: Sendable {
    let connection: ServerConnection
    let terminal: Terminal
    let isJSON: Bool

    /// Prints `value` as one line of JSON, or else the given lines.
    func show(_ value: JSONValue, or lines: () -> [String]) throws(ClientFailure) {
        if self.isJSON {
            try Console.line(value.compactText)
        } else {
            try Console.lines(lines())
        }
    }

    /// Runs `work`; when it takes longer than a second and a terminal watches, says so on standard error, unless
    /// `isQuiet`.
    func withProgress<Result: Sendable>(
        _ label: @escaping @Sendable () -> String,
        isQuiet: Bool = false,
        _ work: () async throws -> Result
    ) async rethrows -> Result {
        guard self.terminal.showsProgress, !isQuiet else { return try await work() }
        // The child ends with this scope, which cancels and awaits it.
        async let _: Void = Self.tick(label)
        return try await work()
    }

    private static func tick(_ label: @Sendable () -> String) async {
        var seconds = 0
        while true {
            do {
                try await Task.sleep(for: .seconds(1))
            } catch {
                break
            }
            seconds += 1
            Console.progress("\r\u{1B}[K\(label()) (\(seconds) s)")
        }
        if seconds > 0 { Console.progress("\r\u{1B}[K") }
    }
}
