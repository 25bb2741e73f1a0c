internal import COpenSSL

/// Why a certificate cannot be made, read or used, and what to do.
package struct CertificateError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is to blame.
    package enum Kind: Equatable, Sendable {
        /// An argument or a given file is wrong.
        case input
        /// What is there already would be lost, or is used by somebody else.
        case refused
        /// The operating system or OpenSSL failed.
        case system
    }

    package let kind: Kind
    /// One sentence and what to do next.
    package let description: String

    static func input(_ text: String) -> CertificateError { CertificateError(kind: .input, description: text) }
    static func refused(_ text: String) -> CertificateError { CertificateError(kind: .refused, description: text) }
    static func system(_ text: String) -> CertificateError { CertificateError(kind: .system, description: text) }

    /// What OpenSSL says about its last failure in this thread. Its list of errors is empty afterwards.
    static func openSSL(_ what: String) -> CertificateError {
        .system("Expected \(what), but OpenSSL failed: \(Self.lastReason())")
    }

    /// OpenSSL's words for its last failure in this thread, after which its list of errors is empty.
    static func lastReason() -> String {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        return ERR_reason_error_string(code).map { String(cString: $0) } ?? "unknown reason"
    }
}
