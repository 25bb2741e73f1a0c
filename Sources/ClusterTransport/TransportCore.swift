import CLibuv
import Glibc
import Logging
import RaftCore
import Synchronization

/// All that a node's transport knows, used on the loop's thread only (and before it starts).
final class TransportCore {
    let loop: EventLoop
    let configuration: TransportConfiguration
    let identity: Identity
    let handler: any TransportHandler
    let logger: Logger
    /// Shared with the threads that send: what waits for whom.
    let gauges: GaugeTable
    let wallClock: @Sendable () -> Int64
    var context: TLSContext
    /// What the loop reads into, and where small pieces are gathered. Used within one call only.
    let readSpace = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    let recordSpace = UnsafeMutableRawBufferPointer.allocate(byteCount: Outbox.recordBytes, alignment: 16)

    private(set) var peers: [NodeID: Peer] = [:]
    /// All connections whose handle is open.
    var connections: [UInt64: Connection] = [:]
    private var lastSerial: UInt64 = 0
    /// Accepted connections whose peer is not known yet, oldest first.
    private var strangers: [Connection] = []
    private var touched: [Connection] = []
    private var arrived: [RaftMessage] = []
    private var listener: UnsafeMutablePointer<uv_tcp_t>?
    private(set) var isStopping = false
    /// Why this node must not be heard of again, as a peer said it; nil as long as it may.
    var exclusion: String?
    private var whenStopped: [@Sendable () -> Void] = []
    private let stopTimer: LoopTimer
    private var refusals = RefusalLog()
    let requests: RequestTable
    let fetchTimer: LoopTimer
    var fetches: [UInt64: BulkFetching] = [:]
    var sendingCount = 0

    var limits: TransportLimits { self.configuration.limits }

    init(
        loop: EventLoop,
        configuration: TransportConfiguration,
        handler: any TransportHandler,
        logger: Logger,
        context: TLSContext,
        gauges: GaugeTable,
        wallClock: @escaping @Sendable () -> Int64
    ) {
        self.loop = loop
        self.configuration = configuration
        self.identity = configuration.identity
        self.handler = handler
        self.logger = logger
        self.context = context
        self.gauges = gauges
        self.wallClock = wallClock
        self.stopTimer = LoopTimer(loop)
        self.requests = RequestTable(loop)
        self.fetchTimer = LoopTimer(loop)
    }

    deinit {
        self.readSpace.deallocate()
        self.recordSpace.deallocate()
    }

    /// Whether connections may be made.
    var mayConnect: Bool { !self.isStopping && self.exclusion == nil }

    func nextSerial() -> UInt64 {
        self.lastSerial += 1
        return self.lastSerial
    }

    // MARK: Listening

