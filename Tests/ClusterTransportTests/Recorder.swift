import ClusterTransport
import Logging
import RaftCore
import Synchronization

/// Something a transport told its node or its log.
enum TransportEvent: Sendable {
    case messages([RaftMessage])
    case refused(NodeID)
    case changed(NodeID, isConnected: Bool)
    case unreachable(NodeID)
    case cancelled
    case logged(String)
}

/// A node that keeps what it is told, and lets tests wait for it.
final class Recorder: TransportHandler {
    private struct Waiter {
        var isMet: ([TransportEvent]) -> Bool
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var events: [TransportEvent] = []
        var waiters: [Waiter] = []
    }

    private let state = Mutex(State())
    private let onRequest: @Sendable (IncomingRequest) -> Void
    private let onBulk: @Sendable (BulkRequest) -> BulkAnswer

    init(
        onRequest: @escaping @Sendable (IncomingRequest) -> Void = { $0.reply($0.payload) },
        onBulk: @escaping @Sendable (BulkRequest) -> BulkAnswer = { .refused("There is no file '\($0.file)'") }
    ) {
        self.onRequest = onRequest
        self.onBulk = onBulk
    }

    var events: [TransportEvent] { self.state.withLock { $0.events } }

    func note(_ event: TransportEvent) {
        let met = self.state.withLock { state in
            state.events.append(event)
            let met = state.waiters.filter { $0.isMet(state.events) }.map(\.continuation)
            if !met.isEmpty { state.waiters.removeAll { $0.isMet(state.events) } }
            return met
        }
        for continuation in met { continuation.resume() }
    }

    /// Waits until the events fulfil the condition; the test's time limit bounds it.
    func wait(_ isMet: @escaping @Sendable ([TransportEvent]) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isMetAlready = self.state.withLock { state in
                if isMet(state.events) { return true }
                state.waiters.append(Waiter(isMet: isMet, continuation: continuation))
                return false
            }
            if isMetAlready { continuation.resume() }
        }
    }

    func waitForPeer(_ node: UInt64, isConnected: Bool = true) async {
        await self.wait { Recorder.changes($0, of: node).last == isConnected }
    }

    /// Waits for a line of the log that has all these words.
    func waitForLog(_ words: String...) async {
        await self.wait { events in
            events.contains { event in
                if case .logged(let line) = event { words.allSatisfy { line.contains($0) } } else { false }
            }
        }
    }

    func waitForMessages(_ count: Int) async { await self.wait { Recorder.messages($0).count >= count } }

    static func messages(_ events: [TransportEvent]) -> [RaftMessage] {
        events.flatMap { event -> [RaftMessage] in
            if case .messages(let messages) = event { messages } else { [] }
        }
    }

    static func changes(_ events: [TransportEvent], of node: UInt64) -> [Bool] {
        events.compactMap { event in
            if case .changed(NodeID(node), let isConnected) = event { isConnected } else { nil }
        }
    }

    static func hints(_ events: [TransportEvent]) -> [NodeID] {
        events.compactMap { event in if case .refused(let node) = event { node } else { nil } }
    }

    // MARK: TransportHandler

    func received(_ messages: [RaftMessage]) { self.note(.messages(messages)) }
    func handle(_ request: IncomingRequest) { self.onRequest(request) }
    func peerRefused(_ peer: NodeID) { self.note(.refused(peer)) }
    func peerChanged(_ peer: NodeID, isConnected: Bool) { self.note(.changed(peer, isConnected: isConnected)) }
    func unreachable(_ peer: NodeID) { self.note(.unreachable(peer)) }
    func serve(_ request: BulkRequest) -> BulkAnswer { self.onBulk(request) }

    /// A logger whose lines are events.
    var logger: Logger { Logger(label: "test") { _ in RecordingLog(recorder: self) } }
}

private struct RecordingLog: LogHandler {
    let recorder: Recorder
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let values = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
        self.recorder.note(.logged("\(event.level) \(event.message) \(values)"))
    }
}
