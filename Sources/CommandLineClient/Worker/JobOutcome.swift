import JSON

/// What a worker reports about a job.
enum JobOutcome: Equatable, Sendable {
    /// Done; the variables, if any, are merged into the process.
    case completed(variables: JSONValue?)
    /// Not done; with `retries` left it is offered again after `backoff`, with none an incident waits for an operator.
    case failed(retries: Int, message: String, backoff: Duration)
    /// A modelled BPMN error.
    case threw(code: String, message: String, variables: JSONValue?)
}

/// How a command ended, as the operating system told it.
struct CommandResult: Equatable, Sendable {
    /// The way a command came to its end.
    enum Ending: Equatable, Sendable {
        case exited(Int32)
        case signaled(Int32)
        /// Killed by the worker because its time was over.
        case timedOut(after: Duration)
        /// Killed by the worker because the worker itself was told to end at once.
        case abandoned
        /// `/bin/sh` could not be run at all.
        case couldNotStart(String)
    }

    let ending: Ending
    /// Standard output, at most the limit.
    var output: [UInt8] = []
    /// True when the command wrote more to standard output than the limit.
    var isOutputCut = false
    /// The last part of standard error.
    var errorTail: [UInt8] = []
}

/// The contract between `thalweg work` and the command it runs.
struct OutcomeRules: Equatable, Sendable {
    /// The exit code that means a BPMN error.
    static let errorExitCode: Int32 = 100
    /// How much of standard error goes into an error message.
    static let messageLinesLimit = 10
    static let messageCharactersLimit = 2_000
    /// An error code longer than this is certainly something else on the first line.
    static let errorCodeCharactersLimit = 256

    /// The wait before a failed job is offered again.
    let backoff: Duration
    /// How many bytes of standard output are taken.
    let outputLimitBytes: Int

    /// What to report for a job with `retries` left whose command ended like this.
    func outcome(of result: CommandResult, retries: Int) -> JobOutcome {
        switch result.ending {
        case .exited(0): return self.completion(result, retries: retries)
        case .exited(Self.errorExitCode): return self.bpmnError(result, retries: retries)
        case .exited(let code): return self.failure(Self.describe(exit: code), result, retries: retries)
        case .signaled(let number):
            return self.failure("killed by signal \(Self.signalName(number))", result, retries: retries)
        case .timedOut(let limit):
            let text = DurationArgument(milliseconds: Int64(limit.wholeMilliseconds)).description
            return self.failure("killed because it ran longer than \(text)", result, retries: retries)
        case .abandoned:
            // Nobody's fault: the job keeps its retries and is offered again at once.
            return .failed(retries: retries, message: "the worker was ended", backoff: .zero)
        case .couldNotStart(let reason):
            return self.failure("could not be started: \(reason)", result, retries: retries)
        }
    }

    private func completion(_ result: CommandResult, retries: Int) -> JobOutcome {
        if result.isOutputCut {
            return self.failure(self.outputCutText, result, retries: retries)
        }
        do {
            return .completed(variables: try Self.variables(from: result.output[...]))
        } catch {
            return self.failure(error.message, result, retries: retries)
        }
    }

    private func bpmnError(_ result: CommandResult, retries: Int) -> JobOutcome {
        if result.isOutputCut {
            return self.failure(self.outputCutText, result, retries: retries)
        }
        let lineEnd = result.output.firstIndex(of: 10) ?? result.output.endIndex
        let code = Self.trimmed(String(decoding: result.output[..<lineEnd], as: UTF8.self))
        guard !code.isEmpty, code.count <= Self.errorCodeCharactersLimit else {
            let text = "ended with exit code 100 (BPMN error), but without an error code on its first line of output"
            return self.failure(text, result, retries: retries)
        }
        do {
            let variables = try Self.variables(from: result.output[lineEnd...])
            return .threw(code: code, message: Self.lastLines(result.errorTail), variables: variables)
        } catch {
            return self.failure("BPMN error \(code): \(error.message)", result, retries: retries)
        }
    }

    private func failure(_ text: String, _ result: CommandResult, retries: Int) -> JobOutcome {
        let details = Self.lastLines(result.errorTail)
        let message = details.isEmpty ? "command \(text)" : "command \(text): \(details)"
        return .failed(retries: max(0, retries - 1), message: message, backoff: self.backoff)
    }

    private var outputCutText: String {
        "wrote more than \(self.outputLimitBytes) bytes to standard output (raise --output-limit)"
    }

    /// The variables a command printed: nil for nothing but white space, else a JSON object.
    static func variables(from output: ArraySlice<UInt8>) throws(ClientFailure) -> JSONValue? {
        let isBlank = output.allSatisfy { $0 == 32 || ($0 >= 9 && $0 <= 13) }
        if isBlank { return nil }
        let value: JSONValue
        do {
            value = try JSONText.parse(Array(output))
        } catch {
            throw .usage("printed something that is no JSON object: \(error.message)")
        }
        guard value.isObject else {
            throw .usage("printed something that is no JSON object: Expected an object, but got \(value.kindName)")
        }
        return value
    }

    /// What a shell means by an exit code that is neither success nor a BPMN error.
    static func describe(exit code: Int32) -> String {
        switch code {
        case 126: "could not be run (exit code 126: found, but not executable)"
        case 127: "could not be run (exit code 127: not found)"
        case 129...192: "ended with exit code \(code) (a program in it was killed by \(Self.signalName(code - 128)))"
        default: "ended with exit code \(code)"
        }
    }

    static func signalName(_ number: Int32) -> String {
        let names: [Int32: String] = [
            1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
            9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ",
        ]
        return names[number].map { "\(number) (\($0))" } ?? String(number)
    }

    /// The last lines of standard error, bounded in lines and characters; the end is what matters, so the start goes.
    static func lastLines(_ bytes: [UInt8]) -> String {
        let text = TerminalText.sanitizedLines(String(decoding: bytes, as: UTF8.self))
        let lines = text.split(separator: "\n").suffix(Self.messageLinesLimit)
        let joined = Self.trimmed(lines.joined(separator: "\n"))
        guard joined.count > Self.messageCharactersLimit else { return joined }
        return "…" + joined.suffix(Self.messageCharactersLimit - 1)
    }

    private static func trimmed(_ text: String) -> String {
        var slice = text[...]
        while let first = slice.first, first.isWhitespace { slice.removeFirst() }
        while let last = slice.last, last.isWhitespace { slice.removeLast() }
        return String(slice)
    }
}
