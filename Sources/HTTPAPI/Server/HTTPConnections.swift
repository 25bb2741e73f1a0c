import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// Sets up each connection that Hummingbird's server accepts, and waits for its end.
struct HTTPConnections: ServerChildChannel {
    /// One connection.
    struct Value: ServerChildChannelValue {
        let channel: any Channel
        fileprivate let client: ClientPresence
        /// Succeeds when the connection is closed and nothing works for it any more.
        fileprivate let ended: EventLoopFuture<Void>
    }

    let responder: APIResponder
    let limits: HTTPAPIConfiguration.Limits
    let date = DateHeader()

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            var decoderLimits = NIOHTTPDecoderLimitConfiguration()
            decoderLimits.maxHeaderFieldSize = self.limits.headerBytes
            decoderLimits.maxHeaderListSize = self.limits.headerBytes
            decoderLimits.maxHeaderFieldCount = self.limits.headerCount
            // Pipelining and errors are the handler's, and all header fields of responses are our own.
            try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                withPipeliningAssistance: false,
                withErrorHandling: false,
                withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(),
                withDecoderLimitConfiguration: decoderLimits
            )
            let client = ClientPresence()
            let ended = channel.eventLoop.makePromise(of: Void.self)
            try channel.pipeline.syncOperations.addHandler(
                ConnectionHandler(
                    responder: self.responder,
                    limits: self.limits,
                    date: self.date,
                    client: client,
                    loop: channel.eventLoop,
                    ended: ended
                )
            )
            return Value(channel: channel, client: client, ended: ended.futureResult)
        }
    }

    func handle(value: Value, logger: Logger) async {
        await withTaskCancellationHandler {
            // It never fails.
            try? await value.ended.get()
        } onCancel: {
            value.client.abandon()
            value.channel.close(promise: nil)
        }
    }
}
