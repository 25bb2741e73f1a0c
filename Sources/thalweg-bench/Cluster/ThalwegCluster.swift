import Glibc
import JSON

/// A cluster of servers on this machine, made with the commands that operators use.
final class ThalwegCluster {
    /// The group that process instances belong to.
    static let group = 1
    private static let readyLimitSeconds = 60.0

    /// One node, running or not.
    final class Node {
        let number: Int
        let place: NodePlace
        let data: String
        let certificates: String
        let peerPort: UInt16
        let logPath: String
        fileprivate(set) var server: ServerProcess?

        fileprivate init(_ number: Int, _ place: NodePlace, peerPort: UInt16, folder: String) {
            self.number = number
            self.place = place
            self.data = "\(folder)/data\(number)"
            self.certificates = "\(folder)/certificates\(number)"
            self.peerPort = peerPort
            self.logPath = "\(folder)/node\(number).log"
        }

        var peerAddress: String { "\(self.place.peerHost):\(self.peerPort)" }

        /// Where clients reach it; nil while it does not run.
        var endpoint: Endpoint? { self.server.map { Endpoint(host: self.place.clientHost, port: $0.port) } }

        /// What a node says about the group of process instances; nil while it does not answer.
        func status() throws -> GroupStatus? {
            guard let endpoint = self.endpoint, let client = try? SequentialClient(endpoint) else { return nil }
            let answer = try client.json(client.requests.get("/thalweg/v1/cluster/status"))
            for value in answer.objectValue?["groups"]?.arrayValue ?? [] {
                guard let group = value.objectValue, group["group"]?.int64Value == Int64(ThalwegCluster.group),
                    let commitIndex = group["commitIndex"]?.int64Value,
                    let appliedIndex = group["appliedIndex"]?.int64Value
                else { continue }
                return GroupStatus(
                    leader: group["leader"]?.int64Value.map { Int($0) },
                    commitIndex: Int(commitIndex),
                    appliedIndex: Int(appliedIndex)
                )
            }
            throw BenchError(
                "Expected the status of group \(ThalwegCluster.group) of node \(self.number), but got \(answer)"
            )
        }

        /// How often its log has this text.
        func countInLog(_ text: String) -> Int { (Files.text(self.logPath) ?? "").ranges(of: text).count }
    }

    /// What a node says about one group.
    struct GroupStatus {
        var leader: Int?
        var commitIndex: Int
        var appliedIndex: Int
    }

    let executable: String
    private let folder: TemporaryFolder
    private let path: String
    private(set) var nodes: [Node] = []

    /// Makes certificates and data folders for one node at each place, and starts them.
    init(_ executable: String, in folder: TemporaryFolder, at places: [NodePlace]) throws {
        self.executable = executable
        self.folder = folder
        self.path = folder.newPath("cluster")
        try Files.makeFolder(self.path)
        let ports = try FreePorts.find(places.count)
        self.nodes = zip(places, ports).enumerated().map { offset, node in
            Node(offset + 1, node.0, peerPort: node.1, folder: self.path)
        }
        try self.command(["certs", "create-ca", "--out", self.authority])
        let members = self.nodes.map { "\($0.number)=\($0.peerAddress)" }.joined(separator: ",")
        for node in self.nodes {
            try self.makeCertificate(node)
            try self.command([
                "cluster", "init", "--data", node.data, "--certs", node.certificates, "--members", members,
            ])
        }
        for node in self.nodes { try self.start(node) }
        try self.waitUntilLevel()
    }

    deinit { self.stop() }

    private var authority: String { "\(self.path)/authority" }

    private func command(_ arguments: [String]) throws {
        try ChildProcess.run(self.executable, arguments, in: self.folder)
    }

    private func makeCertificate(_ node: Node) throws {
        try self.command([
            "certs", "create-node", "--ca", self.authority, "--node", "\(node.number)", "--host", node.place.peerHost,
            "--out", node.certificates,
        ])
    }

    // MARK: Nodes

    /// Starts a node and waits until it listens.
    func start(_ node: Node) throws {
        var arguments = ["serve", "--data", node.data, "--host", node.place.clientHost, "--port", "0"]
        if node.place.namespace != nil { arguments.append("--insecure") }
        node.server = try node.place.within {
            try ServerProcess(self.executable, arguments, logPath: node.logPath)
        }
    }

    /// Stops a node in good order.
    func stop(_ node: Node) {
        node.server?.stop()
        node.server = nil
    }

    /// Takes leave of a node that was sent SIGKILL.
    func bury(_ node: Node) {
        node.server?.killNow()
        node.server = nil
    }

