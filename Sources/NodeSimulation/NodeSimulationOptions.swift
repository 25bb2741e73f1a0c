import RaftCore
import Simulation

/// The circumstances of one run, all drawn from its seed so that runs differ in kind and not only in chance. Times are
/// simulated milliseconds, chances thousandths.
struct NodeSimulationOptions: Sendable {
    var seed: UInt64
    /// How the run differs from what its seed says.
    var scenario: ScenarioOptions
    var founders: Int
    /// Whether the group of definitions runs too; otherwise group 1 is given its definitions directly.
    var hasClusterGroup: Bool
    var faultyTime = 12_000
    /// In this time without faults everything must come to rest.
    var healingTime = 60_000
    var tickTime = 50
    var lossChance: Int
    var duplicateChance: Int
    var latency: ClosedRange<Int>
    var diskLatency: ClosedRange<Int>
    var faultInterval: Int
    var upkeepInterval: Int
    /// Entries kept in the log behind what is durable.
    var logTail: UInt64
    var checkpointBytes: Int
    var logCheckpointPages: Int
    var logCacheBytes: Int
    var instances: Int
    var registers: Int
    var workers: Int
    var maxMessageBytes: Int
    var maxInflightMessages: Int
    var leaseGrace: Int64
    /// How likely each kind of fault is, relative to the others.
    var weights: [(kind: FaultKind, weight: Int)]

    /// Draws the circumstances for a seed.
    init(seed: UInt64, scenario: ScenarioOptions = ScenarioOptions()) {
        var random = SplitMix64(seed: seed ^ 0x0DE5_0000_71DE_5EED)
        func range(_ lowest: Int, _ highest: Int) -> Int { lowest + random.next(below: highest - lowest + 1) }
        self.seed = seed
        self.scenario = scenario
        if let time = scenario.faultyTime { self.faultyTime = time }
        self.founders = [1, 3, 3, 3, 3, 3][range(0, 5)]
        self.hasClusterGroup = range(0, 1) > 0
        self.lossChance = range(0, 2) > 0 ? range(0, 100) : 0
        self.duplicateChance = range(0, 1) > 0 ? range(0, 100) : 0
        let base = range(1, 5)
        self.latency = base...(base + range(0, 40))
        self.diskLatency = 0...range(0, 40)
        self.faultInterval = [range(150, 900), range(900, 4_000)][range(0, 1)]
        self.upkeepInterval = range(200, 1_500)
        self.logTail = UInt64([0, 3, 20, 100][range(0, 3)])
        self.checkpointBytes = [32 << 10, 128 << 10, 1 << 20][range(0, 2)]
        self.logCheckpointPages = [8, 32, 200][range(0, 2)]
        self.logCacheBytes = [0, 4_000, 1 << 20][range(0, 2)]
        self.instances = range(6, 24)
        self.registers = range(1, 2)
        self.workers = range(1, 3)
        self.maxMessageBytes = [2_000, 1 << 20][range(0, 1)]
        self.maxInflightMessages = [1, 4, 256][range(0, 2)]
        self.leaseGrace = [0, 500][range(0, 1)]
        self.weights = FaultKind.ofNodes.map { ($0, range(0, 4)) }
    }

    func has(_ defect: Defect) -> Bool { self.scenario.defects.contains(defect) }
}

extension FaultKind {
    /// Nothing passes in one direction.
    static let oneWayCut = Self("one-way-cut")
    /// A node's clock or disk is found to be wrong, so that it may not lead for a while.
    static let mayNotLead = Self("may-not-lead")

    /// What the world does to its nodes, in a fixed order.
    static let ofNodes: [FaultKind] = [
        .powerCut, .crashAtWrite, .crash, .partition, .oneWayCut, .diskStall, .diskFull, .clockJump, .pause, .transfer,
        .compaction, .membership, .diskLoss, .mayNotLead,
    ]
}
