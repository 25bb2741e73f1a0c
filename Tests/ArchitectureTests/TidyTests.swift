import Testing

/// Rules of the house that a machine can check.
@Suite struct TidyTests {
    @Test func `files are short enough to read`() throws {
        for file in try SourceTree.files("Sources") {
            #expect(file.lines.count <= 700, "\(file.path) has \(file.lines.count) lines")
        }
        for file in try SourceTree.files("Tests") {
            #expect(file.lines.count <= 900, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test func `nothing is left to be done later in the code`() throws {
        let words = ["TO" + "DO", "FIX" + "ME"]

        for file in try SourceTree.files("Sources") + SourceTree.files("Tests") {
            for (number, line) in file.lines.enumerated() {
                for word in words where line.contains(word) {
                    Issue.record("\(file.path):\(number + 1) says '\(word)'")
                }
            }
        }
    }

    @Test func `names say what is inside`() throws {
        for file in try SourceTree.files("Sources") {
            for word in ["Utils", "Helper", "Manager"] {
                #expect(!file.path.contains(word), "\(file.path) says nothing about its subject")
            }
        }
    }

    /// The length is measured by indentation, which the formatter keeps true: from `func` or `init` to the closing brace
    /// in the same column.
    @Test func `functions are short enough to read`() throws {
        for file in try SourceTree.files("Sources") {
            for (name, length, line) in TidyTests.functions(in: file.lines) {
                #expect(length <= 71, "\(file.path):\(line) \(name) has \(length) lines")
            }
        }
    }

    static func functions(in lines: [String]) -> [(name: String, length: Int, line: Int)] {
        var found: [(String, Int, Int)] = []
        for (start, line) in lines.enumerated() {
            let text = line.drop { $0 == " " }
            guard text.contains("func ") || text.contains("init("), text.hasSuffix("{"), !text.hasPrefix("//") else {
                continue
            }
            let indent = String(repeating: " ", count: line.count - text.count)
            guard let end = lines[(start + 1)...].firstIndex(of: indent + "}") else { continue }
            found.append((String(text.prefix(60)), end - start - 1, start + 1))
        }
        return found
    }
}
