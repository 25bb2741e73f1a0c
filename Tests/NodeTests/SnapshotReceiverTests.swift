import Foundation
import Logging
import ProcessEngine
import RaftCore
import ReplicaCore
import StateStore
import Synchronization
import Testing

@testable import Node

/// Nodes that serve the files of snapshots, and break off as told.
private final class Senders: Sendable {
    struct Asked: Hashable, Sendable {
        var node: UInt64
        var file: String
        var offset: UInt64
    }

    private struct State {
        var asked: [Asked] = []
        var declined: [UInt64] = []
        /// By node: how many bytes of a file it sends before it is gone; nil for all.
        var limits: [UInt64: Int] = [:]
    }

    private let state = Mutex(State())
    private let files: [String: [UInt8]]
    /// Called before a file is sent.
    private let onAsked: @Sendable (Asked) async -> Void

    /// - Parameter files: by `SNAPSHOT/NAME`.
    init(_ files: [String: [UInt8]], onAsked: @escaping @Sendable (Asked) async -> Void = { _ in }) {
        self.files = files
        self.onAsked = onAsked
    }

    func breakOff(_ node: UInt64, after bytes: Int?) { state.withLock { $0.limits[node] = bytes } }

    var asked: [Asked] { state.withLock { $0.asked } }
    var declined: [UInt64] { state.withLock { $0.declined } }

    func makeReceiver() -> SnapshotReceiver {
        SnapshotReceiver(
            clock: NodeClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            download: { [self] file, snapshot, node, offset, onPiece in
                let asked = Asked(node: node.rawValue, file: file, offset: offset)
                await onAsked(asked)
                let limit = state.withLock { state in
                    state.asked.append(asked)
                    return state.limits[node.rawValue]
                }
                guard let bytes = files["\(snapshot)/\(file)"] else { throw NodeFailure("no such file") }
                let end = min(bytes.count, limit ?? bytes.count)
                if Int(offset) < end { try onPiece(Array(bytes[Int(offset)..<end])) }
                if end < bytes.count { throw NodeFailure("the connection broke") }
            },
            decline: { [self] _, leader in state.withLock { $0.declined.append(leader.rawValue) } }
        )
    }
}

/// A replica's mailbox, and a folder for what arrives.
private struct Receiving {
    let runner = GroupRunner(
        group: 1,
        clock: NodeClock(),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        connections: GroupRunner.Connections()
    )
    let folder = "\(FileManager.default.temporaryDirectory.path)/thalweg-test-\(UUID().uuidString)"

    /// Waits for the next message that the replica is given.
    func next() async -> RaftMessage? {
        let runner = runner
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let inputs = runner.takeInputs(until: NodeClock().now + 60_000) ?? []
                guard case .received(let message)? = inputs.first else { return continuation.resume(returning: nil) }
                continuation.resume(returning: message)
            }
        }
    }

    func know(term: UInt64, committed: UInt64 = 0) {
        runner.snapshot.withLock { snapshot in
            snapshot.term = term
            snapshot.commitIndex = committed
        }
    }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? [] }
}

private func offer(
    _ id: String,
    by node: UInt64,
    term: UInt64,
    index: UInt64,
    _ files: [(name: String, contents: [UInt8])]
) throws -> RaftMessage {
    let manifest = SnapshotManifest(
        group: 1,
        schemaLevel: 1,
        position: StatePosition(appliedIndex: index, appliedTerm: 1, time: 0, keyCounter: 0),
        membership: [],
        digest: StateDigest(),
        files: files.map { SnapshotFile(name: $0.name, contents: $0.contents) }
    )
    let metadata = SnapshotMetadata(index: LogIndex(index), term: Term(1), configuration: ClusterConfiguration())
    return RaftMessage(
        group: GroupID(1),
        incarnation: IncarnationID(1),
        from: NodeID(node),
        to: NodeID(2),
        term: Term(term),
        body: .snapshot(Snapshot(metadata: metadata, data: try SnapshotOffer(id: id, manifest: manifest).encoded()))
    )
}

