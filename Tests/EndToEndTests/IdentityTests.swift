import Foundation
import JSON
import Testing

/// Nodes whose identity is another's: a copied data folder, a folder that was formatted anew.
@Suite(.timeLimit(.minutes(3))) struct IdentityTests {
    @Test func `a copied data folder is refused while its original lives, and serves nothing`() async throws {
        try await TestCluster.with { cluster in
            // The copy listens elsewhere, as on another machine.
            let data = "\(cluster.folder)/copy"
            try FileManager.default.copyItem(atPath: cluster[2].data, toPath: data)
            let settings = "\(data)/cluster"
            let text = String(decoding: try Locations.contents(settings), as: UTF8.self)
            try text.replacing(#""listen":"127.0.0.1:"#, with: #""listen":"127.0.0.2:"#)
                .write(toFile: settings, atomically: true, encoding: .utf8)
            try await cluster.start(1, 2, 3)
            let copy = try TestServer(data: data)

            try await onOwnThread { try copy.launch() }

            let reason = try await eventually("the copy's reason") { () -> String? in
                let reply = try await copy.send(.get("/thalweg/v1/ready"))
                let detail = reply.json["detail"].stringValue ?? ""
                return reply.status == 503 && detail.contains("another process") ? detail : nil
            }
            #expect(reason.contains("folder was copied"))
            #expect(try await copy.send(.post("/v2/process-instances/search")).status == 503)
            #expect(try await copy.send(.post("/v2/process-instances/search?consistency=stale")).status == 503)
            #expect(copy.log.contains("another node or process has this node's identity"))
            let status = try await run([Locations.binary, "cluster", "status", "--server", copy.url])
            #expect(status.ending == .exited(1) && status.output.contains("another process"), "\(status)")
            let loud = [1, 3].filter { cluster[$0].log.contains("duplicateProcess") }
            #expect(!loud.isEmpty)
            for node in 1...3 { try await cluster.untilHealthy(node) }
            try await copy.dispose()

            // A crash and a new start of the original take no longer than ever.
            try await cluster[2].kill()
            try await onOwnThread { try cluster[2].launch() }
            try await cluster.untilHealthy(2)
        }
    }

    @Test func `a node that was formatted anew is refused by all that knew it, also after they started anew`()
        async throws
    {
        try await TestCluster.with { cluster in
            try await cluster.start(1, 2, 3)
            for node in [3, 2, 1] { try await cluster[node].stop() }
            try FileManager.default.removeItem(atPath: cluster[3].data)
            try await cluster.format(3)

            for node in [3, 2, 1] { try await onOwnThread { try cluster[node].launch() } }

            try await cluster.untilLogged(1, "duplicateNode", "thalweg cluster remove 3")
            try await cluster.untilLogged(2, "duplicateNode", "thalweg cluster remove 3")
            try await cluster.untilLogged(3, "this one serves nothing", "thalweg cluster join")
            let ready = try await cluster[3].send(.get("/thalweg/v1/ready"))
            #expect(ready.status == 503 && ready.text.contains("formatted anew"), "\(ready)")
            #expect(try await cluster[3].send(.post("/v2/process-instances/search?consistency=stale")).status == 503)

            // The others go on; once it is removed, nobody remembers its folder.
            let removed = try await cluster.client(["cluster", "remove", "3"], node: 1)
            #expect(removed.ending == .exited(0), "\(removed)")
            for node in [1, 2] {
                _ = try await eventually("a node that is forgotten by node \(node)") {
                    let text = String(decoding: try Locations.contents("\(cluster[node].data)/peers"), as: UTF8.self)
                    return text.contains(#""nodeId":3"#) ? nil : true
                }
            }
        }
    }
}
