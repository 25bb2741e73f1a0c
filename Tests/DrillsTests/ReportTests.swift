import Foundation
import JSON
import Testing

@testable import Drills

@Suite struct ReportTests {
    /// A drill as it might have been, with one kill after which the next command came 200 ms later.
    private static func record() throws -> DrillRecord {
        let text = """
            name: kill-leader
            hypothesis: all <goes> on & on
            stop: Ctrl-C
            duration: 10s
            load: {registers: 1}
            faults: [{fault: kill, after: 5s}]
            expectations: {recovery: {p50: 250ms, max: 1s}, availability: 0.9}
            """
        var record = DrillRecord(scenario: try ScenarioReader.read(Array(text.utf8), file: "x").scenario)
        record.nodeNames = ["node 1", "node 2", "node 3"]
        record.digests = ["d", "d", "d"]
        record.loadBegan = 1
        record.loadEnded = 11
        for number in 0..<1_000 {
            let time = 1 + Double(number) * 0.01
            guard !(6.0..<6.2).contains(time) else { continue }
            record.acknowledgements.append(Acknowledgement(sent: time, answered: time + 0.001))
        }
        var fault = FaultRecord(kind: .kill, target: "node 1 (leader)", nodes: [0], began: 6)
        fault.prove("process 1 ended by signal 9", true)
        fault.ended = 7
        record.faults = [fault]
        record.roles = [
            RoleChange(time: 0, node: 0, role: .leader, term: 1), RoleChange(time: 6, node: 0, role: .away, term: 0),
            RoleChange(time: 6.1, node: 1, role: .leader, term: 2),
        ]
        record.instances = [.timer: 10]
        return record
    }

    @Test func `a drill in which all was as expected has passed`() throws {
        let record = try Self.record()

        #expect(record.hasPassed, "\(record.verdicts.filter { !$0.holds })")
        #expect(record.recoveries.compactMap { $0 }.map { ($0 * 1_000).rounded() } == [201])
    }

    /// One thing that spoils a drill, and a word of the verdict that says so.
    struct Spoiler: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var spoil: @Sendable (inout DrillRecord) -> Void
    }

    @Test(arguments: [
        Spoiler(testDescription: "lost") { $0.findings = [Finding(.lost, "gone")] },
        Spoiler(testDescription: "doubled") { $0.findings = [Finding(.doubled, "twice")] },
        Spoiler(testDescription: "stuck") { $0.findings = [Finding(.stuck, "waits")] },
        Spoiler(testDescription: "wrong") { $0.findings = [Finding(.wrong, "odd")] },
        Spoiler(testDescription: "not linearizable") { $0.registers.holds = false },
        Spoiler(testDescription: "digests differ") { $0.digests[1] = "e" },
        Spoiler(testDescription: "a digest is missing") { $0.digests[1] = nil },
        Spoiler(testDescription: "a fault is not proven") { $0.faults[0].prove("it runs", false) },
        Spoiler(testDescription: "a fault has no proof") { $0.faults[0].proofs = [] },
        Spoiler(testDescription: "a fault failed") { $0.faults[0].failure = "did not come back" },
        Spoiler(testDescription: "no fault struck") { $0.faults = [] },
        Spoiler(testDescription: "a process crashed") { $0.crashes = ["node 1 by signal 11"] },
        Spoiler(testDescription: "slow recovery") { $0.acknowledgements.removeAll { (6.0...7.5).contains($0.sent) } },
        Spoiler(testDescription: "no recovery") { $0.acknowledgements.removeAll { $0.sent > 6 } },
        Spoiler(testDescription: "little availability") {
            $0.acknowledgements.removeAll { (2.0...4.0).contains($0.sent) }
        },
        Spoiler(testDescription: "broken off") { $0.aborted = "by a signal" },
        Spoiler(testDescription: "no alarm") { $0.alarms = [FaultRecord.Proof("log line", holds: false)] },
        Spoiler(testDescription: "no quorum checks") { $0.scenario.expectations.refusesWithoutQuorum = true },
    ])
    func `a drill fails by any one thing`(_ spoiler: Spoiler) throws {
        var record = try Self.record()

        spoiler.spoil(&record)

        #expect(!record.hasPassed)
    }

    @Test func `the page is well formed, self-contained and shows the timeline`() throws {
        var record = try Self.record()
        record.findings = [Finding(.wrong, "<script>alert(1)</script>")]

        let page = HTMLReport.text(record)

        #expect(!page.contains("<script"))
        #expect(!page.contains("http://") && !page.contains("src="))
        #expect(page.contains("all &lt;goes&gt; on &amp; on"))
        let start = try #require(page.range(of: "<svg"))
        let end = try #require(page.range(of: "</svg>"))
        let picture = String(page[start.lowerBound..<end.upperBound])
        #expect(picture.components(separatedBy: "role-leader").count == 3)
        #expect(picture.contains("class=\"fault\"") && picture.contains("class=\"gap\""))
        #expect(picture.components(separatedBy: "<rect").count == picture.components(separatedBy: "</rect>").count)
    }

    @Test func `the report for machines says what happened in numbers`() throws {
        let json = try JSONParser.parse(JSONReport.bytes(try Self.record()))

        #expect(json["hasPassed"].boolValue == true)
        #expect(json["acknowledgedPerInterval"].arrayValue?.count == 100)
        #expect((json["recoverySeconds"]["max"].numberValue?.double ?? 0) > 0.2)
        #expect(json["faults"].arrayValue?.first?["isProven"].boolValue == true)
    }

    @Test func `the report for readers has every table`() throws {
        let text = MarkdownReport.text(try Self.record())

        #expect(text.hasPrefix("# Drill kill-leader: PASSED"))
        for title in ["Expectations", "Faults", "Load", "Longest times"] { #expect(text.contains("## \(title)")) }
    }
}
