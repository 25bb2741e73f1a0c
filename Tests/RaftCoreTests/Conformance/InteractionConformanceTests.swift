import RaftCore
import Testing

/// The interaction files: whole groups driven command by command.
@Suite(.enabled(if: DataDrivenFile.isPresent))
struct InteractionConformanceTests {
    static let folder = "testdata"

    /// Files that contradict the architecture, with the sentence they contradict.
    static let excluded = [
        "forget_leader_read_only_lease_based.txt": "architecture.md, section 4: \"No lease reads.\""
    ]

    static var included: [String] { DataDrivenFile.names(in: Self.folder).filter { Self.excluded[$0] == nil } }

    @Test
    func `all interaction files but the excluded ones are run`() {
        #expect(Self.excluded.count <= 3)
        #expect(DataDrivenFile.names(in: Self.folder).count == 28)
        #expect(Self.included.count == 28 - Self.excluded.count)
    }

    @Test(arguments: Self.included)
    func `every command of an interaction file has the expected output`(name: String) throws {
        let cases = DataDrivenFile.parse(try DataDrivenFile.read(name, in: Self.folder))
        #expect(!cases.isEmpty)
        for difference in Self.differences(in: cases) { Issue.record("\(name) \(difference)") }
    }

    @Test(arguments: Self.included)
    func `changed outputs in an interaction file are noticed`(name: String) throws {
        let cases = DataDrivenFile.parse(try DataDrivenFile.read(name, in: Self.folder))
        var neutralLines = 0
        var mutations = 0
        for position in cases.indices {
            for line in cases[position].expected.indices {
                let text = cases[position].expected[line]
                guard !Self.isLogLine(text), text != "ok" else { continue }
                // Every 11th neutral line is changed, dropped and doubled, so that a run stays short.
                neutralLines += 1
                guard neutralLines % 11 == 1 else { continue }
                for changed in [[Self.mutated(text)], [], [text, text]] {
                    var wrong = cases
                    wrong[position].expected.replaceSubrange(line...line, with: changed)
                    mutations += 1
                    // What comes after the changed command cannot matter.
                    let found = Self.differences(in: Array(wrong[...position]))
                    #expect(found.map(\.line) == [cases[position].line], "\(name): \(text)")
                }
            }
        }
        #expect(mutations > 0)
    }

    @Test
    func `the driver reports a wrong number, a missing line and a line too many`() {
        let script = """
            add-nodes 1 voters=(1) index=3
            ----
            ok

            campaign 1
            ----
            ok

            process-ready 1
            ----
            Ready MustSync=true:
            Lead:0 State:StateCandidate
            HardState Term:%d Vote:1 Commit:3
            """
        let right = DataDrivenFile.parse(script.replacing("%d", with: "1"))
        #expect(Self.differences(in: right).isEmpty)
        #expect(Self.differences(in: DataDrivenFile.parse(script.replacing("%d", with: "2"))).count == 1)
        var short = right
        short[2].expected.removeLast()
        #expect(Self.differences(in: short).count == 1)
    }

    /// Changes one digit, or the last letter where there is none.
    private static func mutated(_ line: String) -> String {
        if let digit = line.lastIndex(where: \.isNumber) {
            var changed = line
            changed.replaceSubrange(digit...digit, with: line[digit] == "9" ? "8" : "9")
            return changed
        }
        return line + "x"
    }

    private static func isLogLine(_ line: String) -> Bool {
        let text = line.drop { $0 == " " }
        return ["DEBUG ", "INFO ", "WARN ", "ERROR "].contains { text.hasPrefix($0) }
    }

    /// The output without log lines, whose wording is our own, and without "ok", which stands for no output.
    private static func neutral(_ lines: [String]) -> [String] { lines.filter { !Self.isLogLine($0) && $0 != "ok" } }

    private static func differences(in cases: [DataDrivenCase]) -> [DataDrivenDifference] {
        var environment = InteractionEnvironment()
        var differences: [DataDrivenDifference] = []
        for found in cases {
            let expected = Self.neutral(found.expected)
            var actual: [String]
            do {
                actual = try environment.run(found)
            } catch {
                actual = ["\(error)"]
            }
            if actual != expected {
                let command = found.command + " " + found.arguments.map(\.key).joined(separator: " ")
                differences.append(.init(line: found.line, command: command, expected: expected, actual: actual))
                break
            }
        }
        return differences
    }
}
