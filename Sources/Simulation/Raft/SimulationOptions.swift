import RaftCore

/// The circumstances of one run, all drawn from its seed so that runs differ in kind and not only in chance.
package struct SimulationOptions: Sendable {
    package var seed: UInt64
    /// Servers that exist; the first `initialVoters` of them found the group.
    package var servers: Int
    package var initialVoters: Int
    /// Simulated milliseconds with faults, and at most as many without in which the group must recover.
    package var faultyTime = 6_000
    package var healingTime = 30_000
    /// Milliseconds of a tick.
    package var tickTime = 20

    // Chances in thousandths, and times in milliseconds.
    package var lossChance: Int
    package var duplicateChance: Int
    package var latency: ClosedRange<Int>
    package var diskLatency: ClosedRange<Int>
    package var faultInterval: Int
    /// Faults after which there are no more.
    package var faultLimit = Int.max
    package var proposalInterval: Int
    package var crashWeight: Int
    package var partitionWeight: Int
    package var membershipWeight: Int
    package var transferWeight: Int
    package var compactionWeight: Int
    package var electionWeight: Int
    /// Messages that are delayed over elections, in thousandths.
    package var longDelayChance: Int
    /// Crashes right after work was handed to the disk, in thousandths.
    package var crashAtWriteChance: Int
    package var defects: Set<Defect> = []

    package var asynchronousStorageWrites: Bool
    package var maxInflightMessages: Int
    package var maxMessageBytes: Int
    package var maxApplyingBytes: Int
    package var maxUncommittedBytes = 8_000
    package var preVote: Bool
    package var electionTicks: Int

    /// Draws the circumstances for a seed.
    package init(seed: UInt64) {
        var random = SplitMix64(seed: seed ^ 0x5EED_0F0F_71DE_5EED)
        func range(_ lowest: Int, _ highest: Int) -> Int { lowest + random.next(below: highest - lowest + 1) }
        self.seed = seed
        self.initialVoters = [1, 3, 3, 3, 5][range(0, 4)]
        self.servers = self.initialVoters + range(0, 3)
        let isLossy = range(0, 2) > 0
        self.lossChance = isLossy ? range(0, 200) : 0
        self.duplicateChance = range(0, 1) > 0 ? range(0, 150) : 0
        let base = range(1, 10)
        self.latency = base...(base + range(0, 60))
        self.diskLatency = 0...range(0, 80)
        self.faultInterval = range(50, 400)
        self.proposalInterval = range(5, 80)
        self.crashWeight = range(0, 4)
        self.partitionWeight = range(0, 4)
        self.membershipWeight = range(0, 4)
        self.transferWeight = range(0, 2)
        self.compactionWeight = range(0, 5)
        self.asynchronousStorageWrites = range(0, 3) > 0
        self.maxInflightMessages = [1, 2, 8, 256][range(0, 3)]
        self.maxMessageBytes = [200, 2_000, 1 << 20][range(0, 2)]
        self.maxApplyingBytes = [100, 1_000, 1 << 20][range(0, 2)]
        self.preVote = range(0, 4) > 0
        self.electionTicks = range(0, 1) > 0 ? 10 : range(3, 8)
        self.electionWeight = range(0, 3)
        self.longDelayChance = range(0, 1) > 0 ? range(0, 60) : 0
        self.crashAtWriteChance = range(0, 2) > 0 ? 0 : range(0, 15)
        // A disk that is slower than network and elections.
        if range(0, 4) == 0 { self.diskLatency = 0...range(80, 400) }
    }
}

/// Servers with the bare consensus core, a modelled disk and a state machine that chains its entries: small and fast.
package struct RaftScenario: Scenario {
    package let name = "raft"
    package let summary = "the consensus core alone, on modelled disks"
    /// The host of this scenario makes no mistakes of its own.
    package var defects: [Defect] { Defect.allCases.filter { !$0.planted.isEmpty } }

    package init() {}

    package func run(seed: UInt64, options: ScenarioOptions) -> ScenarioReport {
        var circumstances = SimulationOptions(seed: seed)
        circumstances.defects = options.defects
        if let time = options.faultyTime { circumstances.faultyTime = time }
        circumstances.disable(options.disabledFaults)
        circumstances.faultLimit = options.faultLimit ?? .max
        return RaftSimulation.run(circumstances)
    }
}

extension SimulationOptions {
    mutating func disable(_ kinds: Set<FaultKind>) {
        if kinds.contains(.crash) || kinds.contains(.powerCut) { self.crashWeight = 0 }
        if kinds.contains(.partition) { self.partitionWeight = 0 }
        if kinds.contains(.membership) { self.membershipWeight = 0 }
        if kinds.contains(.transfer) { self.transferWeight = 0 }
        if kinds.contains(.compaction) { self.compactionWeight = 0 }
        if kinds.contains(.election) { self.electionWeight = 0 }
        if kinds.contains(.loss) { self.lossChance = 0 }
        if kinds.contains(.duplication) { self.duplicateChance = 0 }
        if kinds.contains(.longDelay) { self.longDelayChance = 0 }
        if kinds.contains(.crashAtWrite) { self.crashAtWriteChance = 0 }
    }
}
