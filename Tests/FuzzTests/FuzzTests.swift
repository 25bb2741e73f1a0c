import Foundation
import Testing

extension FuzzTarget: CustomTestStringConvertible {
    var testDescription: String { name }
}

/// A short run of every decoder on changed inputs, and all inputs that ever did harm. `scripts/fuzz` runs for long.
@Suite struct FuzzTests {
    private static let findings = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Findings")

    @Test func `every decoder has a name and inputs that it takes`() {
        #expect(Set(FuzzTarget.all.map(\.name)).count == FuzzTarget.all.count)
        for target in FuzzTarget.all {
            #expect(!target.seeds().isEmpty, "\(target.name)")
            for seed in target.seeds() { #expect(target.run(seed) == nil, "\(target.name)") }
        }
    }

    @Test(arguments: FuzzTarget.all)
    func `changed inputs neither trap nor hang`(target: FuzzTarget) {
        let seeds = target.seeds()
        var mutation = Mutation(seed: 1, words: target.dictionary)
        let clock = ContinuousClock()
        let begin = clock.now
        var count = 0
        // Bounded by number and by time, so that a slow machine does not wait long.
        while count < 3_000, clock.now - begin < .milliseconds(1_500) {
            let input = mutation.child(of: seeds, limit: target.bytesLimit)
            let start = clock.now
            let problem = target.run(input)
            #expect(problem == nil, "\(target.name): \(problem ?? "") for \(input)")
            #expect(clock.now - start < .seconds(5), "\(target.name) hangs at \(input)")
            count += 1
        }
        #expect(count > 10)
    }

    /// Names of files are `TARGET.what-it-did`.
    @Test func `no input does harm that did so once`() throws {
        let files = try FileManager.default.contentsOfDirectory(at: Self.findings, includingPropertiesForKeys: nil)
        for file in files.sorted(by: { $0.path < $1.path }) where file.lastPathComponent != "README.md" {
            let name = file.lastPathComponent.prefix { $0 != "." }
            let target = try #require(FuzzTarget.named(String(name)), "\(file.lastPathComponent) has no target")
            #expect(target.run([UInt8](try Data(contentsOf: file))) == nil, "\(file.lastPathComponent)")
        }
    }

    @Test func `a decoder that does not keep what it read is found out`() {
        let careless = FuzzTarget(name: "careless", what: "", bytesLimit: 16, seeds: { [[1, 2, 3]] }) {
            $0.first == 0xFF ? "forgot a byte" : nil
        }
        var mutation = Mutation(seed: 1, words: [])

        let found = (0..<3_000).contains { _ in careless.run(mutation.child(of: [[1, 2, 3]], limit: 16)) != nil }

        #expect(found)
    }
}
