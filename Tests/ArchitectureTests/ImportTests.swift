import Foundation
import Testing

/// The files of the project, as the tests of its shape see them.
enum Project {
    static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    struct File: Sendable {
        var target: String
        var path: String
        var lines: [Substring]
    }

    static func files(in folder: String) throws -> [File] {
        let base = root.appending(path: folder)
        let found = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil)?.allObjects ?? []
        // What protoc generates follows rules of its own.
        let isWritten = { (url: URL) in url.pathExtension == "swift" && !url.path.hasSuffix(".pb.swift") }
        return try found.compactMap { $0 as? URL }.filter(isWritten).map { url in
            let parts = url.resolvingSymlinksInPath().pathComponents.dropFirst(
                base.resolvingSymlinksInPath().pathComponents.count
            )
            let text = try String(contentsOf: url, encoding: .utf8)
            return File(
                target: parts.first ?? "",
                path: ([folder] + parts).joined(separator: "/"),
                lines: text.split(separator: "\n", omittingEmptySubsequences: false)
            )
        }.sorted { $0.path < $1.path }
    }

    /// The modules a file imports.
    static func imports(of file: File) -> [String] {
        file.lines.compactMap { (line) -> String? in
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"), words.count > position + 1 else { return nil }
            let modifiers: Set<Substring> = [
                "package", "public", "internal", "private", "fileprivate", "@preconcurrency",
            ]
            guard words.prefix(position).allSatisfy({ modifiers.contains($0) }) else { return nil }
            let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "typealias", "var", "let"]
            let name = words.dropFirst(position + 1).first { !kinds.contains($0) } ?? ""
            return name.split(separator: ".").first.map(String.init)
        }
    }
}

/// The table of architecture.md, section 1, with the targets of decision 0005: what each may import of ours, and what
/// of others. The direction may not change; a new target needs a line here and a reason.
@Suite struct ImportTests {
    private struct Rule: Sendable {
        var ours: Set<String>
        var others: Set<String> = []
        /// Nothing of the system: no clock, no randomness, no files, no threads.
        var isPure = false
    }

    private static let standard: Set<String> = [
        "Darwin", "Dispatch", "Foundation", "Glibc", "Musl", "Synchronization",
    ]

    private static let rules: [String: Rule] = [
        "BPMNModel": Rule(ours: [], isPure: true),
        "Checksum": Rule(ours: [], isPure: true),
        "FEEL": Rule(ours: [], isPure: true),
        "JSON": Rule(ours: [], isPure: true),
        "Linearizability": Rule(ours: [], isPure: true),
        "RaftCore": Rule(ours: [], isPure: true),
        "ProcessEngine": Rule(ours: ["BPMNModel", "FEEL", "JSON"], isPure: true),
        "ReplicaCore": Rule(ours: ["ProcessEngine", "RaftCore"], isPure: true),
        "BPMNParsing": Rule(ours: ["BPMNModel", "CExpat", "FEEL"], isPure: true),
        "Gateway": Rule(ours: ["ProcessEngine"], isPure: true),
        "Health": Rule(ours: ["RaftCore"], isPure: true),
        "SQLite": Rule(ours: ["CSQLite"]),
        "RaftLog": Rule(ours: ["Checksum", "RaftCore", "SQLite"]),
        "StateStore": Rule(ours: ["ProcessEngine", "SQLite"]),
        "ClusterCertificates": Rule(ours: ["COpenSSL"]),
        "ClusterTransport": Rule(
            ours: ["CLibuv", "COpenSSL", "Checksum", "RaftCore"],
            others: ["Logging", "SwiftProtobuf"]
        ),
        "HTTPAPI": Rule(
            ours: ["Gateway", "JSON", "ProcessEngine"],
            others: [
                "HummingbirdCore", "Logging", "NIOCore", "NIOHTTP1", "NIOPosix", "ServiceLifecycle",
            ]
        ),
        "CommandLineClient": Rule(
            ours: ["ClusterCertificates", "JSON"],
            others: [
                "ArgumentParser", "AsyncHTTPClient", "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL", "Subprocess",
                "SystemPackage",
            ]
        ),
        "Node": Rule(
            ours: [
                "BPMNModel", "BPMNParsing", "ClusterCertificates", "ClusterTransport", "FEEL", "Gateway", "Health",
                "JSON", "ProcessEngine", "RaftCore", "RaftLog", "ReplicaCore", "SQLite", "StateStore",
            ],
            others: ["Logging", "NIOPosix"]
        ),
        "Drills": Rule(ours: ["JSON", "Linearizability"], others: ["ArgumentParser", "Yams"]),
        "thalweg": Rule(
            ours: ["ClusterCertificates", "CommandLineClient", "Drills", "Gateway", "HTTPAPI", "Node"],
            others: [
                "ArgumentParser", "Logging", "NIOCore", "NIOPosix", "ServiceLifecycle", "UnixSignals",
            ]
        ),
    ]

