import Foundation
import Glibc
import JSON

/// Three nodes that are started and stopped one by one, each a process of its own with certificates and a data folder.
/// All goes with the test.
final class TestCluster: Sendable {
    let folder: String
    /// By node, from 1 on.
    private let servers: [TestServer]
    private let members: String

    private init(_ places: [Int: String]) throws {
        folder = try Locations.temporaryFolder()
        members = try Self.freePorts(3).enumerated().map { "\($0 + 1)=127.0.0.1:\($1)" }.joined(separator: ",")
        servers = try (1...3).map { [folder] in try TestServer(data: places[$0] ?? "\(folder)/data\($0)") }
    }

    /// Runs `body` with three formatted nodes that are not started yet. When it fails, the logs' ends are printed.
    ///
    /// - Parameter places: data folders of nodes that have to be at a certain place.
    static func with(data places: [Int: String] = [:], _ body: (TestCluster) async throws -> Void) async throws {
        let cluster = try TestCluster(places)
        var failure: (any Error)?
        do {
            try await cluster.command(["certs", "create-ca", "--out", "\(cluster.folder)/ca"])
            for node in 1...3 {
                try await cluster.issue(node)
                try await cluster.format(node)
            }
            try await body(cluster)
        } catch {
            failure = error
            for (index, server) in cluster.servers.enumerated() {
                let tail = server.log.split(separator: "\n", omittingEmptySubsequences: false).suffix(25)
                print("--- node \(index + 1)\n" + tail.joined(separator: "\n") + "\n---")
            }
        }
        for server in cluster.servers { try await server.dispose() }
        try? FileManager.default.removeItem(atPath: cluster.folder)
        if let failure { throw failure }
    }

    subscript(node: Int) -> TestServer { servers[node - 1] }

    /// Ports that nobody has at this moment, all different, and below those that the system gives to outgoing
    /// connections: one of another test could take a port before its server has it.
    static func freePorts(_ count: Int) throws -> [UInt16] {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        var ports: [UInt16] = []
        for _ in 0..<1_000 where ports.count < count {
            let port = UInt16.random(in: 15_000...30_000)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            sockets.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let isFree = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                    bind(descriptor, raw, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            if isFree { ports.append(port) }
        }
        guard ports.count == count else { throw Failure("Expected \(count) free ports, but found \(ports.count)") }
        return ports
    }

    // MARK: Commands

    @discardableResult
    func command(_ arguments: [String]) async throws -> CommandResult {
        let result = try await run([Locations.binary] + arguments)
        guard result.ending == .exited(0) else {
            throw Failure("Expected success of \(arguments.joined(separator: " ")), but got \(result)")
        }
        return result
    }

    /// Makes the certificate of a node, in `certs<node>`.
    func issue(_ node: Int) async throws {
        try await command([
            "certs", "create-node", "--ca", "\(folder)/ca", "--node", "\(node)", "--host", "127.0.0.1", "--out",
            "\(folder)/certs\(node)",
        ])
    }

    /// Formats a founder's data folder.
    func format(_ node: Int) async throws {
        try await command([
            "cluster", "init", "--data", self[node].data, "--certs", "\(folder)/certs\(node)", "--members", members,
        ])
    }

    /// Asks a node something with the client.
    func client(_ arguments: [String], node: Int) async throws -> CommandResult {
        try await run([Locations.binary] + arguments + ["--server", self[node].url])
    }

    // MARK: Running

    /// Starts nodes and waits until each of them listens, and all are well.
    func start(_ nodes: Int...) async throws {
        for node in nodes { try await onOwnThread { try self[node].launch() } }
        for node in nodes { try await untilHealthy(node) }
    }

    func status(_ node: Int) async throws -> JSONValue {
        let result = try await client(["cluster", "status", "--json"], node: node)
        return (try? JSONParser.parse(Array(result.output.utf8))) ?? .null
    }

    /// Waits until a node sees all members and a leader of each group.
    func untilHealthy(_ node: Int) async throws {
        _ = try await eventually("a healthy cluster seen by node \(node)", within: .seconds(40)) {
            try await status(node)["verdict"].stringValue == "healthy" ? true : nil
        }
    }

    func untilLogged(_ node: Int, _ words: String...) async throws {
        _ = try await eventually("a line of node \(node) with \(words)", within: .seconds(40)) {
            self[node].log.split(separator: "\n").contains { line in words.allSatisfy { line.contains($0) } }
                ? true : nil
        }
    }
}
