/// Makes a scenario from the nodes of its file, and checks what belongs together.
enum ScenarioBuilder {
    static func file(_ root: DocumentNode) throws(ScenarioError) -> ScenarioFile {
        let keys = [
            "name", "hypothesis", "stop", "nodes", "network", "duration", "load", "faults", "expectations",
            "serveOptions", "short",
        ]
        let members = try root.members(keys)
        for key in ["name", "hypothesis", "stop", "duration", "load", "faults", "expectations"]
        where members[key] == nil {
            throw root.error("Expected the key '\(key)'")
        }
        var faults: [FaultPlan] = []
        for item in try members["faults"]?.items(limit: 16) ?? [] { faults.append(try Self.fault(item)) }
        var options: [String] = []
        for item in try members["serveOptions"]?.items(limit: 16) ?? [] { options.append(try item.text(limit: 200)) }
        let needsLinks = faults.contains { $0.kind.needsLinks }
        let network: NetworkChoice =
            try members["network"]?.choice(NetworkChoice.self) ?? (needsLinks ? .links : .plain)
        let scenario = Scenario(
            name: try Self.name(members["name"] ?? root),
            hypothesis: try (members["hypothesis"] ?? root).text(),
            stop: try (members["stop"] ?? root).text(),
            nodes: try members["nodes"]?.integer(1...7) ?? 3,
            network: network,
            duration: try (members["duration"] ?? root).duration(1...86_400),
            load: try Self.load(members["load"] ?? root),
            faults: faults,
            expectations: try Self.expectations(members["expectations"] ?? root),
            serveOptions: options
        )
        try Self.check(scenario, faultNodes: members["faults"] ?? root)
        return ScenarioFile(scenario: scenario, short: try members["short"].map(Self.short))
    }

