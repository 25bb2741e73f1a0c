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
    case identityRefused(NodeID, isFinal: Bool)
    /// Noted by the test itself.
    case signalled
    case logged(String)
}

/// A node that keeps what it is told, and lets tests wait for it.
final class Recorder: TransportHandler {
    private struct Waiter {
        var isMet: (State) -> Bool
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var events: [TransportEvent] = []
        var messageCount = 0
        var waiters: [Waiter] = []
    }

    /// Set for measurements: messages are counted, not kept.
    private let isForgetful: Bool

    private let state = Mutex(State())
    private let onRequest: @Sendable (IncomingRequest) -> Void
    private let onBulk: @Sendable (BulkRequest) -> BulkAnswer

    init(
        onRequest: @escaping @Sendable (IncomingRequest) -> Void = { $0.reply($0.payload) },
        onBulk: @escaping @Sendable (BulkRequest) -> BulkAnswer = { .refused("There is no file '\($0.file)'") },
        isForgetful: Bool = false
    ) {
        self.isForgetful = isForgetful
        self.onRequest = onRequest
        self.onBulk = onBulk
    }

    var events: [TransportEvent] { self.state.withLock { $0.events } }

    func note(_ event: TransportEvent) {
        let met = self.state.withLock { state in
            if case .messages(let messages) = event {
                state.messageCount += messages.count
                if !self.isForgetful { state.events.append(event) }
            } else {
                state.events.append(event)
            }
            let current = state
            let met = state.waiters.filter { $0.isMet(current) }.map(\.continuation)
            if !met.isEmpty { state.waiters.removeAll { $0.isMet(current) } }
            return met
        }
        for continuation in met { continuation.resume() }
    }

    /// Waits until the events fulfil the condition; the test's time limit bounds it.
    func wait(_ isMet: @escaping @Sendable ([TransportEvent]) -> Bool) async {
        await self.waitForState { isMet($0.events) }
    }

    private func waitForState(_ isMet: @escaping @Sendable (State) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isMetAlready = self.state.withLock { state in
                if isMet(state) { return true }
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
    ///
    /// - Parameter first: how many events from the beginning do not count.
    func waitForLog(_ words: String..., after first: Int = 0) async {
        await self.wait { events in
            events.dropFirst(first).contains { event in
                if case .logged(let line) = event { words.allSatisfy { line.contains($0) } } else { false }
            }
        }
    }

    func waitForMessages(_ count: Int) async { await self.waitForState { $0.messageCount >= count } }

    func waitForSignals(_ count: Int) async {
        await self.wait { events in
            events.count { if case .signalled = $0 { true } else { false } } >= count
        }
    }

    func waitForUnreachable(_ node: UInt64) async {
        await self.wait { events in
            events.contains { if case .unreachable(NodeID(node)) = $0 { true } else { false } }
        }
    }

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

    /// Who refused the node because another one has its identity.
    static func refusals(_ events: [TransportEvent]) -> [(by: NodeID, isFinal: Bool)] {
        events.compactMap { event in
            if case .identityRefused(let node, let isFinal) = event { (node, isFinal) } else { nil }
        }
    }

    // MARK: TransportHandler

    func received(_ messages: [RaftMessage]) { self.note(.messages(messages)) }
    func handle(_ request: IncomingRequest) { self.onRequest(request) }
    func peerRefused(_ peer: NodeID) { self.note(.refused(peer)) }
    func peerChanged(_ peer: NodeID, isConnected: Bool) { self.note(.changed(peer, isConnected: isConnected)) }
    func unreachable(_ peer: NodeID) { self.note(.unreachable(peer)) }
    func identityRefused(by peer: NodeID, reason: String, isFinal: Bool) {
        self.note(.identityRefused(peer, isFinal: isFinal))
    }
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
