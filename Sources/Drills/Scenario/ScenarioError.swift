/// What is wrong with a scenario file, and where.
package struct ScenarioError: Error, Hashable, Sendable, CustomStringConvertible {
    package let file: String
    /// From 1.
    package let line: Int
    package let reason: String

    package var description: String { "\(self.file):\(self.line): \(self.reason)" }
}
