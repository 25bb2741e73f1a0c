import Checksum
import Dispatch
import Glibc
import RaftCore

/// A file on its way to a peer. Its state belongs to the loop's thread; the file is read on a queue of its own.
final class BulkSending {
    /// Read at once at most, in bytes.
    private static let readBytes: UInt64 = 1 << 20
    /// As long as so much waits in the connection, nothing more is read.
    private static let waitingBytes = 1 << 20

    let id: UInt64
    private unowned let core: TransportCore
    private unowned let connection: Connection
    private let reader: BulkFileReader
    private let queue = DispatchQueue(label: "thalweg.bulk.send", qos: .utility)
    /// How many bytes the peer wants to get without asking again.
    private var credit: UInt64
    private var offset: UInt64
    private var size: UInt64?
    private var isReading = false
    private var isCancelled = false

    init(_ core: TransportCore, on connection: Connection, fetch: WireFetch, peer: NodeID) {
        self.id = fetch.id
        self.core = core
        self.connection = connection
        self.credit = fetch.credit
        self.offset = fetch.offset
        self.reader = BulkFileReader(id: fetch.id, pieceBytes: core.limits.pieceBytes)
        core.sendingCount += 1
        let request = BulkRequest(peer: peer, snapshot: fetch.snapshot, file: fetch.file, offset: fetch.offset)
        let (loop, handler, reader, id, key) = (
            core.loop, core.handler, self.reader, fetch.id, connection.serial
        )
        self.queue.async {
            let opened = reader.open(handler.serve(request), from: request.offset)
            loop.post { core in core.connections[key]?.sendings[id, for: reader]?.opened(opened) }
        }
    }

    var readerID: ObjectIdentifier { ObjectIdentifier(self.reader) }

    private func opened(_ result: Result<UInt64, TransportError>) {
        switch result {
        case .success(let size):
            self.size = size
            // A file that is already complete, an empty one too, ends with an empty piece.
            if self.offset == size { self.read(0) } else { self.pump() }
        case .failure(let error):
            self.fail(error)
        }
    }

    /// Lets the peer have so many bytes more.
    func add(credit: UInt64) {
        let (sum, overflow) = self.credit.addingReportingOverflow(credit)
        self.credit = overflow ? .max : sum
        self.pump()
    }

    /// Reads on, if the peer wants more and the connection has space.
    func pump() {
        guard let size = self.size, !self.isReading, !self.isCancelled, self.offset < size, self.credit > 0,
            self.connection.outbox.byteCount < Self.waitingBytes
        else { return }
        self.read(min(self.credit, size - self.offset, Self.readBytes))
    }

    private func read(_ count: UInt64) {
        self.isReading = true
        let (loop, reader, id, key) = (self.core.loop, self.reader, self.id, self.connection.serial)
        let offset = self.offset
        self.queue.async {
            let pieces = reader.read(count, at: offset)
            loop.post { core in core.connections[key]?.sendings[id, for: reader]?.read(pieces, count) }
        }
    }

    private func read(_ pieces: Result<[OutgoingFrame], TransportError>, _ count: UInt64) {
        self.isReading = false
        switch pieces {
        case .failure(let error):
            self.fail(error)
        case .success(let frames):
            for frame in frames { self.connection.enqueue(frame) }
            self.offset += count
            self.credit -= count
            if self.offset == self.size { self.finish() } else { self.pump() }
            self.core.touch(self.connection)
        }
    }

    private func fail(_ error: TransportError) {
        var failure = WireFetchFailure()
        failure.id = self.id
        failure.reason = error.text
        self.connection.enqueue(.fetchFailure(failure))
        self.core.touch(self.connection)
        self.finish()
    }

    private func finish() {
        self.connection.sendings[self.id] = nil
        self.cancel()
    }

    /// Gives up the file. The owner removes it from the connection.
    func cancel() {
        guard !self.isCancelled else { return }
        self.isCancelled = true
        self.core.sendingCount -= 1
        let reader = self.reader
        self.queue.async { reader.close() }
    }
}

extension [UInt64: BulkSending] {
    /// The sending with this number, if it is still the one this reader reads for.
    fileprivate subscript(id: UInt64, for reader: BulkFileReader) -> BulkSending? {
        guard let sending = self[id], sending.readerID == ObjectIdentifier(reader) else { return nil }
        return sending
    }
}

/// Reads a file piece by piece.
///
/// `@unchecked Sendable`: used on the serial queue of one `BulkSending` only.
final class BulkFileReader: @unchecked Sendable {
    private let id: UInt64
    private let pieceBytes: Int
    private var file: Int32 = -1
    private var size: UInt64 = 0

    init(id: UInt64, pieceBytes: Int) {
        self.id = id
        self.pieceBytes = max(1, pieceBytes)
    }

    deinit { self.close() }

    func close() {
        if self.file >= 0 { Glibc.close(self.file) }
        self.file = -1
    }

    /// Opens the file; returns its size.
    func open(_ answer: BulkAnswer, from offset: UInt64) -> Result<UInt64, TransportError> {
        switch answer {
        case .refused(let reason):
            return .failure(TransportError(.transfer, reason))
        case .file(let path):
            self.file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
            guard self.file >= 0 else { return .failure(Self.error("a file that can be opened")) }
            var status = stat()
            guard fstat(self.file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                return .failure(TransportError(.transfer, "Expected a file, but got something else"))
            }
            self.size = UInt64(max(0, status.st_size))
            guard offset <= self.size else {
                let text = "Expected an offset of up to \(self.size), but got \(offset)"
                return .failure(TransportError(.transfer, text))
            }
            return .success(self.size)
        }
    }

    /// So many bytes from this offset as frames.
    func read(_ count: UInt64, at offset: UInt64) -> Result<[OutgoingFrame], TransportError> {
        var frames: [OutgoingFrame] = []
        var done: UInt64 = 0
        repeat {
            let wanted = Int(min(count - done, UInt64(self.pieceBytes)))
            var isWhole = true
            let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { space, filled in
                while filled < wanted {
                    let got = pread(
                        self.file,
                        space.baseAddress.map { $0 + filled },
                        wanted - filled,
                        off_t(offset + done) + off_t(filled)
                    )
                    if got < 0, errno == EINTR { continue }
                    guard got > 0 else {
                        isWhole = false
                        return
                    }
                    filled += got
                }
            }
            guard isWhole else { return .failure(Self.error("\(wanted) bytes at offset \(offset + done)")) }
            var checksum = CRC32C()
            checksum.add(bytes)
            var piece = WirePiece()
            piece.id = self.id
            piece.offset = offset + done
            piece.fileSize = self.size
            piece.checksum = checksum.value
            do throws(TransportError) {
                frames.append(try OutgoingFrame(.piece(piece), attachments: [bytes]))
            } catch {
                return .failure(error)
            }
            done += UInt64(wanted)
        } while done < count
        return .success(frames)
    }

    private static func error(_ what: String) -> TransportError {
        let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
        return TransportError(.transfer, "Expected \(what), but got: \(reason)")
    }
}
