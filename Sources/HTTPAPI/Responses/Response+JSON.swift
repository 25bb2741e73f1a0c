import Gateway
import HTTPTypes
import HummingbirdCore
import JSON
import NIOCore

extension Response {
    /// 200 with the JSON text that was written.
    static func json(_ writer: JSONWriter) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: writer.bytes))
        )
    }

    /// 204, done.
    static func done() -> Response { Response(status: .noContent) }

    static func text(_ text: String, contentType: String = "text/plain; charset=utf-8") -> Response {
        Response(
            status: .ok,
            headers: [.contentType: contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }

    static func bytes(_ bytes: [UInt8], contentType: String) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }

    private static let consistencyHeader = HTTPField.Name("Thalweg-Consistency")

    /// Says so if the answer to a query may be older than what the cluster has acknowledged.
    func answering(_ call: Call) throws(Problem) -> Response {
        guard let name = Self.consistencyHeader, try call.consistency() == .stale else { return self }
        var response = self
        response.headers[name] = "stale"
        return response
    }
}
