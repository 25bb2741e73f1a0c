import ArgumentParser
import JSON

/// `--limit` and `--all`, for the commands that list.
struct ListOptions: ParsableArguments {
    /// What one request asks for while everything is streamed.
    static let streamedPageLimit = 500

    @Option(help: "Show at most this many, newest first.")
    var limit: Int = 50

    @Flag(name: .customLong("all"), help: "Show everything, page by page.")
    var isUnlimited = false

    func validate() throws {
        guard self.limit >= 1, self.limit <= 1_000_000 else {
            throw ValidationError("Expected a limit of 1 to 1000000, but got \(self.limit)")
        }
    }

    /// How many items may still be shown after `shown`.
    func room(after shown: Int) -> Int {
        self.isUnlimited ? Self.streamedPageLimit : max(0, min(self.limit - shown, Self.streamedPageLimit))
    }
}

/// How one kind of item looks in a list.
struct ListFormat: Sendable {
    /// What is said when there is none: "no incidents".
    let emptyText: String
    let columns: [Table.Column]
    let cells: @Sendable (JSONValue) -> [String]
}

extension Session {
    /// Prints what `search` finds: JSON lines, or a table whose column widths come from the first page.
    func list(_ search: SearchRequest, options: ListOptions, format: ListFormat) async throws {
        var shown = 0
        var cursor: String? = nil
        var widths: [Int]? = nil
        var total = 0
        while true {
            let pageLimit = options.room(after: shown)
            guard pageLimit > 0 else { break }
            let request = search.page(limit: pageLimit, after: cursor)
            let answer = try await self.withProgress({ "reading \(search.subject)" }) {
                try await self.connection.send(request)
            }
            let page = try SearchPage(answer)
            total = page.totalItems
            try self.show(page, format: format, widths: &widths)
            shown += page.items.count
            let next = page.cursor(afterPageOf: pageLimit)
            // A server that repeats a cursor would otherwise be read for ever.
            guard let next, next != cursor else { break }
            cursor = next
        }
        guard !self.isJSON else { return }
        if shown == 0 {
            Console.note(format.emptyText)
        } else if !options.isUnlimited, total > shown {
            Console.note("showing \(shown) of \(TerminalText.grouped(total)); more with --limit N or --all")
        }
    }

    private func show(_ page: SearchPage, format: ListFormat, widths: inout [Int]?) throws(ClientFailure) {
        if self.isJSON {
            try Console.lines(page.items.map { $0.compactText })
            return
        }
        guard !page.items.isEmpty else { return }
        var table = Table(format.columns)
        for item in page.items { table.append(format.cells(item)) }
        var lines: [String] = []
        let columnWidths: [Int]
        if let widths {
            columnWidths = widths
        } else {
            columnWidths = table.widths(fitting: self.terminal.width)
            widths = columnWidths
            lines.append(self.terminal.style.strong(table.heading(widths: columnWidths)))
        }
        lines += table.rows.map { table.line($0, widths: columnWidths) }
        try Console.lines(lines)
    }
}
