import RaftCore

/// The circumstances of one run, drawn from its seed: each run has other faults, so that runs differ in kind.
struct KeyValueOptions {
    var seed: UInt64
    var initialVoters: Int
    var initialServers: Int
    /// Servers that may ever exist, replaced ones included.
    var serverLimit: Int
    var clients: Int
    var keys: Int
    /// Whether log and state are the real ones on a simulated disk instead of modelled.
    var usesRealFiles: Bool
    /// The answers of the disk are sometimes late, as with a busy thread.
    var lateAcknowledgements: Bool

    // Milliseconds.
    var faultyTime: Int
    var healingTime = 40_000
    var tickTime: Int
    var electionTicks: Int
    var latency: ClosedRange<Int>
    var clientLatency = 0...12
    var diskLatency: ClosedRange<Int>
    var applyLatency: ClosedRange<Int>
    var faultInterval: Int
    var thinkTime: Int
    var attemptTime: Int
    var operationTime: Int

    // Thousandths.
    var lossChance: Int
    var duplicateChance: Int
    var longDelayChance: Int
    var crashAtWriteChance: Int
    var readChance: Int
    /// Clock rates: percent of the right length of a tick.
    var clockRates: ClosedRange<Int>
    /// Commits between two that are synced, on average.
    var commitsBetweenSyncs: Int

    var weights: [(kind: FaultKind, weight: Int)]
    var faultLimit: Int

    var maxInflightMessages: Int
    var maxMessageBytes: Int
    var maxApplyingBytes: Int
    var defects: Set<Defect>

    /// Every so many seeds use the real files, which cost much more time.
    static let realFilesPeriod: UInt64 = 16

    init(seed: UInt64, _ options: ScenarioOptions) {
        var random = SplitMix64(seed: seed ^ 0x4B65_7956_616C_7565)
        func range(_ lowest: Int, _ highest: Int) -> Int { lowest + random.next(below: highest - lowest + 1) }
        /// Nothing in some of the runs, otherwise up to a bound.
        func sometimes(_ highest: Int) -> Int { range(0, 2) == 0 ? 0 : range(1, highest) }
        self.seed = seed
        self.usesRealFiles = seed % Self.realFilesPeriod == 0
        self.initialVoters = [2, 3, 3, 3, 4, 5, 5][range(0, 6)]
        self.initialServers = self.initialVoters + range(0, 2)
        self.serverLimit = self.initialServers + 4
        self.clients = range(2, 8)
        self.keys = range(2, 5)
        self.faultyTime = self.usesRealFiles ? 3_000 : 6_000
        self.lateAcknowledgements = range(0, 1) == 0
        self.tickTime = range(8, 20)
        self.electionTicks = [4, 6, 10, 10][range(0, 3)]
        let base = range(1, 8)
        self.latency = base...(base + range(0, 50))
        self.diskLatency = 0...[3, 20, 80, 300][range(0, 3)]
        self.applyLatency = 0...[5, 20, 100][range(0, 2)]
        self.faultInterval = range(40, 400)
        self.thinkTime = range(2, 40)
        self.attemptTime = range(60, 400)
        self.operationTime = range(500, 4_000)
        self.lossChance = sometimes(200)
        self.duplicateChance = sometimes(150)
        self.longDelayChance = sometimes(60)
        self.crashAtWriteChance = sometimes(12)
        self.readChance = range(200, 700)
        self.clockRates = range(0, 2) == 0 ? 100...100 : 60...150
        self.commitsBetweenSyncs = range(1, 8)
        self.weights = [
            (.crash, sometimes(4)), (.powerCut, range(0, 5) == 0 ? 1 : 0), (.partition, sometimes(5)),
            (.pause, sometimes(3)), (.troubledHost, sometimes(3)), (.clockJump, sometimes(2)),
            (.diskStall, sometimes(2)), (.diskFull, sometimes(1)), (.diskLoss, sometimes(2)),
            (.bitFlip, sometimes(1)), (.membership, sometimes(5)), (.transfer, sometimes(2)),
            (.compaction, sometimes(5)), (.election, sometimes(5)),
        ]
        self.faultLimit = options.faultLimit ?? .max
        self.maxInflightMessages = [1, 4, 256][range(0, 2)]
        self.maxMessageBytes = [200, 2_000, 1 << 20][range(0, 2)]
        self.maxApplyingBytes = [100, 1_000, 1 << 20][range(0, 2)]
        self.defects = options.defects
        if let time = options.faultyTime { self.faultyTime = time }
        self.disable(options.disabledFaults)
    }

    /// A healed world is fast: disks and network answer well within an election timeout.
    mutating func heal() {
        self.latency = 1...5
        self.diskLatency = 0...3
        self.applyLatency = 0...3
        self.lateAcknowledgements = false
    }

    private mutating func disable(_ kinds: Set<FaultKind>) {
        for position in self.weights.indices where kinds.contains(self.weights[position].kind) {
            self.weights[position].weight = 0
        }
        if kinds.contains(.loss) { self.lossChance = 0 }
        if kinds.contains(.duplication) { self.duplicateChance = 0 }
        if kinds.contains(.longDelay) { self.longDelayChance = 0 }
        if kinds.contains(.crashAtWrite) { self.crashAtWriteChance = 0 }
        if kinds.contains(.clockDrift) { self.clockRates = 100...100 }
    }
}

/// Servers with consensus core, log, a replicated key-value store and clients that retry, under all faults: the default
/// scenario.
package struct KeyValueScenario: Scenario {
    package let name = "key-value"
    package let summary = "core, log, a key-value store and retrying clients; one seed in 16 on the real files"

    package init() {}

    package func run(seed: UInt64, options: ScenarioOptions) -> ScenarioReport {
        KeyValueSimulation.run(KeyValueOptions(seed: seed, options))
    }
}
