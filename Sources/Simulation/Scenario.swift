/// Something that goes wrong in a simulated world, or that operators do to it. A scenario may add kinds of its own.
package struct FaultKind: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }
    package init(_ rawValue: String) { self.rawValue = rawValue }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    // Network.
    package static let loss = Self("loss")
    package static let duplication = Self("duplication")
    package static let longDelay = Self("long-delay")
    package static let partition = Self("partition")
    // Servers.
    package static let crash = Self("crash")
    package static let powerCut = Self("power-cut")
    package static let crashAtWrite = Self("crash-at-write")
    package static let pause = Self("pause")
    package static let troubledHost = Self("troubled-host")
    package static let clockJump = Self("clock-jump")
    package static let clockDrift = Self("clock-drift")
    // Disks.
    package static let diskStall = Self("disk-stall")
    package static let diskFull = Self("disk-full")
    package static let diskLoss = Self("disk-loss")
    package static let bitFlip = Self("bit-flip")
    // What operators and hosts do at any moment.
    package static let membership = Self("membership")
    package static let transfer = Self("transfer")
    package static let compaction = Self("compaction")
    package static let election = Self("election")
}

/// How a run differs from what its seed says: for proving the tester, and for shrinking a failure.
package struct ScenarioOptions: Sendable {
    /// Mistakes to make on purpose.
    package var defects: Set<Defect> = []
    package var disabledFaults: Set<FaultKind> = []
    /// Injected faults after which there are no more; nil is no bound. Chances of the network do not count.
    package var faultLimit: Int?
    /// Simulated milliseconds with faults; nil leaves it to the scenario.
    package var faultyTime: Int?

    package init() {}

}

/// What came of the commands of simulated clients.
package struct CommandCounts: Hashable, Sendable {
    package var ok = 0
    package var failed = 0
    package var unknown = 0

    package init() {}
}

/// What a run did and found.
package struct ScenarioReport: Sendable {
    package var seed: UInt64
    /// The digest of the run's course.
    package var trace: UInt64 = 0
    /// What went wrong, with the time; empty for a sound run.
    package var violations: [String] = []
    /// Objects whose history was too long to decide about.
    package var undecided = 0
    /// Simulated milliseconds.
    package var simulatedTime = 0
    package var events = 0
    package var elections = 0
    package var committed = 0
    package var snapshots = 0
    package var reads = 0
    package var messages = 0
    package var commands = CommandCounts()
    package var faults: [FaultKind: Int] = [:]

    package init(seed: UInt64) { self.seed = seed }

    package mutating func count(_ kind: FaultKind, _ number: Int = 1) { self.faults[kind, default: 0] += number }

    /// Adds another run's numbers; seed, trace and violations stay.
    package mutating func add(_ other: ScenarioReport) {
        self.undecided += other.undecided
        self.simulatedTime += other.simulatedTime
        self.events += other.events
        self.elections += other.elections
        self.committed += other.committed
        self.snapshots += other.snapshots
        self.reads += other.reads
        self.messages += other.messages
        self.commands.ok += other.commands.ok
        self.commands.failed += other.commands.failed
        self.commands.unknown += other.commands.unknown
        for (kind, number) in other.faults { self.faults[kind, default: 0] += number }
    }
}

/// A kind of world that can be run from a seed.
package protocol Scenario: Sendable {
    /// The name by which the tool runs it.
    var name: String { get }
    /// One line for the list of scenarios.
    var summary: String { get }
    /// The mistakes it has to find, in a fixed order.
    var defects: [Defect] { get }
    /// Runs one seed. The same seed and options give the same report in every process and build.
    func run(seed: UInt64, options: ScenarioOptions) -> ScenarioReport
}

extension Scenario {
    /// All but those that only a host of whole nodes can make.
    package var defects: [Defect] {
        Defect.allCases.filter { $0 != .dispatchesBeforeCommit && $0 != .wallClockTime }
    }
}

/// All scenarios, by name.
package enum Scenarios {
    package static let all: [any Scenario] = [KeyValueScenario(), RaftScenario()]
    /// The one that has to find every planted defect.
    package static let standard: any Scenario = KeyValueScenario()

    package static func named(_ name: String) -> (any Scenario)? { self.all.first { $0.name == name } }
}
