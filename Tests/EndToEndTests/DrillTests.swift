import Foundation
import Glibc
import JSON
import Testing

/// Short drills against real processes. In full they are run by hand; see chaos/README.md.
@Suite(.serialized)
struct DrillTests {
    private static let load = """
        load:
          instancesPerSecond: {timer: 5, message: 5, parallel: 5, retries: 5}
          registers: 2
        """

    static let allowsNamespaces =
        geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0
        && ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"].contains { (path: String) in access(path, X_OK) == 0 }

    /// Runs a drill in a folder of its own.
    private func drill(
        _ text: String,
        _ options: [String] = []
    ) async throws -> (result: CommandResult, report: JSONValue, history: [UInt8]) {
        let folder = try Locations.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/scenario.yaml"))
        let command = [Locations.binary, "drill", "\(folder)/scenario.yaml", "--report", "\(folder)/report"]
        let result = try await run(command + options, seconds: 180)
        let bytes = FileManager.default.contents(atPath: "\(folder)/report/report.json").map { Array($0) } ?? []
        let history = FileManager.default.contents(atPath: "\(folder)/report/history.jsonl").map { Array($0) } ?? []
        return (result, (try? JSONParser.parse(bytes)) ?? .null, history)
    }

    private static func scenario(_ nodes: Int, _ fault: String, seconds: Int = 5) -> String {
        """
        name: test
        hypothesis: nothing is lost
        stop: Ctrl-C
        nodes: \(nodes)
        duration: \(seconds)s
        \(Self.load)
        faults:
          - \(fault)
        expectations: {finishAll: 60s}
        """
    }

    @Test
    func `a leader is killed under load, and nothing is lost`() async throws {
        let (result, report, history) = try await self.drill(
            Self.scenario(3, "{fault: kill, after: 2s, lasting: 1s}")
        )

        #expect(result.ending == .exited(0), "\(result)")
        #expect(report["hasPassed"].boolValue == true)
        #expect((report["acknowledgedCommands"].int64Value ?? 0) > 50)
        #expect(report["faults"].arrayValue?.first?["isProven"].boolValue == true)
        #expect(history.count > 1_000)
    }

    @Test(.enabled(if: DrillTests.allowsNamespaces, "needs root, /dev/net/tun and the command ip"))
    func `a leader is cut off from the others, and nothing is lost`() async throws {
        let (result, report, _) = try await self.drill(
            Self.scenario(3, "{fault: cut, after: 2s, lasting: 3s}", seconds: 8)
        )

        #expect(result.ending == .exited(0), "\(result)")
        #expect(report["network"].stringValue?.contains("namespaces") == true)
    }

    @Test
    func `relays cut off a follower where there are no namespaces`() async throws {
        let text = Self.scenario(3, "{fault: cut, target: follower, after: 2s, lasting: 2s}", seconds: 6)

        let (result, report, _) = try await self.drill(text.replacing("nodes: 3", with: "nodes: 3\nnetwork: relays"))

        #expect(result.ending == .exited(0), "\(result)")
        #expect(report["network"].stringValue?.contains("relays") == true)
    }

    @Test
    func `a planted stale read fails the drill`() async throws {
        let (result, report, _) = try await self.drill(
            Self.scenario(1, "{fault: kill, after: 1s, lasting: 200ms}"),
            ["--plant-stale-read"]
        )

        #expect(result.ending == .exited(1), "\(result)")
        let failed = (report["expectations"].arrayValue ?? []).filter { $0["holds"].boolValue == false }
        #expect(failed.count == 1 && failed[0].text("expectation").contains("linearizable"), "\(failed)")
    }

    @Test
    func `a scenario that is wrong is refused with its line`() async throws {
        let text = Self.scenario(1, "{fault: kill, after: 1s, strength: 11}")

        let (result, _, _) = try await self.drill(text)

        #expect(result.ending == .exited(2))
        #expect(result.errors.contains("scenario.yaml:") && result.errors.contains("strength"))
    }

    @Test
    func `a cluster that runs is spared all that could do harm`() async throws {
        let (result, _, _) = try await self.drill(
            Self.scenario(3, "{fault: kill, after: 1s}"),
            ["--cluster", "http://127.0.0.1:1"]
        )

        #expect(result.ending == .exited(2))
        #expect(result.errors.contains("kill"))
    }
}
