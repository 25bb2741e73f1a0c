import Foundation
import Testing

/// Rules of style that a machine can check.
@Suite struct TidyTests {
    private static let lineLimit = 120
    private static let sourceLineLimit = 700
    private static let testLineLimit = 900
    private static let functionLineLimit = 70

    private static func files() throws -> [Project.File] {
        try Project.files(in: "Sources") + Project.files(in: "Tests")
    }

    @Test func `files and lines are not too long`() throws {
        for file in try Self.files() {
            let limit = file.path.hasPrefix("Sources") ? Self.sourceLineLimit : Self.testLineLimit
            #expect(file.lines.count <= limit + 1, "\(file.path) has \(file.lines.count) lines")
            for (number, line) in file.lines.enumerated() where line.count > Self.lineLimit {
                // Documents that a test sends are better left in one piece.
                if file.path.hasPrefix("Tests"), line.contains("\"") { continue }
                Issue.record("\(file.path):\(number + 1) has \(line.count) columns")
            }
        }
    }

    @Test func `nothing is left for later, and nothing is hidden`() throws {
        // Written in two parts, so that this file passes.
        let banned = ["TO" + "DO", "FIX" + "ME", "X" + "XX:", "try" + "! ", "as" + "! "]
        for file in try Self.files() {
            for (number, line) in file.lines.enumerated() {
                for word in banned where line.contains(word) {
                    Issue.record("\(file.path):\(number + 1) has \(word)")
                }
                if line.hasSuffix(" ") || line.contains("\t") {
                    Issue.record("\(file.path):\(number + 1) has a tab or spaces at its end")
                }
            }
        }
    }

    @Test func `files are named after what is in them`() throws {
        let banned = ["Utils", "Util", "Helpers", "Helper", "Manager", "Misc"]
        for file in try Self.files() {
            let name = file.path.split(separator: "/").last.map { $0.dropLast(".swift".count) } ?? ""
            for word in banned where name.hasSuffix(word) || name.hasPrefix(word) {
                Issue.record("\(file.path) is named after nothing")
            }
        }
    }

    @Test func `functions fit on a page`() throws {
        for file in try Self.files() {
            for (name, line, length) in Self.functions(of: file) where length > Self.functionLineLimit {
                // A list of cases with one line each may be longer.
                if Self.isList(file.lines[line..<line + length]) { continue }
                Issue.record("\(file.path):\(line + 1) '\(name)' has \(length) lines")
            }
        }
    }

    /// Functions with their first line and their length, found by indentation: the formatter sees to that.
    private static func functions(of file: Project.File) -> [(name: String, line: Int, length: Int)] {
        var found: [(String, Int, Int)] = []
        var open: [(name: String, line: Int, indent: Int)] = []
        for (number, line) in file.lines.enumerated() {
            let code = line.drop { $0 == " " }
            let indent = line.count - code.count
            if code.first == "}", let last = open.last, last.indent == indent {
                found.append((last.name, last.line, number - last.line + 1))
                open.removeLast()
            }
            let words = code.prefix { $0 != "{" && $0 != "(" }.split(separator: " ")
            let isFunction = words.contains("func") || words.contains("init") || words.last == "init?"
            if isFunction, !code.hasPrefix("//"), !code.hasSuffix("}"), line.contains("{") || code.hasSuffix("(") {
                open.append((words.last.map(String.init) ?? "", number, indent))
            }
        }
        return found
    }

    private static func isList(_ lines: ArraySlice<Substring>) -> Bool {
        let cases = lines.filter { $0.drop { $0 == " " }.hasPrefix("case ") }.count
        return cases * 5 > lines.count
    }
}
