import CLibuv
import RaftCore
import SwiftProtobuf

/// Why a connection ended.
enum ConnectionEnd: Hashable, Sendable {
    /// The port refuses connections: no process listens there.
    case portRefused
    /// The network failed, the peer closed or was silent for too long.
    case failed(String)
    /// One side does not want the other.
    case refused(Refusal)
    /// The peer said that it stops.
    case goodbye
    /// This node wanted it so.
    case local
}

/// One TLS connection to a peer, dialled or accepted, for one stream. Used on the loop's thread only; the loop keeps it
/// until its handle is closed.
final class Connection {
    enum Phase: Hashable {
        /// TCP is being set up. Next: handshaking, closed.
        case connecting
        /// Next: waitingForHello, closing, closed.
        case handshaking
        /// Next: held, ready, closing, closed.
        case waitingForHello
        /// The hello came, and whether its sender may be talked to is being found out. Nothing is read meanwhile. Next:
        /// ready, closing, closed.
        case held
        /// Next: closing, closed.
        case ready
        /// What waits is still sent, what comes is thrown away. Next: closed.
        case closing
        case closed
    }

    enum Role: Hashable {
        case dialed(NodeID, StreamKind)
        case accepted
    }

    unowned let core: TransportCore
    /// Never used again by this transport, unlike the object's address.
    let serial: UInt64
    let role: Role
    private(set) var phase: Phase
    /// Who is at the other end, once the certificate says so.
    private(set) var certificate: CertificateName?
    private(set) var stream: StreamKind?
    /// The data folder at the other end, as its hello says it; empty before.
    private(set) var directoryID = ""
    /// The process at the other end, as its hello says it; zero before, and for older releases.
    private(set) var processID: UInt64 = 0
    /// Since when the connection is ready, by the loop's clock in milliseconds.
    private(set) var readySince: UInt64 = 0
    /// Requests of the peer that wait for their answer.
    var incomingRequests: [UInt64: IncomingRequest] = [:]
    /// Files that are being sent to the peer.
    var sendings: [UInt64: BulkSending] = [:]

    let tcp: UnsafeMutablePointer<uv_tcp_t>
    let writing: UnsafeMutablePointer<uv_write_t>
    var isWriting = false
    var hasShutDown = false
    /// Encrypted bytes on their way to the socket.
    var output = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    var outbox = Outbox()
    var tls: TLSSession?
    private var reader: FrameReader
    private let timer: LoopTimer
    private var lastReceived: UInt64
    private var end: ConnectionEnd?
    var isTouched = false
    /// The IP address at the other end, for the log.
    private(set) var remoteAddress = "unknown"
    private(set) var sentBytes: UInt64 = 0
    private(set) var receivedBytes: UInt64 = 0

    init(_ core: TransportCore, role: Role) {
        self.core = core
        self.serial = core.nextSerial()
        self.role = role
        self.phase = .connecting
        self.tcp = .allocate(capacity: 1)
        self.writing = .allocate(capacity: 1)
        self.reader = FrameReader(limit: Self.helloBytes)
        self.timer = LoopTimer(core.loop)
        self.lastReceived = uv_now(core.loop.handle)
        uv_tcp_init(core.loop.handle, self.tcp)
        // Released when the handle is closed.
        self.tcp.pointee.data = Unmanaged.passRetained(self).toOpaque()
        if case .dialed(_, let stream) = role { self.stream = stream }
        core.connections[self.serial] = self
    }

    deinit {
        self.output.deallocate()
        self.writing.deallocate()
        self.tcp.deallocate()
    }

    /// A hello and a refusal are short; nothing longer is read from a stranger.
    private static let helloBytes = 4_096

    var peer: NodeID? { self.certificate?.node }
    var isReady: Bool { self.phase == .ready }

    var streamHandle: UnsafeMutablePointer<uv_stream_t> {
        UnsafeMutableRawPointer(self.tcp).assumingMemoryBound(to: uv_stream_t.self)
    }

