import Foundation
import Testing

@testable import CommandLineClient

@Suite struct LocalClusterTests {
    /// Runs `body` with the path of a folder that does not exist yet, and removes it behind it.
    private func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let parent = "\(FileManager.default.temporaryDirectory.path)/thalweg-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: parent) }
        return try await body("\(parent)/cluster")
    }

    /// A program for nodes: says its arguments, then runs `commands`.
    /// Written by another process: while this one had the file open for writing, a child that starts in that moment
    /// would inherit it, and as long as it is open nobody may execute it (`ETXTBSY`).
    private func program(_ folder: String, _ commands: String) throws -> String {
        let path = "\(folder).sh"
        let writer = Process()
        writer.executableURL = URL(fileURLWithPath: "/bin/sh")
        writer.arguments = [
            "-c", "printf '%s\n' \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh", path,
            "#!/bin/sh\necho \"args $*\"\n\(commands)",
        ]
        try writer.run()
        writer.waitUntilExit()
        try #require(writer.terminationStatus == 0, "the program could not be written")
        return path
    }

    private func refusal(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return String(describing: error)
        }
    }

    // MARK: Definition

    @Test func `the definition in cluster/local is the one without options`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let bytes = try Data(contentsOf: root.appending(path: "cluster/local/cluster.json"))

        let standard = try LocalClusterDefinition(count: 3, httpPort: 8_080)

        #expect(try LocalClusterDefinition(json: Array(bytes), source: "file") == standard)
        #expect(String(decoding: bytes, as: UTF8.self) == standard.json)
    }

    @Test func `a definition is written and read`() throws {
        var definition = try LocalClusterDefinition(count: 5, httpPort: 9_000)
        definition.serveOptions = ["--log-level", "info \"quoted\""]

        #expect(try LocalClusterDefinition(json: Array(definition.json.utf8), source: "x") == definition)
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"version":2,"nodes":[]}"#, #"{"version":1,"nodes":[]}"#,
        #"{"version":1,"nodes":[{"nodeId":1,"httpPort":1}]}"#,
        #"{"version":1,"nodes":[{"nodeId":0,"httpPort":1,"clusterPort":2}]}"#,
        #"{"version":1,"nodes":[{"nodeId":1,"httpPort":70000,"clusterPort":2}]}"#,
        #"{"version":1,"nodes":[{"nodeId":1,"httpPort":5,"clusterPort":5}]}"#,
        #"{"version":1,"nodes":[{"nodeId":1,"httpPort":1,"clusterPort":2,"x":3}]}"#,
        #"{"version":1,"x":1,"nodes":[{"nodeId":1,"httpPort":1,"clusterPort":2}]}"#,
        #"{"version":1,"serveOptions":[1],"nodes":[{"nodeId":1,"httpPort":1,"clusterPort":2}]}"#,
        #"{"version":1,"nodes":[{"nodeId":1,"httpPort":1,"clusterPort":2},{"nodeId":1,"httpPort":3,"clusterPort":4}]}"#,
    ])
    func `a wrong definition is refused with its file`(_ text: String) {
        let text = refusal { _ = try LocalClusterDefinition(json: Array(text.utf8), source: "some.json") }

        #expect(text.hasPrefix("Expected") && text.contains("'some.json'"), "\(text)")
    }

    @Test(arguments: [(0, 8_080), (10, 8_080), (3, -1), (3, 65_534)])
    func `wrong numbers are refused`(_ count: Int, _ port: Int) {
        #expect(refusal { _ = try LocalClusterDefinition(count: count, httpPort: port) }.hasPrefix("Expected"))
    }

    // MARK: Folder

    @Test func `ports are chosen once and remembered`() async throws {
        try await withFolder { folder in
            let wanted = try LocalClusterDefinition(count: 3, httpPort: 0)

            let first = try LocalCluster(folder: folder, wanted: wanted, isFresh: false)
            let second = try LocalCluster(folder: folder, wanted: nil, isFresh: false)
            let third = try LocalCluster(folder: folder, wanted: wanted, isFresh: false)

            let ports = first.definition.nodes.flatMap { [$0.httpPort, $0.clusterPort] }
            #expect(Set(ports).count == 6)
            #expect(!ports.contains(0))
            #expect(second.definition == first.definition)
            #expect(third.definition == first.definition)
        }
    }

    @Test func `a cluster port that is taken is replaced, an HTTP port is not`() async throws {
        try await withFolder { folder in
            let taken = try BoundPort()
            defer { taken.close() }
            let port = Int(taken.number)
            let wanted = LocalClusterDefinition(nodes: [.init(nodeID: 1, httpPort: 1, clusterPort: port)])

            let cluster = try LocalCluster(folder: folder, wanted: wanted, isFresh: false)

            #expect(cluster.definition.nodes[0].clusterPort != port)
            #expect(cluster.definition.nodes[0].httpPort == 1)
        }
    }

    @Test func `other nodes than the folder's are refused until it is made anew`() async throws {
        try await withFolder { folder in
            _ = try LocalCluster(folder: folder, wanted: .init(count: 3, httpPort: 0), isFresh: false)
            try FileManager.default.createDirectory(
                atPath: "\(folder)/node-1/data",
                withIntermediateDirectories: true
            )
            let five = try LocalClusterDefinition(count: 5, httpPort: 0)

            let text = refusal { _ = try LocalCluster(folder: folder, wanted: five, isFresh: false) }
            #expect(text.contains("--fresh"), "\(text)")

            let fresh = try LocalCluster(folder: folder, wanted: five, isFresh: true)
            #expect(fresh.definition.nodes.count == 5)
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/node-1"))
        }
    }

    @Test func `what is no such cluster is not thrown away`() async throws {
        try await withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data("dear".utf8).write(to: URL(fileURLWithPath: "\(folder)/letter"))

            let text = refusal { _ = try LocalCluster(folder: folder, wanted: nil, isFresh: true) }

            #expect(text.contains("removes only what this command has made"), "\(text)")
            #expect(FileManager.default.fileExists(atPath: "\(folder)/letter"))
        }
    }

    // MARK: Running

    @Test(.timeLimit(.minutes(10)))
    func `nodes that all end by themselves are an error`() async throws {
        try await withFolder { folder in
            let cluster = try LocalCluster(folder: folder, wanted: .init(count: 3, httpPort: 0), isFresh: false)
            let binary = try program(folder, "exit 7")

            let error = await #expect(throws: LocalClusterError.self) { try await cluster.run(binary: binary) }

            #expect(error?.description.contains("every node has ended by itself") == true)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a program that is not there is an error`() async throws {
        try await withFolder { folder in
            let cluster = try LocalCluster(folder: folder, wanted: .init(count: 2, httpPort: 0), isFresh: false)

            await #expect(throws: LocalClusterError.self) { try await cluster.run(binary: "\(folder)/nothing") }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a node is started with its folder and port and keeps its input open`() async throws {
        try await withFolder { folder in
            var wanted = try LocalClusterDefinition(count: 1, httpPort: 0)
            wanted.serveOptions = ["--log-level", "info"]
            let cluster = try LocalCluster(folder: folder, wanted: wanted, isFresh: false)
            // Its input has no end as long as the cluster runs: reading would wait.
            let binary = try program(
                folder,
                "echo \"$*\" > '\(folder)/seen'; timeout 0.2 cat; echo $? >> '\(folder)/seen'; exit 1"
            )

            try? await cluster.run(binary: binary)

            let seen = try String(contentsOfFile: "\(folder)/seen", encoding: .utf8).split(separator: "\n")
            let node = cluster.definition.nodes[0]
            #expect(
                seen.first.map(String.init)
                    == "serve --data \(cluster.dataFolder(node)) --port \(node.httpPort) --log-level info "
                    + "--stop-at-end-of-input"
            )
            #expect(seen.last == "124")
        }
    }

    @Test func `output is cut into lines, also where none ends`() {
        var splitter = LineSplitter()

        #expect(splitter.lines(adding: Array("a\nb".utf8)) == ["a"])
        #expect(splitter.lines(adding: Array("c\n\nd".utf8)) == ["bc", ""])
        #expect(splitter.end() == "d")
        #expect(splitter.end() == nil)
        let long = [UInt8](repeating: 120, count: LineSplitter.lineBytesLimit * 2 + 1)
        #expect(splitter.lines(adding: long).map(\.count) == [16_384, 16_384])
        #expect(splitter.end() == "x")
    }
}
