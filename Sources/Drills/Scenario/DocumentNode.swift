import Yams

/// A part of a scenario file that knows its line. All reading is strict: what is not expected is an error.
struct DocumentNode {
    let node: Node
    let file: String

    var line: Int { self.node.mark?.line ?? 1 }

    func error(_ reason: String) -> ScenarioError { ScenarioError(file: self.file, line: self.line, reason: reason) }

    /// The members of a mapping with these keys.
    func members(_ allowed: [String]) throws(ScenarioError) -> [String: DocumentNode] {
        guard case .mapping(let mapping) = self.node else {
            throw self.error("Expected a mapping with \(Self.list(allowed)), but got \(self.kind)")
        }
        var result: [String: DocumentNode] = [:]
        for (key, value) in mapping {
            let place = DocumentNode(node: key, file: self.file)
            guard case .scalar(let scalar) = key, allowed.contains(scalar.string) else {
                let name = key.scalar.map { "'\($0.string)'" } ?? "something else"
                throw place.error("Expected one of the keys \(Self.list(allowed)), but got \(name)")
            }
            guard result.updateValue(DocumentNode(node: value, file: self.file), forKey: scalar.string) == nil else {
                throw place.error("Expected the key '\(scalar.string)' once, but got it again")
            }
        }
        return result
    }

    /// The items of a list of at most `limit`.
    func items(limit: Int) throws(ScenarioError) -> [DocumentNode] {
        guard case .sequence(let sequence) = self.node else {
            throw self.error("Expected a list, but got \(self.kind)")
        }
        guard sequence.count <= limit else {
            throw self.error("Expected at most \(limit) items, but got \(sequence.count)")
        }
        return sequence.map { DocumentNode(node: $0, file: self.file) }
    }

    /// Text that is not empty.
    func text(limit: Int = 2_000) throws(ScenarioError) -> String {
        guard case .scalar(let scalar) = self.node else { throw self.error("Expected text, but got \(self.kind)") }
        let text = scalar.string.split(whereSeparator: { $0.isWhitespace }).joined(separator: " ")
        guard !text.isEmpty, text.utf8.count <= limit else {
            throw self.error("Expected 1 to \(limit) bytes of text, but got \(text.utf8.count)")
        }
        guard !text.unicodeScalars.contains(where: { $0.value < 32 }) else {
            throw self.error("Expected text without control characters")
        }
        return text
    }

    func flag() throws(ScenarioError) -> Bool {
        switch self.node.scalar?.string {
        case "true": return true
        case "false": return false
        default: throw self.error("Expected true or false, but got \(self.shown)")
        }
    }

    func integer(_ range: ClosedRange<Int>) throws(ScenarioError) -> Int {
        guard let value = (self.node.scalar?.string).flatMap({ Int($0) }), range.contains(value) else {
            throw self.error(
                "Expected a whole number of \(range.lowerBound) to \(range.upperBound), but got \(self.shown)"
            )
        }
        return value
    }

    func number(_ range: ClosedRange<Double>) throws(ScenarioError) -> Double {
        guard let value = (self.node.scalar?.string).flatMap({ Double($0) }), range.contains(value) else {
            throw self.error("Expected a number of \(range.lowerBound) to \(range.upperBound), but got \(self.shown)")
        }
        return value
    }

    /// A duration like `250ms`, `10s` or `5m`, in seconds.
    func duration(_ range: ClosedRange<Double>) throws(ScenarioError) -> Double {
        let text = self.node.scalar?.string ?? ""
        for (suffix, factor) in [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3_600)] as [(String, Double)]
        where text.hasSuffix(suffix) {
            guard let value = Double(text.dropLast(suffix.count)), value.isFinite else { continue }
            let seconds = value * factor
            guard range.contains(seconds) else {
                throw self.error(
                    "Expected a duration of \(range.lowerBound) s to \(range.upperBound) s, but got \(self.shown)"
                )
            }
            return seconds
        }
        throw self.error("Expected a duration like 250ms, 10s or 5m, but got \(self.shown)")
    }

    /// One of some words.
    func choice<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) throws(ScenarioError) -> Choice
    where Choice.RawValue == String {
        guard let choice = (self.node.scalar?.string).flatMap({ Choice(rawValue: $0) }) else {
            throw self.error("Expected \(Self.list(type.allCases.map { $0.rawValue })), but got \(self.shown)")
        }
        return choice
    }

    private var kind: String {
        switch self.node {
        case .scalar: self.shown
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    private var shown: String { self.node.scalar.map { "'\($0.string.prefix(60))'" } ?? self.kind }

    static func list(_ words: [String]) -> String { words.joined(separator: ", ") }
}
