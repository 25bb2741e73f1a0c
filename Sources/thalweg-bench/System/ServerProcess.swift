import Glibc

/// How servers are started.
struct ServerLauncher {
    /// Path of the executable `thalweg`.
    let executable: String
    /// Where the servers' standard error goes.
    let logPath: String

    /// Starts a server and waits until it says on which port it listens.
    /// - Parameter arguments: what follows `serve --data FOLDER --port 0`.
    func start(data: String, arguments: [String] = []) throws -> ServerProcess {
        try ServerProcess(
            self.executable,
            ["serve", "--data", data, "--port", "0"] + arguments,
            logPath: self.logPath
        )
    }
}

/// A server started by this program, and ended by it.
final class ServerProcess {
    private static let startLimitSeconds = 120.0
    private static let stopLimitSeconds = 30.0

    let processID: pid_t
    /// The monotonic time just before the process was made.
    let startTime: UInt64
    private(set) var port: UInt16 = 0
    private var output: Int32 = -1
    private var isRunning = true

    fileprivate init(_ executable: String, _ arguments: [String], logPath: String) throws {
        var pipeEnds: [Int32] = [-1, -1]
        guard pipe(&pipeEnds) == 0 else { throw BenchError.system("make a pipe") }
        for end in pipeEnds { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        self.startTime = monotonicNanoseconds()
        do {
            self.processID = try Self.spawn(executable, arguments, output: pipeEnds[1], logPath: logPath)
        } catch {
            close(pipeEnds[0])
            close(pipeEnds[1])
            throw error
        }
        close(pipeEnds[1])
        self.output = pipeEnds[0]
        do {
            self.port = try self.announcedPort()
        } catch {
            self.stop()
            let log = Files.text(logPath).map { "\n" + $0.suffix(2000) } ?? ""
            throw BenchError("\(error)\(log)")
        }
    }

    deinit { self.stop() }

    private static func spawn(
        _ executable: String,
        _ arguments: [String],
        output: Int32,
        logPath: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 2, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)

        let environment = try Files.read("/proc/self/environ").split(separator: 0).map {
            String(decoding: $0, as: UTF8.self)
        }
        let argumentPointers = ([executable] + arguments).map { strdup($0) } + [nil]
        let environmentPointers = environment.map { strdup($0) } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var processID: pid_t = 0
        let code = posix_spawn(&processID, executable, &actions, nil, argumentPointers, environmentPointers)
        guard code == 0 else { throw BenchError.system("start '\(executable)'", code) }
        return processID
    }

    /// Reads the first line: `… is listening on http://127.0.0.1:PORT (…)`.
    private func announcedPort() throws -> UInt16 {
        let deadline = self.startTime + .nanoseconds(seconds: Self.startLimitSeconds)
        var line: [UInt8] = []
        while !line.contains(UInt8(ascii: "\n")) {
            try Interruption.check()
            guard monotonicNanoseconds() < deadline else {
                throw BenchError("Expected the server to listen within \(Self.startLimitSeconds) s, but it does not")
            }
            var descriptor = pollfd(fd: self.output, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, 100) > 0 else { continue }
            var buffer = [UInt8](repeating: 0, count: 512)
            let count = buffer.withUnsafeMutableBytes { read(self.output, $0.baseAddress, $0.count) }
            guard count > 0 else { throw BenchError("Expected the server to listen, but it ended; its log says:") }
            line += buffer[..<count]
        }
        let text = String(decoding: line, as: UTF8.self)
        guard let port = Self.port(in: text) else {
            throw BenchError("Expected a first line with 'http://HOST:PORT', but got '\(text)'")
        }
        return port
    }

    /// The port of the first URL in a text.
    static func port(in text: String) -> UInt16? {
        guard let scheme = text.firstRange(of: "http://") else { return nil }
        let authority = text[scheme.upperBound...].prefix { !$0.isWhitespace && $0 != "/" }
        guard let colon = authority.lastIndex(of: ":") else { return nil }
        return UInt16(authority[authority.index(after: colon)...])
    }

    /// Asks the server to end, and ends it if it has not done so in time.
    func stop() {
        guard self.isRunning else { return }
        self.isRunning = false
        kill(self.processID, SIGTERM)
        let deadline = monotonicNanoseconds() + .nanoseconds(seconds: Self.stopLimitSeconds)
        var status: Int32 = 0
        while waitpid(self.processID, &status, WNOHANG) == 0 {
            if monotonicNanoseconds() > deadline {
                Progress.line("server \(self.processID) does not end by itself and is killed")
                kill(self.processID, SIGKILL)
                waitpid(self.processID, &status, 0)
                break
            }
            usleep(2_000)
        }
        if self.output >= 0 { close(self.output) }
    }
}
