import Checksum
import Foundation
import RaftCore
import Synchronization
import Testing

@testable import ClusterTransport

@Suite(.timeLimit(.minutes(10))) struct BulkTests {
    /// A node that serves one file, one that may fetch it, and the file's bytes.
    private static func pair(
        bytes count: Int,
        _ change: (inout TransportConfiguration) -> Void = { _ in }
    ) async throws -> (first: TestNode, second: TestNode, bytes: [UInt8], authority: TestAuthority) {
        let authority = try TestAuthority.shared.get()
        let path = authority.folder + "/\(UUID().uuidString).db"
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 8)) }
        try Data(bytes).write(to: URL(filePath: path))
        let recorder = Recorder(onBulk: { request in
            request.file == "state.db" && request.snapshot == "7"
                ? .file(path: path) : .refused("There is no file '\(request.file)' in snapshot \(request.snapshot)")
        })
        let first = try TestNode(1, authority, change)
        let second = try TestNode(2, authority, recorder: recorder, change)
        await TestNode.connect(first, second)
        return (first, second, bytes, authority)
    }

    @Test(arguments: [0, 1, 262_144, 262_145, 3_000_000])
    func `a file arrives whole`(count: Int) async throws {
        let (first, second, bytes, _) = try await Self.pair(bytes: count)
        let got = Mutex<[UInt8]>([])

        let size = try await first.transport.fetch(file: "state.db", of: "7", from: second.node, offset: 0) { piece in
            got.withLock { $0.append(contentsOf: piece.bytes) }
        }

        #expect(size == UInt64(count))
        #expect(got.withLock { $0 == bytes })
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `a download that breaks off is resumed where it stopped`() async throws {
        let (first, second, bytes, authority) = try await Self.pair(bytes: 6_000_000)
        let got = Mutex<[UInt8]>([])
        let error = await #expect(throws: TransportError.self) {
            try await first.transport.fetch(file: "state.db", of: "7", from: second.node, offset: 0) { piece in
                got.withLock { $0.append(contentsOf: piece.bytes) }
                if piece.offset > 2_000_000 { second.transport.debugAbort() }
            }
        }
        #expect(error?.code == .transfer)
        let done = got.withLock { $0.count }
        #expect(done > 2_000_000)
        await first.recorder.waitForPeer(2, isConnected: false)
        let before = first.recorder.events.count
        let again = try TestNode(2, authority, recorder: second.recorder)
        first.transport.setPeers([again.node: again.address])
        await first.recorder.waitForLog("debug Stream dialled", "peer.node=2 ", "peer.stream=bulk", after: before)

        let offset = UInt64(done)
        let size = try await first.transport.fetch(file: "state.db", of: "7", from: again.node, offset: offset) {
            piece in
            got.withLock { $0.append(contentsOf: piece.bytes) }
        }

        #expect(size == UInt64(bytes.count))
        #expect(got.withLock { $0 == bytes })
        await first.transport.stop()
        await again.transport.stop()
    }

    @Test(
        arguments: [
            ("other.db", "7", 0, "There is no file 'other.db' in snapshot 7"),
            ("state.db", "7", 101, "offset of up to 100"),
        ] as [(String, String, UInt64, String)]
    )
    func `what cannot be sent is refused with the reason`(
        file: String,
        snapshot: String,
        offset: UInt64,
        reason: String
    ) async throws {
        let (first, second, _, _) = try await Self.pair(bytes: 100)
        let error = await #expect(throws: TransportError.self) {
            try await first.transport.fetch(file: file, of: snapshot, from: second.node, offset: offset) { _ in }
        }
        #expect(error?.text.contains(reason) == true, "\(String(describing: error))")
        #expect(error?.code == .transfer)
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `whoever writes slowly is not sent more than a window`() async throws {
        let (first, second, bytes, _) = try await Self.pair(bytes: 8_000_000) { $0.limits.bulkWindowBytes = 1 << 20 }
        let gate = DispatchSemaphore(value: 0)
        let signals = Recorder()

        async let size = first.transport.fetch(file: "state.db", of: "7", from: second.node, offset: 0) { piece in
            if piece.offset == 0 {
                signals.note(.signalled)
                gate.wait()
            }
        }
        await signals.waitForSignals(1)
        // As many round trips as it takes to be sure that everything allowed has come.
        for _ in 0..<200 { _ = try await first.transport.request([1], to: second.node, timeout: .seconds(20)) }
        let received = await first.status(of: 2)?.receivedBytes ?? 0
        gate.signal()

        #expect(received >= 1 << 20)
        #expect(received < 3 << 20)
        #expect(try await size == UInt64(bytes.count))
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `a download ends when its task is cancelled or its receiver cannot write`() async throws {
        struct DiskFull: Error {}
        let (first, second, _, _) = try await Self.pair(bytes: 8_000_000)
        let error = await #expect(throws: TransportError.self) {
            try await first.transport.fetch(file: "state.db", of: "7", from: second.node, offset: 0) { _ in
                throw DiskFull()
            }
        }
        #expect(error?.text.contains("DiskFull") == true)

        let signals = Recorder()
        let task = Task {
            try await first.transport.fetch(file: "state.db", of: "7", from: second.node, offset: 0) { _ in
                signals.note(.signalled)
            }
        }
        await signals.waitForSignals(1)
        task.cancel()
        _ = await task.result

        // The connection is as good as new.
        let size = try await first.transport.fetch(file: "state.db", of: "7", from: second.node, offset: 7_999_999) {
            _ in
        }
        #expect(size == 8_000_000)
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `no more transfers at once than allowed`() async throws {
        let (first, second, _, _) = try await Self.pair(bytes: 8_000_000) { $0.limits.bulkTransfers = 1 }
        let gate = DispatchSemaphore(value: 0)
        let signals = Recorder()
        async let held = first.transport.fetch(file: "state.db", of: "7", from: second.node, offset: 0) { piece in
            guard piece.offset == 0 else { return }
            signals.note(.signalled)
            gate.wait()
        }
        await signals.waitForSignals(1)

        let error = await #expect(throws: TransportError.self) {
            try await first.transport.fetch(file: "state.db", of: "7", from: second.node, offset: 0) { _ in }
        }

        #expect(error?.text.contains("up to 1 transfers") == true)
        gate.signal()
        #expect(try await held == 8_000_000)
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `a wrong checksum ends the download`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let raw = try RawPeer(to: first)
        try await raw.secure(authority.ordinaryCertificates(of: 2), 2, of: authority)
        _ = try await raw.greet(as: 2, of: authority, stream: .bulk)
        await first.recorder.waitForLog("Stream accepted", "peer.stream=bulk")

        async let result = first.transport.fetch(file: "f", of: "7", from: NodeID(2), offset: 0) { _ in
            Issue.record("Expected no piece")
        }
        guard case .fetch(let fetch) = try await raw.receive() else {
            Issue.record("Expected a fetch")
            return
        }
        var piece = WirePiece()
        piece.id = fetch.id
        piece.fileSize = 3
        piece.checksum = 1
        try raw.send(.piece(piece), attachments: [[1, 2, 3]])

        do {
            _ = try await result
            Issue.record("Expected an error")
        } catch {
            #expect("\(error)".contains("checksum"))
        }
        await first.transport.stop()
    }

    @Test func `the checksum is the known one`() {
        var checksum = CRC32C()
        checksum.add(Array("123456789".utf8))
        #expect(checksum.value == 0xE306_9283)
    }
}
