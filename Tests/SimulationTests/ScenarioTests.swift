import Foundation
import RaftCore
import Simulation
import Testing

/// Runs of the key-value scenario. A failing seed is printed with the command that repeats it; a long run is made by
/// `scripts/simulate`, or here by `THALWEG_SEEDS=n`.
@Suite struct ScenarioTests {
    /// Seeds of this run: one or many from the environment, or a few that always run.
    static let seeds: [UInt64] = {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["SEED"].flatMap(UInt64.init) { return [seed] }
        return Array(1...(environment["THALWEG_SEEDS"].flatMap(UInt64.init) ?? 20))
    }()

    @Test(arguments: Self.seeds)
    func `retrying clients see one register, whatever fails, and the group recovers`(seed: UInt64) {
        let report = KeyValueScenario().run(seed: seed, options: ScenarioOptions())

        let command = "scripts/simulate --scenario key-value --first \(seed) --seeds 1"
        #expect(report.violations == [], "\(command)")
        #expect(report.commands.ok > 0)
    }

    /// Digests of runs, the same in debug and release, in every process and on every machine. A change of the core or
    /// of the simulation changes them; they are then taken anew from `scripts/simulate --traces`.
    @Test(arguments: Golden.all)
    func `a seed takes the same course everywhere`(golden: Golden) throws {
        let scenario = try #require(Scenarios.named(golden.scenario))

        let first = scenario.run(seed: golden.seed, options: ScenarioOptions())
        let second = scenario.run(seed: golden.seed, options: ScenarioOptions())

        #expect(String(first.trace, radix: 16) == golden.trace, "seed \(golden.seed) of \(golden.scenario)")
        #expect(first.trace == second.trace)
        #expect(first.events == second.events)
    }

    /// No golden digest: how often the files are written is the log's own business.
    @Test(arguments: [16, 32, 48] as [UInt64])
    func `a seed on the real files takes the same course again`(seed: UInt64) {
        let first = KeyValueScenario().run(seed: seed, options: ScenarioOptions())
        let second = KeyValueScenario().run(seed: seed, options: ScenarioOptions())

        #expect(first.trace == second.trace)
        #expect(first.violations == [])
    }

    @Test func `different seeds take different courses`() {
        let seeds: ClosedRange<UInt64> = 1...20
        let traces = Set(seeds.map { KeyValueScenario().run(seed: $0, options: ScenarioOptions()).trace })

        #expect(traces.count == 20)
    }

    /// One seed for each mistake, so that a change which blinds the simulator is noticed at once; `scripts/simulate
    /// --prove` looks for all of them in the same seeds.
    @Test(arguments: PlantedMistake.all)
    func `a planted mistake is caught by the default scenario`(mistake: PlantedMistake) {
        var options = ScenarioOptions()
        options.defects = [mistake.defect]

        let report = Scenarios.standard.run(seed: mistake.seed, options: options)

        #expect(!report.violations.isEmpty, "\(mistake.defect.rawValue), seed \(mistake.seed)")
    }

    @Test(arguments: Set(PlantedMistake.all.map(\.seed)).sorted())
    func `the same seed passes without a mistake`(seed: UInt64) {
        #expect(Scenarios.standard.run(seed: seed, options: ScenarioOptions()).violations == [])
    }

    @Test func `every planted mistake has a seed that shows it`() {
        #expect(Set(PlantedMistake.all.map(\.defect)) == Set(KeyValueScenario().defects))
    }

    @Test func `a failure is made smaller and still fails`() throws {
        let mistake = try #require(PlantedMistake.all.first { $0.defect == .noDeduplication })
        var options = ScenarioOptions()
        options.defects = [mistake.defect]
        let scenario = KeyValueScenario()
        let report = scenario.run(seed: mistake.seed, options: options)
        var shrinker = Shrinker(scenario, seed: mistake.seed)

        let small = shrinker.shrink(options, failing: report)

        #expect(!small.report.violations.isEmpty)
        #expect(small.report.events <= report.events)
        #expect(scenario.run(seed: mistake.seed, options: small.options).trace == small.report.trace)
        #expect(small.options.arguments.prefix(2) == ["--defect", "no-deduplication"])
    }

