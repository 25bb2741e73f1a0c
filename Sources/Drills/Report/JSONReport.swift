import JSON

/// The report for machines. Times are in seconds, from the beginning of the load.
enum JSONReport {
    static func bytes(_ record: DrillRecord) -> [UInt8] {
        let timeline = record.timeline
        let recoveries = Distribution(record.recoveries.compactMap { $0 })
        var members = JSONObject()
        members.set("scenario", .string(record.scenario.name))
        members.set("isShort", .bool(record.isShort))
        members.set("hasPassed", .bool(record.hasPassed))
        members.set("aborted", record.aborted.map { .string($0) } ?? .null)
        members.set("network", .string(record.network))
        members.set("nodes", .int(Int64(record.nodeNames.count)))
        members.set("loadSeconds", Self.number(record.loadEnded - record.loadBegan))
        members.set("acknowledgedCommands", .int(Int64(record.acknowledgements.count)))
        members.set("availability", Self.number(timeline.availability))
        members.set("longestGapSeconds", Self.number(timeline.gaps.first?.length ?? 0))
        members.set(
            "recoverySeconds",
            JSONValue(members: [
                "p50": recoveries.median.map { Self.number($0) } ?? .null,
                "p90": recoveries.quantile(0.9).map { Self.number($0) } ?? .null,
                "max": recoveries.maximum.map { Self.number($0) } ?? .null,
                "count": .int(Int64(recoveries.sorted.count)),
            ])
        )
        members.set("expectations", .array(record.verdicts.map(Self.verdict)))
        members.set(
            "faults",
            .array(zip(record.faults, record.recoveries).map { Self.fault($0, $1, record) })
        )
        members.set("findings", .array(record.findings.map(Self.finding)))
        var instances = JSONObject()
        for model in LoadModel.allCases {
            if let count = record.instances[model] { instances.set(model.rawValue, .int(Int64(count))) }
        }
        members.set("instances", .object(instances))
        members.set("jobsCompleted", .int(Int64(record.jobsCompleted)))
        members.set("messagesPublished", .int(Int64(record.messagesPublished)))
        members.set("registerOperations", .int(Int64(record.registerOperations)))
        members.set("acknowledgedPerInterval", .array(timeline.counts.map { .int(Int64($0)) }))
        members.set("intervalSeconds", Self.number(Timeline.interval))
        return JSONValue.object(members).serializedPretty() + [10]
    }

    /// Six digits behind the point are microseconds.
    private static func number(_ value: Double) -> JSONValue {
        let rounded = (value * 1_000_000).rounded() / 1_000_000
        return JSONNumber(text: "\(rounded)").map { .number($0) } ?? .null
    }

    private static func verdict(_ verdict: Verdict) -> JSONValue {
        JSONValue(members: [
            "expectation": .string(verdict.expectation), "found": .string(verdict.found), "holds": .bool(verdict.holds),
        ])
    }

    private static func finding(_ finding: Finding) -> JSONValue {
        JSONValue(members: ["kind": .string(finding.kind.rawValue), "text": .string(finding.text)])
    }

    private static func fault(_ fault: FaultRecord, _ recovery: Double?, _ record: DrillRecord) -> JSONValue {
        JSONValue(members: [
            "fault": .string(fault.kind.rawValue),
            "target": .string(fault.target),
            "began": Self.number(fault.began - record.loadBegan),
            "ended": fault.ended.map { Self.number($0 - record.loadBegan) } ?? .null,
            "recoverySeconds": recovery.map { Self.number($0) } ?? .null,
            "isProven": .bool(fault.isProven),
            "failure": fault.failure.map { .string($0) } ?? .null,
            "proofs": .array(
                fault.proofs.map { JSONValue(members: ["text": .string($0.text), "holds": .bool($0.holds)]) }
            ),
        ])
    }
}
