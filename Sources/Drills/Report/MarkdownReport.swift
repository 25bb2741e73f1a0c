/// The report for people who read text.
enum MarkdownReport {
    static func text(_ record: DrillRecord) -> String {
        let tables = ReportTables(record: record)
        var lines = [
            "# Drill \(record.scenario.name)\(record.isShort ? " (short)" : ""): \(tables.summary)", "",
            "\(tables.sentence).", "", "**Hypothesis.** \(record.scenario.hypothesis)", "",
            "**Stop.** \(record.scenario.stop)", "",
        ]
        for table in tables.all where !table.rows.isEmpty {
            lines += ["## \(table.title)", "", Self.row(table.heading)]
            lines.append(Self.row(table.heading.map { _ in "---" }))
            lines += table.rows.map { Self.row($0) } + [""]
        }
        return lines.joined(separator: "\n")
    }

    private static func row(_ cells: [String]) -> String {
        let texts = cells.map { cell in
            cell.replacing("|", with: "\\|").split(whereSeparator: { $0.isNewline }).joined(separator: "<br>")
        }
        return "| \(texts.joined(separator: " | ")) |"
    }
}
