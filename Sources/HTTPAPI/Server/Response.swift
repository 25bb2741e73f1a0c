import NIOCore
import NIOHTTP1

/// What a client is answered. Date, server, length and the connection's fields are added when it is written.
struct Response: Sendable {
    var status: Int
    /// Nil if there is no body.
    var contentType: String?
    /// Further header fields. Names and values are our own: nothing a client sent may stand here.
    var fields: [(name: String, value: String)] = []
    var body: ByteBuffer?

    /// The head as it goes to the client.
    ///
    /// - Parameter date: the value of the field `Date`.
    /// - Parameter connection: the value of the field `Connection`; nil leaves it to what the version means.
    func head(date: String, connection: String?) -> HTTPResponseHead {
        var headers = HTTPHeaders()
        headers.reserveCapacity(5 + self.fields.count)
        if let contentType { headers.add(name: "Content-Type", value: contentType) }
        for (name, value) in self.fields { headers.add(name: name, value: value) }
        if self.status != 204 { headers.add(name: "Content-Length", value: "\(self.body?.readableBytes ?? 0)") }
        headers.add(name: "Date", value: date)
        headers.add(name: "Server", value: "Thalweg")
        if let connection { headers.add(name: "Connection", value: connection) }
        return HTTPResponseHead(
            version: .http1_1,
            status: HTTPResponseStatus(statusCode: self.status),
            headers: headers
        )
    }
}
