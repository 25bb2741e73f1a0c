import Foundation
import JSON
import Testing

/// What keeps a server from starting is said in words, and harms nobody.
@Suite
struct DataFolderTests {
    @Test
    func `a data folder that another process uses is refused and that process goes on`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.deploy(Locations.example("one-task"))

            let second = try await run(server.command([]))

            #expect(second.ending != .exited(0))
            #expect(second.output.isEmpty)
            #expect(second.errors.contains("another process uses it"), "\(second)")
            #expect(second.errors.contains("--data"))
            #expect(try await server.create("one-task").isEmpty == false)
        }
    }

    @Test
    func `a data folder of a newer version is refused and left as it is`() async throws {
        try await TestServer.with { server in
            try await server.start()
            try await server.stop()
            let format = URL(fileURLWithPath: "\(server.data)/format")
            try Data("999\n".utf8).write(to: format)

            let refused = try await run(server.command([]))

            #expect(refused.ending != .exited(0))
            #expect(refused.errors.contains("newer version"), "\(refused)")
            #expect(refused.errors.contains("999"))
            #expect(try String(contentsOf: format, encoding: .utf8) == "999\n")
        }
    }

    @Test
    func `a port that is taken is named in the error`() async throws {
        try await TestServer.with { server in
            try await server.start()
            let folder = try Locations.temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }

            let second = try await run([
                Locations.binary, "serve", "--data", "\(folder)/data", "--port", String(server.port),
            ])

            #expect(second.ending != .exited(0))
            #expect(second.errors.contains(String(server.port)), "\(second)")
            #expect(second.errors.lowercased().contains("another process listens there already"), "\(second)")
            #expect(try await server.send(.get("/v2/topology")).status == 200)
        }
    }

    @Test
    func `an address that others can reach needs --insecure`() async throws {
        let folder = try Locations.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }

        let refused = try await run([
            Locations.binary, "serve", "--data", "\(folder)/data", "--host", "0.0.0.0", "--port", "0",
        ])

        #expect(refused.ending == .exited(2))
        #expect(refused.errors.contains("--insecure"), "\(refused)")
    }

    @Test(arguments: [
        ["--port", "70000"], ["--history-retention", "soon"], ["--log-level", "loud"], ["--unknown"],
    ])
    func `a wrong option is a usage error`(options: [String]) async throws {
        let folder = try Locations.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }

        let refused = try await run([Locations.binary, "serve", "--data", "\(folder)/data"] + options)

        #expect(refused.ending == .exited(2), "\(refused)")
        #expect(!refused.errors.isEmpty)
    }

    @Test
    func `a file in the place of the data folder is named in the error`() async throws {
        let folder = try Locations.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("not a folder".utf8).write(to: URL(fileURLWithPath: "\(folder)/data"))

        let refused = try await run([Locations.binary, "serve", "--data", "\(folder)/data", "--port", "0"])

        #expect(refused.ending != .exited(0))
        #expect(refused.errors.contains("\(folder)/data"), "\(refused)")
    }
}
