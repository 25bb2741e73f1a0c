import Foundation
import Testing

/// The commands of the README's tutorial, as they stand there.
@Suite
struct TutorialTests {
    /// The commands between the two marks of the README; nil when there is no such text.
    private static let script: String? = {
        guard let bytes = FileManager.default.contents(atPath: "\(Locations.package)/README.md") else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let start = text.range(of: "<!-- tutorial:begin -->"),
            let end = text.range(of: "<!-- tutorial:end -->", range: start.upperBound..<text.endIndex)
        else { return nil }
        var lines: [Substring] = []
        var isCode = false
        for line in text[start.upperBound..<end.lowerBound].split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isCode = !isCode && line.hasPrefix("```sh")
            } else if isCode {
                lines.append(line)
            }
        }
        return lines.isEmpty ? nil : lines.joined(separator: "\n") + "\n"
    }()

    /// Whether a network of one's own can be had, in which the tutorial's fixed port is surely free.
    private static let hasOwnNetwork: Bool = {
        guard let folder = try? Locations.temporaryFolder() else { return false }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let arguments = ["unshare", "--net", "ip", "link", "set", "lo", "up"]
        guard let process = try? ChildProcess(arguments, errorFile: "\(folder)/errors") else { return false }
        return (try? process.waitForEnd(seconds: 10)) == .exited(0)
    }()

    @Test(
        .enabled(if: Self.script != nil, "README.md has no tutorial"),
        .enabled(if: Self.hasOwnNetwork, "a network namespace needs root"),
        .timeLimit(.minutes(3))
    )
    func `the tutorial of the README works literally`() async throws {
        let script = try #require(Self.script)
        let folder = try Locations.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // The reader stands in the cloned repository; the server's data must not stay there.
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder)/docs",
            withDestinationPath: "\(Locations.package)/docs"
        )
        let file = "\(folder)/tutorial.sh"
        let prelude = """
            set -euo pipefail
            ip link set lo up
            trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
            set -x

            """
        try Data((prelude + script).utf8).write(to: URL(fileURLWithPath: file))

        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let binaryFolder = Locations.binary.split(separator: "/").dropLast().reduce(into: "") { $0 += "/\($1)" }
        let result = try await run(
            ["unshare", "--net", "env", "-u", "THALWEG_URL", "bash", file],
            directory: folder,
            environment: ["PATH": "\(binaryFolder):\(path)"],
            seconds: 120
        )

        #expect(result.ending == .exited(0), "\(result)")
        #expect(result.output.contains("COMPLETED"), "\(result)")
    }
}
