import Foundation
import JSON
import Testing

/// What a node says that falls behind.
@Suite(.serialized, .timeLimit(.minutes(3)), .enabled(if: SmallDisk.isAvailable, "mounting a tmpfs needs root"))
struct LagTests {
    @Test func `a follower whose disk is full says by how much it is behind, and who leads`() async throws {
        let disk = try SmallDisk(megabytes: 64)
        defer { disk.remove() }
        try await TestCluster.with(data: [3: "\(disk.path)/data"]) { cluster in
            try await cluster.start(1, 2, 3)
            _ = try await cluster.client(["cluster", "transfer-leader", "--to", "1"], node: 1)
            try await cluster[1].deploy(Locations.example("one-task"))
            let followers = try await cluster.status(2)["status"]["groups"].arrayValue ?? []
            #expect(followers.count == 2)
            for group in followers where group["role"].stringValue == "follower" {
                #expect((group["leaderSilenceMilliseconds"].int64Value ?? 10_000) < 5_000, "\(group)")
            }

            try disk.fill()
            let value = String(repeating: "x", count: 200_000)
            let body = #"{"processDefinitionId":"one-task","variables":{"text":"\#(value)"}}"#
            let reason = try await eventually("a follower that is behind", within: .seconds(60)) { () -> String? in
                for _ in 0..<20 { try await cluster[1].call(.post("/v2/process-instances", body)) }
                let reply = try await cluster[3].send(.post("/v2/process-instances/search"))
                return reply.status == 503 ? reply.json["detail"].stringValue : nil
            }

            #expect(reason.contains("node 3 is behind by "), "\(reason)")
            #expect(reason.contains("node 1, which leads"), "\(reason)")
            #expect(reason.contains("?consistency=stale"), "\(reason)")
            let groups = try await cluster.status(3)["status"]["groups"].arrayValue ?? []
            #expect((groups.last?["behind"].int64Value ?? 0) > 0, "\(groups)")

            disk.free()
            _ = try await eventually("a follower that has caught up", within: .seconds(60)) {
                try await cluster[3].send(.post("/v2/process-instances/search")).status == 200 ? true : nil
            }
        }
    }
}
