/// A table for people: columns as wide as their content, shrunk from the widest to fit the terminal.
///
/// Keys are what an operator copies into the next command, so a key column is never shortened, even when the line then
/// runs over the edge.
struct Table: Equatable, Sendable {
    /// One column: heading and how its cells behave.
    struct Column: Equatable, Sendable {
        let title: String
        let kind: Kind

        /// How cells of a column are laid out.
        enum Kind: Equatable, Sendable {
            /// An identifier; left-aligned and never shortened.
            case key
            /// Ordinary text; left-aligned, shortened with `…` when room is scarce.
            case text
            /// A number; right-aligned and never shortened.
            case number
        }

        static func key(_ title: String) -> Column { Column(title: title, kind: .key) }
        static func text(_ title: String) -> Column { Column(title: title, kind: .text) }
        static func number(_ title: String) -> Column { Column(title: title, kind: .number) }
    }

    /// Text columns are not squeezed below this.
    static let textWidthMinimum = 6
    /// Spaces between two columns.
    static let gap = 2

    let columns: [Column]
    private(set) var rows: [[String]] = []

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Appends a row; missing cells are empty, surplus ones are dropped, control characters are blanked.
    mutating func append(_ cells: [String]) {
        var row: [String] = []
        for index in self.columns.indices {
            row.append(index < cells.count ? TerminalText.sanitized(cells[index]) : "")
        }
        self.rows.append(row)
    }

    /// The width of each column when the whole table may take `terminalWidth` columns (nil: as wide as needed).
    func widths(fitting terminalWidth: Int?) -> [Int] {
        var widths = self.columns.map { TerminalText.width(of: $0.title) }
        for row in self.rows {
            for index in self.columns.indices {
                widths[index] = max(widths[index], TerminalText.width(of: row[index]))
            }
        }
        guard let terminalWidth else { return widths }
        let gaps = Self.gap * max(0, self.columns.count - 1)
        var excess = widths.reduce(0, +) + gaps - terminalWidth
        while excess > 0 {
            let shrinkable = self.columns.indices.filter {
                self.columns[$0].kind == .text && widths[$0] > Self.textWidthMinimum
            }
            guard let widest = shrinkable.max(by: { widths[$0] < widths[$1] }) else { break }
            // Down to the next widest at once, so that the loop is bounded by the number of columns.
            let others = shrinkable.filter { $0 != widest }.map { widths[$0] }
            let floor = max(Self.textWidthMinimum, min(others.max() ?? 0, widths[widest] - 1))
            let cut = min(excess, widths[widest] - floor)
            widths[widest] -= cut
            excess -= cut
        }
        return widths
    }

    /// The heading line for columns of these widths.
    func heading(widths: [Int]) -> String {
        self.line(self.columns.map { $0.title }, widths: widths)
    }

    /// One line of cells for columns of these widths, without spaces at its end.
    func line(_ cells: [String], widths: [Int]) -> String {
        var text = ""
        for (index, column) in self.columns.enumerated() {
            if index > 0 { text += String(repeating: " ", count: Self.gap) }
            let cell = column.kind == .text ? TerminalText.truncated(cells[index], to: widths[index]) : cells[index]
            text += TerminalText.padded(cell, to: widths[index], isRight: column.kind == .number)
        }
        while text.last == " " { text.removeLast() }
        return text
    }

    /// All lines, heading first; nothing at all when there is no row.
    func lines(fitting terminalWidth: Int?) -> [String] {
        guard !self.rows.isEmpty else { return [] }
        let widths = self.widths(fitting: terminalWidth)
        return [self.heading(widths: widths)] + self.rows.map { self.line($0, widths: widths) }
    }
}
