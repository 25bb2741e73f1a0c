import JSON

/// Everything a drill needs before its load begins: network, disks, nodes, models. Taken down at the end.
final class DrillStage: Sendable {
    let scenario: Scenario
    let options: DrillOptions
    /// For data, logs and sockets; removed at the end.
    let folder: String
    let network: any DrillNetwork
    let cluster: DrillCluster
    let shims: [ShimControl]
    private let guardian: ProcessGuard?
    private let smallDisks: [String]

    var isForeign: Bool { !self.options.cluster.isEmpty }

    /// Prepares the machine; starts nothing yet.
    init(_ scenario: Scenario, _ options: DrillOptions, narrator: any DrillNarrator) throws {
        self.scenario = scenario
        self.options = options
        self.folder = try Files.makeTemporaryFolder()
        let kinds = Set(scenario.faults.map { $0.kind })
        var disks: [String] = []
        var controls: [ShimControl] = []
        let isForeign = !options.cluster.isEmpty
        var opened: (any DrillNetwork)?
        do {
            let network = try Self.network(scenario, options, narrator)
            opened = network
            self.network = network
            var settings = DrillCluster.Settings(executable: options.executable, folder: self.folder)
            settings.isCluster = scenario.nodes > 1
            settings.serveOptions = scenario.serveOptions
            if kinds.contains(.trap) { settings.serveOptions += ["--trap-element", LoadModels.trapElement] }
            if kinds.contains(.expireCertificate) { settings.certificateSeconds = 45 }
            if kinds.contains(.slowDisk) || kinds.contains(.clockJump) {
                let shim = try ProcessShim.build(in: self.folder)
                for node in 0..<scenario.nodes {
                    let control = try shim.control(named: "node-\(node + 1)")
                    controls.append(control)
                    settings.environment[node] = control.environment
                }
            }
            let guardian = isForeign ? nil : try ProcessGuard(executable: options.ownExecutable, folder: self.folder)
            self.guardian = guardian
            settings.watch = { guardian?.watch($0) }
            self.cluster = DrillCluster(nodes: scenario.nodes, settings: settings, network: network)
            if kinds.contains(.fillDisk) {
                for node in 0..<scenario.nodes {
                    let disk = SmallDisk.folder(of: node, in: self.folder)
                    try SmallDisk.mount(disk, mebibytes: 96)
                    disks.append(disk)
                    self.cluster.change(node) { $0.data = "\(disk)/data" }
                }
            }
        } catch {
            opened?.close()
            for disk in disks { SmallDisk.unmount(disk) }
            Files.removeTree(self.folder)
            throw error
        }
        self.shims = controls
        self.smallDisks = disks
    }

    private static func network(
        _ scenario: Scenario,
        _ options: DrillOptions,
        _ narrator: any DrillNarrator
    ) throws -> any DrillNetwork {
        if !options.cluster.isEmpty { return ForeignNetwork(options.cluster) }
        switch scenario.network {
        case .plain: return try PlainNetwork(nodes: scenario.nodes, firstPort: options.firstPort)
        case .relays: return try RelayNetwork(nodes: scenario.nodes)
        case .namespaces: return try NamespaceNetwork(nodes: scenario.nodes, probe: options.ownExecutable)
        case .links:
            do {
                return try NamespaceNetwork(nodes: scenario.nodes, probe: options.ownExecutable)
            } catch {
                narrator.tell(.note("no network namespaces here (\(error)); relays take their place"))
                return try RelayNetwork(nodes: scenario.nodes)
            }
        }
    }

    /// Founds and starts the cluster and waits until it takes commands.
    func start() throws {
        if !self.isForeign {
            try self.cluster.found()
            try self.cluster.startAll()
        }
        if let reason = self.cluster.notReady(seconds: 60) {
            throw DrillFailure("Expected a cluster that takes commands, but \(reason)")
        }
    }

    /// Who runs where.
    var introductions: [DrillEvent.NodeIntroduction] {
        (0..<self.cluster.count).map { node in
            DrillEvent.NodeIntroduction(
                node: node,
                process: self.cluster.process(node)?.identifier,
                address: self.cluster.addresses[node],
                data: self.cluster.member(node).data
            )
        }
    }

    /// Deploys the models, and begins the instance whose variables are the registers.
    /// - Returns: its key; nil when the scenario has no registers.
    func prepare(run: String, stopwatch: Stopwatch) throws -> String? {
        var client = RetryingClient(
            addresses: self.cluster.addresses,
            node: 0,
            stopwatch: stopwatch,
            ledger: Ledger()
        )
        for model in LoadModel.allCases where self.scenario.load.instancesPerSecond[model] != nil {
            let request = HTTPRequest.deployment("\(model.rawValue).bpmn", LoadModels.xml(model))
            _ = try Self.require(&client, request, "the deployment of the model \(model.rawValue)")
        }
        guard self.scenario.load.registers > 0 else { return nil }
        _ = try Self.require(
            &client,
            .deployment("register.bpmn", LoadModels.registerXML),
            "the deployment of registers"
        )
        var variables = JSONObject()
        variables.set("drillId", .string("registers-\(run)"))
        for register in 0..<self.scenario.load.registers { variables.set(RegisterLoad.variable(register), .int(0)) }
        let body = JSONValue(members: [
            "processDefinitionId": .string(LoadModels.registerProcess), "variables": .object(variables),
        ])
        let creation = HTTPRequest.post("/v2/process-instances", body, key: "drill-registers-\(run)")
        return try Self.require(&client, creation, "the instance with the registers").text("processInstanceKey")
    }

    private static func require(
        _ client: inout RetryingClient,
        _ request: HTTPRequest,
        _ what: String
    ) throws -> JSONValue {
        let deadline = DrillClock.nanoseconds() + 30_000_000_000
        let isOver = { DrillClock.nanoseconds() > deadline || Interruption.signal.value }
        switch client.settle(request, isOver: isOver) {
        case .answered(let reply, _) where reply.isSuccess: return reply.json
        case .answered(let reply, _): throw DrillFailure("Expected \(what), but got \(reply.status): \(reply.text)")
        case .notExecuted, .unknown: throw DrillFailure("Expected \(what), but nobody answered")
        }
    }

    /// Starts the worker processes.
    func startWorkers() throws -> [(process: ChildProcess, log: String)] {
        var workers: [(process: ChildProcess, log: String)] = []
        for node in 0..<self.cluster.count {
            for number in 0..<self.scenario.load.workersPerNode {
                let name = "node-\(node + 1)-worker-\(number + 1)"
                let log = "\(self.folder)/\(name).jsonl"
                // Its own node first, then the others.
                let addresses = (0..<self.cluster.count).map { self.cluster.addresses[node + $0].description }
                let command = [self.options.ownExecutable, "drill-worker", "--name", name, "--log", log]
                let process = try ChildProcess(
                    command + addresses,
                    output: "\(self.folder)/\(name).output",
                    errors: "\(self.folder)/\(name).errors"
                )
                workers.append((process, log))
            }
        }
        return workers
    }

    /// Ends everything and leaves the machine as it was.
    func takeDown() {
        if !self.isForeign { self.cluster.stopAll() }
        self.network.close()
        self.guardian?.dismiss()
        for disk in self.smallDisks { SmallDisk.unmount(disk) }
        if !self.options.keepsFolder { Files.removeTree(self.folder) }
    }
}