    /// Stops all nodes. The followers go first: nobody has to take over.
    func stop() {
        let leader = try? self.leader().number
        for node in self.nodes where node.number != leader { self.stop(node) }
        for node in self.nodes { self.stop(node) }
    }

    /// Formats the folder of a further node and asks the cluster to take it; it is not started.
    func join(at place: NodePlace) throws -> Node {
        let port = try FreePorts.find(1)[0]
        let node = Node(self.nodes.count + 1, place, peerPort: port, folder: self.path)
        try self.makeCertificate(node)
        let server = try self.leader()
        guard let endpoint = server.endpoint else { throw BenchError("Expected a running leader, but it has ended") }
        try self.command([
            "cluster", "join", "--data", node.data, "--certs", node.certificates, "--address", node.peerAddress,
            "--server", "http://\(endpoint.host):\(endpoint.port)",
        ])
        self.nodes.append(node)
        return node
    }

    var runningNodes: [Node] { self.nodes.filter { $0.server != nil } }
    var endpoints: [Endpoint] { self.nodes.compactMap(\.endpoint) }
    var processIDs: [pid_t] { self.nodes.compactMap { $0.server?.processID } }

    // MARK: What they say

    /// What a node says about the group of process instances; nil while it does not answer.
    func status(of node: Node) throws -> GroupStatus? { try node.status() }

    /// The node that leads the group of process instances.
    /// - Throws: when there is none.
    func leader() throws -> Node {
        for node in self.runningNodes {
            guard let number = try self.status(of: node)?.leader else { continue }
            if let leader = self.runningNodes.first(where: { $0.number == number }) { return leader }
        }
        throw BenchError("Expected a node that leads group \(Self.group), but found none")
    }

    /// Where the leader's HTTP port is.
    func leaderEndpoint() throws -> Endpoint {
        guard let endpoint = try self.leader().endpoint else {
            throw BenchError("Expected a leader, but it has ended")
        }
        return endpoint
    }

    /// Whether all running nodes name the same running leader and none is more than `lag` entries behind it.
    func isLevel(lag: Int = 0) throws -> Bool {
        let found = try self.runningNodes.map { try self.status(of: $0) }
        let statuses = found.compactMap { $0 }
        guard statuses.count == found.count, let leader = statuses.first?.leader,
            statuses.allSatisfy({ $0.leader == leader }), self.runningNodes.contains(where: { $0.number == leader }),
            let most = statuses.map(\.commitIndex).max(), let least = statuses.map(\.appliedIndex).min()
        else { return false }
        return most - least <= lag
    }

    /// Waits until all running nodes are level and answer that they are ready.
    func waitUntilLevel(lag: Int = 0, meanwhile: () throws -> Void = { try pause(seconds: 0.01) }) throws {
        let end = monotonicNanoseconds() + .nanoseconds(seconds: Self.readyLimitSeconds)
        while true {
            if try self.isLevel(lag: lag), try self.runningNodes.allSatisfy({ try self.isReady($0) }) { return }
            guard monotonicNanoseconds() < end else {
                let log = self.nodes.map { "node \($0.number): " + (Files.text($0.logPath) ?? "").suffix(1_000) }
                throw BenchError(
                    "Expected a healthy cluster within \(Self.readyLimitSeconds) s, but got none\n"
                        + log.joined(separator: "\n")
                )
            }
            try meanwhile()
        }
    }

    private func isReady(_ node: Node) throws -> Bool {
        guard let endpoint = node.endpoint, let client = try? SequentialClient(endpoint) else { return false }
        return try client.exchange(client.requests.get("/thalweg/v1/ready")) { _ in }.0 == 200
    }

    /// Committed events that a node has counted since it started.
    func eventCount(of node: Node) throws -> Int {
        guard let endpoint = node.endpoint else { return 0 }
        let client = try SequentialClient(endpoint)
        let (_, text) = try client.exchange(client.requests.get("/metrics")) { String(decoding: $0, as: UTF8.self) }
        let name = "thalweg_events_total{group=\"\(Self.group)\"} "
        guard let range = text.firstRange(of: name), let count = Int(text[range.upperBound...].prefix { $0 != "\n" })
        else { throw BenchError("Expected '\(name)' among the metrics, but it is not there") }
        return count
    }

    /// Deploys a model through the leader and waits until every node has it.
    /// - Returns: the key of the definition.
    func deploy(_ model: Model) throws -> String {
        guard let endpoint = try self.leader().endpoint else { throw BenchError("Expected a leader, but it has ended") }
        let key = try model.deploy(SequentialClient(endpoint))
        try self.waitUntilLevel()
        return key
    }
}
