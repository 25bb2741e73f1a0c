import Foundation
import Simulation
import Synchronization

/// Runs the seeds of a range, and sums up.
struct SeedBatch: Sendable {
    struct Result {
        var seeds = 0
        var wallSeconds = 0.0
        var total = ScenarioReport(seed: 0)
        /// Of all seeds, whatever their order.
        var trace: UInt64 = 0
        /// By seed.
        var failing: [ScenarioReport] = []
    }

    private struct Progress {
        var next: UInt64
        var result = Result()
        var shownAt = 0.0
    }

    private let scenario: any Scenario
    private let options: ScenarioOptions
    private let seeds: Range<UInt64>

    private static let progressSeconds = 10.0

    init(_ scenario: any Scenario, options: ScenarioOptions, seeds: Range<UInt64>) {
        self.scenario = scenario
        self.options = options
        self.seeds = seeds
    }

    func run(jobs: Int, minutes: Double?, showsTraces: Bool, isQuiet: Bool = false) -> Result {
        let start = Date()
        let end = minutes.map { start.addingTimeInterval($0 * 60) } ?? .distantFuture
        let progress = Mutex(Progress(next: self.seeds.lowerBound))
        DispatchQueue.concurrentPerform(iterations: jobs) { _ in
            while Date() < end, let seed = self.take(progress) {
                let report = self.scenario.run(seed: seed, options: self.options)
                progress.withLock { progress in
                    progress.result.note(report)
                    if showsTraces { print("seed \(seed): \(String(report.trace, radix: 16))") }
                    guard !isQuiet else { return }
                    let seconds = Date().timeIntervalSince(start)
                    guard seconds - progress.shownAt >= Self.progressSeconds else { return }
                    progress.shownAt = seconds
                    let done = "\(progress.result.seeds) of \(self.seeds.count) seeds, \(Int(seconds)) s"
                    FileHandle.standardError.write(Data("\(done), \(progress.result.failing.count) failing\n".utf8))
                }
            }
        }
        var result = progress.withLock { $0.result }
        result.wallSeconds = Date().timeIntervalSince(start)
        result.failing.sort { $0.seed < $1.seed }
        return result
    }

    private func take(_ progress: borrowing Mutex<Progress>) -> UInt64? {
        progress.withLock { progress in
            guard progress.next < self.seeds.upperBound else { return nil }
            progress.next += 1
            return progress.next - 1
        }
    }
}

extension SeedBatch.Result {
    mutating func note(_ report: ScenarioReport) {
        self.seeds += 1
        self.total.add(report)
        var hash = TraceHash()
        hash.add(report.seed)
        hash.add(report.trace)
        self.trace &+= hash.value
        if !report.violations.isEmpty { self.failing.append(report) }
    }

    private var faultTexts: [String] {
        self.total.faults.keys.sorted().map { "\($0.rawValue) \(self.total.faults[$0] ?? 0)" }
    }

    func text(scenario: String) -> String {
        let total = self.total
        let hours = Double(total.simulatedTime) / 3_600_000
        let rate = Double(self.seeds) / max(self.wallSeconds, 0.001) * 60
        return """
            scenario \(scenario): \(self.seeds) seeds in \(Int(self.wallSeconds)) s (\(Int(rate)) a minute), \
            \(String(format: "%.2f", hours)) simulated hours, \(total.events) events
            elections \(total.elections), committed \(total.committed), snapshots \(total.snapshots), \
            reads \(total.reads), messages \(total.messages)
            commands ok \(total.commands.ok), failed \(total.commands.failed), unknown \(total.commands.unknown); \
            histories undecided \(total.undecided)
            faults \(self.faultTexts.joined(separator: ", "))
            trace \(String(self.trace, radix: 16))
            failing \(self.failing.count): \(self.failing.map { "\($0.seed)" }.joined(separator: " "))
            """
    }

    private struct Summary: Encodable {
        struct Failure: Encodable {
            var seed: UInt64
            var violations: [String]
        }

        var scenario: String
        var seeds: Int
        var wallSeconds: Double
        var simulatedMilliseconds: Int
        var events: Int
        var elections: Int
        var committed: Int
        var snapshots: Int
        var reads: Int
        var messages: Int
        var commandsOK: Int
        var commandsFailed: Int
        var commandsUnknown: Int
        var undecided: Int
        var faults: [String: Int]
        var trace: String
        var failing: [Failure]
    }

    func json(scenario: String) throws -> String {
        let total = self.total
        let faults = Dictionary(uniqueKeysWithValues: total.faults.map { ($0.key.rawValue, $0.value) })
        let summary = Summary(
            scenario: scenario,
            seeds: self.seeds,
            wallSeconds: self.wallSeconds,
            simulatedMilliseconds: total.simulatedTime,
            events: total.events,
            elections: total.elections,
            committed: total.committed,
            snapshots: total.snapshots,
            reads: total.reads,
            messages: total.messages,
            commandsOK: total.commands.ok,
            commandsFailed: total.commands.failed,
            commandsUnknown: total.commands.unknown,
            undecided: total.undecided,
            faults: faults,
            trace: String(self.trace, radix: 16),
            failing: self.failing.map { Summary.Failure(seed: $0.seed, violations: $0.violations) }
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        return String(decoding: try encoder.encode(summary), as: UTF8.self)
    }
}
