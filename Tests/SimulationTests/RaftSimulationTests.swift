import Foundation
import Simulation
import Testing

/// Random runs of whole groups; a failing seed is printed and reproduced by `SEED=n swift test --filter Simulation`.
struct RaftSimulationTests {
    /// Seeds of this run: one from the environment, or a few that always run.
    static var seeds: [UInt64] {
        if let seed = ProcessInfo.processInfo.environment["SEED"].flatMap(UInt64.init) { return [seed] }
        return Array(1...30)
    }

    @Test(arguments: Self.seeds)
    func `a group under faults keeps every safety property and recovers`(seed: UInt64) {
        let report = RaftScenario().run(seed: seed, options: ScenarioOptions())
        #expect(report.violations == [], "SEED=\(seed)")
        #expect(report.committed > 0)
    }

    @Test(arguments: [7, 8, 9] as [UInt64])
    func `the same seed takes the same course`(seed: UInt64) {
        let first = RaftScenario().run(seed: seed, options: ScenarioOptions())
        let second = RaftScenario().run(seed: seed, options: ScenarioOptions())
        #expect(first.trace == second.trace)
        #expect(first.events == second.events)
        #expect(first.trace != RaftScenario().run(seed: seed + 100, options: ScenarioOptions()).trace)
    }
}
