import Glibc
import Synchronization

/// A process started by the drill, its output kept in files. Ended with the drill.
final class ChildProcess: Sendable {
    /// How a process ended.
    enum Ending: Hashable, Sendable, CustomStringConvertible {
        case exited(Int32)
        case signaled(Int32)

        var description: String {
            switch self {
            case .exited(let code): "exit code \(code)"
            case .signaled(let number): "signal \(number)"
            }
        }
    }

    let identifier: pid_t
    /// The writing end of its standard input; closing it says that the drill is over.
    private let input: Mutex<Int32>
    private let ending = Mutex<Ending?>(nil)
    private static let spawning = Mutex(())

    /// Starts `arguments[0]`, looked up in PATH.
    /// - Parameters:
    ///   - environment: changes to the drill's own environment.
    ///   - output: file for standard output, appended to.
    ///   - errors: file for standard error, appended to.
    init(_ arguments: [String], environment: [String: String] = [:], output: String, errors: String) throws {
        let (identifier, input) = try Self.spawning.withLock { _ in
            try Self.spawn(arguments, environment: environment, output: output, errors: errors)
        }
        self.identifier = identifier
        self.input = Mutex(input)
    }

    deinit {
        if self.ending.withLock({ $0 }) == nil {
            kill(self.identifier, SIGKILL)
            var status: Int32 = 0
            waitpid(self.identifier, &status, 0)
        }
        self.closeInput()
    }

    /// Says that there is no more to do, to a process that reads its standard input.
    func closeInput() {
        self.input.withLock { input in
            if input >= 0 { close(input) }
            input = -1
        }
    }

    /// Writes a line to its standard input.
    func tell(_ line: String) {
        self.input.withLock { input in
            if input >= 0 { try? Files.append(Array((line + "\n").utf8), to: input, path: "standard input") }
        }
    }

    private static func spawn(
        _ arguments: [String],
        environment changes: [String: String],
        output: String,
        errors: String
    ) throws -> (pid_t, Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw DrillFailure.system("make a pipe", errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        // A group of its own: Ctrl-C reaches the drill alone, which ends the others in order.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)

        let kept = SystemText.environment().filter { entry in
            !changes.keys.contains { entry.hasPrefix("\($0)=") }
        }
        let argumentPointers = arguments.map { strdup($0) } + [nil]
        let environmentPointers = (kept + changes.map { "\($0.key)=\($0.value)" }).map { strdup($0) } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var child: pid_t = 0
        let code = posix_spawnp(&child, arguments[0], &actions, &attributes, argumentPointers, environmentPointers)
        guard code == 0 else {
            close(ends[1])
            throw DrillFailure.system("start '\(arguments[0])'", code)
        }
        return (child, ends[1])
    }

    /// How it ended; nil while it runs.
    var currentEnding: Ending? {
        self.ending.withLock { ending in
            if let ending { return ending }
            var status: Int32 = 0
            guard waitpid(self.identifier, &status, WNOHANG) == self.identifier else { return nil }
            let number = status & 0x7F
            ending = number == 0 ? .exited((status >> 8) & 0xFF) : .signaled(number)
            return ending
        }
    }

    var isRunning: Bool { self.currentEnding == nil }

    func signal(_ number: Int32) {
        if self.isRunning { kill(self.identifier, number) }
    }

    /// Waits for its end; nil when it takes longer.
    func waitForEnd(seconds: Double) -> Ending? { waitFor(seconds: seconds, every: 0.001) { self.currentEnding } }

    /// Asks it to end, and ends it if it has not done so in time.
    @discardableResult
    func stop(seconds: Double = 20) -> Ending? {
        self.signal(SIGCONT)
        self.signal(SIGTERM)
        if let ending = self.waitForEnd(seconds: seconds) { return ending }
        self.signal(SIGKILL)
        return self.waitForEnd(seconds: 5)
    }

    /// The kernel's letter for what a process does (`R`, `S`, `T` ...); nil when there is no such process.
    static func stateLetter(_ identifier: pid_t) -> Character? {
        // The name in parentheses may hold anything; it ends at the last parenthesis.
        guard let text = Files.text("/proc/\(identifier)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        return text[end...].dropFirst(2).first
    }
}

/// What a command that was run to its end left behind.
struct CommandResult: Sendable {
    let ending: ChildProcess.Ending
    let output: String
    let errors: String

    var isSuccess: Bool { self.ending == .exited(0) }

    /// Runs a command to its end; one that takes longer is killed.
    static func of(_ arguments: [String], environment: [String: String] = [:], seconds: Double = 60) throws -> Self {
        let folder = try Files.makeTemporaryFolder()
        defer { Files.removeTree(folder) }
        let (output, errors) = ("\(folder)/output", "\(folder)/errors")
        let process = try ChildProcess(arguments, environment: environment, output: output, errors: errors)
        guard let ending = process.waitForEnd(seconds: seconds) else {
            throw DrillFailure("Expected '\(arguments.joined(separator: " "))' to end within \(seconds) s")
        }
        return CommandResult(
            ending: ending,
            output: Files.text(output) ?? "",
            errors: Files.text(errors) ?? ""
        )
    }

    /// Runs a command that has to succeed.
    @discardableResult
    static func require(_ arguments: [String], environment: [String: String] = [:], seconds: Double = 60) throws -> Self
    {
        let result = try Self.of(arguments, environment: environment, seconds: seconds)
        guard result.isSuccess else {
            let text = (result.errors.isEmpty ? result.output : result.errors).prefix(1_000)
            throw DrillFailure("'\(arguments.joined(separator: " "))' ended with \(result.ending): \(text)")
        }
        return result
    }
}
