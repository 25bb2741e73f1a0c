import BPMNModel
import BPMNParsing
import Testing

@Suite struct HostileXMLTests {
    struct Attack: CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var rule: ValidationRule
    }

    private static func attack(_ name: String, _ text: String, _ rule: ValidationRule) -> Attack {
        Attack(testDescription: name, bytes: Array(text.utf8), rule: rule)
    }

    private static let root = "<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\">"

    static let attacks: [Attack] = [
        attack("empty doctype", "<!DOCTYPE definitions>\(root)</definitions>", .xmlDoctype),
        attack(
            "billion laughs",
            "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>\(root)&b;</definitions>",
            .xmlDoctype
        ),
        attack(
            "external entity",
            "<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\(root)&x;</definitions>",
            .xmlDoctype
        ),
        attack("external subset", "<!DOCTYPE d SYSTEM \"http://localhost/d.dtd\">\(root)</definitions>", .xmlDoctype),
        attack("undeclared entity", "\(root)&x;</definitions>", .xmlNotWellFormed),
        attack("deep", root + String(repeating: "<process>", count: 10_000), .xmlTooDeep),
        attack("deep in another namespace", root + String(repeating: "<x xmlns=\"x\">", count: 10_000), .xmlTooDeep),
        attack("many elements", root + String(repeating: "<a/>", count: 200_000), .xmlTooManyElements),
        attack(
            "many attributes",
            root + "<process " + (0..<500).map { "a\($0)=\"\"" }.joined(separator: " ") + "/></definitions>",
            .xmlTooManyAttributes
        ),
        attack(
            "a long attribute",
            root + "<process name=\"\(String(repeating: "x", count: 100_000))\"/></definitions>",
            .xmlTooManyAttributes
        ),
        attack(
            "long text",
            root + "<timeDate>\(String(repeating: "x\n", count: 50_000))</timeDate></definitions>",
            .xmlValueTooLong
        ),
        attack("cut off", String("\(root)<process id=\"p\">".dropLast(3)), .xmlNotWellFormed),
        attack("two roots", "\(root)</definitions><x/>", .xmlNotWellFormed),
        attack("an unbound prefix", "<bpmn:definitions/>", .xmlNotWellFormed),
        attack("a namespace that is not BPMN", "<definitions xmlns=\"x&#10;y\"/>", .xmlNotWellFormed),
        attack("another root", "<html/>", .notBPMN),
        attack(
            "another BPMN element as root",
            "<process xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\"/>",
            .notBPMN
        ),
        attack(
            "unknown encoding",
            "<?xml version=\"1.0\" encoding=\"EBCDIC-X\"?>\(root)</definitions>",
            .xmlNotWellFormed
        ),
        attack("nothing", "", .xmlNotWellFormed),
        attack("text", "hello", .xmlNotWellFormed),
        Attack(
            testDescription: "invalid UTF-8",
            bytes: Array(root.utf8) + [0xC3, 0x28] + Array("</definitions>".utf8),
            rule: .xmlNotWellFormed
        ),
        Attack(
            testDescription: "50 MB",
            bytes: [UInt8](repeating: UInt8(ascii: " "), count: 50 * 1024 * 1024),
            rule: .xmlTooLarge
        ),
    ]

    @Test(arguments: attacks)
    func `a hostile file is refused with one clear finding`(attack: Attack) throws {
        let clock = ContinuousClock()

        let start = clock.now
        let found = findings(for: attack.bytes)

        #expect(found.map(\.rule) == [attack.rule])
        let finding = try #require(found.first)
        #expect(finding.line >= 1 && finding.column >= 1)
        #expect(finding.message.hasPrefix("Expected ") && finding.message.contains("but got"))
        #expect(start.duration(to: clock.now) < .seconds(10))
    }

    @Test func `a document type declaration is found where it stands`() {
        let text = "<?xml version=\"1.0\"?>\n\n  <!DOCTYPE x [<!ENTITY a \"b\">]>\n<x/>"

        let found = findings(for: Array(text.utf8))

        #expect(found.first?.line == 3)
    }

    @Test func `models in UTF-16 and ISO-8859-1 are read`() throws {
        let body = TestModels.process("<bpmn:startEvent id=\"s\" name=\"Grüße\"/>")
        var utf16: [UInt8] = [0xFE, 0xFF]
        for unit in body.replacing("UTF-8", with: "UTF-16").utf16 {
            utf16 += [UInt8(unit >> 8), UInt8(unit & 255)]
        }
        let latin1 = body.replacing("UTF-8", with: "ISO-8859-1").unicodeScalars.map { UInt8($0.value) }

        for bytes in [utf16, latin1] {
            let resource = try BPMNParser.parse(bytes, resourceName: "test.bpmn")

            #expect(resource.processes[0].elements[1].name == "Grüße")
        }
    }

    @Test func `text of a file cannot break the lines of a finding`() {
        let text = TestModels.process("<bpmn:startEvent id=\"a&#10;b\u{202E}c\"/>")

        let found = findings(for: Array(text.utf8))

        #expect(found.map(\.rule) == [.invalidID])
        #expect(!found[0].description.contains { $0.isNewline || $0 == "\u{202E}" })
    }

    @Test func `more findings than the limit are counted`() throws {
        var limits = BPMNLimits.default
        limits.findingCount = 60
        let gateways = (0..<100).map { "<bpmn:complexGateway id=\"c\($0)\"/>" }.joined(separator: "\n")
        let text = TestModels.process("<bpmn:startEvent id=\"s\"/>" + gateways)

        let error = #expect(throws: BPMNError.self) {
            try BPMNParser.parse(Array(text.utf8), resourceName: "test.bpmn", limits: limits)
        }

        #expect(error?.findings.count == 60)
        #expect(error?.omittedCount == 40)
        let lines = error?.description.split(separator: "\n") ?? []
        #expect(lines.count == 52)
        #expect(lines.last == "- and 50 more")
    }

    @Test func `sub-processes may not nest without bound`() {
        let open = (0..<100).map { "<bpmn:subProcess id=\"u\($0)\"><bpmn:startEvent id=\"s\($0)\"/>" }.joined()
        let text = TestModels.process(
            "<bpmn:startEvent id=\"s\"/>" + open + String(repeating: "</bpmn:subProcess>", count: 100)
        )

        #expect(findings(for: Array(text.utf8)).map(\.rule).contains(.modelTooLarge))
    }

    @Test func `a model at the limits costs seconds, not minutes`() throws {
        let limits = BPMNLimits.default
        let count = limits.elementCount - 1
        let tasks = (0..<count).map { "<bpmn:task id=\"t\($0)\"/>" }.joined()
        // A ladder: every task leads to the next two, so the number of paths is exponential.
        let flows = (0..<(limits.flowCount - 2)).map { index in
            TestModels.flow("f\(index)", "t\(index / 2)", "t\(min(count - 1, index / 2 + 1 + index % 2))")
        }
        let text = TestModels.process("<bpmn:startEvent id=\"s\"/>" + tasks + flows.joined())
        let clock = ContinuousClock()

        let start = clock.now
        let found = findings(for: Array(text.utf8))

        #expect(found.map(\.rule).allSatisfy { $0 == .straightThroughLoop })
        #expect(start.duration(to: clock.now) < .seconds(20))
    }
}
