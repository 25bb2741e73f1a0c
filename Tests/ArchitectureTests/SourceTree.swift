import Foundation

/// The sources of this package, as text.
struct SourceTree {
    struct File {
        /// Relative to the package's root.
        var path: String
        var lines: [String]

        /// The target or test target it belongs to.
        var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

        /// The modules it imports.
        var imports: [String] {
            lines.compactMap { line in
                let words = line.split(separator: " ").map(String.init)
                guard let position = words.firstIndex(of: "import"), position + 1 < words.count else { return nil }
                let modifiers: Set<String> = ["package", "public", "internal", "@testable", "@preconcurrency"]
                guard words[..<position].allSatisfy({ modifiers.contains($0) }) else { return nil }
                return String(words[position + 1].split(separator: ".")[0])
            }
        }
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// All Swift files below a folder of the package, by path.
    static func files(_ folder: String) throws -> [File] {
        let base = root.appending(path: folder)
        guard let names = FileManager.default.enumerator(atPath: base.path) else { return [] }
        return try names.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().map { name in
            let text = try String(contentsOf: base.appending(path: name), encoding: .utf8)
            return File(
                path: "\(folder)/\(name)",
                lines: text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            )
        }
    }
}
