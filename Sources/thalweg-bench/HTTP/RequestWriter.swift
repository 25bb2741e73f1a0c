/// Requests as bytes.
struct RequestWriter {
    private let port: UInt16

    init(port: UInt16) { self.port = port }

    /// A request without a body.
    func get(_ path: String) -> [UInt8] {
        Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(self.port)\r\n\r\n".utf8)
    }

    /// A request with a body, JSON unless said otherwise.
    func post(_ path: String, _ body: [UInt8], contentType: String = "application/json") -> [UInt8] {
        let head =
            "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(self.port)\r\nAccept: application/json\r\n"
            + "Content-Type: \(contentType)\r\nContent-Length: \(body.count)\r\n\r\n"
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
