/// The tables that all forms of a report show.
struct ReportTables {
    struct Table: Hashable {
        var title: String
        var heading: [String]
        var rows: [[String]]
    }

    let record: DrillRecord

    var summary: String {
        if let reason = self.record.aborted { return "NOT FINISHED: \(reason)" }
        return self.record.hasPassed ? "PASSED" : "FAILED"
    }

    /// One sentence with the numbers that matter most.
    var sentence: String {
        let timeline = self.record.timeline
        let recoveries = Distribution(self.record.recoveries.compactMap { $0 })
        var text = "\(self.record.acknowledgements.count) commands acknowledged"
        if !self.record.faults.isEmpty {
            text += ", \(self.record.faults.count) faults"
            if let median = recoveries.median, let maximum = recoveries.maximum {
                text += "; next command after \(Figures.milliseconds(median)) (median), "
                text += "\(Figures.milliseconds(maximum)) (longest)"
            }
        }
        if let gap = timeline.gaps.first { text += "; longest time without any: \(Figures.milliseconds(gap.length))" }
        return text
    }

    var all: [Table] { [self.verdicts, self.faults, self.load, self.gaps] + self.findings }

    private var verdicts: Table {
        Table(
            title: "Expectations",
            heading: ["", "expected", "found"],
            rows: self.record.verdicts.map { [$0.holds ? "ok" : "FAILED", $0.expectation, $0.found] }
        )
    }

    private var faults: Table {
        let recoveries = self.record.recoveries
        return Table(
            title: "Faults",
            heading: ["at", "fault", "target", "lasted", "next command after", "seen from outside"],
            rows: zip(self.record.faults, recoveries).map { fault, recovery in
                var proofs = fault.proofs.map { ($0.holds ? "" : "NOT PROVEN: ") + $0.text }
                if let failure = fault.failure { proofs.append("FAILED: \(failure)") }
                return [
                    Figures.seconds(fault.began - self.record.loadBegan), fault.kind.rawValue, fault.target,
                    Figures.seconds((fault.ended ?? fault.began) - fault.began),
                    recovery.map { Figures.milliseconds($0) } ?? "never",
                    proofs.joined(separator: "; "),
                ]
            }
        )
    }

    private var load: Table {
        let seconds = max(0.001, self.record.loadEnded - self.record.loadBegan)
        var rows = [
            ["duration", Figures.seconds(seconds)],
            ["acknowledged commands", "\(self.record.acknowledgements.count)"],
            ["100 ms with an acknowledged command", Figures.percent(self.record.timeline.availability)],
        ]
        for model in LoadModel.allCases {
            if let count = self.record.instances[model] { rows.append(["instances of \(model.rawValue)", "\(count)"]) }
        }
        rows.append(["jobs completed", "\(self.record.jobsCompleted)"])
        rows.append(["messages published", "\(self.record.messagesPublished)"])
        rows.append(["operations on registers", "\(self.record.registerOperations)"])
        for (reason, count) in self.record.repeats.sorted(by: { $0.key < $1.key }) {
            rows.append(["sent again because: \(reason)", "\(count)"])
        }
        rows.append(["network", self.record.network])
        return Table(title: "Load", heading: ["what", "how much"], rows: rows)
    }

    private var gaps: Table {
        Table(
            title: "Longest times without an acknowledged command",
            heading: ["from", "length"],
            rows: self.record.timeline.gaps.prefix(10).map { gap in
                [Figures.seconds(gap.from - self.record.loadBegan), Figures.milliseconds(gap.length)]
            }
        )
    }

    private var findings: [Table] {
        guard !self.record.findings.isEmpty else { return [] }
        let rows = self.record.findings.map { [$0.kind.rawValue, $0.text] }
        return [Table(title: "Findings", heading: ["kind", "what"], rows: rows)]
    }
}