    /// Test kits and tools, which may see everything; nothing of the server may see them.
    private static let kits: Set<String> = [
        "NodeSimulation", "SimulatedDisk", "Simulation", "thalweg-bench", "thalweg-simulate",
    ]

    private static let systemLibraries: Set<String> = ["CExpat", "CLibuv", "COpenSSL", "CSQLite", "CSimulatedDisk"]

    @Test func `each target imports only what the table allows`() throws {
        let files = try Project.files(in: "Sources")
        #expect(files.count > 100)
        let ours = Set(files.map(\.target)).union(Self.rules.keys).union(Self.systemLibraries)
        for file in files where !Self.kits.contains(file.target) {
            guard let rule = Self.rules[file.target] else {
                Issue.record("\(file.path): Expected a target of the table, but got '\(file.target)'")
                continue
            }
            for module in Project.imports(of: file) where module != "Swift" {
                let isAllowed: Bool
                if ours.contains(module) {
                    isAllowed = rule.ours.contains(module)
                } else if Self.standard.contains(module) {
                    isAllowed = !rule.isPure
                } else {
                    isAllowed = rule.others.contains(module)
                }
                #expect(isAllowed, "\(file.path) imports \(module)")
            }
        }
    }

    @Test func `the manifest allows no more than the table`() throws {
        let manifest = try String(contentsOf: Project.root.appending(path: "Package.swift"), encoding: .utf8)
        for (target, rule) in Self.rules {
            for name in Self.dependencies(of: target, in: manifest) ?? [] {
                #expect(rule.ours.contains(name), "Package.swift lets \(target) depend on \(name)")
            }
        }
    }

    /// The targets of ours that a target depends on; nil when there is no such target.
    private static func dependencies(of target: String, in manifest: String) -> [String]? {
        guard
            let declaration = [".target(", ".executableTarget("].lazy
                .compactMap({ kind in
                    manifest.range(of: "\\\(kind)\\s*name: \"\(target)\"", options: .regularExpression)
                }).first
        else { return nil }
        let rest = manifest[declaration.upperBound...]
        let end = rest.range(of: "swiftSettings:")?.lowerBound ?? rest.endIndex
        guard let list = rest[..<end].range(of: "dependencies: [") else { return [] }
        let names = rest[list.upperBound..<end].split(separator: "]")[0]
        return names.split(separator: ",").compactMap { part in
            let word = part.split(whereSeparator: { " \n".contains($0) }).joined()
            return word.hasPrefix("\"") ? String(word.dropFirst().dropLast()) : nil
        }
    }

    @Test func `only the wrapper sees SQLite's interface, only stores see the wrapper`() throws {
        for file in try Project.files(in: "Sources") {
            for module in Project.imports(of: file) {
                switch module {
                case "CSQLite": #expect(["SQLite", "SimulatedDisk"].contains(file.target), "\(file.path)")
                case "SQLite":
                    // Node tells its errors apart, nothing more.
                    let users: Set<String> = [
                        "Node", "NodeSimulation", "RaftLog", "SimulatedDisk", "Simulation", "StateStore",
                        "thalweg-bench",
                    ]
                    #expect(users.contains(file.target), "\(file.path)")
                case "CLibuv": #expect(file.target == "ClusterTransport", "\(file.path)")
                case "COpenSSL":
                    #expect(["ClusterCertificates", "ClusterTransport"].contains(file.target), "\(file.path)")
                default: break
                }
            }
        }
    }

    @Test func `what decides has no clock, no chance and no tasks of its own`() throws {
        let banned = [
            " Date()", " UUID()", "ContinuousClock", "SuspendingClock", ".random(in:", ".shuffled()",
            ".randomElement()",
            "Task {", "Task.detached", "async ", "await ", "DispatchQueue", "SystemRandomNumberGenerator",
        ]
        for file in try Project.files(in: "Sources") where Self.rules[file.target]?.isPure ?? false {
            // The protocols between edges are asynchronous by nature, and decide nothing.
            if file.target == "Gateway" { continue }
            for (number, line) in file.lines.enumerated() {
                guard let code = line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false).first
                else {
                    continue
                }
                for word in banned where code.contains(word) {
                    Issue.record("\(file.path):\(number + 1) uses \(word)")
                }
            }
        }
    }
}
