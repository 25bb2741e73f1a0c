import BPMNParsing
import Testing

/// SplitMix64: a small generator whose whole state is its seed.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct MutationTests {
    private static let fragments: [String] = [
        "subProcess", "=", "\"", "<", "/>", "t", "id=\"s\"", "&#0;", "&amp;", "default", "sourceRef", "attachedToRef",
        "R/",
        "PT", "999999999999", "é", "\u{0}", "boundaryEvent", "triggeredByEvent=\"true\"", "<![CDATA[", "<bpmn:process>",
    ]

    @Test(arguments: 0..<8)
    func `damaged files give a model or findings, never a trap`(seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        let models = ["good/every-kind.bpmn", "good/collaboration.bpmn", "bad/many-faults.bpmn"]
        let originals = try models.map { try TestModels.bytes($0) }
        var refusedCount = 0

        for round in 0..<150 {
            var bytes = originals[round % originals.count]
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                Self.damage(&bytes, using: &generator)
            }
            let found = findings(for: bytes)
            refusedCount += found.isEmpty ? 0 : 1
            #expect(found.allSatisfy { $0.line >= 1 && $0.column >= 1 }, "seed \(seed), round \(round)")
        }

        #expect(refusedCount > 0)
    }

    /// Swaps words as well as bytes, so that most files stay XML and the rules behind it are reached.
    private static func damage(_ bytes: inout [UInt8], using generator: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0:
            bytes[position] = UInt8.random(in: 0...255, using: &generator)
        case 1:
            bytes.removeSubrange(position..<min(bytes.count, position + Int.random(in: 1...60, using: &generator)))
        case 2:
            bytes.insert(contentsOf: (self.fragments.randomElement(using: &generator) ?? "").utf8, at: position)
        default:
            self.swapValues(&bytes, using: &generator)
        }
    }

    /// Puts the content of one pair of quotes into another.
    private static func swapValues(_ bytes: inout [UInt8], using generator: inout SeededGenerator) {
        let quotes = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\"") }
        guard quotes.count >= 4 else { return }
        let from = 2 * Int.random(in: 0..<quotes.count / 2, using: &generator)
        let to = 2 * Int.random(in: 0..<quotes.count / 2, using: &generator)
        let value = bytes[(quotes[from] + 1)..<quotes[from + 1]]
        bytes.replaceSubrange((quotes[to] + 1)..<quotes[to + 1], with: Array(value))
    }
}
