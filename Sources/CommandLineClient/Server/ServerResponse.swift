import JSON

/// An answer of the server: status and body bytes.
struct ServerResponse: Equatable, Sendable {
    let status: Int
    let body: [UInt8]

    /// The body as JSON; null for an empty one. Throws when a success carries something else than JSON.
    func document() throws(ClientFailure) -> JSONValue {
        guard !self.body.isEmpty else { return .null }
        do {
            return try JSONParser.parse(self.body)
        } catch {
            throw .refused("Expected JSON from the server, but got something else (\(error.description))")
        }
    }
}

/// What an answer means for the request.
enum ResponseJudgement: Equatable, Sendable {
    case success
    /// 503: surely not executed, so it may be sent again.
    case retry(ClientFailure)
    case failure(ClientFailure)

    init(_ response: ServerResponse, to request: APIRequest) {
        if (200..<300).contains(response.status) {
            self = .success
            return
        }
        let failure = Problem(response).failure(for: request)
        self = response.status == 503 ? .retry(failure) : .failure(failure)
    }
}

/// The error body of the API (RFC 9457 problem details) and how it is told to the user.
struct Problem: Equatable, Sendable {
    let status: Int
    let title: String
    let detail: String

    init(_ response: ServerResponse) {
        self.status = response.status
        let document = (try? JSONParser.parse(response.body)) ?? .null
        self.title = TerminalText.sanitized(document.text("title"))
        let detail = TerminalText.sanitized(document.text("detail"))
        self.detail = detail.count > 2_000 ? detail.prefix(2_000) + "…" : detail
    }

    /// One sentence about what was refused and why, and what to do next.
    func failure(for request: APIRequest) -> ClientFailure {
        let code: ClientFailure.Code
        switch self.status {
        case 503: code = .unavailable
        case 504, 408: code = .unknown
        default: code = .refused
        }
        return ClientFailure(code: code, message: self.sentence(for: request.subject), status: self.status)
    }

    private func sentence(for subject: String) -> String {
        let reason = self.detail.isEmpty ? self.title : self.detail
        let because = reason.isEmpty ? "" : ": \(Self.withoutFullStop(reason))"
        switch self.status {
        case 400: return "the server refused \(subject) as invalid\(because)"
        case 401:
            return "the server wants to know who you are\(because); "
                + "set THALWEG_TOKEN, or THALWEG_USER and THALWEG_PASSWORD"
        case 403: return "you are not allowed to do this to \(subject)\(because)"
        case 404: return "\(subject) was not found\(because)"
        case 409: return "\(subject) is not in a state that allows this\(because)"
        case 413: return "\(subject) is too large\(because)"
        case 429: return "the server is too busy for \(subject)\(because); try again later"
        case 500: return "the server failed on \(subject)\(because); its log says more"
        case 503:
            return "the server cannot take requests now, nothing was changed\(because); "
                + "look at the cluster with: thalweg status"
        case 504:
            return "the server did not know the outcome for \(subject) in time\(because); "
                + "it may still happen, so check before you repeat it"
        default: return "the server answered \(self.status) for \(subject)\(because)"
        }
    }

    private static func withoutFullStop(_ text: String) -> String {
        text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}
