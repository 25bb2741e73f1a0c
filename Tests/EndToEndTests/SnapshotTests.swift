import Foundation
import JSON
import Testing

/// Nodes that get their state as a snapshot: one that joins, one whose own is damaged.
@Suite(.timeLimit(.minutes(3))) struct SnapshotTests {
    private static func createInstances(_ cluster: TestCluster) async throws {
        try await cluster[1].deploy(Locations.example("one-task"))
        for _ in 0..<5 {
            try await cluster[1].call(.post("/v2/process-instances", #"{"processDefinitionId":"one-task"}"#))
        }
    }

    /// How many instances a node shows.
    private static func count(_ server: TestServer) async throws -> Int64? {
        let reply = try await server.send(.post("/v2/process-instances/search"))
        return reply.status == 200 ? reply.json["page"]["totalItems"].int64Value : nil
    }

    @Test func `a node that joins gets the state as a snapshot, and then its vote`() async throws {
        try await TestCluster.with { cluster in
            try await cluster.start(1, 2, 3)
            try await Self.createInstances(cluster)
            try await cluster.issue(4)
            let data = "\(cluster.folder)/data4"
            let port = try TestCluster.freePorts(1)[0]
            try await cluster.command([
                "cluster", "join", "--data", data, "--certs", "\(cluster.folder)/certs4", "--address",
                "127.0.0.1:\(port)", "--server", cluster[1].url,
            ])
            let joiner = try TestServer(data: data)

            try await onOwnThread { try joiner.launch() }

            let promoted = try await cluster.client(["cluster", "promote", "4"], node: 1)
            #expect(promoted.ending == .exited(0), "\(promoted)\n\(joiner.log)")
            #expect(try await Self.count(joiner) == 5)
            #expect(joiner.log.contains("fetched a snapshot") && joiner.log.contains("installed a snapshot"))
            try await joiner.dispose()
        }
    }

    @Test func `a damaged state is replaced by the leader's, and what the node has promised stays`() async throws {
        try await TestCluster.with { cluster in
            try await cluster.start(1, 2, 3)
            _ = try await cluster.client(["cluster", "transfer-leader", "--to", "1"], node: 1)
            try await Self.createInstances(cluster)
            let busy = try await run([Locations.binary, "cluster", "reset-state", "--data", cluster[3].data])
            #expect(busy.ending == .exited(2) && busy.errors.contains("to be free"), "\(busy)")
            try await cluster[3].stop()
            for group in [0, 1] {
                let file = "\(cluster[3].data)/state/\(group)/0/state.db"
                try Data(repeating: 7, count: 65_536).write(to: URL(fileURLWithPath: file))
            }
            await #expect(throws: Failure.self) { try await onOwnThread { try cluster[3].launch() } }
            try await cluster[1].call(.post("/v2/process-instances", #"{"processDefinitionId":"one-task"}"#))

            let reset = try await cluster.command(["cluster", "reset-state", "--data", cluster[3].data])

            #expect(reset.lines.count == 3 && reset.output.contains("group 1: the state of node 1"), "\(reset)")
            try await onOwnThread { try cluster[3].launch() }
            for node in 1...3 { try await cluster.untilHealthy(node) }
            #expect(try await Self.count(cluster[3]) == 6)
            // It votes and leads like any other.
            let handed = try await cluster.client(["cluster", "transfer-leader", "--to", "3"], node: 1)
            #expect(handed.ending == .exited(0), "\(handed)")
            try await cluster[2].stop()
            try await cluster[3].call(.post("/v2/process-instances", #"{"processDefinitionId":"one-task"}"#))
            #expect(try await Self.count(cluster[1]) == 7)
        }
    }

    @Test func `what has no copy elsewhere, or a damaged log, is not thrown away`() async throws {
        let folder = try Locations.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestServer.with(data: "\(folder)/alone") { server in
            try await server.start()
            try await server.stop()
            let alone = try await run([Locations.binary, "cluster", "reset-state", "--data", server.data])
            #expect(alone.ending == .exited(2) && alone.errors.contains("data folder of a cluster's node"), "\(alone)")
        }
        let missing = try await run([Locations.binary, "cluster", "reset-state", "--data", "\(folder)/none"])
        #expect(missing.ending == .exited(2), "\(missing)")
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/none"))
        try await TestCluster.with { cluster in
            try await cluster.start(1, 2, 3)
            try await cluster[3].stop()
            let log = "\(cluster[3].data)/log"
            for name in try FileManager.default.contentsOfDirectory(atPath: log) where name.hasSuffix(".db") {
                let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(log)/\(name)"))
                try handle.seek(toOffset: 4_096)
                try handle.write(contentsOf: Data(repeating: 9, count: 65_536))
                try handle.close()
            }
            let damaged = try await run([Locations.binary, "cluster", "reset-state", "--data", cluster[3].data])
            #expect(damaged.ending == .exited(2) && damaged.errors.contains("cluster remove 3"), "\(damaged)")
            #expect(FileManager.default.fileExists(atPath: "\(cluster[3].data)/state/1/0/state.db"))
        }
    }
}
