import Foundation
import Testing

@testable import Drills

@Suite struct ScenarioTests {
    private static let good = """
        name: kill-leader
        hypothesis: all goes on
        stop: Ctrl-C
        duration: 60s
        load:
          instancesPerSecond: {timer: 10, retries: 2.5}
          registers: 4
        faults:
          - fault: kill
            target: leader
            after: 5s
            lasting: 500ms
            times: 10
          - fault: slow-links
            target: node 2
            afterAcknowledged: 1000
            delay: 50ms
        expectations:
          recovery: {p50: 250ms, max: 1s}
          alarms:
            - log: the disk is full
        short:
          duration: 10s
          times: 2
        """

    private static func read(_ text: String) throws -> ScenarioFile {
        try ScenarioReader.read(Array(text.utf8), file: "test.yaml")
    }

    @Test func `a scenario is read with its defaults`() throws {
        let file = try Self.read(Self.good)

        let scenario = file.scenario
        #expect(scenario.nodes == 3)
        #expect(scenario.network == .links)
        #expect(scenario.load.instancesPerSecond == [.timer: 10, .retries: 2.5])
        #expect(scenario.faults.map { $0.kind } == [.kill, .slowLinks])
        #expect(scenario.faults[0].lasting == 0.5)
        #expect(scenario.faults[1].trigger == .afterAcknowledged(1_000))
        #expect(scenario.faults[1].target == .node(2))
        #expect(scenario.expectations.recoveryMaximum == 1)
        #expect(scenario.expectations.alarms == [.log("the disk is full")])
        #expect(scenario.expectations.nothingLost)
    }

    @Test func `the short form is shorter, not different`() throws {
        let file = try Self.read(Self.good)

        let short = file.scenario.shortened(by: file.short)

        #expect(short.duration == 10)
        #expect(short.faults.map { $0.times } == [2, 1])
        #expect(short.expectations == file.scenario.expectations)
    }

    @Test(arguments: [
        ("name: kill-leader", "nome: kill-leader", 1, "nome"),
        ("name: kill-leader", "name: Kill Leader", 1, "lower-case"),
        ("duration: 60s", "duration: sixty", 4, "duration"),
        ("duration: 60s", "duration: 60", 4, "duration"),
        ("duration: 60s", "duration: 0s", 4, "1.0 s"),
        ("duration: 60s", "duration: nans", 4, "duration"),
        ("registers: 4", "registers: 4.5", 7, "whole number"),
        ("registers: 4", "registers: 100000", 7, "0 to 64"),
        ("{timer: 10, retries: 2.5}", "{timers: 10}", 6, "timers"),
        ("fault: kill", "fault: explode", 9, "explode"),
        ("target: leader", "target: king", 10, "king"),
        ("target: node 2", "target: node 4", 14, "node of 1 to 3"),
        ("    delay: 50ms", "    loss: 0.5", 17, "loss"),
        ("    delay: 50ms\n", "", 14, "delay"),
        ("after: 5s", "after: 5s\n    afterAcknowledged: 5", 9, "either"),
        ("log: the disk is full", "log: a\n      metric: b", 22, "either"),
        ("  registers: 4", "  registers: 4\n  registers: 5", 8, "registers"),
        ("stop: Ctrl-C", "stop: [Ctrl-C]", 3, "a list"),
        ("stop: Ctrl-C", "stop: ''", 3, "0"),
        ("stop: Ctrl-C\n", "", 1, "stop"),
        ("duration: 60s", "duration: 60s\nnetwork: plain", 15, "links"),
        ("duration: 60s", "duration: 60s\nnodes: 1", 15, "more than one node"),
    ])
    func `what is wrong is refused with its line`(_ old: String, _ new: String, _ line: Int, _ word: String) throws {
        let text = Self.good.replacing(old, with: new)
        #expect(text != Self.good)

        let error = #expect(throws: ScenarioError.self) { try Self.read(text) }

        #expect(error?.reason.contains(word) == true, "\(String(describing: error))")
        #expect(abs((error?.line ?? 0) - line) <= 1, "\(String(describing: error))")
    }

    @Test(arguments: [
        "", "[]", "just text", "- a\n- b", "a: &x [1]\nb: *x", "\u{0}", "\"", "{", "a: {b: [}", "%YAML 9.9",
        String(repeating: "[", count: 100), String(repeating: "- ", count: 1_000),
        String(repeating: " ", count: 40) + "a: 1", "? a\n: b", String(repeating: "a: b\n", count: 20_000),
    ])
    func `what is no scenario is refused, not trapped on`(_ text: String) {
        #expect(throws: ScenarioError.self) { try Self.read(text) }
    }

    @Test func `bytes that are no text are refused`() {
        #expect(throws: ScenarioError.self) { try ScenarioReader.read([0xFF, 0xFE, 0x00], file: "x") }
    }

    @Test func `mutations of a scenario are read or refused, never trapped on`() {
        var random = SeededGenerator(seed: 4)
        let bytes = Array(Self.good.utf8)
        for _ in 0..<2_000 {
            var mutated = bytes
            for _ in 0...(random.next() % 4) {
                let position = Int(random.next() % UInt64(mutated.count))
                switch random.next() % 3 {
                case 0: mutated[position] = UInt8(truncatingIfNeeded: random.next())
                case 1: mutated.remove(at: position)
                default: mutated.insert(mutated[Int(random.next() % UInt64(mutated.count))], at: position)
                }
            }
            _ = try? ScenarioReader.read(mutated, file: "mutated.yaml")
        }
    }

    @Test func `every scenario of the project is good and has a short form`() throws {
        let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "chaos").path
        let names = Files.names(in: folder).filter { $0.hasSuffix(".yaml") }
        #expect(names.count >= 14)
        for name in names {
            let file = try ScenarioReader.read(path: "\(folder)/\(name)")
            #expect(file.scenario.name + ".yaml" == name)
            #expect(file.short != nil, "\(name)")
            #expect(file.scenario.expectations.nothingLost, "\(name)")
        }
    }
}
