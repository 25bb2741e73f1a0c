import Gateway
import JSON
import NIOCore

extension Response {
    /// 200 with the JSON text that was written.
    static func json(_ writer: JSONWriter) -> Response { .bytes(writer.bytes, contentType: "application/json") }

    /// 204, done.
    static func done() -> Response { Response(status: 204) }

    static func text(_ text: String, contentType: String = "text/plain; charset=utf-8") -> Response {
        Response(status: 200, contentType: contentType, body: ByteBuffer(string: text))
    }

    static func bytes(_ bytes: [UInt8], contentType: String) -> Response {
        Response(status: 200, contentType: contentType, body: ByteBuffer(bytes: bytes))
    }

    /// Says so if the answer to a query may be older than what the cluster has acknowledged.
    func answering(_ call: Call) throws(Problem) -> Response {
        guard try call.consistency() == .stale else { return self }
        var response = self
        response.fields.append(("Thalweg-Consistency", "stale"))
        return response
    }
}
