import CLibuv
import Checksum
import Dispatch
import RaftCore

/// A part of a file as it came, checked.
package struct BulkPiece: Sendable {
    /// Where its first byte stands in the file.
    package var offset: UInt64
    package var bytes: [UInt8]
    /// The size of the whole file.
    package var fileSize: UInt64
}

/// A file on its way from a peer. Its state belongs to the loop's thread; pieces are checked and handed over on a
/// queue of its own, and only then asked for anew: whoever writes slowly is sent slowly.
final class BulkFetching {
    let id: UInt64
    let node: NodeID
    let connection: Connection
    private let window: UInt64
    private let onPiece: @Sendable (BulkPiece) throws -> Void
    private let finish: (Result<UInt64, TransportError>) -> Void
    private let queue = DispatchQueue(label: "thalweg.bulk.fetch", qos: .utility)
    private var expectedOffset: UInt64
    private var fileSize: UInt64?
    /// Handed over by the queue but not yet allowed anew.
    private var consumed: UInt64 = 0
    /// By the loop's clock: when something last came.
    private(set) var lastProgress: UInt64

    init(
        id: UInt64,
        from node: NodeID,
        on connection: Connection,
        offset: UInt64,
        onPiece: @escaping @Sendable (BulkPiece) throws -> Void,
        finish: @escaping (Result<UInt64, TransportError>) -> Void
    ) {
        self.id = id
        self.node = node
        self.connection = connection
        self.expectedOffset = offset
        self.window = UInt64(connection.core.limits.bulkWindowBytes)
        self.onPiece = onPiece
        self.finish = finish
        self.lastProgress = uv_now(connection.core.loop.handle)
    }

    /// Takes in a piece; throws what is wrong with it.
    func receive(_ piece: WirePiece, _ bytes: [UInt8]) throws(TransportError) {
        let (end, overflow) = piece.offset.addingReportingOverflow(UInt64(bytes.count))
        guard piece.offset == self.expectedOffset, !overflow, end <= piece.fileSize,
            self.fileSize ?? piece.fileSize == piece.fileSize, !bytes.isEmpty || end == piece.fileSize
        else {
            throw TransportError(
                .transfer,
                "Expected the bytes from \(self.expectedOffset), but got \(bytes.count) from \(piece.offset)"
            )
        }
        self.expectedOffset = end
        self.fileSize = piece.fileSize
        self.lastProgress = uv_now(self.connection.core.loop.handle)
        let (loop, id, onPiece) = (self.connection.core.loop, self.id, self.onPiece)
        let part = BulkPiece(offset: piece.offset, bytes: bytes, fileSize: piece.fileSize)
        let checksum = piece.checksum
        self.queue.async {
            let problem = Self.check(part, checksum, onPiece)
            loop.post { core in core.fetches[id]?.consumed(part, problem) }
        }
    }

    private static func check(
        _ part: BulkPiece,
        _ expected: UInt32,
        _ onPiece: @Sendable (BulkPiece) throws -> Void
    ) -> TransportError? {
        var checksum = CRC32C()
        checksum.add(part.bytes)
        guard checksum.value == expected else {
            return TransportError(
                .transfer,
                "Expected the checksum \(expected) of the bytes from \(part.offset), but got \(checksum.value)"
            )
        }
        do {
            try onPiece(part)
        } catch let error as TransportError {
            return error
        } catch {
            return TransportError(.transfer, "\(error)")
        }
        return nil
    }

    private func consumed(_ part: BulkPiece, _ problem: TransportError?) {
        let core = self.connection.core
        self.lastProgress = uv_now(core.loop.handle)
        if let problem { return core.endFetch(self.id, .failure(problem)) }
        if part.offset + UInt64(part.bytes.count) == part.fileSize {
            return core.endFetch(self.id, .success(part.fileSize), tellPeer: false)
        }
        self.consumed += UInt64(part.bytes.count)
        guard self.consumed >= self.window / 4 else { return }
        var credit = WireCredit()
        credit.id = self.id
        credit.bytes = self.consumed
        self.consumed = 0
        self.connection.enqueue(.credit(credit))
        core.touch(self.connection)
    }

    /// Ends the wait of whoever fetches, after the pieces before it were handed over.
    func end(_ result: Result<UInt64, TransportError>) {
        nonisolated(unsafe) let finish = self.finish
        self.queue.async { finish(result) }
    }
}

extension TransportCore {
    /// How long a download may stand still, in milliseconds.
    private static let stallMilliseconds: UInt64 = 30_000

