/// Where a drill's report is kept: report.md, report.html, report.json, history.jsonl.
enum ReportFolder {
    static func write(_ record: DrillRecord, _ history: RegisterHistory, to folder: String) throws {
        try Files.makeFolder(folder)
        try Files.write(Array(MarkdownReport.text(record).utf8), to: "\(folder)/report.md")
        try Files.write(Array(HTMLReport.text(record).utf8), to: "\(folder)/report.html")
        try Files.write(JSONReport.bytes(record), to: "\(folder)/report.json")
        if !history.operations.isEmpty { try history.write(path: "\(folder)/history.jsonl") }
    }

    /// The short form on standard output.
    static func lines(_ record: DrillRecord, folder: String) -> [String] {
        let tables = ReportTables(record: record)
        var lines = ["", "\(record.scenario.name): \(tables.summary)", "  \(tables.sentence)"]
        lines += record.verdicts.map { "  \($0.holds ? "ok    " : "FAILED") \($0.expectation): \($0.found)" }
        lines.append("  report: \(folder)/report.html, report.md, report.json")
        return lines
    }
}
