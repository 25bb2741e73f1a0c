import Foundation
import RaftCore
import Testing

@testable import ClusterTransport

/// Measurements, off unless asked for: `MEASURE=1 swift test -c release -Xswiftc -enable-testing --filter Throughput`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["MEASURE"] != nil), .serialized) struct ThroughputTests {
    private static func perSecond(_ count: Double, since start: ContinuousClock.Instant) -> Double {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return count / (Double(seconds) + Double(attoseconds) / 1e18)
    }

    @Test(arguments: [1, 8, 64]) func `round trips of requests`(depth: Int) async throws {
        let authority = try TestAuthority.shared.get()
        let (first, second) = (try TestNode(1, authority), try TestNode(2, authority))
        await TestNode.connect(first, second)
        let payload = [UInt8](repeating: 7, count: 1_024)
        let count = 20_000 / (depth == 1 ? 4 : 1)

        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<depth {
                group.addTask {
                    for _ in 0..<count / depth {
                        _ = try await first.transport.request(payload, to: second.node, timeout: .seconds(20))
                    }
                }
            }
            try await group.waitForAll()
        }

        print("requests of 1 KiB, \(depth) at once: \(Int(Self.perSecond(Double(count), since: start))) per second")
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `bytes of a file`() async throws {
        let authority = try TestAuthority.shared.get()
        let path = authority.folder + "/big"
        try Data(count: 512 << 20).write(to: URL(filePath: path))
        let first = try TestNode(1, authority)
        let second = try TestNode(2, authority, recorder: Recorder(onBulk: { _ in .file(path: path) }))
        await TestNode.connect(first, second)

        let start = ContinuousClock.now
        let size = try await first.transport.fetch(file: "big", of: "1", from: second.node, offset: 0) { _ in }

        print("bulk: \(Int(Self.perSecond(Double(size), since: start) / 1e6)) MB per second")
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test(arguments: [100, 100_000, 4 << 20]) func `entries of consensus`(bytes: Int) async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let second = try TestNode(2, authority, recorder: Recorder(isForgetful: true))
        await TestNode.connect(first, second)
        let entry = LogEntry(term: Term(1), index: LogIndex(1), payload: [UInt8](repeating: 7, count: bytes))
        let append = AppendRequest(previous: EntryID(), commit: LogIndex(0), entries: [entry])
        let message = first.message(to: 2, .appendRequest(append))
        let (rounds, batch) = (bytes > 1 << 20 ? 60 : 400, bytes < 1_000 ? 64 : 1)

        let start = ContinuousClock.now
        for round in 1...rounds {
            first.transport.send([RaftMessage](repeating: message, count: batch))
            // A few rounds are under way at any time.
            await second.recorder.waitForMessages((round - 4) * batch)
        }
        await second.recorder.waitForMessages(rounds * batch)

        let count = Double(rounds * batch)
        let rate = Self.perSecond(count, since: start)
        print("consensus, entries of \(bytes) bytes: \(Int(rate)) per second, \(Int(rate * Double(bytes) / 1e6)) MB/s")
        await first.transport.stop()
        await second.transport.stop()
    }
}