    /// Binds and listens; returns the port.
    func listen() throws(TransportError) -> UInt16 {
        let address = PeerAddress(host: self.configuration.listenHost, port: self.configuration.listenPort)
        var storage = try Self.address(address)
        let listener = UnsafeMutablePointer<uv_tcp_t>.allocate(capacity: 1)
        uv_tcp_init(self.loop.handle, listener)
        listener.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        self.listener = listener
        let bound = withUnsafePointer(to: &storage) { pointer in
            uv_tcp_bind(listener, UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), 0)
        }
        let stream = UnsafeMutableRawPointer(listener).assumingMemoryBound(to: uv_stream_t.self)
        let code =
            bound != 0
            ? bound
            : uv_listen(stream, 128) { server, status in
                guard status == 0, let server, let data = server.pointee.data else { return }
                Unmanaged<TransportCore>.fromOpaque(data).takeUnretainedValue().accept(server)
            }
        guard code == 0 else {
            throw TransportError(
                .invalid,
                "Expected to listen on \(address), but got: \(EventLoop.text(of: code)); choose another address"
            )
        }
        var size = Int32(MemoryLayout<sockaddr_storage>.size)
        var actual = sockaddr_storage()
        return withUnsafeMutablePointer(to: &actual) { pointer in
            let raw = UnsafeMutableRawPointer(pointer)
            uv_tcp_getsockname(listener, raw.assumingMemoryBound(to: sockaddr.self), &size)
            // The port stands at the same place in both families.
            return UInt16(bigEndian: raw.assumingMemoryBound(to: sockaddr_in.self).pointee.sin_port)
        }
    }

    private static func address(_ address: PeerAddress) throws(TransportError) -> sockaddr_storage {
        if let numeric = PeerLane.numeric(address) { return numeric }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(address.host, String(address.port), &hints, &list)
        defer { if list != nil { freeaddrinfo(list) } }
        guard code == 0, let first = NameLookup.addresses(list).first else {
            throw TransportError(.invalid, "Expected an address of this host, but got '\(address.host)'")
        }
        return first
    }

    private func accept(_ server: UnsafeMutablePointer<uv_stream_t>) {
        let connection = Connection(self, role: .accepted)
        guard uv_accept(server, connection.streamHandle) == 0 else { return connection.close(.local) }
        if !self.mayConnect { return connection.close(.local) }
        self.strangers.append(connection)
        if self.strangers.count > self.limits.unauthenticatedConnections {
            let limit = self.limits.unauthenticatedConnections
            self.strangers[0].refuse(
                Refusal(.tooMany, "Expected up to \(limit) connections that have not said hello, but got more")
            )
        }
        connection.secure()
    }

    // MARK: Peers

    func setPeers(_ addresses: [NodeID: PeerAddress]) {
        guard !self.isStopping else { return }
        for (node, address) in addresses where node != self.identity.node { self.peer(node).setAddress(address) }
        for (node, peer) in self.peers where addresses[node] == nil { peer.setAddress(nil) }
    }

    /// The peer with this identifier, made if there is none yet.
    func peer(_ node: NodeID) -> Peer {
        if let peer = self.peers[node] { return peer }
        let peer = Peer(self, node: node)
        self.peers[node] = peer
        self.gauges.add(peer.gauge, for: node)
        return peer
    }

    /// - Throws: `duplicateNode` when the node showed another data folder before.
    func checkDirectory(_ directory: String, of node: NodeID) throws(Refusal) {
        let peer = self.peer(node)
        if let known = self.configuration.directories?.directory(of: node) ?? peer.directoryID, known != directory {
            throw Refusal(
                .duplicateNode,
                "Expected node \(node) with the data folder \(Identity.shown(known)), but got one with "
                    + "\(Identity.shown(directory)): it was formatted anew, or two nodes have the same identifier; a "
                    + "node that lost its disk must not come back under its old one: run 'thalweg cluster remove "
                    + "\(node)', then let it join as a new node with 'thalweg cluster join'"
            )
        }
        peer.directoryID = directory
    }

    /// Keeps the folders of those who are connected: it may be worth while now.
    func rememberDirectories() {
        guard let directories = self.configuration.directories else { return }
        for peer in self.peers.values where !peer.isGone {
            if let directory = peer.directoryID { directories.remember(directory, of: peer.node) }
        }
    }

    func becameReady(_ connection: Connection, stream: StreamKind) {
        guard let node = connection.peer else { return }
        self.strangers.removeAll { $0 === connection }
        let peer = self.peer(node)
        let lane = peer[stream]
        peer.lastRefusal = nil
        self.configuration.directories?.remember(connection.directoryID, of: node)
        if connection.role == .accepted {
            let old = lane.incoming
            lane.incoming = connection
            // The peer has started anew, or its old connection died without our noticing.
            old?.closeAfterFlush(.local)
            lane.retrySoon()
        } else {
            lane.outgoingReady()
        }
        peer.update()
        self.logger.debug(
            connection.role == .accepted ? "Stream accepted" : "Stream dialled",
            metadata: ["peer.node": "\(node)", "peer.stream": "\(stream)"]
        )
    }

    func saidGoodbye(_ node: NodeID) { self.peer(node).hasSaidGoodbye = true }

    /// The connection carries nothing new any more.
    func leftUse(_ connection: Connection, end: ConnectionEnd) {
        self.strangers.removeAll { $0 === connection }
        self.logEnd(connection, end)
        for request in connection.incomingRequests.values { request.cancel() }
        connection.incomingRequests = [:]
        for sending in connection.sendings.values { sending.cancel() }
        connection.sendings = [:]
        self.fail(requestsOn: connection)
        self.fail(fetchesOn: connection)
        var node = connection.peer
        if case .dialed(let wanted, let stream) = connection.role {
            node = wanted
            if case .refused(let refusal) = end { self.peers[wanted]?.lastRefusal = refusal.text }
            self.peers[wanted]?[stream].outgoingEnded(connection, end)
        } else if let node, let stream = connection.stream, let lane = self.peers[node]?[stream] {
            if lane.incoming === connection { lane.incoming = nil }
        }
        if let node, let peer = self.peers[node] {
            self.probeLost(connection, of: peer)
            if self.configuration.directories != nil, peer.isGone { peer.directoryID = nil }
        }
        if let node, connection.readySince != 0, let peer = self.peers[node] {
            peer.closedSentBytes &+= connection.sentBytes
            peer.closedReceivedBytes &+= connection.receivedBytes
            peer.update()
            // What was on its way may be lost: Raft must not wait for its answer.
            if connection.stream == .consensus, !self.isStopping { self.handler.unreachable(node) }
        }
    }

    /// The connection's handle is being closed.
    func closed(_ connection: Connection) {
        let rest = connection.outbox.removeAll()
        let messages = rest.count { $0.gauge != nil }
        if messages > 0, let node = connection.peer {
            self.peers[node]?.gauge.drop(messages)
            self.handler.unreachable(node)
        }
        self.connections[connection.serial] = nil
        if self.isStopping, self.connections.isEmpty { self.finishStopping() }
    }

    private func logEnd(_ connection: Connection, _ end: ConnectionEnd) {
        var metadata: Logger.Metadata = [:]
        if let node = connection.peer { metadata["peer.node"] = "\(node)" }
        if case .dialed(let node, let stream) = connection.role {
            metadata["peer.node"] = "\(node)"
            metadata["peer.stream"] = "\(stream)"
        }
        metadata["peer.address"] = "\(connection.remoteAddress)"
        guard case .refused(let refusal) = end else {
            if case .failed(let text) = end, connection.readySince != 0 {
                metadata["reason"] = "\(text)"
                self.logger.info("Connection lost", metadata: metadata)
            }
            return
        }
        let who = connection.peer.map { "node \($0)" } ?? connection.remoteAddress
        let times = self.refusals.note(refusal.code, of: who, at: uv_now(self.loop.handle))
        guard times > 0 else { return }
        metadata["reason"] = "\(refusal.text)"
        metadata["refusal.code"] = "\(refusal.code)"
        if times > 1 { metadata["refusal.times"] = "\(times)" }
        if refusal.code == .duplicateNode || refusal.code == .duplicateProcess {
            self.logger.error("Connection refused", metadata: metadata)
        } else {
            self.logger.warning("Connection refused", metadata: metadata)
        }
    }

    // MARK: Frames

    func handle(_ envelope: WireEnvelope, _ attachments: [[UInt8]], on connection: Connection) throws(Refusal) {
        guard let node = connection.peer, let stream = connection.stream else { return }
        switch (envelope.body, stream) {
        case (.raft(let message), .consensus):
            self.receive(message, attachments, from: node)
        case (.ping(let ping), _):
            var pong = WirePong()
            pong.sent = ping.sent
            pong.wallClockOfPing = ping.wallClock
            pong.wallClock = self.wallClock()
            connection.enqueue(.pong(pong))
        case (.pong(let pong), _):
            let now = uv_hrtime()
            guard pong.sent <= now else { return }
            self.answered(pong, on: connection, from: self.peer(node))
            guard stream == .consensus else { return }
            self.peer(node).clock.add(
                roundTrip: Int64((now - pong.sent) / 1_000),
                sentAt: pong.wallClockOfPing,
                peerAt: pong.wallClock
            )
            self.logger.trace("Clock compared", metadata: ["peer.node": "\(node)"])
        case (.goodbye, _):
            self.saidGoodbye(node)
            connection.closeAfterFlush(.goodbye)
        case (.refusal(let refusal), _):
            throw self.refused(by: node, refusal)
        case (.request, .requests), (.cancel, .requests), (.answer, .requests):
            try self.handleRequest(envelope, attachments, on: connection, from: node)
        case (.fetch, .bulk), (.credit, .bulk), (.piece, .bulk), (.fetchFailure, .bulk):
            try self.handleBulk(envelope, attachments, on: connection, from: node)
        default:
            // A newer peer may know more than we do; it finds out by the missing answer.
            self.logger.error(
                "Frame of unknown kind dropped",
                metadata: ["peer.node": "\(node)", "peer.stream": "\(stream)"]
            )
        }
    }

    private func receive(_ wire: WireRaft, _ attachments: [[UInt8]], from node: NodeID) {
        do throws(UnknownMessage) {
            let message = try RaftMessage(wire, attachments: attachments)
            guard message.from == node, message.to == self.identity.node else {
                throw UnknownMessage(
                    text: "Expected a message from \(node) to \(self.identity.node), "
                        + "but got one from \(message.from) to \(message.to)"
                )
            }
            self.arrived.append(message)
        } catch {
            self.logger.error(
                "Consensus message dropped",
                metadata: ["peer.node": "\(node)", "reason": "\(error.text)"]
            )
        }
    }

    /// Hands over what came with one read.
    func deliver() {
        guard !self.arrived.isEmpty else { return }
        let messages = self.arrived
        self.arrived.removeAll(keepingCapacity: messages.count <= 1_024)
        self.handler.received(messages)
    }

    // MARK: Sending

    /// Queues consensus frames; their space was reserved in the peers' gauges.
    func send(_ frames: [(node: NodeID, frame: OutgoingFrame)], dropped: Set<NodeID>) {
        var unreachable = dropped
        for (node, frame) in frames {
            guard let connection = self.peers[node]?[.consensus].usable else {
                frame.gauge?.release(frame.byteCount)
                frame.gauge?.drop(1)
                unreachable.insert(node)
                continue
            }
            connection.enqueue(frame)
            self.touch(connection)
        }
        for node in unreachable.sorted() { self.handler.unreachable(node) }
    }

    /// Has the connection send what waits at the end of the turn.
    func touch(_ connection: Connection) {
        guard !connection.isTouched else { return }
        connection.isTouched = true
        self.touched.append(connection)
    }

    func flushTouched() {
        let touched = self.touched
        self.touched.removeAll(keepingCapacity: true)
        for connection in touched { connection.flush() }
    }

    // MARK: Stopping

    /// Says goodbye to everybody and closes everything; then calls back.
    func stop(_ done: @escaping @Sendable () -> Void) {
        self.whenStopped.append(done)
        guard !self.isStopping else {
            if self.connections.isEmpty { self.finishStopping() }
            return
        }
        for connection in self.connections.values where connection.isReady {
            connection.enqueue(.goodbye(WireGoodbye()))
        }
        self.beginStopping()
        self.stopTimer.start(after: self.limits.goodbyeMilliseconds) { [unowned self] in self.abort() }
        for connection in self.connections.values {
            if connection.isReady { connection.closeAfterFlush(.local) }
            if connection.readySince == 0 { connection.close(.local) }
        }
        if self.connections.isEmpty { self.finishStopping() }
    }

    /// Closes everything as a crash would.
    func abort() {
        if !self.isStopping { self.beginStopping() }
        for connection in Array(self.connections.values) { connection.close(.local) }
        if self.connections.isEmpty { self.finishStopping() }
    }

    private func beginStopping() {
        self.isStopping = true
        if let listener = self.listener {
            self.listener = nil
            uv_close(UnsafeMutableRawPointer(listener).assumingMemoryBound(to: uv_handle_t.self)) { handle in
                UnsafeMutableRawPointer(handle)?.deallocate()
            }
        }
        for peer in self.peers.values { for lane in peer.lanes { lane.close() } }
        self.failAllRequests()
        self.failAllFetches()
    }

    private func finishStopping() {
        self.stopTimer.close()
        self.requests.close()
        self.fetchTimer.close()
        self.loop.close()
        let callbacks = self.whenStopped
        self.whenStopped = []
        for callback in callbacks { callback() }
    }
}
