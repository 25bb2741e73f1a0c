import Logging
import NIOHTTP1

/// Finds a request's operation, runs it, renders what it throws, counts and logs.
struct APIResponder: Sendable {
    let table: RouteTable
    let backend: Backend
    let logger: Logger

    /// Where a request goes to, and how large its body may be.
    func target(of head: HTTPRequestHead) -> Target {
        let uri = head.uri[...]
        let queryStart = uri.utf8.firstIndex(of: UInt8(ascii: "?"))
        let path = uri[..<(queryStart ?? uri.endIndex)]
        let query = queryStart.map { uri[uri.utf8.index(after: $0)...] } ?? ""
        let match = self.table.match(head.method, path)
        var use = BodyUse.ignored
        if case .found(let route, _) = match { use = self.table.routes[route].body }
        let limits = self.backend.configuration.limits
        return Target(
            path: path,
            query: query,
            match: match,
            bodyLimit: use == .multipart ? limits.multipartBodyBytes : limits.jsonBodyBytes,
            keepsBody: use != .ignored
        )
    }

    /// Answers one request; never throws.
    func respond(to request: Request, from client: ClientPresence) async -> Response {
        let start = ContinuousClock.now
        let path = request.target.path
        var position: Int?
        let response: Response
        switch request.target.match {
        case .found(let route, let parameter):
            position = route
            let call = Call(request: request, backend: self.backend, parameter: parameter, client: client)
            response = await self.response(to: call, self.table.routes[route].handler)
        case .wrongMethod(let allowed):
            let detail =
                "Expected \(allowed.joined(separator: " or ")) for \(Problem.quoted(path)), "
                + "but got \(Problem.quoted(request.method.rawValue))"
            let problem = Problem(status: 405, title: "METHOD_NOT_ALLOWED", detail: detail, allowedMethods: allowed)
            response = problem.response(path: String(path))
        case .unknownPath:
            let problem = Problem.notFound("Expected a path of this API, but got \(Problem.quoted(path))")
            response = problem.response(path: String(path))
        }
        let duration = ContinuousClock.now - start
        self.backend.metrics.count(route: position, status: response.status, duration: duration)
        self.logger.debug(
            "http request answered",
            metadata: [
                "http.method": "\(request.method.rawValue)", "http.path": "\(path)",
                "http.status": "\(response.status)", "http.duration": "\(duration)",
            ]
        )
        return response
    }

    private func response(to call: Call, _ handler: Route.Handler) async -> Response {
        do {
            // Who ignores the body has no need of its rest.
            if let refusal = call.request.refusal, call.request.target.keepsBody { throw refusal }
            return try await handler(call)
        } catch let problem as Problem {
            return problem.response(path: String(call.request.target.path))
        } catch {
            self.logger.error(
                "http request failed",
                metadata: ["http.path": "\(call.request.target.path)", "error": "\(error)"]
            )
            let problem = Problem(
                status: 500,
                title: "INTERNAL_SERVER_ERROR",
                detail: "The request failed by a fault of the server; its log says why"
            )
            return problem.response(path: String(call.request.target.path))
        }
    }
}
