import Glibc
import JSON

extension FaultInjector {
    /// Another node leads.
    func transfer(_ record: inout FaultRecord) throws {
        guard let before = ClusterObserver.leader(self.cluster.addresses) else {
            throw DrillFailure("Expected a leader to take the leadership from")
        }
        record.nodes = [before]
        self.begin(&record)
        let request = HTTPRequest.post(
            "/thalweg/v1/cluster/transfer-leadership",
            JSONValue(members: ["nodeId": .null])
        )
        let reply = try? HTTPConnection.send(request, to: self.cluster.addresses[before], timeoutSeconds: 15)
        record.prove("node \(before + 1) answered \(reply?.status ?? 0)", reply?.isSuccess ?? false)
        let after: Int? = waitFor(seconds: 5, every: 0.01) {
            let leader = ClusterObserver.leader(self.cluster.addresses)
            return leader != before ? leader : nil
        }
        record.target = "node \(before + 1) to \(after.map { "node \($0 + 1)" } ?? "nobody")"
        record.prove("now \(after.map { "node \($0 + 1)" } ?? "nobody else") leads", after != nil)
        record.ended = self.stopwatch.seconds
    }

    /// The data folder is lost; the node's old identity leaves, and a new one joins in its place.
    func wipe(_ plan: FaultPlan, _ targets: [Int], _ record: inout FaultRecord) throws {
        let node = targets[0]
        let member = self.cluster.member(node)
        let process = try self.running(node)
        self.cluster.markUnwanted(node)
        self.begin(&record)
        process.signal(SIGKILL)
        let ending = process.waitForEnd(seconds: 10)
        Files.removeTree(member.data)
        record.prove("node \(node + 1) ended by \(ending?.description ?? "nothing")", ending == .signaled(SIGKILL))
        record.prove("its data folder is gone", !Files.exists(member.data))
        self.last(plan.lasting)

        let helper = try self.helper(without: node)
        let server = ["--server", self.cluster.addresses[helper].description]
        try self.cluster.run(["cluster", "remove", String(member.id)] + server)
        let id = (0..<self.nodes).map { self.cluster.member($0).id }.max().map { $0 + 1 } ?? 1
        let certificates = "\(self.cluster.settings.folder)/node-\(node + 1)/certificates-\(id)"
        try self.cluster.certify(node, id: id, into: certificates)
        try self.cluster.run(
            [
                "cluster", "join", "--data", member.data, "--certs", certificates, "--address",
                self.cluster.network.peerAddress(node),
            ] + self.cluster.listenOptions(node) + server
        )
        self.cluster.change(node) { member in
            member.id = id
            member.certificates = certificates
        }
        try self.cluster.start(node)
        // A learner is promoted when it has caught up; until then the cluster says that it has not.
        let isPromoted: Bool? = try waitFor(seconds: Self.returnLimit, every: 0.2) {
            let command = [self.cluster.settings.executable, "cluster", "promote", String(id)] + server
            return try CommandResult.of(command).isSuccess ? true : nil
        }
        record.prove("node \(id) took the place of node \(member.id) and has a vote", isPromoted == true)
        try self.awaitReturn([node], &record)
    }

    private func helper(without node: Int) throws -> Int {
        let helper = (0..<self.nodes).first { $0 != node && self.answers($0, seconds: 2) }
        guard let helper else { throw DrillFailure("Expected another node that answers") }
        return helper
    }

