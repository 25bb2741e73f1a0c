import Testing

/// The table of docs/architecture.md: what each target may import of ours, and what of the world.
@Suite struct ImportTests {
    private static let ours: [String: Set<String>] = [
        "BPMNModel": [],
        "FEEL": [],
        "JSON": [],
        "RaftCore": [],
        "ProcessEngine": ["BPMNModel", "FEEL", "JSON"],
        "ReplicaCore": ["ProcessEngine", "RaftCore"],
        "BPMNParsing": ["BPMNModel", "FEEL", "CExpat"],
        "Gateway": ["ProcessEngine"],
        "HTTPAPI": ["Gateway", "JSON", "ProcessEngine"],
        "CommandLineClient": ["JSON"],
        "SQLite": ["CSQLite"],
        "RaftLog": ["RaftCore", "SQLite"],
        "StateStore": ["ProcessEngine", "SQLite"],
        "SimulatedDisk": ["CSQLite"],
        "Simulation": ["RaftCore"],
        "Node": [
            "BPMNModel", "BPMNParsing", "FEEL", "Gateway", "ProcessEngine", "RaftCore", "RaftLog", "ReplicaCore",
            "SQLite", "StateStore",
        ],
        "thalweg": ["CommandLineClient", "HTTPAPI", "Node"],
        "thalweg-bench": ["JSON"],
        "raft-bench": ["RaftCore", "Simulation"],
    ]

    /// Pure targets import nothing of the world at all.
    private static let pure: Set<String> = [
        "BPMNModel", "FEEL", "JSON", "RaftCore", "ProcessEngine", "ReplicaCore", "Gateway", "Simulation",
    ]

    /// Only these may see what belongs to one edge.
    private static let reserved: [String: Set<String>] = [
        "CSQLite": ["SQLite", "SimulatedDisk"],
        "CExpat": ["BPMNParsing"],
        "Hummingbird": ["HTTPAPI", "thalweg"],
        "HummingbirdCore": ["HTTPAPI"],
        "AsyncHTTPClient": ["CommandLineClient"],
        "Subprocess": ["CommandLineClient"],
    ]

    @Test func `every target is in the table`() throws {
        let found = Set(try SourceTree.files("Sources").map(\.target))

        #expect(found == Set(ImportTests.ours.keys))
    }

    @Test func `targets import of ours only what the table allows`() throws {
        let known = Set(ImportTests.ours.keys).union(["CExpat", "CSQLite"])

        for file in try SourceTree.files("Sources") {
            let allowed = ImportTests.ours[file.target] ?? []
            let found = Set(file.imports).intersection(known)
            #expect(found.isSubset(of: allowed), "\(file.path) imports \(found.subtracting(allowed).sorted())")
        }
    }

    @Test func `pure targets import nothing of the world`() throws {
        for file in try SourceTree.files("Sources") where ImportTests.pure.contains(file.target) {
            let foreign = Set(file.imports).subtracting(ImportTests.ours.keys)
            #expect(foreign.isEmpty, "\(file.path) imports \(foreign.sorted())")
        }
    }

    @Test func `what belongs to one edge is seen by nobody else`() throws {
        for file in try SourceTree.files("Sources") {
            for name in file.imports {
                guard let allowed = ImportTests.reserved[name] else { continue }
                #expect(allowed.contains(file.target), "\(file.path) imports \(name)")
            }
        }
    }

    @Test func `pure targets know no clock and no chance`() throws {
        let banned = [
            " Date()", " UUID()", ".random(", "SystemRandomNumberGenerator", "ContinuousClock", "async ", "await ",
        ]

        for file in try SourceTree.files("Sources") where ImportTests.pure.contains(file.target) {
            // The gateway's protocols are asynchronous by nature; they decide nothing.
            if file.target == "Gateway" { continue }
            for (number, line) in file.lines.enumerated() {
                guard !line.drop(while: { $0 == " " }).hasPrefix("//") else { continue }
                for word in banned where line.contains(word) {
                    Issue.record("\(file.path):\(number + 1) uses '\(word)'")
                }
            }
        }
    }
}
