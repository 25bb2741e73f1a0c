import Foundation
import Testing

/// The tutorial "three machines in ten minutes" of docs/operations.md, as it stands there, with three network
/// namespaces as machines.
@Suite
struct ThreeMachinesTests {
    private static let namespaces = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]

    private static let hasNamespaces: Bool = {
        guard let folder = try? Locations.temporaryFolder() else { return false }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let arguments = Self.namespaces + ["ip", "link", "add", "bridge0", "type", "bridge"]
        guard let process = try? ChildProcess(arguments, errorFile: "\(folder)/errors") else { return false }
        return (try? process.waitForEnd(seconds: 10)) == .exited(0)
    }()

    @Test(
        .enabled(if: Self.hasNamespaces, "network, mount and process namespaces need root"),
        .timeLimit(.minutes(5))
    )
    func `the tutorial with three machines works literally`() async throws {
        let folder = try Locations.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let programs = Locations.binary.split(separator: "/").dropLast().reduce(into: "") { $0 += "/\($1)" }

        let result = try await run(
            Self.namespaces + [
                "\(Locations.package)/Tests/EndToEndTests/Scripts/three-machines",
                "\(Locations.package)/docs/operations.md", programs, Locations.package, folder,
            ],
            seconds: 240
        )

        #expect(result.ending == .exited(0), "\(result)")
        // Both instances of before and after the loss of the leader are there in the end, on a machine that never saw
        // them begin.
        #expect(result.output.contains("node 4 is a voter"), "\(result)")
    }
}
