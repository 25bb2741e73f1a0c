import ArgumentParser
import ClusterCertificates
import Foundation
import Testing

@testable import CommandLineClient

@Suite struct CertificateCommandTests {
    /// Runs a command line in this process; its exit code.
    private func run(_ arguments: [String]) async -> Int32 {
        do {
            let command = try CertificatesCommand.parseAsRoot(arguments)
            guard var asyncCommand = command as? any AsyncParsableCommand else { return -1 }
            try await asyncCommand.run()
            return 0
        } catch {
            return ClientCommands.exitCode(for: error, of: CertificatesCommand.self).rawValue
        }
    }

    @Test func `from nothing to a node that is renewed`() async throws {
        let base = FileManager.default.temporaryDirectory.appending(path: "certs-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: base) }
        let (ca, node) = ("\(base)/deep/ca", "\(base)/node")

        #expect(await run(["create-ca", "--out", ca, "--cluster-id", "00112233AABBCCDD"]) == 0)
        #expect(await run(["create-ca", "--out", ca]) == 1)
        #expect(await run(["create-ca", "--out", ca, "--cluster-id", "x"]) == 2)
        let create = ["create-node", "--ca", ca, "--node", "7", "--out", node, "--host"]
        #expect(await run(create + ["h.example.com", "--host", "::1"]) == 0)
        #expect(await run(create + ["h"]) == 1)
        #expect(await run(create + ["h:80"]) == 2)
        #expect(await run(["show", node]) == 0)
        let first = try CertificateFolder.read(node)
        #expect(first.nodeID == 7)
        #expect(first.clusterID.description == "00112233aabbccdd")

        #expect(await run(["renew", "--ca", ca, "--certs", node, "--days", "20"]) == 0)
        #expect(try CertificateFolder.read(node).notAfter < first.notAfter)
        #expect(await run(["show", node, "--json"]) == 0)
        #expect(await run(["renew", "--ca", ca, "--certs", node, "--not-after", "-1"]) == 0)
        #expect(await run(["show", node]) == 1)
        #expect(await run(["show", ca]) == 0)
        #expect(await run(["show", base]) == 2)
        #expect(await run(["renew", "--ca", node, "--certs", node]) == 2)
    }

    @Test func `the table fits a terminal, and what needs attention is said below it`() throws {
        let base = FileManager.default.temporaryDirectory.appending(path: "certs-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: base) }
        let now = UTCTime.now()
        _ = try ClusterAuthority.create(
            in: "\(base)/ca",
            clusterID: .random(),
            validity: try Validity(now: now, days: 3_650)
        )
        _ = try ClusterAuthority.createNode(
            1,
            hosts: try (1...9).map { try HostName("node\($0).some.long.example.com") },
            authorityFolder: "\(base)/ca",
            in: "\(base)/node",
            validity: try Validity(now: now, days: 5)
        )
        let names = try CertificateSummary.read("\(base)/node", now: now).map { summary in
            var summary = summary
            summary.file = "node/" + (summary.file.split(separator: "/").last ?? "")
            return summary
        }

        let report = CertificateReport(summaries: names, now: now)
        let lines = report.lines(width: 100, style: .plain)

        #expect(lines.count == 4)
        #expect(lines.prefix(3).allSatisfy { $0.count <= 100 })
        #expect(lines[3].hasPrefix("Warning: node/node.pem expires at "))
        #expect(!report.isFailure)
        #expect(CertificateReport(summaries: names, now: now + 1).document.compactText.contains("\"expiring\""))
    }

    @Test func `what cannot be used is a failure`() throws {
        let base = FileManager.default.temporaryDirectory.appending(path: "certs-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: base) }
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        try Data("nonsense".utf8).write(to: URL(filePath: "\(base)/node.pem"))

        let report = CertificateReport(summaries: try CertificateSummary.read(base), now: UTCTime.now())

        #expect(report.isFailure)
        #expect(
            report.lines(width: 80, style: .plain).last?.hasPrefix("Error: Expected certificates in PEM form") == true
        )
    }
}
