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
}
