import Glibc
package import Logging
package import RaftCore
import Synchronization

/// How a node talks to the others of its cluster: over TLS 1.3 with certificates on both sides, on three streams per
/// direction, with everything that waits bounded.
///
/// One libuv loop on a thread of its own does all of it; every call here may come from any thread. Messages of
/// consensus may be lost, as the protocol allows; requests tell whether they may have been carried out.
package final class ClusterTransport: Sendable {
    /// The TCP port it listens on.
    package let port: UInt16
    private let configuration: TransportConfiguration
    private let loop: EventLoop
    private let handler: any TransportHandler
    private let logger: Logger
    private let gauges = GaugeTable()
    private let lastID = Atomic<UInt64>(0)
    private let certificate: Mutex<TLSContext>

    /// Binds and listens; connections wait until `start`.
    ///
    /// - Throws: `TransportError` with code `invalid` when the certificates or the address cannot be used.
    package convenience init(
        configuration: TransportConfiguration,
        handler: any TransportHandler,
        logger: Logger
    ) throws {
        try self.init(configuration: configuration, handler: handler, logger: logger) {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
        }
    }

    /// - Parameter wallClock: microseconds since 1970.
    init(
        configuration: TransportConfiguration,
        handler: any TransportHandler,
        logger: Logger,
        wallClock: @escaping @Sendable () -> Int64
    ) throws {
        let context = try TLSContext(
            folder: configuration.certificateFolder,
            node: configuration.node,
            clusterID: configuration.clusterID
        )
        let loop = try EventLoop()
        let core = TransportCore(
            loop: loop,
            configuration: configuration,
            handler: handler,
            logger: logger,
            context: context,
            gauges: self.gauges,
            wallClock: wallClock
        )
        loop.attach(core)
        do {
            self.port = try core.listen()
        } catch {
            core.abort()
            loop.run()
            throw error
        }
        self.configuration = configuration
        self.loop = loop
        self.handler = handler
        self.logger = logger
        self.certificate = Mutex(context)
        // A peer that closes must not end the process; libuv leaves that to its user.
        signal(SIGPIPE, SIG_IGN)
        Self.logExpiry(context, logger)
    }

    deinit {
        self.loop.post { $0.abort() }
        if !self.loop.isStarted { self.loop.run() }
    }

    private static func logExpiry(_ context: TLSContext, _ logger: Logger) {
        guard context.secondsLeft <= 0 else { return }
        logger.error(
            "The node's certificate has expired: no peer will accept it. Renew it with 'thalweg certs renew'",
            metadata: ["certificate.expired_seconds_ago": "\(-context.secondsLeft)"]
        )
    }

    /// Starts to accept and to dial; once.
    package func start() { self.loop.start() }

    /// Dials these peers from now on, and only these. Those that dial us are answered anyway, if their certificate is
    /// the cluster's.
    package func setPeers(_ peers: [NodeID: PeerAddress]) {
        self.loop.post { $0.setPeers(peers) }
    }

    /// Has the memory of folders keep those of the peers that are connected, after new ones became worth it.
    package func rememberDirectories() { self.loop.post { $0.rememberDirectories() } }

    // MARK: Consensus

    /// Queues messages for their receivers. What does not fit in a receiver's queue, or has no connection, is dropped
    /// and reported with `unreachable`: Raft repeats.
    package func send(_ messages: [RaftMessage]) {
        guard !messages.isEmpty else { return }
        let limits = self.configuration.limits
        let gauges = self.gauges.current
        var frames: [(node: NodeID, frame: OutgoingFrame)] = []
        frames.reserveCapacity(messages.count)
        var dropped: Set<NodeID> = []
        for message in messages {
            guard let gauge = gauges[message.to] else {
                dropped.insert(message.to)
                continue
            }
            do throws(TransportError) {
                var frame = try OutgoingFrame(message, limit: limits.frameBytes)
                guard gauge.reserve(frame.byteCount, limits: limits) else {
                    dropped.insert(message.to)
                    continue
                }
                frame.gauge = gauge
                frames.append((message.to, frame))
            } catch {
                gauge.drop(1)
                dropped.insert(message.to)
                self.logger.error(
                    "Consensus message not sent",
                    metadata: ["peer.node": "\(message.to)", "reason": "\(error.text)"]
                )
            }
        }
        let (queued, unreachable) = (frames, dropped)
        self.loop.post { $0.send(queued, dropped: unreachable) }
    }

    // MARK: Requests

    /// Sends a request and waits for its answer. Cancelling the task tells the peer that nobody waits any more.
    ///
    /// - Throws: an error whose code says whether the peer may have carried it out.
    package func request(
        _ payload: [UInt8],
        to node: NodeID,
        timeout: Duration
    ) async throws(TransportError) -> [UInt8] {
        let limit = self.configuration.limits.frameBytes - 64
        guard payload.count <= limit else {
            throw TransportError(.invalid, "Expected a request of up to \(limit) bytes, but got \(payload.count)")
        }
        let id = self.nextID()
        var request = WireRequest()
        request.id = id
        var built = try OutgoingFrame(.request(request), attachments: [payload])
        built.requestID = id
        let (frame, loop, isCancelled) = (built, self.loop, CancellationFlag())
        let milliseconds = timeout.wholeMilliseconds
        let result: RequestResult = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isPosted = loop.post { core in
                    guard !isCancelled.isSet else {
                        return continuation.resume(returning: .failure(TransportError(.notSent, "Nobody waits")))
                    }
                    core.ask(frame, id: id, of: node, timeoutMilliseconds: milliseconds) {
                        continuation.resume(returning: $0)
                    }
                }
                if !isPosted {
                    continuation.resume(returning: .failure(TransportError(.notSent, "The transport has stopped")))
                }
            }
        } onCancel: {
            isCancelled.set()
            loop.post { $0.cancelRequest(id, because: "Nobody waits for the answer any more") }
        }
        return try result.get()
    }

    // MARK: Bulk

    /// Downloads a file of a snapshot, from an offset on, so that a download that broke off can be resumed. Pieces are
    /// checked, and handed over in order, on a thread of their own; more come only as fast as they are taken.
    ///
    /// - Parameter onPiece: may block; what it throws ends the download.
    /// - Returns: the size of the whole file.
    /// - Throws: `transfer` when the peer has no such file, the connection broke or a checksum was wrong.
    package func fetch(
        file: String,
        of snapshot: String,
        from node: NodeID,
        offset: UInt64,
        onPiece: @escaping @Sendable (BulkPiece) throws -> Void
    ) async throws(TransportError) -> UInt64 {
        var fetch = WireFetch()
        fetch.id = self.nextID()
        fetch.snapshot = snapshot
        fetch.file = file
        fetch.offset = offset
        fetch.credit = UInt64(self.configuration.limits.bulkWindowBytes)
        let (wanted, loop, isCancelled) = (fetch, self.loop, CancellationFlag())
        let result: Result<UInt64, TransportError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isPosted = loop.post { core in
                    guard !isCancelled.isSet else {
                        return continuation.resume(returning: .failure(TransportError(.notSent, "Nobody waits")))
                    }
                    core.fetch(wanted, from: node, onPiece: onPiece) { continuation.resume(returning: $0) }
                }
                if !isPosted {
                    continuation.resume(returning: .failure(TransportError(.notSent, "The transport has stopped")))
                }
            }
        } onCancel: {
            isCancelled.set()
            loop.post { $0.endFetch(wanted.id, .failure(TransportError(.transfer, "The download was cancelled"))) }
        }
        return try result.get()
    }

    private func nextID() -> UInt64 { self.lastID.add(1, ordering: .relaxed).newValue }

    // MARK: Operation

    /// Reads the certificate folder again. Connections made from now on use it; existing ones stay open.
    ///
    /// - Throws: `TransportError` with code `invalid` when the files cannot be used; then nothing changes.
    package func reloadCertificates() throws {
        let context = try TLSContext(
            folder: self.configuration.certificateFolder,
            node: self.configuration.node,
            clusterID: self.configuration.clusterID
        )
        self.certificate.withLock { $0 = context }
        Self.logExpiry(context, self.logger)
        self.loop.post { core in core.context = context }
    }

    /// Seconds that the node's own certificate was still valid when it was read; negative when it had expired.
    package var certificateSecondsLeft: Int64 { self.certificate.withLock { $0.secondsLeft } }

    /// What is known about each peer, ordered by node; empty after `stop`.
    package func status() async -> [TransportPeerStatus] {
        await withCheckedContinuation { continuation in
            let isPosted = self.loop.post { core in
                let peers = core.peers.values.map(\.status)
                continuation.resume(returning: peers.sorted { $0.node < $1.node })
            }
            if !isPosted { continuation.resume(returning: []) }
        }
    }

    /// Says goodbye to the peers, so that they do not take it for a crash, and closes everything. Returns when it is
    /// done, after about a second at most.
    package func stop() async {
        self.loop.start()
        await withCheckedContinuation { continuation in
            let isPosted = self.loop.post { core in core.stop { continuation.resume() } }
            if !isPosted { continuation.resume() }
        }
    }

    /// Closes everything as the crash of the process would, for tests.
    func debugAbort() { self.loop.post { $0.abort() } }
}

/// Whether a task was cancelled, for a job that may run before or after it.
private final class CancellationFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    var isSet: Bool { self.flag.load(ordering: .acquiring) }
    func set() { self.flag.store(true, ordering: .releasing) }
}

extension Duration {
    /// At least zero, at most a day.
    fileprivate var wholeMilliseconds: UInt64 {
        let (seconds, attoseconds) = self.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 86_400 else { return 86_400_000 }
        return UInt64(seconds) * 1_000 + UInt64(attoseconds / 1_000_000_000_000_000)
    }
}
