import Yams

/// Reads scenario files. Unknown keys, values out of range and files of unreasonable size or depth are refused, with
/// the line.
package enum ScenarioReader {
    private static let bytesLimit = 64 << 10
    private static let indentationLimit = 16
    private static let bracketLimit = 64

    /// Reads the file at `path`.
    /// - Throws: `ScenarioError`; `DrillFailure` when there is no such file.
    package static func read(path: String) throws -> ScenarioFile {
        guard let bytes = Files.contents(path, limit: Self.bytesLimit + 1) else {
            throw DrillFailure("Expected a scenario file at '\(path)'; those of the project are in chaos/")
        }
        return try Self.read(bytes, file: path)
    }

    /// Reads the contents of a scenario file.
    /// - Parameter file: its name, for messages.
    package static func read(_ bytes: [UInt8], file: String) throws(ScenarioError) -> ScenarioFile {
        func refusal(_ line: Int, _ reason: String) -> ScenarioError {
            ScenarioError(file: file, line: line, reason: reason)
        }
        guard bytes.count <= Self.bytesLimit else {
            throw refusal(1, "Expected at most \(Self.bytesLimit) bytes, but got \(bytes.count)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw refusal(1, "Expected UTF-8 text") }
        if let (line, reason) = Self.excess(in: text) { throw refusal(line, reason) }
        let root: Node?
        do {
            root = try Parser(yaml: text).singleRoot()
        } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
            let names = duplicates.map { "'\($0)'" }.joined(separator: ", ")
            throw refusal(context.mark.line, "Expected each key once, but got \(names) again")
        } catch let error as YamlError {
            throw refusal(Self.line(of: error), "\(error)".split(separator: "\n").joined(separator: " "))
        } catch {
            throw refusal(1, "Expected YAML, but got: \(error)")
        }
        guard let root else { throw refusal(1, "Expected a scenario, but the file is empty") }
        return try ScenarioBuilder.file(DocumentNode(node: root, file: file))
    }

    /// What no scenario needs and what a parser could run into trouble with: deep nesting and references.
    private static func excess(in text: String) -> (Int, String)? {
        var brackets = 0
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let content = line.drop { $0 == " " }
            if content.hasPrefix("#") { continue }
            if line.utf8.count - content.utf8.count > Self.indentationLimit {
                return (index + 1, "Expected at most \(Self.indentationLimit) columns of indentation")
            }
            if content.hasPrefix("- - ") { return (index + 1, "Expected no list directly within a list") }
            if content.hasPrefix("? ") { return (index + 1, "Expected plain keys") }
            if Self.hasReference(content) { return (index + 1, "Expected no anchors and aliases ('&name', '*name')") }
            brackets += content.utf8.count { "[{".utf8.contains($0) }
            if brackets > Self.bracketLimit { return (index + 1, "Expected at most \(Self.bracketLimit) brackets") }
        }
        return nil
    }

    /// Whether a `&` or `*` stands where a value begins.
    private static func hasReference(_ line: Substring) -> Bool {
        let bytes = Array(line.utf8)
        return bytes.indices.contains { index in
            guard bytes[index] == UInt8(ascii: "&") || bytes[index] == UInt8(ascii: "*") else { return false }
            let isAtBegin = index == 0 || " \t,[{:".utf8.contains(bytes[index - 1])
            return isAtBegin && index + 1 < bytes.count && bytes[index + 1] > 32
        }
    }

    private static func line(of error: YamlError) -> Int {
        switch error {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        default: 1
        }
    }
}
