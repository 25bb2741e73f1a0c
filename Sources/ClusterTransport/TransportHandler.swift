package import RaftCore
import Synchronization

/// What a node does with what the others send. All calls but `serve` come on the transport's own thread and must return
/// at once.
package protocol TransportHandler: AnyObject, Sendable {
    /// Messages of one peer, in their order. Their `from` is the peer that the certificate names.
    func received(_ messages: [RaftMessage])
    /// A request of a peer. Its `reply` is called once, from any thread.
    func handle(_ request: IncomingRequest)
    /// A peer that was connected is gone and its port refuses connections, without a goodbye: its process is dead.
    func peerRefused(_ peer: NodeID)
    /// Whether consensus messages reach the peer now.
    func peerChanged(_ peer: NodeID, isConnected: Bool)
    /// Messages to the peer were dropped, for want of a connection or of space in its queue.
    func unreachable(_ peer: NodeID)
    /// A peer refuses this node because another one has its identity: another process with a copy of its data folder
    /// (`isFinal`: the transport is cut off then until the process is started again), or another data folder, as long
    /// as that peer does not connect.
    func identityRefused(by peer: NodeID, reason: String, isFinal: Bool)
    /// Which file a peer may read. Called on a thread of its own, and may block.
    func serve(_ request: BulkRequest) -> BulkAnswer
}

/// A file of a snapshot that a peer asks for. The names are the peer's: they may hold anything.
package struct BulkRequest: Hashable, Sendable {
    package var peer: NodeID
    package var snapshot: String
    package var file: String
    /// The first byte asked for.
    package var offset: UInt64
}

/// What to send to a peer that asks for a file.
package enum BulkAnswer: Hashable, Sendable {
    /// The file at this path. It is opened at once and may be deleted while it is sent, but must not change.
    case file(path: String)
    /// There is no such file; the peer is told why.
    case refused(String)
}

/// A request of another node.
package final class IncomingRequest: Sendable {
    private struct State {
        var isAnswered = false
        var isCancelled = false
        var onCancel: (@Sendable () -> Void)?
    }

    /// Who asks.
    package let peer: NodeID
    package let payload: [UInt8]
    private let state = Mutex(State())
    private let answer: @Sendable ([UInt8]?) -> Void

    init(peer: NodeID, payload: [UInt8], answer: @escaping @Sendable ([UInt8]?) -> Void) {
        self.peer = peer
        self.payload = payload
        self.answer = answer
    }

    /// Whether the caller has gone away: the answer will not be read.
    package var isCancelled: Bool { self.state.withLock { $0.isCancelled } }

    /// Sends the answer. Only the first call of `reply` and `refuse` counts.
    package func reply(_ payload: [UInt8]) { self.finish(payload) }

    /// Tells the caller that the request was surely not carried out.
    package func refuse() { self.finish(nil) }

    /// Calls the closure, on the transport's thread, once the caller has gone away; at once if it has already.
    package func onCancel(_ action: @escaping @Sendable () -> Void) {
        let isCancelled = self.state.withLock { state in
            if !state.isCancelled, !state.isAnswered { state.onCancel = action }
            return state.isCancelled
        }
        if isCancelled { action() }
    }

    func cancel() {
        let action = self.state.withLock { state -> (@Sendable () -> Void)? in
            guard !state.isAnswered, !state.isCancelled else { return nil }
            state.isCancelled = true
            defer { state.onCancel = nil }
            return state.onCancel
        }
        action?()
    }

    private func finish(_ payload: [UInt8]?) {
        let isFirst = self.state.withLock { state in
            defer {
                state.isAnswered = true
                state.onCancel = nil
            }
            return !state.isAnswered
        }
        if isFirst { self.answer(payload) }
    }
}

/// The three streams between two nodes, so that consensus is never behind the pieces of a snapshot.
package enum StreamKind: UInt8, Hashable, Sendable, CaseIterable {
    case consensus = 0
    case requests = 1
    case bulk = 2
}

/// What is known about a peer.
package struct TransportPeerStatus: Hashable, Sendable {
    package var node: NodeID
    /// Where it is dialled; nil for one that only dials us.
    package var address: PeerAddress?
    /// The streams on which something can be sent now.
    package var connectedStreams: Set<StreamKind>
    /// The shortest of the last round trips, in microseconds; nil before the first.
    package var roundTripMicroseconds: Int64?
    /// How far the peer's wall clock is ahead of ours, in microseconds, as of the same round trip.
    package var clockOffsetMicroseconds: Int64?
    /// Why the last connection was refused, by either side; nil once a connection stands.
    package var lastRefusal: String?
    /// Bytes of frames handed to the peer's connections.
    package var sentBytes: UInt64
    /// Bytes of frames that came from it.
    package var receivedBytes: UInt64
    /// Messages to it that were dropped.
    package var droppedMessages: UInt64
}
