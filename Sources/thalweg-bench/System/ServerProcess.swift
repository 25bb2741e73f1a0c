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

    let process: ChildProcess
    private(set) var port: UInt16 = 0
    private var output: Int32 = -1

    /// - Parameter arguments: all of them, `serve` included.
    init(_ executable: String, _ arguments: [String], logPath: String) throws {
        var pipeEnds: [Int32] = [-1, -1]
        guard pipe(&pipeEnds) == 0 else { throw BenchError.system("make a pipe") }
        for end in pipeEnds { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        do {
            self.process = try ChildProcess(
                executable,
                arguments,
                output: .descriptor(pipeEnds[1]),
                logPath: logPath
            )
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

    var processID: pid_t { self.process.processID }
    /// The monotonic time just before the process was made.
    var startTime: UInt64 { self.process.startTime }

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
        self.process.stop()
        self.closeOutput()
    }

    /// Ends the server as a crash would.
    func killNow() {
        self.process.killNow()
        self.closeOutput()
    }

    private func closeOutput() {
        if self.output >= 0 { close(self.output) }
        self.output = -1
    }
}
