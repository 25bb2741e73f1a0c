import CLibuv
import RaftCore

typealias RequestResult = Result<[UInt8], TransportError>

/// A request to another node that waits for its answer.
final class PendingRequest {
    let node: NodeID
    let connection: Connection
    /// By the loop's clock, in milliseconds.
    let deadline: UInt64
    /// Whether a byte of it may have left.
    var isStarted = false
    let finish: (RequestResult) -> Void

    init(node: NodeID, connection: Connection, deadline: UInt64, finish: @escaping (RequestResult) -> Void) {
        self.node = node
        self.connection = connection
        self.deadline = deadline
        self.finish = finish
    }
}

/// The requests that wait for their answers. Used on the loop's thread only.
final class RequestTable {
    /// How exactly time limits are kept.
    private static let sweepMilliseconds: UInt64 = 10

    private(set) var pending: [UInt64: PendingRequest] = [:]
    private let timer: LoopTimer

    init(_ loop: EventLoop) { self.timer = LoopTimer(loop) }

    func add(_ request: PendingRequest, id: UInt64, onSweep: @escaping () -> Void) {
        if self.pending.isEmpty {
            self.timer.start(after: Self.sweepMilliseconds, repeating: Self.sweepMilliseconds, onSweep)
        }
        self.pending[id] = request
    }

    func remove(_ id: UInt64) -> PendingRequest? {
        let request = self.pending.removeValue(forKey: id)
        if self.pending.isEmpty { self.timer.stop() }
        return request
    }

    func close() { self.timer.close() }
}

extension TransportCore {
    // MARK: Asking

    /// Sends a request, or answers at once that it cannot be sent.
    func ask(
        _ frame: OutgoingFrame,
        id: UInt64,
        of node: NodeID,
        timeoutMilliseconds: UInt64,
        finish: @escaping (RequestResult) -> Void
    ) {
        guard let peer = self.peers[node], let connection = peer[.requests].usable, !self.isStopping else {
            return finish(.failure(TransportError(.notSent, "Expected a connection to node \(node), but got none")))
        }
        guard peer.outstandingRequests < self.limits.outstandingRequests,
            connection.outbox.byteCount + frame.byteCount <= self.limits.queuedBytes
        else {
            return finish(.failure(TransportError(.notSent, "Expected space for a request, but node \(node) is busy")))
        }
        let deadline = uv_now(self.loop.handle) &+ max(1, timeoutMilliseconds)
        let request = PendingRequest(node: node, connection: connection, deadline: deadline, finish: finish)
        peer.outstandingRequests += 1
        self.requests.add(request, id: id) { [unowned self] in self.sweepRequests() }
        connection.enqueue(frame)
        self.touch(connection)
    }

    /// The caller does not wait any more.
    func cancelRequest(_ id: UInt64, because text: String) {
        guard let request = self.removeRequest(id) else { return }
        if !request.isStarted, request.connection.outbox.remove(requestID: id) {
            return request.finish(.failure(TransportError(.notSent, text)))
        }
        if request.connection.isReady {
            var cancel = WireCancel()
            cancel.id = id
            request.connection.enqueue(.cancel(cancel))
            self.touch(request.connection)
        }
        request.finish(.failure(TransportError(.unknown, text)))
    }

    /// The first bytes of these requests are being encrypted.
    func markStarted(_ ids: [UInt64]) {
        for id in ids { self.requests.pending[id]?.isStarted = true }
    }

    private func removeRequest(_ id: UInt64) -> PendingRequest? {
        guard let request = self.requests.remove(id) else { return nil }
        self.peers[request.node]?.outstandingRequests -= 1
        return request
    }

    private func sweepRequests() {
        let now = uv_now(self.loop.handle)
        for (id, request) in self.requests.pending where request.deadline <= now {
            self.cancelRequest(id, because: "Expected an answer of node \(request.node) in time, but got none")
        }
        self.flushTouched()
    }

    /// The connection is gone, and with it the answers that were to come on it.
    func fail(requestsOn connection: Connection) {
        guard connection.stream == .requests else { return }
        for (id, request) in self.requests.pending where request.connection === connection {
            _ = self.removeRequest(id)
            let isUnsent = !request.isStarted && connection.outbox.remove(requestID: id)
            let text = "Expected an answer of node \(request.node), but the connection ended"
            request.finish(.failure(TransportError(isUnsent ? .notSent : .unknown, text)))
        }
    }

    func failAllRequests() {
        for (id, _) in self.requests.pending { self.cancelRequest(id, because: "This node stops") }
    }

    // MARK: Frames

    func handleRequest(
        _ envelope: WireEnvelope,
        _ attachments: [[UInt8]],
        on connection: Connection,
        from node: NodeID
    ) throws(Refusal) {
        switch envelope.body {
        case .request(let request):
            guard attachments.count == 1, connection.incomingRequests[request.id] == nil else {
                throw Refusal(.malformed, "Expected a new request with one payload, but got \(attachments.count)")
            }
            self.take(request.id, attachments[0], on: connection, from: node)
        case .cancel(let cancel):
            connection.incomingRequests.removeValue(forKey: cancel.id)?.cancel()
        case .answer(let answer):
            // The caller may have given up meanwhile; the connection must be the one asked.
            guard self.requests.pending[answer.id]?.connection === connection,
                let request = self.removeRequest(answer.id)
            else { return }
            switch answer.status {
            case .given where attachments.count == 1:
                request.finish(.success(attachments[0]))
            case .refused:
                request.finish(.failure(TransportError(.refused, "Node \(node) did not take the request")))
            case .given, .UNRECOGNIZED:
                request.finish(.failure(TransportError(.unknown, "Expected an answer of node \(node), but got half")))
            }
        default:
            return
        }
    }

    private func take(_ id: UInt64, _ payload: [UInt8], on connection: Connection, from node: NodeID) {
        guard connection.incomingRequests.count < self.limits.outstandingRequests else {
            return self.answer(id, nil, on: connection)
        }
        let loop = self.loop
        let serial = connection.serial
        let request = IncomingRequest(peer: node, payload: payload) { payload in
            loop.post { core in
                guard let connection = core.connections[serial], connection.incomingRequests[id] != nil else { return }
                core.answer(id, payload, on: connection)
                core.touch(connection)
            }
        }
        connection.incomingRequests[id] = request
        self.handler.handle(request)
    }

    private func answer(_ id: UInt64, _ payload: [UInt8]?, on connection: Connection) {
        connection.incomingRequests[id] = nil
        var answer = WireAnswer()
        answer.id = id
        answer.status = payload == nil ? .refused : .given
        guard let frame = try? OutgoingFrame(.answer(answer), attachments: payload.map { [$0] } ?? []) else { return }
        let waiting = connection.outbox.byteCount
        guard frame.byteCount - OutgoingFrame.prefixBytes <= self.limits.frameBytes,
            waiting == 0 || waiting + frame.byteCount <= self.limits.queuedBytes
        else {
            // Its other answers are lost too; the callers learn that they do not know.
            return connection.close(
                .failed("Expected the peer to read its answers, but got \(waiting) bytes waiting")
            )
        }
        connection.enqueue(frame)
    }
}