    /// The name is part of file names.
    private static func name(_ node: DocumentNode) throws(ScenarioError) -> String {
        let name = try node.text(limit: 64)
        guard name.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }) else {
            throw node.error("Expected a name of lower-case letters, digits and hyphens, but got '\(name)'")
        }
        return name
    }

    private static func load(_ node: DocumentNode) throws(ScenarioError) -> LoadPlan {
        let members = try node.members([
            "instancesPerSecond", "clients", "workersPerNode", "registers", "registerClientsPerNode", "registerPause",
        ])
        var rates: [LoadModel: Double] = [:]
        let models = try members["instancesPerSecond"]?.members(LoadModel.allCases.map { $0.rawValue }) ?? [:]
        for (name, value) in models {
            if let model = LoadModel(rawValue: name) { rates[model] = try value.number(0...10_000) }
        }
        return LoadPlan(
            instancesPerSecond: rates,
            clients: try members["clients"]?.integer(1...64) ?? 6,
            workersPerNode: try members["workersPerNode"]?.integer(0...8) ?? 1,
            registers: try members["registers"]?.integer(0...64) ?? 0,
            registerClientsPerNode: try members["registerClientsPerNode"]?.integer(1...8) ?? 2,
            registerPause: try members["registerPause"]?.duration(0...10) ?? 0.02
        )
    }

    private static func fault(_ node: DocumentNode) throws(ScenarioError) -> FaultPlan {
        let common = ["fault", "target", "after", "afterAcknowledged", "lasting", "times", "every"]
        let members = try node.members(common + ["delay", "loss", "shift"])
        guard let kindNode = members["fault"] else { throw node.error("Expected the key 'fault'") }
        let kind = try kindNode.choice(FaultKind.self)
        for (key, value) in members where !common.contains(key) && !kind.ownKeys.contains(key) {
            throw value.error("Expected no '\(key)' for a fault of the kind \(kind.rawValue)")
        }
        let trigger: FaultTrigger
        switch (members["after"], members["afterAcknowledged"]) {
        case (let after?, nil): trigger = .after(try after.duration(0...86_400))
        case (nil, let count?): trigger = .afterAcknowledged(try count.integer(0...1_000_000_000))
        default: throw node.error("Expected either 'after' or 'afterAcknowledged'")
        }
        for key in kind.ownKeys where members[key] == nil { throw node.error("Expected the key '\(key)'") }
        return FaultPlan(
            kind: kind,
            target: try members["target"].map(Self.target) ?? .leader,
            trigger: trigger,
            lasting: try members["lasting"]?.duration(0...86_400) ?? 2,
            times: try members["times"]?.integer(1...10_000) ?? 1,
            every: try members["every"]?.duration(0...86_400) ?? 1,
            delay: try members["delay"]?.duration(0.001...10) ?? 0,
            loss: try members["loss"]?.number(0...1) ?? 0,
            shift: try members["shift"]?.duration(-86_400 * 365...86_400 * 365) ?? 0
        )
    }

    private static func target(_ node: DocumentNode) throws(ScenarioError) -> FaultTarget {
        switch try node.text() {
        case "leader": return .leader
        case "follower": return .follower
        case "majority": return .majority
        case "all": return .all
        case let text:
            guard text.hasPrefix("node "), let number = Int(text.dropFirst(5)), (1...7).contains(number) else {
                throw node.error("Expected leader, follower, majority, all or 'node N', but got '\(text.prefix(60))'")
            }
            return .node(number)
        }
    }

    private static func expectations(_ node: DocumentNode) throws(ScenarioError) -> Expectations {
        let members = try node.members([
            "recovery", "availability", "nothingLost", "nothingDoubled", "linearizable", "digestsEqual", "finishAll",
            "alarms", "refusesWithoutQuorum",
        ])
        let recovery = try members["recovery"]?.members(["p50", "max"]) ?? [:]
        var alarms: [AlarmSign] = []
        for item in try members["alarms"]?.items(limit: 16) ?? [] {
            let sign = try item.members(["log", "metric"])
            switch (sign["log"], sign["metric"]) {
            case (let text?, nil): alarms.append(.log(try text.text(limit: 200)))
            case (nil, let name?): alarms.append(.metric(try name.text(limit: 200)))
            default: throw item.error("Expected either 'log' or 'metric'")
            }
        }
        return Expectations(
            recoveryMedian: try recovery["p50"]?.duration(0.001...3_600),
            recoveryMaximum: try recovery["max"]?.duration(0.001...3_600),
            availability: try members["availability"]?.number(0...1),
            nothingLost: try members["nothingLost"]?.flag() ?? true,
            nothingDoubled: try members["nothingDoubled"]?.flag() ?? true,
            linearizable: try members["linearizable"]?.flag() ?? true,
            digestsEqual: try members["digestsEqual"]?.flag() ?? true,
            finishAll: try members["finishAll"]?.duration(1...86_400) ?? 60,
            alarms: alarms,
            refusesWithoutQuorum: try members["refusesWithoutQuorum"]?.flag() ?? false
        )
    }

    private static func short(_ node: DocumentNode) throws(ScenarioError) -> ShortVariant {
        let members = try node.members(["duration", "times", "finishAll"])
        return ShortVariant(
            duration: try members["duration"]?.duration(1...3_600),
            times: try members["times"]?.integer(1...10_000),
            finishAll: try members["finishAll"]?.duration(1...3_600)
        )
    }

    /// What is right by itself, but not together.
    private static func check(_ scenario: Scenario, faultNodes: DocumentNode) throws(ScenarioError) {
        for (fault, node) in zip(scenario.faults, try faultNodes.items(limit: 16)) {
            if fault.kind.needsLinks, scenario.network == .plain {
                throw node.error("Expected network: links for the fault \(fault.kind.rawValue), but got plain")
            }
            if fault.kind.needsCluster, scenario.nodes < 2 {
                throw node.error("Expected more than one node for the fault \(fault.kind.rawValue)")
            }
            if case .node(let number) = fault.target, number > scenario.nodes {
                throw node.error("Expected a node of 1 to \(scenario.nodes), but got \(number)")
            }
            if fault.target == .follower, scenario.nodes < 2 {
                throw node.error("Expected more than one node for the target follower")
            }
        }
    }
}
