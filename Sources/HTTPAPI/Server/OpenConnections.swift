import NIOCore
import ServiceLifecycle
import Synchronization

/// Knows which connections are open, so that a long wait can end when its client has gone or the server shuts down.
final class OpenConnections: Sendable {
    private let signals = Mutex<[ObjectIdentifier: CloseSignal]>([:])

    fileprivate func opened(_ connection: ObjectIdentifier, _ signal: CloseSignal) {
        self.signals.withLock { $0[connection] = signal }
    }

    fileprivate func closed(_ connection: ObjectIdentifier) {
        self.signals.withLock { _ = $0.removeValue(forKey: connection) }
    }

    /// Runs `operation` and returns its value. Its task is cancelled when the client closes the connection, and when
    /// the server begins to shut down; it has to come to its end then.
    func untilClosed<Value: Sendable>(
        _ connection: ObjectIdentifier,
        _ operation: @escaping @Sendable () async -> Value
    ) async -> Value {
        guard let signal = self.signals.withLock({ $0[connection] }) else { return await operation() }
        return await withGracefulShutdownHandler {
            await withTaskGroup(of: Value?.self) { group in
                group.addTask { await operation() }
                group.addTask {
                    await signal.wait()
                    return nil
                }
                var value: Value?
                for await finished in group {
                    group.cancelAll()
                    if let finished { value = finished }
                }
                guard let value else { preconditionFailure("Expected the operation's value after its task's end") }
                return value
            }
        } onGracefulShutdown: {
            signal.fire()
        }
    }
}

/// Says once that a connection has been closed. HTTP/1.1 works on one request a connection, so one may listen.
private final class CloseSignal: Sendable {
    private struct State {
        var isFired = false
        var listener: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    func fire() {
        let listener = self.state.withLock { state in
            state.isFired = true
            return state.listener
        }
        listener?.finish()
    }

    /// Returns when the signal has been fired or the task is cancelled.
    func wait() async {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let isFired = self.state.withLock { state in
            if !state.isFired { state.listener = continuation }
            return state.isFired
        }
        if isFired { return }
        for await _ in stream {}
        self.state.withLock { $0.listener = nil }
    }
}

/// Stands in a connection's pipeline and notices its end, also when the client has closed only its own half.
final class ConnectionWatcher: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny
    typealias InboundOut = NIOAny

    private let connections: OpenConnections
    private let signal = CloseSignal()

    init(connections: OpenConnections) { self.connections = connections }

    func handlerAdded(context: ChannelHandlerContext) {
        self.connections.opened(ObjectIdentifier(context.channel), self.signal)
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.close(context) }

    func channelInactive(context: ChannelHandlerContext) {
        self.close(context)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { self.signal.fire() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.fireChannelRead(data) }

    private func close(_ context: ChannelHandlerContext) {
        self.connections.closed(ObjectIdentifier(context.channel))
        self.signal.fire()
    }
}
