/// Why a command was refused. A rejection is the caller's fault, is answered, and changes nothing.
package struct Rejection: Error, Hashable, Sendable {
    package enum Code: UInt8, Hashable, Sendable, CaseIterable {
        case invalidArgument = 1
        case notFound = 2
        case alreadyExists = 3
        case invalidState = 4

        /// The name used in answers.
        package var name: String {
            switch self {
            case .invalidArgument: "INVALID_ARGUMENT"
            case .notFound: "NOT_FOUND"
            case .alreadyExists: "ALREADY_EXISTS"
            case .invalidState: "INVALID_STATE"
            }
        }
    }

    package let code: Code
    /// "Expected X, but got Y", with keys.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}
