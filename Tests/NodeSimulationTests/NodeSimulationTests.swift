import Foundation
import NodeSimulation
import Simulation
import Testing

/// Random runs of whole nodes; a failing seed is printed and reproduced by `SEED=n swift test --filter NodeSimulation`.
/// `NODE_SEEDS=n` runs the first n seeds instead of a few.
@Suite struct NodeSimulationTests {
    static var seeds: [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["SEED"].flatMap(UInt64.init) { return [seed] }
        return Array(1...(environment["NODE_SEEDS"].flatMap(UInt64.init) ?? 12))
    }

    @Test(arguments: Self.seeds) func `whole nodes under faults keep what they promised and come to rest`(seed: UInt64)
    {
        let report = NodeScenario().run(seed: seed, options: ScenarioOptions())

        #expect(report.violations == [], "SEED=\(seed)")
        #expect(report.committed > 0)
    }

    /// A change of these numbers means that a run takes another course: right after a change of what nodes do, and a
    /// fault if nothing was changed, or if debug and release differ.
    @Test(arguments: [(3, 0xAC8D_DB5E_08CF_C1F1), (14, 0xF03D_D6DF_7527_D127)] as [(UInt64, UInt64)])
    func `the same seed takes the same course in every process and build`(seed: UInt64, trace: UInt64) {
        let report = NodeScenario().run(seed: seed, options: ScenarioOptions())

        #expect(report.trace == trace, "got \(report.trace)")
    }

    /// The first seed of the scenario that notices each mistake.
    static let planted: [(defect: Defect, seed: UInt64)] = [
        (.answersBeforeCommit, 1), (.appliedIndexApart, 2), (.dispatchesBeforeCommit, 100), (.noSync, 1),
        (.sessionsLostInSnapshot, 3), (.wallClockTime, 3),
    ]

    @Test(arguments: Self.planted) func `a planted mistake is caught`(defect: Defect, seed: UInt64) {
        var options = ScenarioOptions()
        options.defects = [defect]

        let report = NodeScenario().run(seed: seed, options: options)

        #expect(!report.violations.isEmpty)
    }

    @Test func `there is a seed for every planted mistake`() {
        #expect(
            Self.planted.map(\.defect).sorted { $0.rawValue < $1.rawValue }
                == NodeScenario().defects.sorted { $0.rawValue < $1.rawValue }
        )
    }

    /// What was left of an installation that a power cut ended came into the next one.
    @Test(arguments: [71, 154] as [UInt64]) func `seeds that once failed`(seed: UInt64) {
        #expect(NodeScenario().run(seed: seed, options: ScenarioOptions()).violations == [])
    }

    @Test func `faults of all kinds happen, and clients get on all the same`() {
        var total = ScenarioReport(seed: 0)
        for seed in 1...20 as ClosedRange<UInt64> {
            total.add(NodeScenario().run(seed: seed, options: ScenarioOptions()))
        }

        let kinds: [FaultKind] = [
            .loss, .powerCut, .crashAtWrite, .crash, .partition, .diskStall, .diskFull, .clockJump, .pause, .transfer,
            .compaction, .membership, .diskLoss,
        ]
        for kind in kinds { #expect(total.faults[kind] ?? 0 > 0, "\(kind.rawValue)") }
        #expect(total.snapshots > 0)
        #expect(total.elections > 20)
        #expect(total.commands.ok > 200)
        #expect(total.reads > 100)
    }
}
