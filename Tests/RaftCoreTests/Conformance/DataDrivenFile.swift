import Foundation

/// One command of a data-driven test with the output it must have.
struct DataDrivenCase: Sendable {
    /// An argument: a bare word has no values.
    struct Argument: Sendable {
        var key: String
        var values: [String]
    }

    var line: Int
    var command: String
    var arguments: [Argument]
    /// The lines between the command and the separator.
    var input: [String]
    var expected: [String]

    func values(_ key: String) -> [String]? { self.arguments.first { $0.key == key }?.values }

    func value(_ key: String) -> String? { self.values(key)?.first }

    func flag(_ key: String) -> Bool { self.value(key) == "true" }

    /// Bare numbers, which name nodes.
    var nodes: [UInt64] { self.arguments.filter { $0.values.isEmpty }.compactMap { UInt64($0.key) } }
}

/// A place where the output was not the expected one.
struct DataDrivenDifference: CustomStringConvertible, Sendable {
    var line: Int
    var command: String
    var expected: [String]
    var actual: [String]

    var description: String {
        "line \(self.line), \(self.command):\n--- expected\n" + self.expected.joined(separator: "\n")
            + "\n--- actual\n" + self.actual.joined(separator: "\n")
    }
}

/// Reads the format of the public data-driven suites: a command line, input lines, `----`, the expected output up to an
/// empty line; lines that begin with `#` outside the output are comments.
enum DataDrivenFile {
    /// The folder with the suites, next to the package.
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "shared/testdata/etcd-raft")

    static var isPresent: Bool { FileManager.default.fileExists(atPath: Self.root.path) }

    static func names(in folder: String) -> [String] {
        let url = Self.root.appending(path: folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.filter { $0.hasSuffix(".txt") }.sorted()
    }

    static func read(_ name: String, in folder: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: folder).appending(path: name), encoding: .utf8)
    }

    static func parse(_ text: String) -> [DataDrivenCase] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var cases: [DataDrivenCase] = []
        var position = 0
        while position < lines.count {
            let line = lines[position]
            if line.isEmpty || line.hasPrefix("#") {
                position += 1
                continue
            }
            var (command, arguments) = Self.parseCommand(line)
            var found = DataDrivenCase(line: position + 1, command: "", arguments: [], input: [], expected: [])
            swap(&found.command, &command)
            swap(&found.arguments, &arguments)
            position += 1
            while position < lines.count, lines[position] != "----" {
                found.input.append(lines[position])
                position += 1
            }
            position += 1
            while position < lines.count, !lines[position].isEmpty {
                found.expected.append(lines[position])
                position += 1
            }
            cases.append(found)
        }
        return cases
    }

    private static func parseCommand(_ line: String) -> (String, [DataDrivenCase.Argument]) {
        var tokens: [String] = []
        var token = ""
        var depth = 0
        for character in line {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == " ", depth == 0 {
                if !token.isEmpty { tokens.append(token) }
                token = ""
            } else {
                token.append(character)
            }
        }
        if !token.isEmpty { tokens.append(token) }
        let arguments = tokens.dropFirst().map { word -> DataDrivenCase.Argument in
            guard let equals = word.firstIndex(of: "=") else { return .init(key: word, values: []) }
            var value = String(word[word.index(after: equals)...])
            if value.hasPrefix("("), value.hasSuffix(")") { value = String(value.dropFirst().dropLast()) }
            let values = value.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            return .init(key: String(word[..<equals]), values: values)
        }
        return (tokens.first ?? "", arguments)
    }
}