    static func of(_ data: UnsafeMutableRawPointer?) -> Connection? {
        data.map { Unmanaged<Connection>.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: Opening

    /// Starts to connect.
    func dial(_ address: UnsafePointer<sockaddr>) {
        let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
        request.pointee.data = Unmanaged.passRetained(self).toOpaque()
        let code = uv_tcp_connect(request, self.tcp, address) { request, status in
            guard let request, let data = request.pointee.data else { return }
            request.deallocate()
            Unmanaged<Connection>.fromOpaque(data).takeRetainedValue().connected(status)
        }
        if code != 0 {
            Unmanaged.passUnretained(self).release()
            request.deallocate()
            self.connected(code)
            return
        }
        self.timer.start(after: self.core.limits.connectMilliseconds) { [unowned self] in
            self.close(.failed("Expected a TCP connection within \(self.core.limits.connectMilliseconds) ms"))
        }
    }

    private func connected(_ status: Int32) {
        guard self.phase == .connecting else { return }
        if status == UV_ECONNREFUSED.rawValue { return self.close(.portRefused) }
        if status != 0 { return self.close(.failed("Expected a connection, but got: \(EventLoop.text(of: status))")) }
        self.secure()
    }

    /// Starts the TLS handshake on a connection that stands.
    func secure() {
        guard self.phase == .connecting else { return }
        self.phase = .handshaking
        uv_tcp_nodelay(self.tcp, 1)
        self.remoteAddress = Self.remoteAddress(of: self.tcp)
        do {
            self.tls = try TLSSession(self.core.context, isServer: self.role == .accepted)
        } catch {
            return self.close(.failed(error.text))
        }
        let limit = self.core.limits.handshakeMilliseconds
        self.timer.start(after: limit) { [unowned self] in
            self.refuse(Refusal(.tooSlow, "Expected the TLS handshake within \(limit) ms, but got half of it"))
        }
        guard self.startReading() else { return }
        self.proceed()
    }

    private func startReading() -> Bool {
        let code = uv_read_start(
            self.streamHandle,
            { handle, _, buffer in
                guard let core = Connection.of(handle?.pointee.data)?.core else { return }
                buffer?.pointee = uv_buf_init(
                    core.readSpace.assumingMemoryBound(to: CChar.self).baseAddress,
                    UInt32(core.readSpace.count)
                )
            },
            { stream, count, _ in
                guard let connection = Connection.of(stream?.pointee.data) else { return }
                connection.received(count)
            }
        )
        if code != 0 { self.close(.failed("Expected to read, but got: \(EventLoop.text(of: code))")) }
        return code == 0
    }

    private static func remoteAddress(of tcp: UnsafeMutablePointer<uv_tcp_t>) -> String {
        var storage = sockaddr_storage()
        var size = Int32(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            let address = UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sockaddr.self)
            guard uv_tcp_getpeername(tcp, address, &size) == 0 else { return "unknown" }
            return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
                guard uv_ip_name(address, text.baseAddress, text.count) == 0 else { return "unknown" }
                return text.baseAddress.map { String(cString: $0) } ?? "unknown"
            }
        }
    }

    // MARK: Reading

    private func received(_ count: Int) {
        guard count != 0, self.phase != .closed else { return }
        if count < 0 {
            let code = Int32(truncatingIfNeeded: count)
            return self.close(
                .failed(code == UV_EOF.rawValue ? "The peer closed the connection" : EventLoop.text(of: code))
            )
        }
        self.lastReceived = uv_now(self.core.loop.handle)
        guard self.phase != .closing, let tls = self.tls else { return }
        tls.receive(UnsafeRawBufferPointer(rebasing: self.core.readSpace[..<count]))
        self.proceed()
    }

    /// Goes on with whatever the bytes that came allow.
    private func proceed() {
        guard let tls = self.tls else { return }
        do {
            if self.phase == .handshaking {
                guard try tls.handshake() else { return self.flush() }
                try self.handshakeEnded(tls)
            }
            try self.readFrames(tls)
        } catch {
            self.refuse(error)
        }
        self.core.deliver()
        self.flush()
    }

    private func handshakeEnded(_ tls: TLSSession) throws(Refusal) {
        let name = try tls.peerName()
        guard name.clusterID == self.core.identity.clusterID else {
            throw Refusal(
                .wrongCluster,
                "Expected a node of cluster \(self.core.identity.clusterID), but got one of '\(name.clusterID)'"
            )
        }
        self.phase = .waitingForHello
        let limit = self.core.limits.helloMilliseconds
        self.timer.start(after: limit) { [unowned self] in
            self.refuse(Refusal(.tooSlow, "Expected a hello within \(limit) ms, but got none"))
        }
        self.certificate = name
        if case .dialed(let wanted, let stream) = self.role {
            guard name.node == wanted else {
                throw Refusal(.wrongNode, "Expected node \(wanted) at this address, but got node \(name.node)")
            }
            self.enqueue(.hello(self.core.identity.hello(for: stream)))
        }
    }

    private func readFrames(_ tls: TLSSession) throws(Refusal) {
        while true {
            // What was read before a connection was held is still there.
            while self.phase == .waitingForHello || self.phase == .ready, let frame = try self.reader.next() {
                try self.handle(frame)
            }
            guard self.phase == .waitingForHello || self.phase == .ready else { return }
            var result = Result<TLSSession.ReadResult, Refusal>.success(.starved)
            _ = self.reader.fill { space in
                do throws(Refusal) {
                    let read = try tls.read(into: space)
                    result = .success(read)
                    if case .bytes(let count) = read { return count }
                } catch {
                    result = .failure(error)
                }
                return 0
            }
            switch try result.get() {
            case .starved:
                return
            case .ended:
                return self.close(.failed("The peer closed the connection"))
            case .bytes(let count):
                self.receivedBytes &+= UInt64(count)
            }
        }
    }

