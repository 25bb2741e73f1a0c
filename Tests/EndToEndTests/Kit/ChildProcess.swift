import Foundation
import Glibc
import Synchronization

/// A process started by a test, its standard output read through a pipe, its standard error kept in a file.
final class ChildProcess: Sendable {
    /// How a process ended.
    enum Ending: Equatable, Sendable, CustomStringConvertible {
        case exited(Int32)
        case signaled(Int32)

        var description: String {
            switch self {
            case .exited(let code): "exit code \(code)"
            case .signaled(let number): "signal \(number)"
            }
        }
    }

    private struct State {
        var ending: Ending?
        var output: [UInt8] = []
        var isOutputClosed = false
    }

    let identifier: pid_t
    private let outputDescriptor: Int32
    private let errorFile: String
    private let state = Mutex(State())

    /// Starts `arguments[0]` with the environment of the tests, changed as told.
    init(
        _ arguments: [String],
        input: String = "/dev/null",
        directory: String? = nil,
        environment changes: [String: String] = [:],
        errorFile: String
    ) throws {
        self.errorFile = errorFile
        var command = arguments
        if let directory { command = ["env", "--chdir=\(directory)"] + arguments }
        (self.identifier, self.outputDescriptor) = try Self.spawning.withLock { _ in
            try Self.spawn(command, input: input, environment: changes, errorFile: errorFile)
        }
    }

    /// Held while a pipe is made and given to a new process, so that no other new process inherits it and keeps it
    /// open.
    private static let spawning = Mutex(())

    private static func spawn(
        _ arguments: [String],
        input: String,
        environment changes: [String: String],
        errorFile: String
    ) throws -> (identifier: pid_t, outputDescriptor: Int32) {
        var pipeEnds: [Int32] = [-1, -1]
        guard pipe(&pipeEnds) == 0 else { throw Failure("Expected a pipe, but got errno \(errno)") }
        for end in pipeEnds { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, pipeEnds[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, errorFile, O_WRONLY | O_CREAT | O_APPEND, 0o644)

        // A group of its own, so that a shell and what it started can be ended together.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)

        let environment = ProcessInfo.processInfo.environment.merging(changes) { _, new in new }
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for pointer in argv + envp { free(pointer) }
        }
        var child: pid_t = 0
        let result = posix_spawnp(&child, arguments[0], &actions, &attributes, &argv, &envp)
        _ = close(pipeEnds[1])
        guard result == 0 else {
            _ = close(pipeEnds[0])
            throw Failure("Expected to start \(arguments[0]), but got: \(String(cString: strerror(result)))")
        }
        return (child, pipeEnds[0])
    }

    deinit {
        if self.state.withLock({ $0.ending == nil }) {
            _ = Glibc.kill(-self.identifier, SIGKILL)
            var status: Int32 = 0
            _ = waitpid(self.identifier, &status, 0)
        }
        _ = close(self.outputDescriptor)
    }

    var ending: Ending? { self.state.withLock { $0.ending } }
    var output: String { self.state.withLock { String(decoding: $0.output, as: UTF8.self) } }
    var errors: String {
        FileManager.default.contents(atPath: self.errorFile).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    func signal(_ number: Int32) {
        if self.ending == nil { _ = Glibc.kill(self.identifier, number) }
    }

    /// Ends the process and everything it started, at once.
    func kill() {
        if self.ending == nil { _ = Glibc.kill(-self.identifier, SIGKILL) }
        _ = try? self.waitForEnd(seconds: 30)
    }

    /// Blocks until there is a whole line on standard output; nil when the output ended before.
    func waitForLine(seconds: Int) throws -> String? {
        try self.read(seconds: seconds) { state in state.output.contains(10) }
        let output = self.state.withLock { $0.output }
        guard let end = output.firstIndex(of: 10) else { return nil }
        return String(decoding: output[..<end], as: UTF8.self)
    }

    /// Blocks until the process has ended; kills it and throws when that takes too long.
    @discardableResult
    func waitForEnd(seconds: Int) throws -> Ending {
        if let ending = self.ending { return ending }
        do {
            try self.read(seconds: seconds) { _ in false }
        } catch {
            _ = Glibc.kill(-self.identifier, SIGKILL)
            _ = self.reap()
            throw error
        }
        return self.reap()
    }

    private func reap() -> Ending {
        self.state.withLock { state in
            if let ending = state.ending { return ending }
            var status: Int32 = 0
            while waitpid(self.identifier, &status, 0) < 0, errno == EINTR {}
            let number = status & 0x7F
            let ending: Ending = number == 0 ? .exited((status >> 8) & 0xFF) : .signaled(number)
            state.ending = ending
            return ending
        }
    }

    /// Reads standard output until `isEnough` or its end.
    private func read(seconds: Int, until isEnough: (State) -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while self.state.withLock({ !$0.isOutputClosed && !isEnough($0) }) {
            let remaining = ContinuousClock.now.duration(to: deadline)
            guard remaining > .zero else {
                throw Failure("Expected output or the end of process \(self.identifier) within \(seconds) s")
            }
            var request = pollfd(fd: self.outputDescriptor, events: Int16(POLLIN), revents: 0)
            let (whole, fraction) = remaining.components
            let milliseconds = Int32(clamping: whole * 1_000 + fraction / 1_000_000_000_000_000 + 1)
            guard poll(&request, 1, milliseconds) > 0 else { continue }
            let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                count = max(0, Glibc.read(self.outputDescriptor, buffer.baseAddress, buffer.count))
            }
            self.state.withLock { state in
                state.output += chunk
                state.isOutputClosed = chunk.isEmpty
            }
        }
    }
}

/// What a finished command left behind.
struct CommandResult: Sendable, CustomStringConvertible {
    let ending: ChildProcess.Ending
    let output: String
    let errors: String

    var lines: [String] { self.output.split(separator: "\n").map { String($0) } }
    var description: String { "\(self.ending)\n\(self.output)\n\(self.errors)" }
}

/// Runs a command to its end.
func run(
    _ arguments: [String],
    input: String? = nil,
    directory: String? = nil,
    environment: [String: String] = [:],
    seconds: Int = 60
) async throws -> CommandResult {
    try await onOwnThread {
        let folder = try Locations.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var inputFile = "/dev/null"
        if let input {
            inputFile = "\(folder)/input"
            try Data(input.utf8).write(to: URL(fileURLWithPath: inputFile))
        }
        let process = try ChildProcess(
            arguments,
            input: inputFile,
            directory: directory,
            environment: environment,
            errorFile: "\(folder)/errors"
        )
        let ending = try process.waitForEnd(seconds: seconds)
        return CommandResult(ending: ending, output: process.output, errors: process.errors)
    }
}
