import Testing

/// Mistakes made on purpose must stay where nobody can switch them on but the simulator.
@Suite struct PlantedDefectsTests {
    @Test func `only the consensus core and the simulator know planted defects`() throws {
        let allowed: Set<String> = ["NodeSimulation", "RaftCore", "Simulation", "thalweg-simulate"]
        var seen: Set<String> = []
        for file in try Project.files(in: "Sources") {
            for (number, line) in file.lines.enumerated() where line.contains("lantedDefects") {
                seen.insert(file.target)
                #expect(allowed.contains(file.target), "\(file.path):\(number + 1)")
            }
        }
        #expect(seen.contains("RaftCore"))
    }

    @Test func `no program of the server depends on the simulator`() throws {
        for file in try Project.files(in: "Sources") {
            guard !["NodeSimulation", "Simulation", "thalweg-simulate"].contains(file.target) else { continue }
            #expect(!Project.imports(of: file).contains("Simulation"), "\(file.path)")
        }
    }
}
