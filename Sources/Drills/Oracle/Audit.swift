/// Compares what clients were told with what a node shows. Pure.
struct Audit {
    let ledger: LedgerContents
    /// The largest number of findings of one kind that are told one by one.
    private static let textLimit = 20

    /// Everything that is wrong on one node.
    /// - Parameter node: its name, for texts.
    func findings(_ records: NodeRecords, on node: String) -> [Finding] {
        var findings: [Finding] = []
        for (id, instance) in self.ledger.instances.sorted(by: { $0.key < $1.key }) {
            findings += self.instanceFindings(id, instance, records)
        }
        for id in records.instancesByID.keys.sorted() where self.ledger.instances[id] == nil {
            findings.append(Finding(.wrong, "\(id) is there, but was never asked for"))
        }
        findings += self.jobFindings(records)
        return Self.limited(findings.map { Finding($0.kind, "\(node): \($0.text)") })
    }

    private func instanceFindings(_ id: String, _ instance: BegunInstance, _ records: NodeRecords) -> [Finding] {
        let found = records.instancesByID[id] ?? []
        if found.count > 1 {
            return [Finding(.doubled, "\(id) was started \(found.count) times: \(found.joined(separator: ", "))")]
        }
        guard let key = instance.key else {
            // Perhaps executed; if it was, then once, and it must end like all others unless it waits for a message
            // that was never sent.
            guard let only = found.first, instance.model != .message else { return [] }
            return self.outcomeFindings(id, only, instance.model, records)
        }
        guard let state = records.instances[key] else {
            return [Finding(.lost, "instance \(key) (\(id)) is missing")]
        }
        if found != [key] {
            return [Finding(.wrong, "\(id) was acknowledged as \(key), but is \(found.first ?? "nowhere")")]
        }
        if instance.model == .message, instance.messageKey == nil, state == "ACTIVE" { return [] }
        return self.outcomeFindings(id, key, instance.model, records)
    }

    /// Whether an instance came to its end, and by the steps that belong to it.
    private func outcomeFindings(
        _ id: String,
        _ key: String,
        _ model: LoadModel,
        _ records: NodeRecords
    ) -> [Finding] {
        if let incident = records.incidents[key] {
            return [Finding(.stuck, "instance \(key) (\(id)) has an incident: \(incident)")]
        }
        let state = records.instances[key] ?? "missing"
        guard state == "COMPLETED" else { return [Finding(.stuck, "instance \(key) (\(id)) is \(state)")] }
        let shape = LoadModels.shape(model)
        var findings: [Finding] = []
        let jobs = records.completedJobs[key] ?? [:]
        for element in Set(shape.jobs.keys).union(jobs.keys).sorted() {
            let (expected, count) = (shape.jobs[element] ?? 0, jobs[element]?.count ?? 0)
            if count != expected {
                let kind: Finding.Kind = count > expected ? .doubled : .lost
                findings.append(
                    Finding(kind, "instance \(key) (\(id)) has \(count) completed jobs of \(element), not \(expected)")
                )
            }
        }
        for element in shape.elements {
            let count = records.completedElements[key]?[element] ?? 0
            if count != 1 {
                let kind: Finding.Kind = count > 1 ? .doubled : .lost
                findings.append(Finding(kind, "instance \(key) (\(id)) passed \(element) \(count) times, not once"))
            }
        }
        return findings
    }

    /// Acknowledged completions are there; none was acknowledged twice.
    private func jobFindings(_ records: NodeRecords) -> [Finding] {
        var findings: [Finding] = []
        var seen: Set<String> = []
        for report in self.ledger.jobs where report.outcome == .completed {
            if !seen.insert(report.job).inserted {
                findings.append(Finding(.doubled, "the completion of job \(report.job) was acknowledged twice"))
            } else if records.completedJobs[report.instance]?[report.element]?.contains(report.job) != true {
                findings.append(
                    Finding(.lost, "the completion of job \(report.job) of instance \(report.instance) is missing")
                )
            }
        }
        return findings
    }

    /// Where nodes show different things.
    static func differences(_ records: [(node: String, records: NodeRecords)]) -> [Finding] {
        guard let first = records.first else { return [] }
        return records.dropFirst().filter { $0.records != first.records }.map { other in
            Finding(.wrong, "\(other.node) shows something else than \(first.node)")
        }
    }

    private static func limited(_ findings: [Finding]) -> [Finding] {
        var counts: [Finding.Kind: Int] = [:]
        var result: [Finding] = []
        for finding in findings {
            counts[finding.kind, default: 0] += 1
            if counts[finding.kind, default: 0] <= Self.textLimit { result.append(finding) }
        }
        for kind in Finding.Kind.allCases {
            let surplus = (counts[kind] ?? 0) - Self.textLimit
            if surplus > 0 { result.append(Finding(kind, "and \(surplus) more of this kind")) }
        }
        return result
    }
}
