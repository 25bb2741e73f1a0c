import JSON

/// One request to the public REST API, complete but for the server's address: what is tested without a network.
struct APIRequest: Equatable, Sendable {
    /// The HTTP methods the client uses.
    enum Method: String, Equatable, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    static let standardRoot = "/v2"
    static let ownRoot = "/thalweg/v1"

    /// What is sent after the head.
    enum Body: Equatable, Sendable {
        case none
        case json(JSONValue)
        case multipart(MultipartForm)
    }

    let method: Method
    /// What stands before the path: Camunda 8's API, or what Thalweg adds to it.
    var root = APIRequest.standardRoot
    /// Path below the root, percent-encoded, beginning with a slash.
    let path: String
    var body: Body = .none
    /// A repetition of the request under the same key is answered, not executed again.
    var idempotencyKey: String? = nil
    /// How long the answer may take before its fate is called unknown.
    var timeout: Duration = .seconds(30)

    /// What the user wanted, as the object of a sentence: "process instance 42".
    let subject: String
}