    /// The certificates of all nodes are over: a node that starts again is refused, until they are renewed.
    func expireCertificates(_ plan: FaultPlan, _ targets: [Int], _ record: inout FaultRecord) throws {
        let file = { (node: Int) in "\(self.cluster.member(node).certificates)/node.pem" }
        let limit = (self.cluster.settings.certificateSeconds ?? 0) + 30
        let areOver = waitFor(seconds: limit, every: 0.2) {
            (0..<self.nodes).allSatisfy { Self.isExpired(file($0)) } || self.isAborted.value ? true : nil
        }
        record.prove("openssl says that the certificates of all nodes are over", areOver == true)
        let process = try self.running(targets[0])
        self.cluster.markUnwanted(targets[0])
        self.begin(&record)
        process.signal(SIGKILL)
        _ = process.waitForEnd(seconds: 10)
        // Either it does not even start, or it starts and is refused by the others.
        do {
            try self.cluster.start(targets[0])
        } catch {
            self.cluster.markUnwanted(targets[0])
            record.prove("node \(targets[0] + 1) does not start: \("\(error)".suffix(200))", true)
        }
        let isRefused = waitFor(seconds: 20, every: 0.2) {
            (0..<self.nodes).contains { (Files.text(self.cluster.logPath($0)) ?? "").contains("expired") } ? true : nil
        }
        record.prove("a node says in its log that a certificate has expired", isRefused == true)
        self.last(plan.lasting)
        for node in 0..<self.nodes {
            let folder = self.cluster.member(node).certificates
            try self.cluster.run(["certs", "renew", "--ca", self.cluster.certificateAuthority, "--certs", folder])
            self.cluster.process(node)?.signal(SIGHUP)
        }
        record.prove("renewed certificates are good", !(0..<self.nodes).contains { Self.isExpired(file($0)) })
        if self.cluster.process(targets[0])?.isRunning != true { try self.cluster.start(targets[0]) }
        try self.awaitReturn(targets, &record)
    }

    private static func isExpired(_ file: String) -> Bool {
        guard let tool = SystemText.tool("openssl"), Files.exists(file) else { return false }
        let result = try? CommandResult.of([tool, "x509", "-checkend", "0", "-noout", "-in", file])
        return result?.ending == .exited(1)
    }

    /// An element that ends every process that executes it: the cluster goes on, the instance waits for an operator.
    func trap(_ plan: FaultPlan, _ record: inout FaultRecord) throws {
        record.target = "whoever executes \(LoadModels.trapElement)"
        record.nodes = []
        let crashesBefore = self.crashes()
        var client = RetryingClient(
            addresses: self.cluster.addresses,
            node: 0,
            stopwatch: self.stopwatch,
            ledger: Ledger()
        )
        _ = client.settle(.deployment("trap.bpmn", LoadModels.trapXML)) { self.isAborted.value }
        self.begin(&record)
        let creation = HTTPRequest.post(
            "/v2/process-instances",
            JSONValue(members: ["processDefinitionId": .string(LoadModels.trapProcess)]),
            key: "drill-trap-\(Int(record.began * 1_000))"
        )
        guard case .answered(let reply, _) = client.settle(creation, isOver: { self.isAborted.value }), reply.isSuccess
        else { throw DrillFailure("Expected the poisoned instance to begin") }
        let key = reply.json.text("processInstanceKey")
        let didCrash = waitFor(seconds: 20, every: 0.02) { self.crashes().count > crashesBefore.count ? true : nil }
        self.last(plan.lasting)
        let endings = self.crashes().dropFirst(crashesBefore.count).map { $0.description }
        record.prove("nodes ended by: \(endings.joined(separator: ", "))", didCrash == true)
        let search = HTTPRequest.post(
            "/v2/incidents/search",
            JSONValue(members: ["filter": JSONValue(members: ["processInstanceKey": .string(key)])])
        )
        let incident: String? = waitFor(seconds: Self.returnLimit, every: 0.2) {
            guard case .answered(let reply, _) = client.settle(search, isOver: { true }) else { return nil }
            return reply.json["items"].arrayValue?.first?.text("errorMessage")
        }
        record.prove("the instance waits for an operator: \(incident ?? "no incident")", incident != nil)
        try self.awaitReturn(Array(0..<self.nodes), &record)
    }

    private func crashes() -> [ChildProcess.Ending] {
        (0..<self.nodes).flatMap { self.cluster.member($0).crashes }
    }
}
