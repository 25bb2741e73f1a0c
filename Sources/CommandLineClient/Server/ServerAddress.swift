/// Where the server is: `http://host:port` or `https://host:port`, with an optional path in front of `/v2`.
struct ServerAddress: Equatable, Sendable {
    /// What is used when neither `--url` nor `THALWEG_URL` says otherwise.
    static let standard = "http://127.0.0.1:8080"

    /// Scheme, host, port and path prefix, without a slash at the end and without `/v2`.
    let base: String
    /// Whether the connection is encrypted.
    let isSecure: Bool

    /// Reads an address; throws a usage error that says what was expected.
    init(_ text: String) throws(ClientFailure) {
        let refused = ClientFailure.usage(
            "Expected the server's address as http://HOST:PORT or https://HOST:PORT, but got \"\(text)\""
        )
        guard text.utf8.count <= 2048, text.utf8.allSatisfy({ $0 > 32 && $0 != 127 }) else { throw refused }
        let withScheme = text.contains("://") ? text : "http://" + text
        guard let separator = withScheme.firstRange(of: "://") else { throw refused }
        let scheme = withScheme[..<separator.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { throw refused }
        var rest = withScheme[separator.upperBound...]
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        if rest.hasSuffix("/v2") { rest = rest.dropLast(3) }
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        let authority = rest.prefix { $0 != "/" }
        guard !authority.isEmpty, !rest.contains("?"), !rest.contains("#"), !authority.contains("@") else {
            throw refused
        }
        guard Self.isPlausible(authority) else { throw refused }
        self.base = scheme + "://" + rest
        self.isSecure = scheme == "https"
    }

    private static func isPlausible(_ authority: Substring) -> Bool {
        var afterHost = authority
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return false }
            afterHost = authority[authority.index(after: end)...]
            guard afterHost.isEmpty || afterHost.hasPrefix(":") else { return false }
        } else {
            afterHost = authority.drop { $0 != ":" }
            guard afterHost.count < authority.count else { return false }
        }
        guard !afterHost.isEmpty else { return true }
        guard let port = Int(afterHost.dropFirst()) else { return false }
        return port > 0 && port <= 65_535
    }
}
