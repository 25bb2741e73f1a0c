/// One expectation and what was found.
struct Verdict: Hashable, Sendable {
    var expectation: String
    var found: String
    var holds: Bool

    /// All expectations of a drill's scenario, in the order of their weight. Pure.
    static func all(of record: DrillRecord) -> [Verdict] {
        let expected = record.scenario.expectations
        var result = [Self.effect(record)]
        if expected.nothingLost { result.append(Self.findings(record, .lost, "nothing acknowledged is lost")) }
        if expected.nothingDoubled { result.append(Self.findings(record, .doubled, "nothing is done twice")) }
        let limit = Figures.seconds(expected.finishAll)
        result.append(Self.findings(record, .stuck, "all instances end within \(limit) after the load"))
        result.append(Self.findings(record, .wrong, "every node shows what clients were told"))
        if expected.linearizable, record.scenario.load.registers > 0 {
            let found = record.registers
            result.append(Verdict(expectation: "registers are linearizable", found: found.text, holds: found.holds))
        }
        if expected.digestsEqual, record.nodeNames.count > 1 { result.append(Self.digests(record)) }
        result += Self.recovery(record)
        if let least = expected.availability {
            let availability = record.timeline.availability
            result.append(
                Verdict(
                    expectation: "in \(Figures.percent(least)) of all 100 ms something is acknowledged",
                    found: Figures.percent(availability),
                    holds: availability >= least
                )
            )
        }
        for proof in record.alarms {
            result.append(
                Verdict(
                    expectation: "alarm: \(proof.text)",
                    found: proof.holds ? "seen" : "not seen",
                    holds: proof.holds
                )
            )
        }
        if expected.refusesWithoutQuorum { result.append(Self.quorum(record)) }
        result.append(
            Verdict(
                expectation: "no process ends by itself",
                found: record.crashes.isEmpty ? "none did" : record.crashes.joined(separator: "; "),
                holds: record.crashes.isEmpty
            )
        )
        return result
    }

    private static func effect(_ record: DrillRecord) -> Verdict {
        let proven = record.faults.count { $0.isProven }
        let planned = record.scenario.faults.isEmpty ? 0 : 1
        return Verdict(
            expectation: "every fault takes effect, seen from outside",
            found: "\(proven) of \(record.faults.count) strikes",
            holds: proven == record.faults.count && record.faults.count >= planned
        )
    }

    private static func findings(_ record: DrillRecord, _ kind: Finding.Kind, _ expectation: String) -> Verdict {
        let texts = record.findings.filter { $0.kind == kind }.map { $0.text }
        let more = texts.count > 3 ? " and \(texts.count - 3) more" : ""
        return Verdict(
            expectation: expectation,
            found: texts.isEmpty ? "so it is" : texts.prefix(3).joined(separator: "; ") + more,
            holds: texts.isEmpty
        )
    }

    private static func digests(_ record: DrillRecord) -> Verdict {
        let known = record.digests.compactMap { $0 }
        return Verdict(
            expectation: "all nodes have the same state",
            found: known.count < record.nodeNames.count
                ? "\(known.count) of \(record.nodeNames.count) nodes told their digest"
                : Set(known).count == 1 ? "digest \(known[0])" : "digests \(known.joined(separator: ", "))",
            holds: known.count == record.nodeNames.count && Set(known).count == 1
        )
    }

    private static func recovery(_ record: DrillRecord) -> [Verdict] {
        let expected = record.scenario.expectations
        let values = record.recoveries
        let distribution = Distribution(values.map { $0 ?? .infinity })
        func verdict(_ limit: Double?, _ found: Double?, _ name: String) -> Verdict? {
            guard let limit else { return nil }
            let isFinite = found?.isFinite ?? false
            return Verdict(
                expectation: "\(name) time from a fault to the next acknowledged command at most "
                    + Figures.milliseconds(limit),
                found: isFinite ? Figures.milliseconds(found ?? 0) : "nothing was acknowledged any more",
                holds: isFinite && (found ?? .infinity) <= limit
            )
        }
        return [
            verdict(expected.recoveryMedian, distribution.median, "median"),
            verdict(expected.recoveryMaximum, distribution.maximum, "longest"),
        ].compactMap { $0 }
    }

    private static func quorum(_ record: DrillRecord) -> Verdict {
        let failed = record.quorum.filter { !$0.holds }
        return Verdict(
            expectation: "without a majority: clear refusals, stale reads",
            found: record.quorum.isEmpty
                ? "never asked"
                : (failed.isEmpty ? record.quorum : failed).prefix(2).map { $0.text }.joined(separator: "; "),
            holds: failed.isEmpty && !record.quorum.isEmpty
        )
    }
}
