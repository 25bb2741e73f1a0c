import NIOCore
import NIOHTTP1

/// Works on one connection's requests, one after the other: collects a request, has one task work on it, and writes the
/// response at once. What is pipelined behind it waits, and nothing more is read while something waits.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Phase {
        /// Between two requests.
        case idle
        case receiving
        case working
        /// The last response is on its way.
        case closing
        case closed
    }

    /// What came while a request was worked on.
    private enum Waiting {
        case part(HTTPServerRequestPart)
        case malformed(status: Int)
    }

    /// Parts that may wait: what a few reads can bring, with the smallest requests there are.
    private static let waitingLimit = 16_384

    private let responder: APIResponder
    private let limits: HTTPAPIConfiguration.Limits
    private let date: DateHeader
    private let client: ClientPresence
    private let executor: LoopExecutor
    private let ended: EventLoopPromise<Void>

    private var context: ChannelHandlerContext?
    private var phase = Phase.idle
    private var incoming: IncomingRequest?
    private var waiting = CircularBuffer<Waiting>(initialCapacity: 0)
    /// Counts requests.
    private var number: UInt64 = 0
    /// The current request is answered on a connection that stays open, over this version, and with a body.
    private var keepsAlive = true
    private var isOldVersion = false
    private var wantsBody = true
    /// The end of the current request has not come yet.
    private var isRequestOpen = false
    private var isTaskRunning = false
    private var isTakingWaiting = false
    private var isReadHeld = false
    /// The client has closed its half.
    private var isInputEnded = false
    private var isQuiescing = false
    /// The client may still be sending when the last response goes out.
    private var mustLinger = false
    private var isLastWritten = false
    private var lastActivity = NIODeadline.now()
    private var idleTimer: Scheduled<Void>?
    /// Runs out when a body takes too long, and after the last response.
    private var patience: Scheduled<Void>?

    init(
        responder: APIResponder,
        limits: HTTPAPIConfiguration.Limits,
        date: DateHeader,
        client: ClientPresence,
        loop: any EventLoop,
        ended: EventLoopPromise<Void>
    ) {
        self.responder = responder
        self.limits = limits
        self.date = date
        self.client = client
        self.executor = LoopExecutor(loop)
        self.ended = ended
    }

    // MARK: Events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.watchIdleness(context, for: TimeAmount(self.limits.idleTimeout))
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.close()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.close()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = Self.unwrapInboundIn(data)
        switch self.phase {
        case .closing, .closed: self.drop(part, context)
        case .working where self.isRequestOpen: self.drop(part, context)
        case .working: self.wait(.part(part), context)
        case .idle where !context.channel.isWritable: self.wait(.part(part), context)
        case .idle, .receiving:
            if self.waiting.isEmpty { self.take(part, context) } else { self.wait(.part(part), context) }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.lookAfterBody(context)
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        // The end of the connection is noticed without reading, too.
        if self.waiting.isEmpty, context.channel.isWritable { context.read() } else { self.isReadHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.takeWaiting(context)
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            self.isInputEnded = true
            self.client.left()
            switch self.phase {
            case .idle where self.waiting.isEmpty: self.closeWhenWritten(context)
            case .receiving where self.waiting.isEmpty: self.closeWhenWritten(context)
            case .closing where self.isLastWritten: context.close(promise: nil)
            default: break
            }
        case is ChannelShouldQuiesceEvent:
            self.isQuiescing = true
            self.client.left()
            if self.phase == .idle { self.closeWhenWritten(context) }
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else {
            context.close(promise: nil)
            return
        }
        let status = error == .headerOverflow ? 431 : 400
        switch self.phase {
        case .idle, .receiving:
            if self.waiting.isEmpty {
                self.refuseMalformed(status, context)
            } else {
                self.wait(.malformed(status: status), context)
            }
        case .working: self.wait(.malformed(status: status), context)
        case .closing, .closed: break
        }
    }

    private func close() {
        self.phase = .closed
        self.idleTimer?.cancel()
        self.patience?.cancel()
        self.idleTimer = nil
        self.patience = nil
        self.waiting.removeAll()
        self.incoming = nil
        self.client.left()
        if !self.isTaskRunning { self.ended.succeed() }
    }

    // MARK: Requests

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch part {
        case .head(let head):
            self.lastActivity = .now()
            self.phase = .receiving
            self.isRequestOpen = true
            self.incoming = IncomingRequest(head, target: self.responder.target(of: head))
        case .body(let bytes):
            self.lastActivity = .now()
            guard let limit = self.incoming?.target.bodyLimit else { return }
            if self.incoming?.append(bytes) == false { self.work(refusing: .tooLarge(limit: limit), context) }
        case .end:
            self.isRequestOpen = false
            self.work(refusing: nil, context)
        }
    }

    /// A part of a request that has been refused, or that came after the last response.
    private func drop(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        guard case .end = part else { return }
        self.isRequestOpen = false
        if self.phase == .closing, self.isLastWritten { context.close(promise: nil) }
    }

    private func wait(_ part: Waiting, _ context: ChannelHandlerContext) {
        guard self.waiting.count < Self.waitingLimit else {
            context.close(promise: nil)
            return
        }
        self.waiting.append(part)
    }

    /// Goes on with what waits, as far as the client reads its responses.
    private func takeWaiting(_ context: ChannelHandlerContext) {
        guard !self.isTakingWaiting else { return }
        self.isTakingWaiting = true
        while self.phase == .idle && context.channel.isWritable || self.phase == .receiving,
            let next = self.waiting.popFirst()
        {
            switch next {
            case .part(let part): self.take(part, context)
            case .malformed(let status): self.refuseMalformed(status, context)
            }
        }
        self.isTakingWaiting = false
        guard self.waiting.isEmpty else { return }
        if self.isInputEnded, self.phase == .idle || self.phase == .receiving {
            self.closeWhenWritten(context)
            return
        }
        self.lookAfterBody(context)
        if self.isReadHeld, context.channel.isWritable {
            self.isReadHeld = false
            context.read()
        }
    }

    /// Looks after a body that has not come together with its head.
    private func lookAfterBody(_ context: ChannelHandlerContext) {
        guard self.phase == .receiving, self.patience == nil, let incoming else { return }
        if incoming.announcesTooMuch {
            self.work(refusing: .tooLarge(limit: incoming.target.bodyLimit), context)
            return
        }
        if incoming.waitsForContinue {
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(Self.wrapOutboundOut(.head(head)), promise: nil)
        }
        let limit = self.limits.bodyTimeout
        self.patience = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
            guard self.phase == .receiving, let context = self.context else { return }
            self.work(refusing: .tooSlow(limit: limit), context)
        }
    }

    /// Has a task work on the request.
    ///
    /// - Parameter problem: why the rest of the request is not read; nil if it is complete.
    private func work(refusing problem: Problem?, _ context: ChannelHandlerContext) {
        guard let incoming else { return }
        self.incoming = nil
        self.patience?.cancel()
        self.patience = nil
        self.phase = .working
        // The decoder reads nothing behind a request that asks for another protocol; it is answered in this one.
        let asksForUpgrade = incoming.head.headers.contains(name: "Upgrade")
        self.keepsAlive = incoming.head.isKeepAlive && problem == nil && !asksForUpgrade
        self.isOldVersion = incoming.head.version != .http1_1
        self.wantsBody = incoming.head.method != .HEAD
        self.number &+= 1
        self.isTaskRunning = true

        let (number, request) = (self.number, incoming.request(refusal: problem))
        let (responder, client, loop) = (self.responder, self.client, context.eventLoop)
        let connection = NIOLoopBound(self, eventLoop: loop)
        // It begins at once and goes on here: the loop is its executor.
        let task = Task.immediate(executorPreference: self.executor) {
            let response = await responder.respond(to: request, from: client)
            if loop.inEventLoop {
                connection.value.answer(response)
            } else {
                loop.execute { connection.value.answer(response) }
            }
        }
        if self.isTaskRunning, self.number == number { client.working(task) }
    }

    // MARK: Responses

    private func answer(_ response: Response) {
        self.isTaskRunning = false
        self.client.working(nil)
        guard self.phase == .working, let context else {
            if self.phase == .closed { self.ended.succeed() }
            return
        }
        self.lastActivity = .now()
        let isLast = !self.keepsAlive || self.isQuiescing || self.isInputEnded && self.waiting.isEmpty
        self.mustLinger = self.isRequestOpen
        self.write(response, isLast: isLast, context)
        if !isLast { self.takeWaiting(context) }
    }

    /// Answers what is no request, as the last one of this connection.
    private func refuseMalformed(_ status: Int, _ context: ChannelHandlerContext) {
        self.incoming = nil
        self.wantsBody = true
        self.mustLinger = true
        self.write(Response(status: status), isLast: true, context)
    }

    private func write(_ response: Response, isLast: Bool, _ context: ChannelHandlerContext) {
        let connection = isLast ? "close" : self.isOldVersion ? "keep-alive" : nil
        let head = response.head(date: self.date.text, connection: connection)
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        if let body = response.body, self.wantsBody {
            context.write(Self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        guard isLast else {
            self.phase = .idle
            context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
            return
        }
        self.writeLast(.end(nil), context)
    }

    /// Closes the connection once the client has taken all responses.
    private func closeWhenWritten(_ context: ChannelHandlerContext) {
        self.incoming = nil
        // Nothing but a mark behind what is on its way.
        self.writeLast(.body(.byteBuffer(ByteBuffer())), context)
    }

    private func writeLast(_ part: HTTPServerResponsePart, _ context: ChannelHandlerContext) {
        self.phase = .closing
        self.waiting.removeAll()
        self.patience?.cancel()
        self.patience = nil
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in self.wroteLast() }
        context.writeAndFlush(Self.wrapOutboundOut(part), promise: written)
    }

    /// Closes the connection. Whoever still sends would lose the response by that, so this half closes first then.
    private func wroteLast() {
        guard self.phase == .closing, let context else { return }
        self.isLastWritten = true
        guard self.mustLinger, !self.isInputEnded else {
            context.close(promise: nil)
            return
        }
        context.close(mode: .output, promise: nil)
        self.patience = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(self.limits.bodyTimeout)) {
            self.context?.close(promise: nil)
        }
        if self.isReadHeld {
            self.isReadHeld = false
            context.read()
        }
    }

    // MARK: Idleness

    private func watchIdleness(_ context: ChannelHandlerContext, for time: TimeAmount) {
        self.idleTimer = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
            guard let context = self.context, self.phase != .closed else { return }
            let limit = TimeAmount(self.limits.idleTimeout)
            if self.phase == .working {
                self.watchIdleness(context, for: limit)
                return
            }
            let rest = self.lastActivity + limit - .now()
            if rest > .zero { self.watchIdleness(context, for: rest) } else { context.close(promise: nil) }
        }
    }
}
