/// Makes a failing run smaller where that is cheap: kinds of faults that are not needed, a shorter time, fewer faults.
///
/// A smaller run takes another course, so each attempt is a new run; it counts if it fails in any way.
package struct Shrinker {
    private let scenario: any Scenario
    private let seed: UInt64
    /// Runs that may still be made.
    private var attempts: Int

    package init(_ scenario: any Scenario, seed: UInt64, attempts: Int = 80) {
        self.scenario = scenario
        self.seed = seed
        self.attempts = attempts
    }

    /// The smallest options found under which the seed still fails, with that run's report.
    package mutating func shrink(
        _ options: ScenarioOptions,
        failing report: ScenarioReport
    ) -> (options: ScenarioOptions, report: ScenarioReport) {
        var best = (options: options, report: report)
        var time = (report.simulatedTime + 1) / 2
        while time > 50, self.improve(&best, { $0.faultyTime = min($0.faultyTime ?? .max, time) }) { time /= 2 }
        for kind in report.faults.keys.sorted() {
            _ = self.improve(&best) { $0.disabledFaults.insert(kind) }
        }
        var limit = best.report.faults.values.reduce(0, +) / 2
        while limit > 0, self.improve(&best, { $0.faultLimit = min($0.faultLimit ?? .max, limit) }) { limit /= 2 }
        return best
    }

    private mutating func improve(
        _ best: inout (options: ScenarioOptions, report: ScenarioReport),
        _ change: (inout ScenarioOptions) -> Void
    ) -> Bool {
        guard self.attempts > 0 else { return false }
        self.attempts -= 1
        var options = best.options
        change(&options)
        let report = self.scenario.run(seed: self.seed, options: options)
        guard !report.violations.isEmpty else { return false }
        best = (options, report)
        return true
    }
}

extension ScenarioOptions {
    /// The options of the tool that repeat a run, in a fixed order.
    package var arguments: [String] {
        var arguments: [String] = []
        for defect in self.defects.sorted(by: { $0.rawValue < $1.rawValue }) {
            arguments += ["--defect", defect.rawValue]
        }
        for kind in self.disabledFaults.sorted() { arguments += ["--without", kind.rawValue] }
        if let limit = self.faultLimit { arguments += ["--fault-limit", "\(limit)"] }
        if let time = self.faultyTime { arguments += ["--faulty-time", "\(time)"] }
        return arguments
    }
}
