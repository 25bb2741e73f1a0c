/// Requests as bytes.
struct RequestWriter {
    private let host: String

    init(_ endpoint: Endpoint) { self.host = "\(endpoint.host):\(endpoint.port)" }

    /// A request without a body.
    func get(_ path: String) -> [UInt8] {
        Array("GET \(path) HTTP/1.1\r\nHost: \(self.host)\r\n\r\n".utf8)
    }

    /// A request with a body, JSON unless said otherwise.
    /// - Parameter fields: further header fields, each with its line end.
    func post(_ path: String, _ body: [UInt8], contentType: String = "application/json", fields: String = "")
        -> [UInt8]
    {
        let head =
            "POST \(path) HTTP/1.1\r\nHost: \(self.host)\r\nAccept: application/json\r\n"
            + "\(fields)Content-Type: \(contentType)\r\nContent-Length: \(body.count)\r\n\r\n"
        return Array(head.utf8) + body
    }

    func post(_ path: String, _ body: String) -> [UInt8] { self.post(path, Array(body.utf8)) }

    /// A deployment of one model.
    func deployment(fileName: String, model: [UInt8]) -> [UInt8] {
        let boundary = "thalweg-bench-part"
        let head =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"resources\"; filename=\"\(fileName)\"\r\n"
            + "Content-Type: application/octet-stream\r\n\r\n"
        let body = Array(head.utf8) + model + Array("\r\n--\(boundary)--\r\n".utf8)
        return self.post("/v2/deployments", body, contentType: "multipart/form-data; boundary=\(boundary)")
    }
}
