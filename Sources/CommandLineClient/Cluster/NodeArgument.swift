import ArgumentParser

/// A node's id on the command line.
struct NodeArgument: Equatable, Sendable, CustomStringConvertible {
    let number: Int

    var description: String { String(number) }

    init?(_ text: some StringProtocol) {
        let isNumber = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber, text.first != "0", let number = Int(text), (1...Int(Int32.max)).contains(number) else {
            return nil
        }
        self.number = number
    }

    init(_ number: Int) { self.number = number }

    /// For argument-parser's `transform`.
    static func argument(_ text: String) throws -> NodeArgument {
        guard let node = NodeArgument(text) else {
            throw ValidationError("Expected a node id from 1 to \(Int32.max), but got '\(text.prefix(32))'.")
        }
        return node
    }
}

/// A node and its address on the command line: `4=10.0.0.4:9301`. The server checks the address.
struct MemberArgument: Equatable, Sendable {
    let node: NodeArgument
    let address: String

    static func argument(_ text: String) throws -> MemberArgument {
        let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, let node = NodeArgument(halves[0]), halves[1].contains(":"),
            halves[1].utf8.count <= 256
        else {
            throw ValidationError(
                "Expected a node id with its address like 4=10.0.0.4:9301, but got '\(text.prefix(80))'."
            )
        }
        return MemberArgument(node: node, address: String(halves[1]))
    }
}
