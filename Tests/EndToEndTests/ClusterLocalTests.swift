import Foundation
import JSON
import Testing

/// `thalweg cluster local`: a cluster of real processes, and the commands that look after it.
@Suite
struct ClusterLocalTests {
    /// A running cluster: the process that supervises it, and where its nodes are.
    private struct Cluster: Sendable {
        let supervisor: ChildProcess
        let folder: String
        let urls: [String]

        /// The process of a node, as its lock file says.
        func process(_ node: Int) throws -> Int32 {
            let text = try String(contentsOfFile: "\(folder)/node-\(node)/data/lock", encoding: .utf8)
            guard let number = Int32(text.split(separator: "\n").first ?? "") else {
                throw Failure("Expected a process number in the lock, but got \(text)")
            }
            return number
        }

        func client(_ arguments: [String], node: Int = 1) async throws -> CommandResult {
            try await run([Locations.binary] + arguments + ["--server", urls[node - 1]])
        }

        func status(node: Int = 1) async throws -> JSONValue? {
            let result = try await client(["cluster", "status", "--json"], node: node)
            return try? JSONParser.parse(Array(result.output.utf8))
        }

        func untilHealthy(node: Int = 1) async throws {
            _ = try await eventually("a healthy cluster") {
                try await status(node: node)?["verdict"].stringValue == "healthy" ? true : nil
            }
        }

        /// The node that leads group 1.
        func leader(seenBy node: Int = 1) async throws -> Int {
            try await eventually("a leader") {
                let groups = try await status(node: node)?["status"]["groups"].arrayValue ?? []
                return groups.last?["leader"].int64Value.map { Int($0) }
            }
        }
    }

    private func withCluster(_ body: (Cluster) async throws -> Void) async throws {
        let parent = try Locations.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: parent) }
        let folder = "\(parent)/cluster"
        let supervisor = try ChildProcess(
            [Locations.binary, "cluster", "local", "--port", "0", "--data", folder],
            errorFile: "\(parent)/errors"
        )
        defer { supervisor.kill() }
        let urls = try await eventually("the ports of the nodes") { () -> [String]? in
            guard let bytes = FileManager.default.contents(atPath: "\(folder)/local.json") else { return nil }
            let nodes = try JSONParser.parse(Array(bytes))["nodes"].arrayValue ?? []
            return nodes.map { "http://127.0.0.1:\($0["httpPort"].int64Value ?? 0)" }
        }
        let cluster = Cluster(supervisor: supervisor, folder: folder, urls: urls)
        do {
            try await cluster.untilHealthy()
            try await body(cluster)
        } catch {
            print("--- \(supervisor.output.suffix(3_000))\n\(supervisor.errors)")
            throw error
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a local cluster survives its leader, which comes back by the printed command`() async throws {
        try await withCluster { cluster in
            let deployed = try await cluster.client(["deploy", Locations.example("one-task")], node: 2)
            #expect(deployed.ending == .exited(0), "\(deployed)")
            let leader = try await cluster.leader()
            let other = leader == 1 ? 2 : 1

            _ = sendSignal(try cluster.process(leader), 9)

            let started = try await cluster.client(["start", "one-task"], node: other)
            #expect(started.ending == .exited(0), "\(started)")
            #expect(try await cluster.leader(seenBy: other) != leader)
            #expect(try await cluster.status(node: other)?["verdict"].stringValue == "degraded")

            let command = try await eventually("the command to start it again") {
                let lines = cluster.supervisor.errors.split(separator: "\n")
                return lines.first { $0.hasPrefix("node \(leader) | was ended by signal 9") }?
                    .components(separatedBy: "another terminal:  ").last
            }
            let folder = try Locations.temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let again = try ChildProcess(["sh", "-c", "exec \(command)"], errorFile: "\(folder)/errors")
            defer { again.kill() }
            try await cluster.untilHealthy(node: leader)
            let instances = try await cluster.client(["instances", "--json"], node: leader)
            #expect(instances.output.contains("one-task"), "\(instances)")
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `an interrupt stops all nodes in order, and the end of the supervisor ends them, too`() async throws {
        for number in [SIGINT, SIGKILL] {
            try await withCluster { cluster in
                let processes = try [1, 2, 3].map { try cluster.process($0) }

                cluster.supervisor.signal(number)

                _ = try await eventually("the end of all nodes") {
                    processes.allSatisfy { sendSignal($0, 0) != 0 } ? true : nil
                }
                let ending = try await onOwnThread { try cluster.supervisor.waitForEnd(seconds: 30) }
                #expect(ending == (number == SIGINT ? .exited(0) : .signaled(SIGKILL)))
            }
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `members and leadership change by command`() async throws {
        try await withCluster { cluster in
            let leader = try await cluster.leader()
            let next = leader % 3 + 1

            let handed = try await cluster.client(["cluster", "transfer-leader", "--to", String(next)], node: leader)
            #expect(handed.ending == .exited(0), "\(handed)")
            #expect(try await cluster.leader() == next)

            let added = try await cluster.client(["cluster", "add", "4=127.0.0.1:1"])
            #expect(added.ending == .exited(0), "\(added)")
            let members = try await cluster.client(["cluster", "members", "--json"])
            #expect(members.output.contains(#""nodeId":4,"address":"127.0.0.1:1","role":"learner""#), "\(members)")

            // Nobody is there, so it gets no vote.
            let promoted = try await cluster.client(["cluster", "promote", "4", "--no-wait"])
            #expect(promoted.ending == .exited(1), "\(promoted)")
            let unknown = try await cluster.client(["cluster", "promote", "7", "--no-wait"])
            #expect(unknown.ending == .exited(1), "\(unknown)")

            let removed = try await cluster.client(["cluster", "remove", "4"])
            #expect(removed.ending == .exited(0), "\(removed)")
            try await cluster.untilHealthy()

            let none = try await cluster.client(["cluster", "transfer-leader", "--to", "9"])
            #expect(none.ending == .exited(1), "\(none)")
        }
    }
}

/// `kill(2)`.
private func sendSignal(_ process: Int32, _ number: Int32) -> Int32 { kill(process, number) }
