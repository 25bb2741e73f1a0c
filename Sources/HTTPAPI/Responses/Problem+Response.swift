import JSON
import NIOCore

extension Problem {
    private static let instanceLengthLimit = 512
    private static let detailLengthLimit = 8192

    /// The response, naming the path that was asked for.
    func response(path: String) -> Response {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", "about:blank")
        writer.member("title", self.title)
        writer.member("status", self.status)
        writer.member("detail", Self.shortened(self.detail, to: Self.detailLengthLimit))
        writer.member("instance", Self.shortened(path, to: Self.instanceLengthLimit))
        writer.endObject()
        var response = Response(
            status: self.status,
            contentType: "application/problem+json",
            body: ByteBuffer(bytes: writer.bytes)
        )
        if !self.allowedMethods.isEmpty {
            response.fields.append(("Allow", self.allowedMethods.joined(separator: ", ")))
        }
        return response
    }
}
