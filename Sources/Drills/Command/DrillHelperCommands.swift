import ArgumentParser
import Glibc

/// A worker in a process of its own; started by the drill.
struct DrillWorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "drill-worker", shouldDisplay: false)

    @Option var name: String
    @Option var log: String
    @Argument var addresses: [String]

    func run() async throws {
        let worker = WorkerProcess(
            addresses: self.addresses.compactMap { NodeAddress(url: $0) },
            name: self.name,
            log: self.log
        )
        try await onOwnThread { try worker.run() }
    }
}

/// Small questions that have to be asked from within a namespace or through a library; started by the drill.
struct DrillProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drill-probe",
        shouldDisplay: false,
        subcommands: [Sync.self, Clock.self, Send.self, Receive.self, Guard.self]
    )

    /// How long a write and a sync take, in nanoseconds.
    struct Sync: ParsableCommand {
        @Argument var path: String

        func run() throws {
            let descriptor = try OpenFile.appending(self.path)
            defer { close(descriptor) }
            let began = DrillClock.nanoseconds()
            var byte: UInt8 = 1
            _ = pwrite(descriptor, &byte, 1, 0)
            fsync(descriptor)
            print(DrillClock.nanoseconds() - began)
        }
    }

    /// The wall clock in seconds.
    struct Clock: ParsableCommand {
        func run() {
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            print(now.tv_sec)
        }
    }

    struct Send: ParsableCommand {
        @Option var host: String
        @Option var port: UInt16

        func run() throws { try LinkProbe.send(host: self.host, port: self.port) }
    }

    struct Receive: ParsableCommand {
        @Option var host: String
        @Option var port: UInt16
        @Option var seconds: Double

        func run() throws { try LinkProbe.receive(host: self.host, port: self.port, seconds: self.seconds) }
    }

    struct Guard: ParsableCommand {
        func run() {
            // Ctrl-C is for the drill alone; this process ends behind it.
            for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_IGN) }
            ProcessGuard.run()
        }
    }
}
