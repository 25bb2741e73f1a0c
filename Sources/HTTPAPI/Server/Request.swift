import NIOHTTP1

/// Where a request goes to; known as soon as its head has come.
struct Target: Sendable {
    /// Without the query.
    let path: Substring
    /// Everything behind the question mark.
    let query: Substring
    let match: RouteTable.Match
    /// Bytes the body may have.
    let bodyLimit: Int
    /// Whether the body is kept; otherwise it is counted and dropped.
    let keepsBody: Bool
}

/// A request that has come completely, or as far as it was read.
struct Request: Sendable {
    let method: HTTPMethod
    let target: Target
    let headers: HTTPHeaders
    let body: [UInt8]
    /// Why the rest of the body was not read; nil if it is complete.
    let refusal: Problem?

    /// A header field's value; several fields of one name are one list (RFC 9110, section 5.3). Nil if there is none.
    func header(_ name: String) -> String? {
        let values = self.headers[name]
        return values.count > 1 ? values.joined(separator: ", ") : values.first
    }
}
