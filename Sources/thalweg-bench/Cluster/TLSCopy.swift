import Glibc

/// A file through TLS 1.3 from one `openssl` to another, then synced: what any restore has to do at least.
struct TLSCopy {
    private let certificates: String
    private let folder: TemporaryFolder

    init(certificates: String, _ folder: TemporaryFolder) {
        self.certificates = certificates
        self.folder = folder
    }

    /// Copies the file once.
    func run(_ path: String) throws -> (seconds: Double, bytes: Int) {
        guard let bytes = Files.size(path), bytes > 0 else {
            throw BenchError("Expected a state to copy, but found '\(path)' empty")
        }
        let port = try FreePorts.find(1)[0]
        let name = path.split(separator: "/").last.map { String($0) } ?? ""
        let parent = try Files.absolute(String(path.dropLast(name.utf8.count + 1)))
        let certificates = try Files.absolute(self.certificates)
        let log = self.folder.newPath("openssl.log")
        let server = try ChildProcess(
            "sh",
            [
                "-c", "cd \"$1\" && shift && exec openssl \"$@\"", "sh", parent, "s_server", "-accept",
                "127.0.0.1:\(port)", "-cert", certificates + "/node.pem", "-key", certificates + "/node.key",
                "-tls1_3", "-WWW", "-quiet",
            ],
            logPath: log
        )
        defer { server.stop() }
        try self.waitUntilListening(Endpoint(port: port), server, log)
        let request = self.folder.newPath("request")
        try Files.write(Array("GET /\(name) HTTP/1.0\r\n\r\n".utf8), to: request)
        let copy = self.folder.newPath("copy")
        defer { unlink(copy) }
        let client = try ChildProcess(
            "openssl",
            ["s_client", "-connect", "127.0.0.1:\(port)", "-tls1_3", "-quiet"],
            input: request,
            output: .file(copy),
            logPath: log
        )
        _ = try client.wait(seconds: 600)
        let descriptor = open(copy, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0, fsync(descriptor) == 0 else { throw BenchError.system("sync '\(copy)'") }
        close(descriptor)
        let end = monotonicNanoseconds()
        // In front of it come some header fields.
        guard let copied = Files.size(copy), (bytes...(bytes + 4_096)).contains(copied) else {
            throw BenchError(
                "Expected a copy of \(bytes) bytes, but got \(Files.size(copy) ?? 0): \(Files.text(log) ?? "")"
            )
        }
        return ((end - client.startTime).seconds, bytes)
    }

    private func waitUntilListening(_ endpoint: Endpoint, _ server: ChildProcess, _ log: String) throws {
        for _ in 0..<500 {
            guard server.isRunning else { break }
            if (try? Connection(endpoint)) != nil { return }
            try pause(seconds: 0.01)
        }
        throw BenchError("Expected openssl to listen, but it does not: \(Files.text(log) ?? "")")
    }
}
