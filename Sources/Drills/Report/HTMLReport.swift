/// The report as one page that needs nothing else.
enum HTMLReport {
    static func text(_ record: DrillRecord) -> String {
        let tables = ReportTables(record: record)
        let name = HTMLText.escaped(record.scenario.name + (record.isShort ? " (short)" : ""))
        let summary = HTMLText.escaped(tables.summary)
        var parts = [
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
            "<title>Drill \(name): \(summary)</title><style>\(Self.style)</style></head><body>",
            "<h1>Drill \(name): <span class=\"\(record.hasPassed ? "ok" : "bad")\">\(summary)</span></h1>",
            "<p>\(HTMLText.escaped(tables.sentence)).</p>",
            "<p><b>Hypothesis.</b> \(HTMLText.escaped(record.scenario.hypothesis))</p>",
            TimelinePicture(record).svg, Self.legend,
        ]
        for table in tables.all where !table.rows.isEmpty { parts.append(Self.table(table)) }
        parts.append("</body></html>\n")
        return parts.joined(separator: "\n")
    }

    private static func table(_ table: ReportTables.Table) -> String {
        let heading = table.heading.map { "<th>\(HTMLText.escaped($0))</th>" }.joined()
        let rows = table.rows.map { row in
            let cells = row.map { cell in
                let style = cell == "FAILED" ? " class=\"bad\"" : cell == "ok" ? " class=\"ok\"" : ""
                return "<td\(style)>\(HTMLText.escaped(cell).replacing("\n", with: "<br>"))</td>"
            }
            return "<tr>\(cells.joined())</tr>"
        }
        return "<h2>\(HTMLText.escaped(table.title))</h2><div class=\"wide\"><table><thead><tr>\(heading)</tr></thead>"
            + "<tbody>\(rows.joined(separator: "\n"))</tbody></table></div>"
    }

    private static let legend = """
        <p class="legend"><i class="role-leader"></i> leader <i class="role-follower"></i> follower \
        <i class="role-candidate"></i> candidate <i class="role-away"></i> no answer <i class="fault"></i> fault \
        <i class="gap"></i> nothing acknowledged for 100 ms or more <i class="bar"></i> acknowledged commands</p>
        """

    private static let style = """
        :root { color-scheme: light dark; --ink: #1c1c1c; --soft: #6b6b6b; --line: #d0d0d0; --paper: #ffffff; }
        @media (prefers-color-scheme: dark) {
          :root { --ink: #e6e6e6; --soft: #a0a0a0; --line: #444444; --paper: #161616; }
        }
        body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
          max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
        h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
        .ok { color: #1a7f37 } .bad { color: #c62828; font-weight: 600 }
        .wide { overflow-x: auto } table { border-collapse: collapse; width: 100% }
        th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line) }
        th { color: var(--soft); font-weight: 500 }
        svg { width: 100%; height: auto; margin-top: 1rem } svg text { font-size: 11px; fill: var(--soft) }
        .axis { stroke: var(--soft) } .bar { fill: #2563a8; background: #2563a8 }
        .fault { fill: #e8a33d; fill-opacity: .28; background: #f6dcae }
        .gap { fill: #c62828; fill-opacity: .22; background: #eebbbb }
        .role-leader { fill: #1a7f37; background: #1a7f37 } .role-follower { fill: #a9c7e8; background: #a9c7e8 }
        .role-candidate { fill: #b58900; background: #b58900 } .role-learner { fill: #b9a3d6; background: #b9a3d6 }
        .role-none { fill: #bbbbbb; background: #bbbbbb } .role-away { fill: #4a4a4a; background: #4a4a4a }
        .legend { color: var(--soft) } .legend i { display: inline-block; width: .9em; height: .9em;
          margin: 0 .2em 0 .8em; vertical-align: -.1em }
        """
}