    @Test func `without faults nothing is lost, delayed or unknown`() {
        var options = ScenarioOptions()
        let kinds: [FaultKind] = [
            .loss, .duplication, .longDelay, .partition, .crash, .powerCut, .crashAtWrite, .pause, .troubledHost,
            .clockJump,
            .clockDrift, .diskStall, .diskFull, .diskLoss, .bitFlip, .membership, .transfer, .compaction, .election,
        ]
        options.disabledFaults = Set(kinds)

        let report = KeyValueScenario().run(seed: 3, options: options)

        #expect(report.violations == [])
        #expect(report.faults.isEmpty)
        #expect(report.commands.ok > 100)
    }

    @Test func `a limit ends the faults`() {
        var options = ScenarioOptions()
        options.faultLimit = 2
        options.disabledFaults = [.loss, .duplication, .longDelay, .clockDrift]

        let report = KeyValueScenario().run(seed: 5, options: options)

        #expect(report.violations == [])
        #expect(report.faults.values.reduce(0, +) <= 2)
    }
}

/// The digest of a run that is known to be right.
struct Golden: Sendable, CustomTestStringConvertible {
    var scenario: String
    var seed: UInt64
    var trace: String

    var testDescription: String { "\(self.scenario) \(self.seed)" }

    static let all: [Golden] = [
        Golden(scenario: "key-value", seed: 1, trace: "14e394aebb002c84"),
        Golden(scenario: "key-value", seed: 2, trace: "ed02a091b4752b73"),
        Golden(scenario: "key-value", seed: 3, trace: "f8751b8221b5c81"),
        Golden(scenario: "raft", seed: 1, trace: "7033840cb7685447"),
        Golden(scenario: "raft", seed: 2, trace: "e71d9d501e3a05e"),
        Golden(scenario: "raft", seed: 3, trace: "b274ccdfcc07de7f"),
    ]
}

/// A mistake and a seed that shows it.
struct PlantedMistake: Sendable, CustomTestStringConvertible {
    var defect: Defect
    var seed: UInt64

    var testDescription: String { self.defect.rawValue }

    static let all: [PlantedMistake] = [
        PlantedMistake(defect: .voteNotPersisted, seed: 3),
        PlantedMistake(defect: .voteSentBeforePersisted, seed: 2),
        PlantedMistake(defect: .entriesAcknowledgedBeforePersisted, seed: 1),
        PlantedMistake(defect: .ownEntriesCountedBeforePersisted, seed: 4),
        PlantedMistake(defect: .readsBeforeCommitInTerm, seed: 8),
        PlantedMistake(defect: .truncatesOnMatch, seed: 1),
        PlantedMistake(defect: .commitsEarlierTermsByCounting, seed: 13),
        PlantedMistake(defect: .jointQuorumOfUnion, seed: 5),
        PlantedMistake(defect: .jointQuorumOfIncomingHalf, seed: 7),
        PlantedMistake(defect: .learnersInQuorum, seed: 11),
        PlantedMistake(defect: .votesForShorterLogs, seed: 3),
        PlantedMistake(defect: .staleAcknowledgements, seed: 60),
        PlantedMistake(defect: .changesAppliedAtAppend, seed: 1),
        PlantedMistake(defect: .heartbeatsCommitUnmatchedEntries, seed: 13),
        PlantedMistake(defect: .staleTermsAccepted, seed: 8),
        PlantedMistake(defect: .noSync, seed: 1),
        PlantedMistake(defect: .appliedIndexApart, seed: 1),
        PlantedMistake(defect: .identityReused, seed: 1),
        PlantedMistake(defect: .snapshotNotDurable, seed: 15),
        PlantedMistake(defect: .snapshotRacesApply, seed: 1),
        PlantedMistake(defect: .compactsBeyondDurable, seed: 60),
        PlantedMistake(defect: .sessionsLostInSnapshot, seed: 1),
        PlantedMistake(defect: .noDeduplication, seed: 1),
        PlantedMistake(defect: .answersBeforeCommit, seed: 1),
        PlantedMistake(defect: .deposedLeaderAnswers, seed: 66),
        PlantedMistake(defect: .staleReadAfterPause, seed: 4),
        PlantedMistake(defect: .readsBeforeApplied, seed: 4),
    ]
}
