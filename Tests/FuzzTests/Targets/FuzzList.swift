import Foundation

/// What the driver of `scripts/fuzz` needs of the targets.
package enum FuzzList {
    package static var all: [(name: String, bytesLimit: Int, what: String)] {
        FuzzTarget.all.map { ($0.name, $0.bytesLimit, $0.what) }
    }

    /// Set once, before the first input, by the driver's only thread.
    nonisolated(unsafe) private static var current: FuzzTarget?

    /// Chooses the target; false if there is none of that name.
    package static func start(_ name: String) -> Bool {
        current = FuzzTarget.named(name)
        return current != nil
    }

    /// Feeds one input. Stops the process when the decoder did what it must not do.
    package static func run(_ input: [UInt8]) {
        guard let problem = current?.run(input) else { return }
        fatalError("finding: \(problem)")
    }

    /// Writes a target's seeds as files, and its words in libFuzzer's notation.
    package static func writeSeeds(of name: String, folder: String, dictionary: String) throws {
        guard let target = FuzzTarget.named(name) else { throw CocoaError(.fileNoSuchFile) }
        for (number, seed) in target.seeds().enumerated() {
            try Data(seed).write(to: URL(filePath: folder).appending(path: "seed-\(number)"))
        }
        let words = target.dictionary.map { "\"\($0)\"\n" }.joined()
        try Data(words.utf8).write(to: URL(filePath: dictionary))
    }
}
