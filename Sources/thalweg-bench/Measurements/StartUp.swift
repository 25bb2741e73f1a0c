/// How long a server takes until it answers that it is ready.
enum StartUp {
    private static let readyLimitSeconds = 60.0

    /// Starts a server and returns it with the seconds from its start to its first answer 200 to
    /// `GET /thalweg/v1/ready`.
    static func run(_ launcher: ServerLauncher, data: String, arguments: [String] = []) throws -> (
        ServerProcess, Double
    ) {
        let server = try launcher.start(data: data, arguments: arguments)
        let client = try SequentialClient(port: server.port)
        let request = client.requests.get("/thalweg/v1/ready")
        while true {
            let (status, _) = try client.exchange(request) { _ in }
            let seconds = (monotonicNanoseconds() - server.startTime).seconds
            if status == 200 { return (server, seconds) }
            guard seconds < Self.readyLimitSeconds else {
                throw BenchError("Expected a ready server within \(Self.readyLimitSeconds) s, but got status \(status)")
            }
            try pause(seconds: 0.001)
        }
    }

    /// The seconds of several starts, in order of size.
    static func times(_ launcher: ServerLauncher, count: Int, data: () -> String) throws -> [Double] {
        try (0..<count).map { _ in
            let (server, seconds) = try Self.run(launcher, data: data())
            server.stop()
            return seconds
        }.sorted()
    }
}
