import RaftCore
import Testing

/// The quorum files: how far a majority or a joint quorum has committed, and how a vote stands.
@Suite(.enabled(if: DataDrivenFile.isPresent))
struct QuorumConformanceTests {
    static let folder = "quorum/testdata"

    @Test(arguments: DataDrivenFile.names(in: Self.folder))
    func `every case of a quorum file has the expected output`(name: String) throws {
        let cases = DataDrivenFile.parse(try DataDrivenFile.read(name, in: Self.folder))
        #expect(!cases.isEmpty)
        for found in cases { #expect(try Self.run(found) == found.expected, "\(name) line \(found.line)") }
    }

    @Test
    func `all quorum files are there`() {
        #expect(DataDrivenFile.names(in: Self.folder).count == 4)
    }

    @Test(arguments: DataDrivenFile.names(in: Self.folder))
    func `a changed result in a quorum file is noticed`(name: String) throws {
        for found in DataDrivenFile.parse(try DataDrivenFile.read(name, in: Self.folder)) {
            let last = try #require(found.expected.last)
            let wrong = last.hasPrefix("Vote") ? (last == "VoteWon" ? "VoteLost" : "VoteWon") : last + "1"
            #expect(try Self.run(found) != found.expected.dropLast() + [wrong])
        }
    }

    private static func run(_ found: DataDrivenCase) throws -> [String] {
        let incoming = Self.nodes(found.values("cfg") ?? [])
        let isJoint = found.values("cfgj") != nil
        let outgoing = found.value("cfgj") == "zero" ? [] : Self.nodes(found.values("cfgj") ?? [])
        let joint = JointQuorum(incoming: incoming.sorted(), outgoing: outgoing.sorted())
        var order = incoming
        for node in outgoing where !order.contains(node) { order.append(node) }
        let answers = found.values(found.command == "vote" ? "votes" : "idx") ?? []
        #expect(answers.count == order.count)
        if found.command == "vote" {
            let votes = Dictionary(uniqueKeysWithValues: zip(order, answers))
            let cast: (NodeID) -> Bool? = { node in votes[node] == "_" ? nil : votes[node] == "y" }
            let result = isJoint ? joint.result(cast) : joint.incoming.result(cast)
            #expect(joint.result(cast) == result)
            return [result == .won ? "VoteWon" : result == .lost ? "VoteLost" : "VotePending"]
        }
        #expect(found.command == "committed")
        let values = Dictionary(uniqueKeysWithValues: zip(order, answers.map(UInt64.init)))
        let known: (NodeID) -> UInt64? = { values[$0] ?? nil }
        let committed = isJoint ? joint.committed(known) : joint.incoming.committed(known)
        #expect(joint.committed(known) == committed)
        #expect(
            JointQuorum(incoming: joint.incoming.voters, outgoing: joint.incoming.voters).committed(known)
                == joint.incoming.committed(known)
        )
        let table = Self.table(order, known)
        return table.dropLast() + [(table.last ?? "") + (committed == .max ? "∞" : "\(committed)")]
    }

    private static func nodes(_ words: [String]) -> [NodeID] { words.compactMap(UInt64.init).map { NodeID($0) } }

    /// Draws each voter's value as a bar as long as the number of voters with less; the last line is left open.
    private static func table(_ order: [NodeID], _ known: (NodeID) -> UInt64?) -> [String] {
        if order.isEmpty { return ["<empty majority quorum>"] }
        let count = order.count
        var lines = [String(repeating: " ", count: count) + "    idx"]
        for node in order.sorted() {
            let value = known(node) ?? 0
            let bar = order.count { (known($0) ?? 0) < value }
            let drawn =
                known(node) == nil
                ? "?" + String(repeating: " ", count: count)
                : String(repeating: "x", count: bar) + ">" + String(repeating: " ", count: count - bar)
            let digits = "\(value)"
            let padding = String(repeating: " ", count: max(0, 5 - digits.count))
            lines.append("\(drawn) \(padding)\(digits)    (id=\(node))")
        }
        return lines + [""]
    }
}