    /// Starts to download a file.
    func fetch(
        _ fetch: WireFetch,
        from node: NodeID,
        onPiece: @escaping @Sendable (BulkPiece) throws -> Void,
        finish: @escaping (Result<UInt64, TransportError>) -> Void
    ) {
        guard let connection = self.peers[node]?[.bulk].usable, !self.isStopping else {
            return finish(.failure(TransportError(.notSent, "Expected a connection to node \(node), but got none")))
        }
        guard let frame = try? OutgoingFrame(.fetch(fetch)), frame.byteCount <= 8_192 else {
            return finish(.failure(TransportError(.invalid, "Expected names of up to 4 KiB, but got longer ones")))
        }
        self.fetches[fetch.id] = BulkFetching(
            id: fetch.id,
            from: node,
            on: connection,
            offset: fetch.offset,
            onPiece: onPiece,
            finish: finish
        )
        connection.enqueue(frame)
        self.touch(connection)
        self.watchFetches()
    }

    private func watchFetches() {
        guard !self.fetchTimer.isActive else { return }
        self.fetchTimer.start(after: 1_000, repeating: 1_000) { [unowned self] in
            let now = uv_now(self.loop.handle)
            for (id, fetch) in self.fetches where now &- fetch.lastProgress > Self.stallMilliseconds {
                let text = "Expected bytes of node \(fetch.node), but got none for \(Self.stallMilliseconds / 1_000) s"
                self.endFetch(id, .failure(TransportError(.transfer, text)))
            }
            if self.fetches.isEmpty { self.fetchTimer.stop() }
            self.flushTouched()
        }
    }

    /// Ends a download, and has the peer stop unless it has.
    func endFetch(_ id: UInt64, _ result: Result<UInt64, TransportError>, tellPeer: Bool = true) {
        guard let fetch = self.fetches.removeValue(forKey: id) else { return }
        if tellPeer, fetch.connection.isReady {
            var credit = WireCredit()
            credit.id = id
            credit.stops = true
            fetch.connection.enqueue(.credit(credit))
            self.touch(fetch.connection)
        }
        fetch.end(result)
    }

    func fail(fetchesOn connection: Connection) {
        guard connection.stream == .bulk else { return }
        for (id, fetch) in self.fetches where fetch.connection === connection {
            let text = "Expected a file of node \(fetch.node), but the connection ended"
            self.endFetch(id, .failure(TransportError(.transfer, text)), tellPeer: false)
        }
    }

    func failAllFetches() {
        for id in self.fetches.keys { self.endFetch(id, .failure(TransportError(.transfer, "This node stops"))) }
    }

    /// The connection has sent what it had: files may be read on.
    func drained(_ connection: Connection) {
        for sending in connection.sendings.values { sending.pump() }
    }

    func handleBulk(
        _ envelope: WireEnvelope,
        _ attachments: [[UInt8]],
        on connection: Connection,
        from node: NodeID
    ) throws(Refusal) {
        switch envelope.body {
        case .fetch(let fetch):
            guard connection.sendings[fetch.id] == nil else {
                throw Refusal(.malformed, "Expected a new number, but got \(fetch.id) again")
            }
            guard self.sendingCount < self.limits.bulkTransfers else {
                var failure = WireFetchFailure()
                failure.id = fetch.id
                failure.reason = "Expected up to \(self.limits.bulkTransfers) transfers, but got more; try again later"
                return connection.enqueue(.fetchFailure(failure))
            }
            connection.sendings[fetch.id] = BulkSending(self, on: connection, fetch: fetch, peer: node)
        case .credit(let credit):
            guard let sending = connection.sendings[credit.id] else { return }
            if credit.stops {
                connection.sendings[credit.id] = nil
                sending.cancel()
            } else {
                sending.add(credit: credit.bytes)
            }
        case .piece(let piece):
            // Pieces of a download that was given up are still on their way.
            guard let fetch = self.fetches[piece.id], fetch.connection === connection else { return }
            do throws(TransportError) {
                guard attachments.count == 1 else {
                    throw TransportError(.transfer, "Expected the bytes of a piece, but got \(attachments.count)")
                }
                try fetch.receive(piece, attachments[0])
            } catch {
                self.endFetch(piece.id, .failure(error))
            }
        case .fetchFailure(let failure):
            guard self.fetches[failure.id]?.connection === connection else { return }
            let text = "Node \(node) cannot send the file: \(Identity.shown(failure.reason))"
            self.endFetch(failure.id, .failure(TransportError(.transfer, text)), tellPeer: false)
        default:
            return
        }
    }
}