    private func handle(_ frame: IncomingFrame) throws(Refusal) {
        let envelope: WireEnvelope
        do {
            envelope = try WireEnvelope(serializedBytes: frame.header)
        } catch {
            throw Refusal(.malformed, "Expected a header, but got \(frame.header.count) bytes that are none")
        }
        if self.phase == .ready {
            try self.core.handle(envelope, frame.attachments, on: self)
            return
        }
        guard let name = self.certificate else { return }
        switch envelope.body {
        case .hello(let hello):
            let stream = try self.core.identity.stream(openedBy: hello, certificate: name)
            if let expected = self.stream, expected != stream {
                throw Refusal(.malformed, "Expected the stream \(expected), but got \(stream)")
            }
            try self.core.checkDirectory(hello.directoryID, of: name.node)
            self.stream = stream
            self.directoryID = hello.directoryID
            self.processID = hello.processID
            self.core.admit(self)
        case .refusal(let refusal):
            throw self.core.refused(by: name.node, refusal)
        case .goodbye:
            self.core.saidGoodbye(name.node)
            self.close(.goodbye)
        default:
            throw Refusal(.malformed, "Expected a hello, but got another frame")
        }
    }

    /// Reads nothing until it is known whether the sender of the hello may be talked to.
    func hold() {
        guard self.phase == .waitingForHello else { return }
        self.phase = .held
        self.timer.stop()
        uv_read_stop(self.streamHandle)
    }

    /// The sender of the hello may be talked to.
    func welcome() {
        guard let stream = self.stream, self.phase == .waitingForHello || self.phase == .held else { return }
        let wasHeld = self.phase == .held
        if self.role == .accepted { self.enqueue(.hello(self.core.identity.hello(for: stream))) }
        self.becomeReady()
        if wasHeld, self.startReading() { self.proceed() }
    }

    private func becomeReady() {
        guard let stream = self.stream else { return }
        self.phase = .ready
        self.readySince = uv_now(self.core.loop.handle)
        self.reader.limit = self.core.limits.frameBytes(of: stream)
        let interval = self.core.limits.pingMilliseconds
        self.timer.start(after: 1, repeating: interval) { [unowned self] in self.tick() }
        self.core.becameReady(self, stream: stream)
    }

    private func tick() {
        let silence = uv_now(self.core.loop.handle) &- self.lastReceived
        if silence > self.core.limits.idleMilliseconds {
            return self.close(.failed("Expected a sign of life, but got none for \(silence) ms"))
        }
        // One side asks, both learn that the other lives.
        guard case .dialed = self.role else { return }
        self.enqueuePing()
        self.flush()
    }

    func enqueuePing() {
        var ping = WirePing()
        ping.sent = uv_hrtime()
        ping.wallClock = self.core.wallClock()
        self.enqueue(.ping(ping))
    }

    // MARK: Writing

    /// Queues a short frame of the transport itself.
    func enqueue(_ body: WireEnvelope.OneOf_Body) {
        guard let frame = try? OutgoingFrame(body) else { return }
        self.enqueue(frame)
    }

    /// Queues a frame; it leaves with the next `flush`.
    func enqueue(_ frame: OutgoingFrame) {
        self.sentBytes &+= UInt64(frame.byteCount)
        self.outbox.append(frame)
    }

    // MARK: Closing

    /// Tells the peer why it is refused, if it can hear that, and closes.
    func refuse(_ refusal: Refusal) {
        guard self.phase != .closing, self.phase != .closed else { return }
        let canHear = self.phase == .waitingForHello || self.phase == .held || self.phase == .ready
        if canHear, refusal.code != .refusedByPeer {
            var frame = WireRefusal()
            frame.code = refusal.code.rawValue
            frame.reason = refusal.text
            self.enqueue(.refusal(frame))
        }
        self.closeAfterFlush(.refused(refusal))
    }

    /// Closes once everything that waits was sent, or after a second.
    func closeAfterFlush(_ end: ConnectionEnd) {
        guard self.phase != .closing, self.phase != .closed else { return }
        guard self.phase != .connecting else { return self.close(end) }
        // The peer's end of the stream is waited for, and comes by reading.
        if self.phase == .held, !self.startReading() { return }
        self.phase = .closing
        self.end = end
        self.core.leftUse(self, end: end)
        self.timer.start(after: self.core.limits.goodbyeMilliseconds) { [unowned self] in self.close(end) }
        self.flush()
    }

    /// Closes at once.
    func close(_ end: ConnectionEnd) {
        guard self.phase != .closed else { return }
        let wasInUse = self.phase != .closing
        self.phase = .closed
        self.timer.close()
        if wasInUse { self.core.leftUse(self, end: end) }
        self.core.closed(self)
        let handle = UnsafeMutableRawPointer(self.tcp).assumingMemoryBound(to: uv_handle_t.self)
        uv_close(handle) { handle in
            guard let data = handle?.pointee.data else { return }
            Unmanaged<Connection>.fromOpaque(data).release()
        }
    }
}
