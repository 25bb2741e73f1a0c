import Gateway
import NIOHTTP1

/// What operators and their tools ask a node.
enum OperationRoutes {
    static let routes = [
        Route(.GET, "/thalweg/v1/live") { _ in .text("live\n") },
        Route(.GET, "/thalweg/v1/ready", ready),
        Route(.GET, "/metrics", metrics),
        Route(.POST, "/thalweg/v1/echo", echo),
    ]

    @Sendable
    private static func ready(_ call: Call) async throws -> Response {
        if let reason = await call.backend.status.notReadyReason() {
            throw Problem(status: 503, title: "UNAVAILABLE", detail: reason)
        }
        // It takes commands, which others execute; only its own searches wait.
        if let reason = await call.backend.status.lagReason() { return .text("ready, but behind: \(reason)\n") }
        return .text("ready\n")
    }

    /// Reads the body and does nothing: what a request costs without its command. The measure for benchmarks.
    @Sendable
    private static func echo(_ call: Call) async throws -> Response {
        _ = try call.jsonBody()
        return .done()
    }

    @Sendable
    private static func metrics(_ call: Call) async throws -> Response {
        let node = await call.backend.status.metricsText()
        return .text(node + call.backend.metrics.text(), contentType: "text/plain; version=0.0.4; charset=utf-8")
    }
}
