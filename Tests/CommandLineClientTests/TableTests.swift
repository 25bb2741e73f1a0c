import Testing

@testable import CommandLineClient

@Suite struct TableTests {
    private static func sample() -> Table {
        var table = Table([.key("KEY"), .text("NAME"), .number("N"), .text("NOTE")])
        table.append(["2251799813685252", "a rather long name of a process", "7", "short"])
        table.append(["1", "b", "1,234", "a note that is the longest text of all of them here"])
        return table
    }

    @Test func `columns are as wide as their content and numbers stand on the right`() {
        #expect(
            Self.sample().lines(fitting: nil) == [
                "KEY               NAME                                 N  NOTE",
                "2251799813685252  a rather long name of a process      7  short",
                "1                 b                                1,234  a note that is the longest text of all of "
                    + "them here",
            ]
        )
    }

    @Test(arguments: [60, 70, 80, 100])
    func `a table fits the terminal`(width: Int) {
        let lines = Self.sample().lines(fitting: width)

        #expect(lines.allSatisfy { TerminalText.width(of: $0) <= width })
        #expect(lines[1].hasPrefix("2251799813685252  "))
        #expect(lines[2].contains("…"))
    }

    @Test func `the widest column is shortened first`() {
        let widths = Self.sample().widths(fitting: 90)

        #expect(widths == [16, 31, 5, 32])
    }

    @Test func `keys and numbers stay whole even where the terminal is too narrow`() {
        let lines = Self.sample().lines(fitting: 20)

        #expect(lines[1].hasPrefix("2251799813685252  a rat…      7  short"))
    }

    @Test func `control characters never reach the terminal`() {
        var table = Table([.text("NAME")])
        table.append(["\u{1B}[2Jboo\nhoo\u{9B}31m\u{202E}"])

        #expect(table.lines(fitting: nil) == ["NAME", " [2Jboo hoo 31m"])
    }

    @Test func `missing cells are empty and a table without rows has no heading`() {
        var table = Table([.text("A"), .text("B")])
        #expect(table.lines(fitting: nil).isEmpty)

        table.append(["1"])
        #expect(table.lines(fitting: nil) == ["A  B", "1"])
    }

    @Test(
        arguments: [("abc", 3), ("日本", 4), ("é", 1), ("e\u{301}", 1), ("🎉", 2), ("", 0), ("a…", 2)] as [(String, Int)]
    )
    func `the width counts terminal columns`(text: String, width: Int) {
        #expect(TerminalText.width(of: text) == width)
    }

    @Test func `truncation never exceeds the columns, also for wide characters`() {
        #expect(TerminalText.truncated("日本語", to: 5) == "日本…")
        #expect(TerminalText.truncated("日本語", to: 4) == "日…")
        #expect(TerminalText.truncated("abc", to: 3) == "abc")
        #expect(TerminalText.truncated("abcd", to: 3) == "ab…")
        #expect(TerminalText.truncated("abcd", to: 0) == "")
    }

    @Test(
        arguments: [
            ("2026-03-01T12:00:00.123Z", "2026-03-01 12:00:00Z"),
            ("2026-03-01T12:00:00+01:00", "2026-03-01 12:00:00+01:00"), ("", ""), ("soon", "soon"),
        ])
    func `date-times are shown to the second`(text: String, shown: String) {
        #expect(TerminalText.timestamp(text) == shown)
    }

    @Test func `thousands are grouped`() {
        #expect(TerminalText.grouped(0) == "0")
        #expect(TerminalText.grouped(1234567) == "1,234,567")
        #expect(TerminalText.grouped(Int.min) == "-9,223,372,036,854,775,808")
    }

    @Test func `colour needs a terminal and no wish against it`() {
        func isColoured(_ isTerminal: Bool, _ variables: [String: String]) -> Bool {
            Terminal(
                isOutputTerminal: isTerminal,
                isErrorTerminal: true,
                reportedWidth: 100,
                environment: { variables[$0] }
            ).style.isColoured
        }

        #expect(isColoured(true, [:]))
        #expect(!isColoured(true, ["NO_COLOR": "1"]))
        #expect(!isColoured(true, ["TERM": "dumb"]))
        #expect(!isColoured(false, [:]))
    }

    @Test func `the width comes from the terminal, else from COLUMNS, else there is none`() {
        func width(_ isTerminal: Bool, _ reported: Int, _ columns: String?) -> Int? {
            Terminal(
                isOutputTerminal: isTerminal,
                isErrorTerminal: true,
                reportedWidth: reported,
                environment: { $0 == "COLUMNS" ? columns : nil }
            ).width
        }

        #expect(width(true, 132, "80") == 132)
        #expect(width(true, 0, "80") == 80)
        #expect(width(false, 0, "80") == 80)
        #expect(width(false, 0, nil) == nil)
        #expect(width(false, 0, "nonsense") == nil)
        #expect(width(false, 0, "-5") == nil)
    }
}
