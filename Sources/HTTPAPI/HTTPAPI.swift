package import Gateway
import HummingbirdCore
package import Logging
import NIOCore
import NIOPosix
package import ServiceLifecycle

/// Camunda 8's REST API and what operators ask of a node, over HTTP/1.1.
package enum HTTPAPI {
    /// Makes the server. It is a `Service`: it runs inside a service group; at a graceful shutdown it stops accepting,
    /// ends long polls and answers what is being worked on.
    ///
    /// - Parameters:
    ///   - onServerRunning: called once the server listens, with the port it is bound to.
    package static func makeServer(
        configuration: HTTPAPIConfiguration,
        commands: any CommandGateway,
        queries: any QueryGateway,
        status: any StatusGateway,
        administration: any ClusterAdministration,
        logger: Logger,
        onServerRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) -> some Service {
        let routes = Self.routes
        let backend = Backend(
            commands: commands,
            queries: queries,
            status: status,
            administration: administration,
            configuration: configuration,
            metrics: HTTPMetrics(routes: routes)
        )
        let limits = configuration.limits
        return Server(
            childChannelSetup: HTTPConnections(
                responder: APIResponder(table: RouteTable(routes), backend: backend, logger: logger),
                limits: limits
            ),
            configuration: ServerConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connectionCount, logger: logger)
            ),
            onServerRunning: { channel in
                await onServerRunning(channel.localAddress?.port ?? configuration.port)
            },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger
        )
    }

    /// All operations.
    static var routes: [Route] {
        DeploymentRoutes.routes + ProcessDefinitionRoutes.routes + ProcessInstanceRoutes.routes
            + ElementInstanceRoutes.routes + JobRoutes.routes + MessageRoutes.routes + IncidentRoutes.routes
            + VariableRoutes.routes + UserTaskRoutes.routes + ClusterRoutes.routes + AdministrationRoutes.routes
            + OperationRoutes.routes + UnsupportedRoutes.routes
    }
}
