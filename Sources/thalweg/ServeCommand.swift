import ArgumentParser
import CommandLineClient
import Foundation
import Glibc
import HTTPAPI
import Logging
import Node
import ServiceLifecycle
import UnixSignals

/// Runs a node until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run a server: one node that keeps its data in one folder.",
        discussion: """
            Without any option the server listens on 127.0.0.1:8080 only and keeps its data in ./thalweg-data. \
            It stops in good order on SIGTERM or Ctrl-C. After a crash or power cut just start it again: \
            everything that was acknowledged is there.

            EXAMPLES
              thalweg serve
              thalweg serve --data /var/lib/thalweg --port 9090
              thalweg serve --history-retention 30d
            """
    )

    @Option(name: .long, help: ArgumentHelp("The folder to keep all data in.", valueName: "folder"))
    var data = "./thalweg-data"

    @Option(name: .long, help: "The address to listen on. Any but a loopback address needs --insecure.")
    var host = "127.0.0.1"

    @Option(name: .long, help: "The port to listen on; 0 takes any free one and says which.")
    var port = 8080

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How long finished instances and the event history are kept, like 12h or 30d.",
            valueName: "duration"
        )
    )
    var historyRetention = "30d"

    @Option(name: .long, help: "What to log: trace, debug, info, notice, warning, error or critical.")
    var logLevel = "notice"

    @Flag(name: .long, help: "Listen on an address others can reach although there is no TLS and no login yet.")
    var insecure = false

    /// Whoever started this process holds the other end of its input, so it ends with them, however they end.
    @Flag(name: .long, help: .hidden)
    var stopAtEndOfInput = false

    @Flag(
        name: .long,
        help: "Start only with a data folder of a cluster: an empty one, on a lost disk, would be a server of its own."
    )
    var requireCluster = false

    @Option(name: .long, help: .hidden)
    var trapElement: [String] = []

    mutating func run() async throws {
        let retention = try retentionDuration()
        guard (0...65_535).contains(port) else {
            throw ValidationError("Expected a port of 0 to 65535, but got \(port).")
        }
        guard insecure || ["127.0.0.1", "::1", "localhost"].contains(host) else {
            throw ValidationError(
                "Expected a loopback address, but got '\(host)': this version has no TLS and no login, so everybody "
                    + "who can reach that address could do everything. Add --insecure if that is what you want."
            )
        }
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw ValidationError("Expected a log level like 'info' or 'warning', but got '\(logLevel)'.")
        }
        var logger = Logger(label: "thalweg") { LineLogHandler(label: $0) }
        logger.logLevel = level
        if requireCluster, try ClusterSettings.load(folder: data) == nil {
            throw ServeFailure(
                "Expected '\(data)' to be the data folder of a cluster's node, but it is not: if the disk was "
                    + "lost, remove the "
                    + "node from the cluster and let it join anew under another id (thalweg cluster join)"
            )
        }
        if stopAtEndOfInput { ServeCommand.watchInput() }
        try await serve(retention: retention, logger: logger)
    }

    private func serve(retention: Duration, logger: Logger) async throws {
        let (data, host) = (data, host)
        let configuration = NodeConfiguration(
            dataFolder: data,
            historyRetention: retention,
            host: host,
            version: ThalwegVersion.current,
            trappingElementIDs: Set(trapElement),
            onFailure: { reason in
                logger.critical(
                    "the node cannot go on and stops; start it again after correcting the cause",
                    metadata: ["reason": "\(reason)"]
                )
                // Whether the last write reached the disk is unknown: nothing more may be said to anybody.
                _exit(70)
            }
        )
        let node: ThalwegNode
        do {
            node = try ThalwegNode(configuration: configuration, logger: logger)
        } catch {
            throw ServeFailure("thalweg cannot start: \(error)")
        }
        let server = HTTPAPI.makeServer(
            configuration: HTTPAPIConfiguration(host: host, port: port),
            commands: node,
            queries: node,
            status: node,
            administration: node,
            logger: logger,
            onServerRunning: { port in
                node.setPort(port)
                let shownHost = host.contains(":") ? "[\(host)]" : host
                print(
                    "thalweg \(ThalwegVersion.current) is listening on http://\(shownHost):\(port) (data in \(data))"
                )
                fflush(nil)
            }
        )
        let group = ServiceGroup(
            configuration: .init(
                // Services end in reverse order: leadership is handed over while clients are still served.
                services: [
                    .init(service: server), .init(service: CertificateReload(node: node)),
                    .init(service: LeadershipHandover(node: node)),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        do {
            try await group.run()
            await node.stop()
        } catch {
            await node.stop()
            let isTaken = "\(error)".contains("Address already in use")
            throw ServeFailure(
                isTaken
                    ? "thalweg cannot listen on \(host) port \(port): another process listens there already; "
                        + "stop that one, or choose another port with --port"
                    : "thalweg cannot listen on \(host) port \(port): \(error)"
            )
        }
    }

    /// Asks this process to stop in order when its input ends.
    private static func watchInput() {
        let thread = Thread {
            var bytes = [UInt8](repeating: 0, count: 256)
            while true {
                let count = read(STDIN_FILENO, &bytes, bytes.count)
                if count == 0 || count < 0 && errno != EINTR { break }
            }
            _ = kill(getpid(), SIGTERM)
        }
        thread.start()
    }

    private func retentionDuration() throws -> Duration {
        let units: [(suffix: String, seconds: Int64)] = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]
        for (suffix, seconds) in units where historyRetention.hasSuffix(suffix) {
            if let number = Int64(historyRetention.dropLast()), (1...1_000_000).contains(number) {
                return .seconds(number * seconds)
            }
        }
        throw ValidationError("Expected a retention like 12h or 30d, but got '\(historyRetention)'.")
    }
}

/// Hands leadership to other nodes when the server is told to stop.
private struct LeadershipHandover: Service {
    var node: ThalwegNode

    func run() async throws {
        try? await gracefulShutdown()
        await node.handOver()
    }
}

/// Reads the certificates anew on SIGHUP.
private struct CertificateReload: Service {
    var node: ThalwegNode

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            node.reloadCertificates()
        }
    }
}

/// Why the server did not run.
struct ServeFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
