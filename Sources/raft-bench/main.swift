import Foundation
import RaftCore
import Simulation

/// Resident memory in kibibytes, as the kernel counts it.
func residentKibibytes() -> Int {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return 0 }
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
}

func number(_ position: Int, default value: Int) -> Int {
    CommandLine.arguments.count > position ? Int(CommandLine.arguments[position]) ?? value : value
}

func bench() throws {
    let (total, batch, size) = (number(1, default: 4_000_000), number(2, default: 256), number(3, default: 16))
    var trio = try ReplicaTrio()
    let clock = ContinuousClock()
    var proposed = 0
    var memory: [Int] = []
    let quarter = max(total / 4, batch)
    let start = clock.now
    while proposed < total {
        let payloads = (0..<batch).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: size) }
        try trio.propose(payloads)
        proposed += batch
        if proposed % quarter < batch { memory.append(residentKibibytes()) }
    }
    let seconds = Double((clock.now - start) / .milliseconds(1)) / 1_000
    let rate = Int(Double(proposed) / seconds)
    print("entries \(proposed), batch \(batch), payload \(size) bytes, messages \(trio.messages)")
    print("seconds \(seconds), entries per second \(rate)")
    print("applied \(trio.applied), resident KiB after each quarter \(memory)")
}

func simulate() {
    let (count, first) = (number(2, default: 1_000), number(3, default: 1))
    var failing: [UInt64] = []
    var sum = SimulationReport(seed: 0)
    var traces = TraceHash()
    for seed in UInt64(first)..<UInt64(first + count) {
        let report = RaftSimulation.run(SimulationOptions(seed: seed))
        sum.simulatedTime += report.simulatedTime
        traces.add(report.trace)
        sum.events += report.events
        sum.elections += report.elections
        sum.committed += report.committed
        sum.snapshots += report.snapshots
        sum.crashes += report.crashes
        sum.partitions += report.partitions
        sum.membershipChanges += report.membershipChanges
        sum.transfers += report.transfers
        sum.reads += report.reads
        sum.messages += report.messages
        sum.lostMessages += report.lostMessages
        guard !report.violations.isEmpty else { continue }
        failing.append(seed)
        print(report.violations[0])
    }
    print("seeds \(count), simulated seconds \(sum.simulatedTime / 1_000), events \(sum.events)")
    print("elections \(sum.elections), committed \(sum.committed), snapshots \(sum.snapshots), reads \(sum.reads)")
    print("crashes \(sum.crashes), partitions \(sum.partitions), changes \(sum.membershipChanges)")
    print("transfers \(sum.transfers), messages \(sum.messages), lost \(sum.lostMessages)")
    print("trace \(String(traces.value, radix: 16))")
    print("failing \(failing)")
}

if CommandLine.arguments.dropFirst().first == "simulate" {
    simulate()
} else {
    try bench()
}
