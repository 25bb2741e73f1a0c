/// Where and within which bounds the API is served. Which addresses are safe is decided by the caller.
package struct HTTPAPIConfiguration: Hashable, Sendable {
    /// Bounds for what clients may send and for how long they may wait.
    package struct Limits: Hashable, Sendable {
        /// Size of a JSON body in bytes; a larger one is answered with 413.
        package var jsonBodyBytes = 4 << 20
        /// Size of a deployment's body in bytes.
        package var multipartBodyBytes = 32 << 20
        /// Arrays and objects that may be open at once in a JSON body.
        package var jsonDepth = 128
        /// Size of all header fields of a request in bytes.
        package var headerBytes = 32 << 10
        /// Number of header fields of a request.
        package var headerCount = 100
        /// Connections open at once; further ones wait in the backlog.
        package var connectionCount = 4096
        /// How long a body may take to arrive.
        package var bodyTimeout: Duration = .seconds(60)
        /// How long a connection may be silent while no request is being worked on.
        package var idleTimeout: Duration = .seconds(75)
        /// How long a client waits for the answer to a command.
        package var commandTimeout: Duration = .seconds(10)
        /// How long an operator waits for a change of the cluster's members or of its leader.
        package var administrationTimeout: Duration = .seconds(30)
        /// How long an activation waits for jobs if its `requestTimeout` is 0.
        package var longPolling: Duration = .seconds(10)
        /// The longest wait a client may ask for with `requestTimeout`; longer ones are cut to it.
        package var longestWait: Duration = .seconds(3600)
        /// Length of a variable's value in a search result, in UTF-16 code units, unless the client wants all of it.
        package var truncatedValueLength = 8192

        package init() {}
    }

    package var host: String
    /// 0 takes any free port; see `onServerRunning` of `makeServer`.
    package var port: Int
    package var limits: Limits
    /// The Camunda version whose API is served; clients choose their features by it (`gatewayVersion`).
    package var compatibleVersion: String

    package init(
        host: String = "127.0.0.1",
        port: Int = 8080,
        limits: Limits = Limits(),
        compatibleVersion: String = "8.10.0"
    ) {
        self.host = host
        self.port = port
        self.limits = limits
        self.compatibleVersion = compatibleVersion
    }
}
