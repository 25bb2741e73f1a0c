import RaftCore
import SwiftProtobuf
import Testing

@testable import ClusterTransport

/// A small generator of repeatable random numbers.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite(.timeLimit(.minutes(10))) struct FrameTests {
    /// Feeds bytes in parts of random length; returns the frames and what was refused.
    private static func read(
        _ bytes: [UInt8],
        limit: Int,
        seed: UInt64
    ) -> (frames: [IncomingFrame], refusal: Refusal?) {
        var reader = FrameReader(limit: limit)
        var random = SeededGenerator(seed: seed)
        var position = 0
        var frames: [IncomingFrame] = []
        do throws(Refusal) {
            while position < bytes.count {
                let wanted = min(bytes.count - position, Int.random(in: 1...20_000, using: &random))
                let count = reader.fill { space in
                    let count = min(wanted, space.count)
                    space.copyBytes(from: bytes[position..<position + count])
                    return count
                }
                position += count
                while let frame = try reader.next() { frames.append(frame) }
            }
        } catch {
            return (frames, error)
        }
        return (frames, nil)
    }

    private static func frame(_ sizes: [Int]) throws -> OutgoingFrame {
        var request = WireRequest()
        request.id = 7
        return try OutgoingFrame(
            .request(request),
            attachments: sizes.map { size in (0..<size).map { UInt8(truncatingIfNeeded: $0) } }
        )
    }

    @Test(arguments: UInt64(1)...10)
    func `frames arrive whole, however the stream is cut`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let lists = (0..<12).map { _ in
            (0..<Int.random(in: 0...4, using: &random)).map { _ in
                [0, 1, 100, 4_096, 4_097, 32_768, 32_769, 200_000].randomElement(using: &random) ?? 0
            }
        }
        let sent = try lists.map { try Self.frame($0) }

        let (frames, refusal) = Self.read(sent.flatMap(\.bytes), limit: 1 << 20, seed: seed)

        #expect(refusal == nil)
        #expect(frames.map { $0.attachments.map(\.count) } == lists)
        #expect(zip(frames, sent).allSatisfy { $0.byteCount == $1.byteCount })
        let first = frames.flatMap(\.attachments).allSatisfy { bytes in
            bytes.indices.allSatisfy { bytes[$0] == UInt8(truncatingIfNeeded: $0) }
        }
        #expect(first)
    }

    @Test(
        arguments: [
            ([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1], "huge length"),
            ([0, 0, 0, 2, 0, 0, 0, 3, 1, 1, 1], "header longer than the frame"),
            ([0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 2, 1], "attachment longer than the frame"),
            ([0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0], "half a length"),
            ([0, 0, 4, 1, 0, 0, 0, 0], "one byte over the limit"),
        ] as [([UInt8], String)]
    )
    func `lengths that cannot be are refused before anything is reserved`(bytes: [UInt8], what: String) {
        let (frames, refusal) = Self.read(bytes, limit: 1_024, seed: 1)

        #expect(frames.isEmpty, "\(what)")
        #expect(refusal?.code == .malformed, "\(what)")
    }

    @Test func `random bytes never trap the reader`() {
        var random = SeededGenerator(seed: 3)
        for seed in UInt64(0)..<200 {
            var bytes = (0..<Int.random(in: 1...2_000, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            // Lengths small enough to get past the first check.
            for position in stride(from: 0, to: min(bytes.count, 8), by: 4) {
                for place in position..<min(bytes.count, position + 2) { bytes[place] = 0 }
            }
            let (frames, _) = Self.read(bytes, limit: 4_096, seed: seed)
            #expect(frames.count <= bytes.count)
        }
    }

    @Test func `an outbox gathers small frames into one record and sends long ones as they lie`() throws {
        var outbox = Outbox()
        let sent = try [[10], [20, 30], [100_000], [5]].map { try Self.frame($0) }
        for frame in sent { outbox.append(frame) }
        var written: [UInt8] = []
        var lengths: [Int] = []
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: Outbox.recordBytes, alignment: 16)
        defer { space.deallocate() }

        #expect(outbox.byteCount == sent.reduce(0) { $0 + $1.byteCount })
        let isDone = outbox.drain(limit: .max, gatheringIn: space) { bytes in
            written.append(contentsOf: bytes)
            lengths.append(bytes.count)
            return bytes.count
        }

        #expect(isDone && outbox.isEmpty && outbox.byteCount == 0)
        #expect(written == sent.flatMap(\.bytes))
        #expect(lengths.count == 7)
        #expect(lengths.allSatisfy { $0 <= Outbox.recordBytes })
    }

    @Test func `a request of which nothing was sent can be taken back`() throws {
        var outbox = Outbox()
        for id in UInt64(1)...3 {
            var frame = try Self.frame([40_000])
            frame.requestID = id
            outbox.append(frame)
        }
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: Outbox.recordBytes, alignment: 16)
        defer { space.deallocate() }
        _ = outbox.drain(limit: 1, gatheringIn: space) { $0.count }

        #expect(outbox.startedRequests == [1])
        let removed = [1, 2, 2].map { outbox.remove(requestID: $0) }
        #expect(removed == [false, true, false])
        let rest = outbox.removeAll()
        #expect(rest.compactMap(\.requestID) == [1, 3])
    }

    @Test func `a gauge takes what fits and counts what does not`() {
        let gauge = QueueGauge()
        var limits = TransportLimits()
        limits.queuedBytes = 100
        limits.queuedFrames = 3

        #expect(gauge.reserve(60, limits: limits))
        #expect(!gauge.reserve(60, limits: limits))
        #expect(gauge.reserve(20, limits: limits))
        #expect(gauge.reserve(20, limits: limits))
        #expect(!gauge.reserve(0, limits: limits))
        gauge.release(60)
        #expect(gauge.reserve(60, limits: limits))
        #expect(gauge.droppedCount == 2)
        #expect(gauge.queuedBytes == 100)
    }
}
