import RaftCore

/// A classic bug of a node's host, planted to see whether the world notices.
package enum NodeDefect: String, CaseIterable, Sendable {
    /// Clients are answered when a batch is proposed, not when it is committed.
    case answersBeforeCommit
    /// Snapshots come without the answers kept for repeated requests.
    case snapshotWithoutAnswers
    /// After a power cut the applied index may be older than the effects it stands for.
    case appliedIndexApart
    /// The disk answers syncs without doing them.
    case noSync
    /// Jobs are handed out when their activation is proposed.
    case dispatchesBeforeCommit
    /// Group time follows a wall clock that anybody may set.
    case wallClock
}

/// The circumstances of one run, all drawn from its seed so that runs differ in kind and not only in chance. Times are
/// simulated milliseconds, chances thousandths.
package struct NodeSimulationOptions: Sendable {
    package var seed: UInt64
    package var defect: NodeDefect?
    package var founders: Int
    /// Whether the group of definitions runs too; otherwise group 1 is given its definitions directly.
    package var hasClusterGroup: Bool
    package var faultyTime = 12_000
    /// In this time without faults everything must come to rest.
    package var healingTime = 60_000
    package var tickTime = 50
    package var lossChance: Int
    package var duplicateChance: Int
    package var latency: ClosedRange<Int>
    package var diskLatency: ClosedRange<Int>
    package var faultInterval: Int
    package var upkeepInterval: Int
    /// Entries kept in the log behind what is durable.
    package var logTail: UInt64
    package var checkpointBytes: Int
    package var logCheckpointPages: Int
    package var logCacheBytes: Int
    package var instances: Int
    package var registers: Int
    package var workers: Int
    package var maxMessageBytes: Int
    package var maxInflightMessages: Int
    package var leaseGrace: Int64
    /// How likely each kind of fault is, relative to the others.
    package var weights: [NodeFault: Int]

    /// Draws the circumstances for a seed.
    package init(seed: UInt64, defect: NodeDefect? = nil) {
        var random = SplitMix64(seed: seed ^ 0x0DE5_0000_71DE_5EED)
        func range(_ lowest: Int, _ highest: Int) -> Int { lowest + random.next(below: highest - lowest + 1) }
        self.seed = seed
        self.defect = defect
        self.founders = [1, 3, 3, 3, 3, 3][range(0, 5)]
        self.hasClusterGroup = range(0, 1) > 0
        self.lossChance = range(0, 2) > 0 ? range(0, 100) : 0
        self.duplicateChance = range(0, 1) > 0 ? range(0, 100) : 0
        let base = range(1, 5)
        self.latency = base...(base + range(0, 40))
        self.diskLatency = 0...range(0, 40)
        self.faultInterval = range(150, 900)
        self.upkeepInterval = range(200, 1_500)
        self.logTail = UInt64([0, 3, 20, 100][range(0, 3)])
        self.checkpointBytes = [32 << 10, 128 << 10, 1 << 20][range(0, 2)]
        self.logCheckpointPages = [8, 32, 200][range(0, 2)]
        self.logCacheBytes = [0, 4_000, 1 << 20][range(0, 2)]
        self.instances = range(6, 16)
        self.registers = range(1, 2)
        self.workers = range(1, 3)
        self.maxMessageBytes = [2_000, 1 << 20][range(0, 1)]
        self.maxInflightMessages = [1, 4, 256][range(0, 2)]
        self.leaseGrace = [0, 500][range(0, 1)]
        var weights: [NodeFault: Int] = [:]
        for fault in NodeFault.allCases { weights[fault] = range(0, 4) }
        self.weights = weights
    }
}

/// What the world does to its nodes.
package enum NodeFault: String, CaseIterable, Sendable {
    case powerCut, cutMidStep, processKill, partition, oneWayCut, stall, fullDisk, clockJump, pause, transfer, compaction
    case membership, diskReplacement, mayNotLead
}

/// What a run did and found.
package struct NodeSimulationReport: Sendable {
    package var seed: UInt64
    /// The digest of the run's course.
    package var trace: UInt64 = 0
    /// What went wrong, with the time; empty for a sound run.
    package var violations: [String] = []
    package var simulatedTime = 0
    package var events = 0
    package var elections = 0
    /// Committed entries of all groups.
    package var committed = 0
    package var snapshots = 0
    package var restarts = 0
    package var messages = 0
    package var lostMessages = 0
    package var faults: [NodeFault: Int] = [:]
    package var commandsDone = 0
    package var commandsRejected = 0
    package var commandsUnknown = 0
    package var reads = 0
    package var instances = 0

    package init(seed: UInt64) { self.seed = seed }

    /// One line for people.
    package var summary: String {
        let kinds = NodeFault.allCases.compactMap { kind in
            self.faults[kind].map { "\(kind.rawValue) \($0)" }
        }
        return "seed \(self.seed): \(self.simulatedTime) ms, \(self.events) events, \(self.elections) elections, "
            + "\(self.committed) entries, \(self.snapshots) snapshots, \(self.restarts) restarts, "
            + "commands \(self.commandsDone) done, \(self.commandsRejected) rejected, \(self.commandsUnknown) unknown, "
            + "\(self.reads) reads, \(self.instances) instances, faults: \(kinds.joined(separator: ", ")), "
            + "trace \(String(self.trace, radix: 16))"
    }
}
