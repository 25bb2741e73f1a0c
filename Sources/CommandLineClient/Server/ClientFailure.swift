/// Why a command did not do what it was asked: the text for the user and the exit code for the script.
struct ClientFailure: Error, Equatable, Sendable {
    /// The kind of failure; its raw value is the process's exit code.
    enum Code: Int32, Equatable, Sendable {
        /// The server answered and refused, or what was asked for is not there.
        case refused = 1
        /// The arguments, a given file or the given JSON are wrong; nothing was sent.
        case usage = 2
        /// The server could not be reached or had no leader; the request was surely not executed.
        case unavailable = 3
        /// The request was sent, but its answer was lost: it may or may not have been executed.
        case unknown = 4
        /// Standard output was closed by its reader.
        case outputClosed = 141
        /// Ended by a second interrupt.
        case interrupted = 130
    }

    let code: Code
    /// One clear sentence and what to do next.
    let message: String
    /// The HTTP status behind the failure, where the server answered.
    var status: Int? = nil

    static func usage(_ message: String) -> ClientFailure { ClientFailure(code: .usage, message: message) }
    static func refused(_ message: String) -> ClientFailure { ClientFailure(code: .refused, message: message) }
}
