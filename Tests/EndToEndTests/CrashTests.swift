import Foundation
import Synchronization
import Testing

/// The promise: what was acknowledged is never lost and never done twice, whenever the process is killed.
@Suite(.serialized)
struct CrashTests {
    /// Another number of rounds with `THALWEG_CRASH_ROUNDS`.
    private static let rounds = Self.number("THALWEG_CRASH_ROUNDS").map { Int($0) } ?? 50
    /// The same run again with `THALWEG_CRASH_SEED`.
    private static let seed = Self.number("THALWEG_CRASH_SEED") ?? UInt64.random(in: 0...UInt64.max)

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test(.timeLimit(.minutes(5)))
    func `kill -9 at random moments under load loses nothing and repeats nothing`() async throws {
        print("crash test: \(Self.rounds) rounds, THALWEG_CRASH_SEED=\(Self.seed)")
        try await TestServer.with { server in
            var random = SeededGenerator(seed: Self.seed)
            let ledger = Ledger()
            let clients = Clients(ledger: ledger, seed: Self.seed)
            defer { clients.gate.stop() }
            try await server.start()
            try await server.deploy(Locations.example("one-task"))
            try await server.deploy(Locations.example("message"))
            try await server.deploy(Locations.model("started-by-message"))

            clients.startProducers()
            clients.startWorkers()
            for round in 1...Self.rounds {
                try await self.round(round, server, clients, &random)
                guard ledger.snapshot.violations.isEmpty else { break }
            }
            try await self.drain(server, clients)

            let contents = ledger.snapshot
            #expect(contents.violations.isEmpty)
            let findings = try await CrashAudit(server: server, ledger: contents).atTheEnd()
            #expect(findings.isEmpty)
            let instances = contents.created.values.reduce(contents.starting.count) { $0 + $1.count }
            print(
                "crash test: \(instances) instances, \(contents.completedJobs.count) jobs, "
                    + "\(contents.starting.count + contents.correlated.count) messages acknowledged; "
                    + "\(contents.repeatedRequests) requests repeated, \(contents.lostRaces) completions lost to others"
            )
            // A run without work or without interruption would prove nothing.
            #expect(instances > 2 * Self.rounds)
            #expect(contents.repeatedRequests > 0)
        }
    }

    @Test
    func `the audit notices what is missing, what is there twice and what is there too much`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("one-task"))
            let first = try await server.create("one-task", variables: #"{"id":"a"}"#)
            _ = try await server.create("one-task", variables: #"{"id":"a"}"#)
            _ = try await server.create("one-task", variables: #"{"id":"b"}"#)
            for job in try await server.activate("work", limit: 3) { try await server.complete(job.text("jobKey")) }

            var ledger = Ledger.Contents()
            ledger.created["one-task"] = ["a": first, "c": "77"]
            ledger.starting["s"] = "78"
            ledger.completedJobs["79"] = first
            let audit = CrashAudit(server: server, ledger: ledger)
            let during = try await audit.duringTheRun().joined(separator: "\n")
            let after = try await audit.atTheEnd().joined(separator: "\n")

            #expect(during.contains("instance 77 (c of one-task) is missing"))
            #expect(during.contains("message s started no instance"))
            #expect(during.contains("completion of job 79 of instance \(first) is missing"))
            #expect(after.contains("a of one-task was started twice"))
            #expect(after.contains("b of one-task is there but not acknowledged"))
            #expect(after.contains("completed jobs are not those acknowledged"))
        }
    }

    /// Load, a kill at a random moment, a restart; now and then a kill while it starts, and an audit.
    private func round(
        _ number: Int,
        _ server: TestServer,
        _ clients: Clients,
        _ random: inout SeededGenerator
    ) async throws {
        clients.gate.open(server.port)
        try await Task.sleep(for: .milliseconds(Int.random(in: 20...600, using: &random)))
        try await server.kill()
        clients.gate.close()
        if number % 5 == 0 {
            // Recovery itself is interrupted, too.
            let delay = UInt32.random(in: 1_000...120_000, using: &random)
            try await onOwnThread {
                let process = try ChildProcess(server.command([]), errorFile: "\(server.folder)/log")
                usleep(delay)
                process.kill()
            }
        }
        try await server.start()
        if number % 10 == 0 {
            let findings = try await CrashAudit(server: server, ledger: clients.ledger.snapshot).duringTheRun()
            for finding in findings.prefix(10) { clients.ledger.violation("after round \(number): \(finding)") }
        }
    }

    /// Lets the clients finish what they began, and the workers do what is left.
    private func drain(_ server: TestServer, _ clients: Clients) async throws {
        clients.gate.open(server.port)
        clients.stopProducing()
        #expect(try await onOwnThread { clients.producers.join(seconds: 60) })
        _ = try await eventually("all instances ended", within: .seconds(60)) {
            try await server.search("process-instances", #"{"state":"ACTIVE"}"#, limit: 1).isEmpty ? true : nil
        }
        clients.gate.stop()
        #expect(try await onOwnThread { clients.workers.join(seconds: 60) })
    }
}

/// The threads of the crash test.
private final class Clients: Sendable {
    let ledger: Ledger
    /// Where the workers look for the server.
    let gate = ServerGate()
    let producers = ThreadGroup()
    let workers = ThreadGroup()
    private let seed: UInt64
    private let isProducing = Mutex(true)

    init(ledger: Ledger, seed: UInt64) {
        self.ledger = ledger
        self.seed = seed
    }

    func startProducers() {
        for number in 1...3 {
            self.producers.start { [self, gate, ledger, seed] in
                let isPublisher = number == 3
                let name = isPublisher ? "publisher" : "creator\(number)"
                var client = CrashClient(gate: gate, ledger: ledger, name: name, seed: seed &+ UInt64(number))
                client.isStopped = { gate.isStopped || !self.isProducing.withLock { $0 } }
                if isPublisher { client.publish() } else { client.create() }
            }
        }
    }

    func startWorkers() {
        for number in 1...2 {
            self.workers.start { [gate, ledger, seed] in
                var client = CrashClient(
                    gate: gate,
                    ledger: ledger,
                    name: "worker\(number)",
                    seed: seed &+ 100 &+ UInt64(number)
                )
                client.work()
            }
        }
    }

    func stopProducing() { self.isProducing.withLock { $0 = false } }
}
