import Glibc
import Synchronization

/// The nodes of a drill: real processes with folders, certificates and addresses. Nodes are counted from 0; the ids
/// that the cluster knows them by begin with 1 and change when a node is replaced.
final class DrillCluster: Sendable {
    /// How nodes are run.
    struct Settings: Sendable {
        /// Path of the executable `thalweg`.
        var executable: String
        /// Holds everything of the drill that is not worth keeping.
        var folder: String
        var serveOptions: [String] = []
        /// Changes to every node's environment, by node.
        var environment: [Int: [String: String]] = [:]
        /// How many seconds node certificates are good; nil is the command's default.
        var certificateSeconds: Double?
        /// Told about every process, so that none outlives the drill.
        var watch: @Sendable (Int32) -> Void = { _ in }
        /// Whether the nodes form a cluster; one that does not is a single server.
        var isCluster = true
    }

    struct Member: Sendable {
        /// The id in the cluster.
        var id: Int
        var process: ChildProcess?
        var data: String
        var certificates: String
        var launches = 0
        /// Whether the drill wants it to run; who ends although it should run is started again by the supervisor.
        var isWanted = false
        /// Ends that the drill did not bring about.
        var crashes: [ChildProcess.Ending] = []
    }

    static let startLimit = 60.0

    let settings: Settings
    let network: any DrillNetwork
    let addresses: AddressBook
    private let members: Mutex<[Member]>

    init(nodes: Int, settings: Settings, network: any DrillNetwork) {
        self.settings = settings
        self.network = network
        self.addresses = AddressBook((0..<nodes).map { network.clientAddress($0) })
        self.members = Mutex(
            (0..<nodes).map { node in
                Member(
                    id: node + 1,
                    data: "\(settings.folder)/node-\(node + 1)/data",
                    certificates: "\(settings.folder)/node-\(node + 1)/certificates"
                )
            }
        )
    }

    var count: Int { self.members.withLock { $0.count } }
    func member(_ node: Int) -> Member { self.members.withLock { $0[node] } }
    func process(_ node: Int) -> ChildProcess? { self.member(node).process }
    func change(_ node: Int, _ body: (inout Member) -> Void) { self.members.withLock { body(&$0[node]) } }

    /// The log of a node: standard error of all its processes.
    func logPath(_ node: Int) -> String { "\(self.settings.folder)/node-\(node + 1)/log" }

    var certificateAuthority: String { "\(self.settings.folder)/authority" }

    // MARK: Founding

    /// Makes certificates and formats the data folders.
    func found() throws {
        for node in 0..<self.count { try Files.makeFolder("\(self.settings.folder)/node-\(node + 1)") }
        guard self.settings.isCluster else { return }
        try self.run(["certs", "create-ca", "--out", self.certificateAuthority])
        for node in 0..<self.count { try self.certify(node, id: node + 1, into: self.member(node).certificates) }
        let list = (0..<self.count).map { "\($0 + 1)=\(self.network.peerAddress($0))" }.joined(separator: ",")
        for node in 0..<self.count {
            let member = self.member(node)
            let command = ["cluster", "init", "--data", member.data, "--certs", member.certificates, "--members", list]
            try self.run(command + self.listenOptions(node))
        }
    }

    /// Where a node listens for others, when that is not the address they are told.
    func listenOptions(_ node: Int) -> [String] {
        self.network.peerListenAddress(node).map { ["--listen", $0] } ?? []
    }

    /// Makes a node's certificate; one that is soon over where the scenario wants it so.
    func certify(_ node: Int, id: Int, into folder: String) throws {
        var command = ["certs", "create-node", "--ca", self.certificateAuthority, "--node", String(id)]
        for host in self.network.certificateHosts(node) { command += ["--host", host] }
        command += ["--out", folder]
        if let seconds = self.settings.certificateSeconds { command += ["--not-after", String(Int(seconds))] }
        try self.run(command)
    }

    /// Runs a command of the executable that has to succeed.
    @discardableResult
    func run(_ arguments: [String], environment: [String: String] = [:]) throws -> CommandResult {
        try CommandResult.require([self.settings.executable] + arguments, environment: environment)
    }

