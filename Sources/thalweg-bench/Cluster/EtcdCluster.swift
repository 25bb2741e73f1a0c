import Glibc
import JSON

/// Three members of etcd on this machine: TLS between them, none to clients, everything else as it comes.
final class EtcdCluster {
    /// A put as many clients send it: key and value have these sizes.
    static let keyBytes = 8
    static let valueBytes = 256
    private static let readyLimitSeconds = 60.0

    /// What one run of puts came to.
    struct Puts {
        var count = 0
        var perSecond = 0.0
        /// Mean time of a put in microseconds.
        var meanMicroseconds = 0.0
        /// Processor time of the members, in cores.
        var cores = 0.0
    }

    private struct Member {
        let process: ChildProcess
        let endpoint: Endpoint
    }

    private let folder: TemporaryFolder
    private let body: String
    private var members: [Member] = []

    /// What is missing on this machine, if anything.
    static var missing: String? {
        if !ChildProcess.isInstalled("etcd") { return "etcd is not installed (Debian: etcd-server)" }
        if !ChildProcess.isInstalled("h2load") { return "h2load is not installed (Debian: nghttp2-client)" }
        return nil
    }

    /// Starts one member at each place, with the certificates of the nodes there.
    init(in folder: TemporaryFolder, like nodes: [ThalwegCluster.Node]) throws {
        self.folder = folder
        self.body = folder.newPath("put")
        try Files.write(Self.putRequest(), to: self.body)
        let path = folder.newPath("etcd")
        try Files.makeFolder(path)
        let ports = try FreePorts.find(2 * nodes.count)
        func peer(_ offset: Int) -> String { "https://\(nodes[offset].place.peerHost):\(ports[offset])" }
        let cluster = nodes.indices.map { "member\($0 + 1)=\(peer($0))" }.joined(separator: ",")
        for (offset, node) in nodes.enumerated() {
            let endpoint = Endpoint(host: node.place.clientHost, port: ports[nodes.count + offset])
            let client = "http://\(endpoint.host):\(endpoint.port)"
            let arguments = [
                "--name", "member\(offset + 1)", "--data-dir", "\(path)/data\(offset + 1)",
                "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer(offset), "--initial-advertise-peer-urls", peer(offset),
                "--initial-cluster", cluster, "--initial-cluster-state", "new",
                "--initial-cluster-token", "thalweg-bench-\(getpid())", "--peer-client-cert-auth",
                "--peer-cert-file", node.certificates + "/node.pem", "--peer-key-file", node.certificates + "/node.key",
                "--peer-trusted-ca-file", node.certificates + "/ca.pem",
            ]
            let process = try node.place.within {
                try ChildProcess("etcd", arguments, logPath: "\(path)/member\(offset + 1).log")
            }
            self.members.append(Member(process: process, endpoint: endpoint))
        }
        try self.waitUntilReady(logs: path)
    }

    deinit { self.stop() }

    func stop() { for member in self.members { member.process.stop() } }

    var endpoints: [Endpoint] { self.members.map(\.endpoint) }

    // MARK: Puts

    /// Puts through all of `endpoints` at the same time, for some seconds.
    /// - Throws: unless etcd's revision has grown by what was answered.
    func put(clients: Int, through endpoints: [Endpoint], seconds: Double) throws -> Puts {
        let before = try self.revision()
        let start = monotonicNanoseconds()
        let processIDs = self.members.map(\.process.processID)
        let consumption = Consumption.current(servers: processIDs)
        var runs: [(process: ChildProcess, output: String)] = []
        for (offset, endpoint) in endpoints.enumerated() {
            let share = clients / endpoints.count + (offset < clients % endpoints.count ? 1 : 0)
            guard share > 0 else { continue }
            let output = self.folder.newPath("h2load")
            let arguments = [
                "-c", "\(share)", "-m", "1", "-t", "1", "-D", "\(max(1, Int(seconds.rounded())))", "-d", self.body,
                "-H", "content-type: application/grpc", "-H", "te: trailers",
                "http://\(endpoint.host):\(endpoint.port)/etcdserverpb.KV/Put",
            ]
            let process = try ChildProcess("h2load", arguments, output: .file(output), logPath: output + ".errors")
            runs.append((process, output))
        }
        var total = Puts()
        for run in runs {
            let code = try run.process.wait(seconds: seconds + 60)
            let text = Files.text(run.output) ?? ""
            guard code == 0, let puts = Self.parse(text) else {
                throw BenchError("Expected h2load to report its requests, but got: \(text.suffix(2_000))")
            }
            total.meanMicroseconds += puts.meanMicroseconds * puts.perSecond
            total.perSecond += puts.perSecond
            total.count += puts.count
        }
        let used = Consumption.current(servers: processIDs) - consumption
        total.cores = used.serverProcessorSeconds / (monotonicNanoseconds() - start).seconds
        if total.perSecond > 0 { total.meanMicroseconds /= total.perSecond }
        // The answers to the last requests were not waited for. A gRPC error has status 200, too: only this tells.
        let written = try self.revision() - before
        guard total.count > 0, (total.count...(total.count + clients)).contains(written) else {
            throw BenchError("Expected \(total.count) puts in etcd, but its revision has grown by \(written)")
        }
        return total
    }

