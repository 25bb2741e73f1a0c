import Simulation

func number(_ position: Int, default value: Int) -> Int {
    CommandLine.arguments.count > position ? Int(CommandLine.arguments[position]) ?? value : value
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

simulate()
