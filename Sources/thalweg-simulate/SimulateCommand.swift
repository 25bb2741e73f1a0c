import ArgumentParser
import Foundation
import NodeSimulation
import Simulation

@main
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thalweg-simulate",
        abstract: "Runs simulated worlds from seeds and lists the seeds that fail.",
        discussion: "The exit code is 1 if a seed failed. docs/internals/testing.md explains how to read a failure."
    )

    private static let scenarios: [any Scenario] = Scenarios.all + [NodeScenario()]

    @Option(help: "Scenario to run.")
    var scenario = Scenarios.standard.name
    @Option(help: "Number of seeds.")
    var seeds: UInt64 = 100
    @Option(help: "The first seed.")
    var first: UInt64 = 1
    @Option(help: "Stop after so many minutes, if the seeds last that long.")
    var minutes: Double?
    @Option(help: ArgumentHelp("Make a mistake on purpose; may be repeated.", valueName: "name"))
    var defect: [String] = []
    @Option(help: ArgumentHelp("Leave out a kind of fault; may be repeated.", valueName: "kind"))
    var without: [String] = []
    @Option(help: "Inject no more than so many faults in a run.")
    var faultLimit: Int?
    @Option(help: "Simulated milliseconds with faults.")
    var faultyTime: Int?
    @Option(help: "Runs at a time.")
    var jobs = 1
    @Flag(help: "Make failing runs smaller where that is cheap.")
    var shrink = false
    @Flag(help: "Print the result as JSON.")
    var json = false
    @Flag(help: "Print a line for every seed, with the digest of its course.")
    var traces = false
    @Flag(help: "Run every planted defect over the seeds and print who was caught, where and by what.")
    var prove = false
    @Flag(help: "List scenarios, defects and kinds of faults.")
    var list = false

    func validate() throws {
        guard (1...256).contains(self.jobs) else {
            throw ValidationError("Expected --jobs from 1 to 256, but got \(self.jobs).")
        }
        guard self.seeds >= 1, self.first <= UInt64.max - self.seeds else {
            throw ValidationError("Expected at least one seed below 2^64, but got \(self.seeds) from \(self.first).")
        }
        _ = try self.options()
    }

    private func options() throws -> ScenarioOptions {
        var options = ScenarioOptions()
        for name in self.defect {
            guard let defect = Defect(rawValue: name) else {
                throw ValidationError("Expected a defect of --list, but got '\(name)'.")
            }
            options.defects.insert(defect)
        }
        options.disabledFaults = Set(self.without.map(FaultKind.init(rawValue:)))
        options.faultLimit = self.faultLimit
        options.faultyTime = self.faultyTime
        return options
    }

    func run() throws {
        if self.list {
            for scenario in Self.scenarios { print("scenario  \(scenario.name): \(scenario.summary)") }
            for defect in Defect.allCases { print("defect    \(defect.rawValue)") }
            return
        }
        guard let scenario = Self.scenarios.first(where: { $0.name == self.scenario }) else {
            let names = Self.scenarios.map(\.name).joined(separator: ", ")
            throw ValidationError("Expected a scenario of \(names), but got '\(self.scenario)'.")
        }
        if self.prove {
            try self.proveDefects(scenario)
            return
        }
        let options = try self.options()
        let batch = SeedBatch(scenario, options: options, seeds: self.first..<(self.first + self.seeds))
        let result = batch.run(jobs: self.jobs, minutes: self.minutes, showsTraces: self.traces)
        print(self.json ? try result.json(scenario: scenario.name) : result.text(scenario: scenario.name))
        for report in result.failing { self.explain(report, scenario, options) }
        if !result.failing.isEmpty { throw ExitCode(1) }
    }

    private func explain(_ report: ScenarioReport, _ scenario: any Scenario, _ options: ScenarioOptions) {
        guard !self.json else { return }
        print("\nseed \(report.seed) fails:")
        for violation in report.violations { print("  \(violation)") }
        print("  again:  \(Self.command(scenario, report.seed, options))")
        guard self.shrink else { return }
        var shrinker = Shrinker(scenario, seed: report.seed)
        let small = shrinker.shrink(options, failing: report)
        print("  smaller (\(small.report.events) of \(report.events) events): \(small.report.violations.first ?? "")")
        print("  again:  \(Self.command(scenario, report.seed, small.options))")
    }

    private static func command(_ scenario: any Scenario, _ seed: UInt64, _ options: ScenarioOptions) -> String {
        (["scripts/simulate --scenario \(scenario.name) --first \(seed) --seeds 1"] + options.arguments)
            .joined(separator: " ")
    }

    /// The table of docs/internals/testing.md.
    private func proveDefects(_ scenario: any Scenario) throws {
        print("| defect | caught by | first seed | seeds of \(self.seeds) |")
        print("|---|---|---|---|")
        var missed: [String] = []
        for defect in scenario.defects where self.defect.isEmpty || self.defect.contains(defect.rawValue) {
            var options = ScenarioOptions()
            options.defects = [defect]
            let batch = SeedBatch(scenario, options: options, seeds: self.first..<(self.first + self.seeds))
            let result = batch.run(jobs: self.jobs, minutes: self.minutes, showsTraces: false, isQuiet: true)
            guard let caught = result.failing.first else {
                missed.append(defect.rawValue)
                print("| \(defect.rawValue) | – | – | 0 |")
                continue
            }
            let invariants = result.failing.compactMap(\.violations.first).map(Self.invariant)
            let counts = Dictionary(grouping: invariants, by: { $0 }).mapValues(\.count)
            let most = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .prefix(3).map { "\($0.key) (\($0.value))" }
            print("| \(defect.rawValue) | \(most.joined(separator: ", ")) | \(caught.seed) | \(result.failing.count) |")
        }
        if !missed.isEmpty { throw ExitCode(1) }
    }

    /// The name of the invariant in "seed 1, 2 ms: name: what".
    private static func invariant(of violation: String) -> String {
        let parts = violation.split(separator: ": ", maxSplits: 2)
        return parts.count > 1 ? String(parts[1]) : violation
    }
}
