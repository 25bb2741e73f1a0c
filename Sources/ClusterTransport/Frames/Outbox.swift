import Synchronization

/// Counts what waits to be sent to one peer on one stream, so that any thread can see whether more fits.
final class QueueGauge: Sendable {
    private let bytes = Atomic<Int>(0)
    private let frames = Atomic<Int>(0)
    private let dropped = Atomic<Int>(0)

    /// Counts a frame in if it fits.
    func reserve(_ byteCount: Int, limits: TransportLimits) -> Bool {
        let bytes = self.bytes.add(byteCount, ordering: .relaxed).newValue
        let frames = self.frames.add(1, ordering: .relaxed).newValue
        if bytes <= limits.queuedBytes, frames <= limits.queuedFrames { return true }
        self.release(byteCount)
        self.drop(1)
        return false
    }

    func release(_ byteCount: Int) {
        self.bytes.subtract(byteCount, ordering: .relaxed)
        self.frames.subtract(1, ordering: .relaxed)
    }

    func drop(_ count: Int) { self.dropped.add(count, ordering: .relaxed) }

    var droppedCount: Int { self.dropped.load(ordering: .relaxed) }
    var queuedBytes: Int { self.bytes.load(ordering: .relaxed) }
}

/// Frames that wait to be encrypted, in order.
struct Outbox {
    /// The most a TLS record holds.
    static let recordBytes = 16 << 10

    private var frames: [OutgoingFrame] = []
    /// The first frame that waits; those before are done.
    private var head = 0
    /// The piece of the first frame that is being sent, and how much of it is done.
    private var piece = 0
    private var offset = 0
    private(set) var byteCount = 0
    /// Requests of which a first byte was encrypted since this was last emptied.
    var startedRequests: [UInt64] = []

    var isEmpty: Bool { self.head == self.frames.count }

    mutating func append(_ frame: OutgoingFrame) {
        self.byteCount += frame.byteCount
        self.frames.append(frame)
    }

    /// Removes a request of which nothing was encrypted yet.
    mutating func remove(requestID: UInt64) -> Bool {
        let first = self.piece == 0 && self.offset == 0 ? self.head : self.head + 1
        guard first < self.frames.count,
            let position = self.frames[first...].firstIndex(where: { $0.requestID == requestID })
        else { return false }
        let frame = self.frames.remove(at: position)
        self.byteCount -= frame.byteCount
        frame.gauge?.release(frame.byteCount)
        return true
    }

    /// Drops all; returns the frames not sent whole.
    mutating func removeAll() -> ArraySlice<OutgoingFrame> {
        let rest = self.frames[self.head...]
        for frame in rest { frame.gauge?.release(frame.byteCount) }
        self.frames = []
        self.head = 0
        self.piece = 0
        self.offset = 0
        self.byteCount = 0
        return rest
    }

    /// Hands out waiting bytes until about `limit` are taken. Small pieces are gathered into whole records, long ones
    /// are read where they lie.
    ///
    /// - Parameter write: returns how many bytes it took; none when it failed.
    mutating func drain(
        limit: Int,
        gatheringIn space: UnsafeMutableRawBufferPointer,
        write: (UnsafeRawBufferPointer) -> Int
    ) -> Bool {
        var taken = 0
        while taken < limit, !self.isEmpty {
            let waiting = self.pieceBytes - self.offset
            if waiting >= Self.recordBytes {
                let offset = self.offset
                let count = self.withPiece { bytes in
                    write(UnsafeRawBufferPointer(rebasing: bytes[offset..<min(bytes.count, offset + Self.recordBytes)]))
                }
                guard count > 0 else { return false }
                self.advance(by: count)
                taken += count
            } else {
                let count = self.gather(into: space)
                guard write(UnsafeRawBufferPointer(rebasing: space[..<count])) == count else { return false }
                taken += count
            }
        }
        return true
    }

    private mutating func gather(into space: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        while count < Self.recordBytes, !self.isEmpty {
            let offset = self.offset
            let free = Self.recordBytes - count
            let copied = self.withPiece { bytes in
                let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<min(bytes.count, offset + free)])
                UnsafeMutableRawBufferPointer(rebasing: space[count...]).copyMemory(from: part)
                return part.count
            }
            self.advance(by: copied)
            count += copied
        }
        return count
    }

    private var pieceBytes: Int {
        let frame = self.frames[self.head]
        return self.piece == 0 ? frame.first.count : frame.rest[self.piece - 1].count
    }

    private func withPiece<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        self.piece == 0
            ? self.frames[self.head].first.withUnsafeBytes(body)
            : self.frames[self.head].rest[self.piece - 1].withUnsafeBytes(body)
    }

    private mutating func advance(by count: Int) {
        if self.piece == 0, self.offset == 0, let request = self.frames[self.head].requestID {
            self.startedRequests.append(request)
        }
        self.offset += count
        self.byteCount -= count
        guard self.offset == self.pieceBytes else { return }
        self.offset = 0
        self.piece += 1
        let frame = self.frames[self.head]
        guard self.piece > frame.rest.count else { return }
        frame.gauge?.release(frame.byteCount)
        self.piece = 0
        self.head += 1
        if self.isEmpty {
            self.frames.removeAll(keepingCapacity: self.frames.capacity <= 1_024)
            self.head = 0
        } else if self.head > 256, self.head > self.frames.count / 2 {
            self.frames.removeFirst(self.head)
            self.head = 0
        } else {
            // What was sent is let go at once, not when the queue is next empty.
            self.frames[self.head - 1] = .sent
        }
    }
}
