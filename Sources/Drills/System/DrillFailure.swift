/// Why a drill could not be run, as opposed to: it ran and an expectation was not met. Says what to do next.
package struct DrillFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    /// What the last system call did not do.
    static func system(_ what: String, _ number: Int32) -> DrillFailure {
        DrillFailure("Expected to \(what), but got: \(SystemText.message(number))")
    }
}