private let state = (name: "state.db", contents: [UInt8](repeating: 1, count: 900))
private let newer = (name: "state.db", contents: [UInt8](repeating: 2, count: 800))
private let history = (name: "history-0.db", contents: (0..<5_000).map { UInt8(truncatingIfNeeded: $0) })

private let both: [String: [UInt8]] = [
    "a/state.db": state.contents, "a/history-0.db": history.contents,
    "b/state.db": newer.contents, "b/history-0.db": history.contents,
]

@Suite(.timeLimit(.minutes(2))) struct SnapshotReceiverTests {
    @Test func `a snapshot is given to the replica once all of it is here`() async throws {
        let (senders, receiving) = (Senders(both), Receiving())
        defer { try? FileManager.default.removeItem(atPath: receiving.folder) }
        let receiver = senders.makeReceiver()
        let message = try offer("a", by: 1, term: 1, index: 9, [state, history])
        receiving.know(term: 1)

        receiver.offered(message, to: receiving.runner, in: receiving.folder)

        #expect(await receiving.next() == message)
        #expect(receiver.take("b", group: 1) == nil)
        #expect(receiver.take("a", group: 1) == receiving.folder)
        #expect(receiving.names == ["history-0.db", "state.db"])
        receiver.installed(group: 1)
        #expect(senders.declined.isEmpty)
    }

    @Test func `a leader that comes meanwhile has what was fetched taken in its name`() async throws {
        let receiving = Receiving()
        defer { try? FileManager.default.removeItem(atPath: receiving.folder) }
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let senders = Senders(both) { asked in
            guard asked.file == "history-0.db" else { return }
            for await _ in gate { break }
        }
        let receiver = senders.makeReceiver()
        let first = try offer("a", by: 1, term: 1, index: 9, [state, history])
        let second = try offer("b", by: 3, term: 2, index: 12, [newer, history])
        receiver.offered(first, to: receiving.runner, in: receiving.folder)
        receiving.know(term: 2)
        receiver.offered(second, to: receiving.runner, in: receiving.folder)
        // The old leader repeats itself; nobody cares.
        receiver.offered(first, to: receiving.runner, in: receiving.folder)

        opening.yield()

        var expected = second
        expected.body = first.body
        #expect(await receiving.next() == expected)
        #expect(senders.asked.allSatisfy { $0.node == 1 && $0.offset == 0 } && senders.asked.count == 2)
        #expect(receiver.take("a", group: 1) == receiving.folder)
        receiver.installed(group: 1)
        while senders.declined.isEmpty { await Task.yield() }
        #expect(senders.declined == [3])
    }

    @Test func `what is here waits for the next leader's offer, unless the replica gets there alone`() async throws {
        let (senders, receiving) = (Senders(both), Receiving())
        defer { try? FileManager.default.removeItem(atPath: receiving.folder) }
        let receiver = senders.makeReceiver()
        let first = try offer("a", by: 1, term: 1, index: 9, [state, history])
        let second = try offer("b", by: 3, term: 2, index: 12, [newer, history])
        receiving.know(term: 1)
        receiver.offered(first, to: receiving.runner, in: receiving.folder)
        #expect(await receiving.next() == first)
        // The replica has taken no notice: another leader was there first.
        receiving.know(term: 2)
        for _ in 0..<5 { receiver.turned(receiving.runner) }

        receiver.offered(second, to: receiving.runner, in: receiving.folder)

        var expected = second
        expected.body = first.body
        #expect(await receiving.next() == expected)
        #expect(senders.asked.count == 2)
        receiving.know(term: 2, committed: 9)
        for _ in 0..<5 { receiver.turned(receiving.runner) }
        while FileManager.default.fileExists(atPath: receiving.folder) { await Task.yield() }
        #expect(receiver.take("a", group: 1) == nil)
    }

    @Test func `an offer that came while the replica looked at an older one is made use of`() async throws {
        let (senders, receiving) = (Senders(both), Receiving())
        defer { try? FileManager.default.removeItem(atPath: receiving.folder) }
        let receiver = senders.makeReceiver()
        let first = try offer("a", by: 1, term: 1, index: 9, [state, history])
        let second = try offer("a", by: 1, term: 3, index: 9, [state, history])
        receiving.know(term: 1)
        receiver.offered(first, to: receiving.runner, in: receiving.folder)
        #expect(await receiving.next() == first)
        receiver.offered(second, to: receiving.runner, in: receiving.folder)

        for _ in 0..<5 { receiver.turned(receiving.runner) }

        #expect(await receiving.next() == second)
    }

    @Test func `the next sender goes on where the last one broke off, and what is not needed goes`() async throws {
        let (senders, receiving) = (Senders(both), Receiving())
        defer { try? FileManager.default.removeItem(atPath: receiving.folder) }
        let receiver = senders.makeReceiver()
        senders.breakOff(1, after: 3_000)
        receiving.know(term: 1)
        receiver.offered(
            try offer("a", by: 1, term: 1, index: 9, [state, history]),
            to: receiving.runner,
            in: receiving.folder
        )
        while !senders.asked.contains(where: { $0.offset == 3_000 }) { await Task.yield() }
        let second = try offer("b", by: 3, term: 2, index: 12, [newer, history])

        receiver.offered(second, to: receiving.runner, in: receiving.folder)

        #expect(await receiving.next() == second)
        let later = senders.asked.filter { $0.node == 3 }
        #expect(
            later == [
                .init(node: 3, file: "state.db", offset: 0), .init(node: 3, file: "history-0.db", offset: 3_000),
            ]
        )
        #expect(FileManager.default.contents(atPath: "\(receiving.folder)/history-0.db") == Data(history.contents))
        #expect(senders.declined.isEmpty)
    }

    @Test func `what was kept and is wrong is fetched once more`() async throws {
        let receiving = Receiving()
        defer { try? FileManager.default.removeItem(atPath: receiving.folder) }
        let senders = Senders(both) { asked in
            // The disk forgets while the connection is away.
            guard asked.offset == 3_000, asked.node == 3 else { return }
            let path = "\(receiving.folder)/history-0.db"
            guard let handle = FileHandle(forWritingAtPath: path) else { return }
            try? handle.write(contentsOf: Data([9, 9, 9]))
            try? handle.close()
        }
        let receiver = senders.makeReceiver()
        senders.breakOff(1, after: 3_000)
        receiver.offered(
            try offer("a", by: 1, term: 1, index: 9, [state, history]),
            to: receiving.runner,
            in: receiving.folder
        )
        while !senders.asked.contains(where: { $0.offset == 3_000 }) { await Task.yield() }
        receiver.offered(
            try offer("b", by: 3, term: 2, index: 12, [newer, history]),
            to: receiving.runner,
            in: receiving.folder
        )

        #expect(await receiving.next() != nil)
        #expect(senders.asked.filter { $0.node == 3 }.map(\.offset) == [0, 3_000, 0])
        #expect(FileManager.default.contents(atPath: "\(receiving.folder)/history-0.db") == Data(history.contents))
    }

    @Test func `what cannot be fetched is declined, and kept for the next offer of the same`() async throws {
        let (senders, receiving) = (Senders(both), Receiving())
        defer { try? FileManager.default.removeItem(atPath: receiving.folder) }
        let receiver = senders.makeReceiver()
        senders.breakOff(1, after: 3_000)
        let message = try offer("a", by: 1, term: 1, index: 9, [state, history])
        receiver.offered(message, to: receiving.runner, in: receiving.folder)
        while senders.declined.isEmpty { await Task.yield() }
        senders.breakOff(1, after: nil)

        receiver.offered(message, to: receiving.runner, in: receiving.folder)

        #expect(await receiving.next() == message)
        #expect(senders.asked.filter { $0.file == "state.db" }.count == 1)
        #expect(senders.asked.last == .init(node: 1, file: "history-0.db", offset: 3_000))
    }
}
