import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// What the server hands over with each request.
struct APIRequestContext: InitializableFromSource, Sendable {
    let connection: ObjectIdentifier
    let logger: Logger

    /// Made by the server for each request.
    init(source: ApplicationRequestContextSource) {
        self.connection = ObjectIdentifier(source.channel)
        self.logger = source.logger
    }
}

/// Finds a request's operation, runs it, renders what it throws, counts and logs.
struct APIResponder: HTTPResponder {
    typealias Context = APIRequestContext

    let table: RouteTable
    let backend: Backend

    /// Answers one request; never throws.
    func respond(to request: Request, context: APIRequestContext) async throws -> Response {
        let start = ContinuousClock.now
        let target = (request.head.path ?? "/")[...]
        let queryStart = target.utf8.firstIndex(of: UInt8(ascii: "?"))
        let path = target[..<(queryStart ?? target.endIndex)]
        let query = queryStart.map { target[target.utf8.index(after: $0)...] } ?? ""

        var position: Int?
        var response: Response
        switch self.table.match(request.method, path) {
        case .found(let route, let parameter):
            position = route
            let call = Call(
                request: request,
                backend: self.backend,
                parameter: parameter,
                query: query,
                connection: context.connection
            )
            response = await self.response(to: call, self.table.routes[route].handler, path: path, context)
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
        self.backend.metrics.count(route: position, status: response.status.code, duration: duration)
        context.logger.debug(
            "http request answered",
            metadata: [
                "http.method": "\(request.method.rawValue)", "http.path": "\(path)",
                "http.status": "\(response.status.code)", "http.duration": "\(duration)",
            ]
        )
        return response
    }

    private func response(
        to call: Call,
        _ handler: Route.Handler,
        path: Substring,
        _ context: APIRequestContext
    ) async -> Response {
        do {
            return try await handler(call)
        } catch let problem as Problem {
            return problem.response(path: String(path))
        } catch {
            context.logger.error(
                "http request failed",
                metadata: ["http.path": "\(path)", "error": "\(error)"]
            )
            let problem = Problem(
                status: 500,
                title: "INTERNAL_SERVER_ERROR",
                detail: "The request failed by a fault of the server; its log says why"
            )
            return problem.response(path: String(path))
        }
    }
}
