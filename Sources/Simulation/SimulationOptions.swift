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
    package var proposalInterval: Int
    package var crashWeight: Int
    package var partitionWeight: Int
    package var membershipWeight: Int
    package var transferWeight: Int
    package var compactionWeight: Int

    package var asynchronousStorageWrites: Bool
    package var maxInflightMessages: Int
    package var maxMessageBytes: Int
    package var maxApplyingBytes: Int
    package var maxUncommittedBytes = 8_000
    package var preVote: Bool

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
    }
}

/// What a run did and found.
package struct SimulationReport: Sendable {
    package var seed: UInt64
    /// The digest of the run's course.
    package var trace: UInt64 = 0
    /// What went wrong, with the time; empty for a sound run.
    package var violations: [String] = []
    package var simulatedTime = 0
    package var events = 0
    package var elections = 0
    package var committed = 0
    package var snapshots = 0
    package var crashes = 0
    package var partitions = 0
    package var membershipChanges = 0
    package var transfers = 0
    package var reads = 0
    package var messages = 0
    package var lostMessages = 0

    package init(seed: UInt64) { self.seed = seed }
}
