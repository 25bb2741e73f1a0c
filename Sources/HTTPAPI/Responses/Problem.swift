/// Why a request was not carried out; rendered as `application/problem+json` (RFC 9457).
struct Problem: Error, Hashable {
    var status: Int
    /// A short name of the kind of problem; for refusals of the engine their code.
    var title: String
    /// "Expected X, but got Y".
    var detail: String
    /// For 405: what may be done instead.
    var allowedMethods: [String] = []

    /// The caller sent what it must not send.
    static func invalid(_ detail: String) -> Problem {
        Problem(status: 400, title: "INVALID_ARGUMENT", detail: detail)
    }

    static func notFound(_ detail: String) -> Problem { Problem(status: 404, title: "NOT_FOUND", detail: detail) }

    static func tooLarge(limit: Int) -> Problem {
        Problem(
            status: 413,
            title: "PAYLOAD_TOO_LARGE",
            detail: "Expected a body of at most \(limit) bytes, but got a larger one"
        )
    }

    static func tooSlow(limit: Duration) -> Problem {
        let detail = "Expected the whole body within \(limit), but it has not come yet"
        return Problem(status: 408, title: "REQUEST_TIMEOUT", detail: detail)
    }

    static func unsupported(_ what: String) -> Problem {
        Problem(status: 501, title: "NOT_IMPLEMENTED", detail: "\(what) is not supported by this version of Thalweg")
    }

    /// A name that came from a client, quoted and short enough for a message.
    static func quoted(_ text: some StringProtocol) -> String { "'\(Self.shortened(String(text), to: 64))'" }

    static func shortened(_ text: String, to length: Int) -> String {
        guard text.utf8.count > length else { return text }
        return String(decoding: text.utf8.prefix(length), as: UTF8.self) + "…"
    }
}