    // MARK: Start and end

    /// Starts a node and waits until it listens.
    func start(_ node: Int) throws {
        let address = self.network.clientAddress(node)
        let number = self.members.withLock { members -> Int in
            members[node].launches += 1
            return members[node].launches
        }
        let output = "\(self.settings.folder)/node-\(node + 1)/output-\(number)"
        var command = self.network.commandPrefix(node)
        command += [self.settings.executable, "serve", "--data", self.member(node).data]
        command += ["--host", address.host, "--port", String(address.port)]
        if !["127.0.0.1", "localhost"].contains(address.host) { command.append("--insecure") }
        let process = try ChildProcess(
            command + self.settings.serveOptions,
            environment: self.settings.environment[node] ?? [:],
            output: output,
            errors: self.logPath(node)
        )
        self.change(node) { $0.process = process }
        self.settings.watch(process.identifier)
        self.network.node(node, runsAs: process.identifier)
        let isListening: Bool? = try waitFor(seconds: Self.startLimit, every: 0.002) {
            if let text = Files.text(output), text.contains(" is listening on ") { return true }
            if let ending = process.currentEnding {
                throw DrillFailure(
                    "Expected node \(node + 1) to listen, but it ended with \(ending): \(self.logTail(node))"
                )
            }
            return nil
        }
        guard isListening == true else {
            throw DrillFailure("Expected node \(node + 1) to listen within \(Self.startLimit) s: \(self.logTail(node))")
        }
        // Only now: who does not get so far is reported to who started it, not to the supervisor.
        self.change(node) { $0.isWanted = true }
    }

    func startAll() throws {
        for node in 0..<self.count { try self.start(node) }
    }

    /// Waits until these nodes (all by default) take commands; nil when they do.
    func notReady(_ nodes: [Int]? = nil, seconds: Double) -> String? {
        for node in nodes ?? Array(0..<self.count) {
            var last = "no answer"
            let isReady: Bool? = waitFor(seconds: seconds, every: 0.02) {
                guard
                    let reply = try? HTTPConnection.send(
                        .get("/thalweg/v1/ready"),
                        to: self.addresses[node],
                        timeoutSeconds: 2
                    )
                else { return nil }
                last = reply.text
                return reply.status == 200 ? true : nil
            }
            if isReady != true { return "node \(node + 1) is not ready after \(seconds) s: \(last)" }
        }
        return nil
    }

    /// The drill takes a node away; the supervisor leaves it alone.
    func markUnwanted(_ node: Int) { self.change(node) { $0.isWanted = false } }

    /// Ends all nodes.
    func stopAll() {
        for node in 0..<self.count {
            self.markUnwanted(node)
            self.process(node)?.signal(SIGCONT)
            self.process(node)?.signal(SIGTERM)
        }
        for node in 0..<self.count { self.process(node)?.stop(seconds: 15) }
    }

    /// Starts nodes again that ended by themselves, and writes down how. Runs until `isOver`.
    func supervise(isOver: Signal, onCrash: (Int, ChildProcess.Ending) -> Void) {
        while !isOver.value {
            for node in 0..<self.count {
                let member = self.member(node)
                guard member.isWanted, let ending = member.process?.currentEnding else { continue }
                self.change(node) { $0.crashes.append(ending) }
                onCrash(node, ending)
                DrillClock.sleep(seconds: 0.5)
                if self.member(node).isWanted { try? self.start(node) }
            }
            DrillClock.sleep(seconds: 0.05)
        }
    }

    /// How a process of a node ended, with the last thing it called critical.
    func ending(_ node: Int, _ ending: ChildProcess.Ending) -> String {
        let lines = (Files.text(self.logPath(node)) ?? "").split(separator: "\n")
        guard let line = lines.last(where: { $0.contains(" critical ") || $0.contains("Fatal error") }) else {
            return "\(ending)"
        }
        return "\(ending): \(line.prefix(300))"
    }

    /// The end of a node's log.
    func logTail(_ node: Int, lines: Int = 8) -> String {
        (Files.text(self.logPath(node)) ?? "").split(separator: "\n").suffix(lines).joined(separator: "\n")
    }
}
