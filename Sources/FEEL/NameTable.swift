/// Names of several tokens, such as `date and time`, found by their longest match.
struct NameTable: Sendable {
    /// The tokens of the names that start with a token, longest first.
    private var names: [String: [[String]]] = [:]

    /// The names of built-in functions and of temporal and range properties.
    static let builtin: NameTable = {
        var table = NameTable()
        for name in BuiltinFunction.all.keys.sorted() where name.contains(" ") {
            table.insert(words: NameTable.words(name))
        }
        for builtin in BuiltinFunction.all.values {
            for signature in builtin.signatures {
                for name in signature.names where name.contains(" ") { table.insert(words: NameTable.words(name)) }
            }
        }
        for name in ["time offset", "start included", "end included"] { table.insert(words: NameTable.words(name)) }
        return table
    }()

    private static func words(_ name: String) -> [String] { name.split(separator: " ").map(String.init) }

    /// Adds a name by its tokens; a single token needs no entry.
    mutating func insert(words: [String]) {
        guard words.count > 1, let first = words.first else { return }
        var candidates = self.names[first] ?? []
        guard !candidates.contains(words) else { return }
        // Behind all that are not shorter, so that the longest match comes first whatever the order of insertion.
        let position = candidates.firstIndex { $0.count < words.count } ?? candidates.count
        candidates.insert(words, at: position)
        self.names[first] = candidates
    }

    /// The names that start with a token, longest first.
    func candidates(_ first: String) -> [[String]] { self.names[first] ?? [] }

    var isEmpty: Bool { self.names.isEmpty }
}
