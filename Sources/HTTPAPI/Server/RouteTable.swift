import NIOHTTP1

/// What an operation does with its request's body.
enum BodyUse: Sendable {
    case json
    case multipart
    /// It is dropped.
    case ignored
}

/// One operation of the API.
struct Route: Sendable {
    /// Turns a request into a response; a thrown `Problem` is rendered by the caller.
    typealias Handler = @Sendable (Call) async throws -> Response

    let method: HTTPMethod
    /// Segments in braces stand for any one segment.
    let pattern: String
    let body: BodyUse
    let handler: Handler

    /// - Parameter body: nil if the method says it.
    init(_ method: HTTPMethod, _ pattern: String, body: BodyUse? = nil, _ handler: @escaping Handler) {
        self.method = method
        self.pattern = pattern
        self.body = body ?? (method == .GET || method == .DELETE ? .ignored : .json)
        self.handler = handler
    }
}

/// Finds the route of a request: a tree over the segments of paths, where a written-out segment wins over a parameter.
struct RouteTable: Sendable {
    enum Match {
        /// The route's position, and the last segment that stood for a parameter.
        case found(route: Int, parameter: Substring)
        case wrongMethod(allowed: [String])
        case unknownPath
    }

    private struct Node: Sendable {
        var children: [Substring: Int] = [:]
        var parameterChild: Int?
        var routes: [(method: HTTPMethod, route: Int)] = []
    }

    let routes: [Route]
    private var nodes: [Node] = [Node()]

    /// - Precondition: no two routes have the same method and path.
    init(_ routes: [Route]) {
        self.routes = routes
        for (position, route) in routes.enumerated() { self.insert(route, at: position) }
    }

    private mutating func insert(_ route: Route, at position: Int) {
        var node = 0
        for segment in route.pattern.split(separator: "/") {
            let isParameter = segment.first == "{"
            let known = isParameter ? self.nodes[node].parameterChild : self.nodes[node].children[segment]
            let child = known ?? self.nodes.count
            if known == nil {
                self.nodes.append(Node())
                if isParameter {
                    self.nodes[node].parameterChild = child
                } else {
                    self.nodes[node].children[segment] = child
                }
            }
            node = child
        }
        precondition(
            !self.nodes[node].routes.contains { $0.method == route.method },
            "\(route.method.rawValue) \(route.pattern) is routed twice"
        )
        self.nodes[node].routes.append((route.method, position))
    }

    /// - Parameter path: without query; begins with a slash.
    func match(_ method: HTTPMethod, _ path: Substring) -> Match {
        var node = 0
        var parameter: Substring = ""
        guard path.utf8.first == UInt8(ascii: "/") else { return .unknownPath }
        var rest = path.utf8.dropFirst()
        while true {
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            let segment = path[rest.startIndex..<end]
            if let child = self.nodes[node].children[segment] {
                node = child
            } else if !segment.isEmpty, let child = self.nodes[node].parameterChild {
                node = child
                parameter = segment
            } else {
                return .unknownPath
            }
            if end == rest.endIndex { break }
            rest = rest[rest.index(after: end)...]
        }
        let candidates = self.nodes[node].routes
        if let candidate = candidates.first(where: { $0.method == method }) {
            return .found(route: candidate.route, parameter: parameter)
        }
        if candidates.isEmpty { return .unknownPath }
        return .wrongMethod(allowed: candidates.map(\.method.rawValue).sorted())
    }
}
