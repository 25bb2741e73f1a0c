import Glibc

/// A process started by this program, and ended by it.
final class ChildProcess {
    private static let stopLimitSeconds = 30.0

    /// Where its standard output goes.
    enum Output {
        /// To the file that its standard error is appended to.
        case log
        /// To a new file.
        case file(String)
        /// To an open descriptor of this process.
        case descriptor(Int32)
    }

    let processID: pid_t
    /// The monotonic time just before the process was made.
    let startTime: UInt64
    /// How it ended; nil while it runs.
    private(set) var status: Int32?

    /// Starts `executable`, which is looked for as a shell would, with its standard error appended to `logPath`.
    /// - Parameters:
    ///   - input: the file to read from.
    ///   - output: where its standard output goes.
    init(
        _ executable: String,
        _ arguments: [String],
        input: String = "/dev/null",
        output: Output = .log,
        logPath: String
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        switch output {
        case .log: posix_spawn_file_actions_adddup2(&actions, 2, 1)
        case .file(let path):
            posix_spawn_file_actions_addopen(&actions, 1, path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        case .descriptor(let descriptor): posix_spawn_file_actions_adddup2(&actions, descriptor, 1)
        }

        // A group of its own: what a terminal sends to this program must not reach the servers before it does.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))

        let environment = try Files.read("/proc/self/environ").split(separator: 0).map {
            String(decoding: $0, as: UTF8.self)
        }
        let argumentPointers = ([executable] + arguments).map { strdup($0) } + [nil]
        let environmentPointers = environment.map { strdup($0) } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var processID: pid_t = 0
        self.startTime = monotonicNanoseconds()
        let code = posix_spawnp(&processID, executable, &actions, &attributes, argumentPointers, environmentPointers)
        guard code == 0 else { throw BenchError.system("start '\(executable)'", code) }
        self.processID = processID
    }

    deinit { self.stop() }

    /// Whether it has not ended yet.
    var isRunning: Bool {
        guard self.status == nil else { return false }
        var status: Int32 = 0
        guard waitpid(self.processID, &status, WNOHANG) == self.processID else { return true }
        self.status = status
        return false
    }

    /// Sends a signal if the process runs.
    func signal(_ number: Int32) {
        if self.isRunning { kill(self.processID, number) }
    }

    /// Waits until the process has ended by itself; ends it when that takes too long.
    /// - Returns: its exit code, or nil if a signal ended it.
    func wait(seconds: Double) throws -> Int32? {
        let deadline = monotonicNanoseconds() + .nanoseconds(seconds: seconds)
        while self.isRunning {
            guard monotonicNanoseconds() < deadline else {
                self.stop()
                throw BenchError("Expected process \(self.processID) to end within \(seconds) s, but it did not")
            }
            try pause(seconds: 0.002)
        }
        guard let status = self.status, status & 0x7F == 0 else { return nil }
        return (status >> 8) & 0xFF
    }

    /// Ends it at once.
    func killNow() {
        self.signal(SIGKILL)
        self.reap()
    }

    /// Asks the process to end, and ends it if it has not done so in time. Returns when it is gone.
    func stop() {
        guard self.isRunning else { return }
        kill(self.processID, SIGTERM)
        let deadline = monotonicNanoseconds() + .nanoseconds(seconds: Self.stopLimitSeconds)
        while self.isRunning {
            if monotonicNanoseconds() > deadline {
                Progress.line("process \(self.processID) does not end by itself and is killed")
                return self.killNow()
            }
            usleep(2_000)
        }
    }

    private func reap() {
        guard self.status == nil else { return }
        var status: Int32 = 0
        if waitpid(self.processID, &status, 0) == self.processID { self.status = status }
    }

    /// Runs a command to its end.
    /// - Returns: what it wrote to standard output.
    /// - Throws: unless its exit code is 0, with what it wrote to standard error.
    @discardableResult
    static func run(
        _ executable: String,
        _ arguments: [String],
        in folder: TemporaryFolder,
        seconds: Double = 60
    ) throws -> String {
        let output = folder.newPath("output")
        let log = folder.newPath("errors")
        defer {
            unlink(output)
            unlink(log)
        }
        let process = try ChildProcess(executable, arguments, output: .file(output), logPath: log)
        let code = try process.wait(seconds: seconds)
        guard code == 0 else {
            let command = ([executable] + arguments).joined(separator: " ")
            throw BenchError(
                "Expected exit code 0 of '\(command)', but got \(code.map { "\($0)" } ?? "a signal"): "
                    + (Files.text(log) ?? "")
            )
        }
        return Files.text(output) ?? ""
    }

    /// Whether there is such a program in the search path.
    static func isInstalled(_ name: String) -> Bool {
        guard let value = getenv("PATH") else { return false }
        return String(cString: value).split(separator: ":").contains { access("\($0)/\(name)", X_OK) == 0 }
    }
}