    /// The first 5 bytes are gRPC's, then come the fields 1 and 2 of a PutRequest.
    static func putRequest() -> [UInt8] {
        let key = [UInt8](repeating: UInt8(ascii: "k"), count: Self.keyBytes)
        let value = [UInt8](repeating: UInt8(ascii: "v"), count: Self.valueBytes)
        let size = [UInt8(truncatingIfNeeded: Self.valueBytes) | 0x80, UInt8(Self.valueBytes >> 7)]
        let message = [0x0A, UInt8(Self.keyBytes)] + key + [0x12] + size + value
        let length = UInt32(message.count)
        return [0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32($0))) } + message
    }

    /// Reads `finished in …s, RATE req/s, …`, `requests: …, COUNT succeeded, 0 failed, 0 errored, …` and the mean of
    /// `time for request:`. Nil when something is missing or a request has failed.
    static func parse(_ text: String) -> Puts? {
        var puts = Puts()
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "," })
            if line.hasPrefix("finished in "), words.count > 3 {
                guard let rate = Double(words[3]) else { return nil }
                puts.perSecond = rate
            } else if line.hasPrefix("requests: ") {
                for (word, number) in zip(words.dropFirst(), words) {
                    if word == "succeeded" { puts.count = Int(number) ?? 0 }
                    if word == "failed" || word == "errored" || word == "timeout", number != "0" { return nil }
                }
            } else if line.hasPrefix("time for request:"), words.count > 5 {
                puts.meanMicroseconds = Self.microseconds(words[5]) ?? 0
            }
        }
        return puts.count > 0 && puts.perSecond > 0 ? puts : nil
    }

    private static func microseconds(_ text: Substring) -> Double? {
        for (suffix, factor) in [("us", 1.0), ("ms", 1e3), ("s", 1e6)] where text.hasSuffix(suffix) {
            return Double(text.dropLast(suffix.utf8.count)).map { $0 * factor }
        }
        return nil
    }

    // MARK: What it says

    private func status(of member: Member) throws -> JSONObject {
        let client = try SequentialClient(member.endpoint)
        let answer = try client.json(client.requests.post("/v3/maintenance/status", "{}"))
        guard let object = answer.objectValue else { throw BenchError("Expected a status, but got \(answer)") }
        return object
    }

    /// The number of puts so far, as of a linearizable read.
    private func revision() throws -> Int {
        let client = try SequentialClient(self.members[0].endpoint)
        // Of the key in base 64 nothing but the revision is looked at.
        let answer = try client.json(client.requests.post("/v3/kv/range", #"{"key":"a2tra2tra2s=","count_only":true}"#))
        let header = answer.objectValue?["header"]?.objectValue
        guard let revision = header?["revision"]?.stringValue.flatMap({ Int($0) }) else {
            throw BenchError("Expected etcd's revision, but got \(answer)")
        }
        return revision
    }

    /// Where the leader is.
    func leader() throws -> Endpoint {
        for member in self.members {
            let status = try self.status(of: member)
            guard let leader = status["leader"]?.stringValue, leader != "0" else { continue }
            if status["header"]?.objectValue?["member_id"]?.stringValue == leader { return member.endpoint }
        }
        throw BenchError("Expected a leader among etcd's members, but found none")
    }

    private func waitUntilReady(logs path: String) throws {
        let end = monotonicNanoseconds() + .nanoseconds(seconds: Self.readyLimitSeconds)
        while (try? self.leader()) == nil {
            try Interruption.check()
            guard monotonicNanoseconds() < end, self.members.allSatisfy({ $0.process.isRunning }) else {
                throw BenchError(
                    "Expected etcd to elect a leader, but it did not: "
                        + (Files.text("\(path)/member1.log") ?? "").suffix(2_000)
                )
            }
            try pause(seconds: 0.05)
        }
    }
}
