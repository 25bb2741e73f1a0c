import Logging
import RaftCore

/// Another node, as this one sees it. Used on the loop's thread only.
final class Peer {
    let node: NodeID
    private unowned let core: TransportCore
    /// Where to dial it; nil while it is not known, for one that dialled us.
    private(set) var address: PeerAddress?
    private(set) var lanes: [PeerLane] = []
    let gauge = QueueGauge()
    var clock = ClockSamples()
    var lastRefusal: String?
    /// The data folder it showed first. Another one under the same node identifier is refused. With a memory of folders
    /// only as long as it is connected: what is to be kept for longer is there.
    var directoryID: String?
    /// Set while it is being found out which of two processes is talked to.
    var probe: ProcessProbe?
    var hasSaidGoodbye = false
    /// Whether consensus messages reach it, as last told.
    private var isConnected = false
    /// Whether it was connected since the last hint that its process is dead.
    private var mayHint = false
    /// Whether its port refused the last attempt.
    private var isPortRefused = false
    var outstandingRequests = 0
    /// Bytes of connections that are closed.
    var closedSentBytes: UInt64 = 0
    var closedReceivedBytes: UInt64 = 0

    init(_ core: TransportCore, node: NodeID) {
        self.core = core
        self.node = node
        self.lanes = StreamKind.allCases.map { PeerLane(core, peer: self, stream: $0) }
    }

    subscript(stream: StreamKind) -> PeerLane { self.lanes[Int(stream.rawValue)] }

    /// Dials the address from now on, or nothing.
    func setAddress(_ address: PeerAddress?) {
        guard self.address != address else { return }
        self.address = address
        for lane in self.lanes {
            lane.hangUp()
            lane.dial()
        }
        self.update()
    }

    /// Tells the node when the peer came or went.
    func update() {
        let isConnected = self[.consensus].usable != nil
        guard isConnected != self.isConnected else { return }
        self.isConnected = isConnected
        if isConnected {
            self.mayHint = true
            self.hasSaidGoodbye = false
        }
        self.core.logger.info(
            isConnected ? "Peer connected" : "Peer disconnected",
            metadata: ["peer.node": "\(self.node)"]
        )
        self.core.handler.peerChanged(self.node, isConnected: isConnected)
        if !isConnected, self.isPortRefused { self.portRefused() }
    }

    /// Nothing can be sent to it any more.
    var isGone: Bool { !self.connections.contains { $0.isReady } }

    /// The peer was reached at its address.
    func portAnswered() { self.isPortRefused = false }

    /// The peer's port refuses connections. That is news only of one that was connected and did not say goodbye.
    func portRefused() {
        // What the peer dialled may end a moment later than what we did.
        self.isPortRefused = true
        guard self.mayHint, !self.isConnected else { return }
        self.mayHint = false
        guard !self.hasSaidGoodbye else { return }
        self.core.logger.notice("Peer's process is gone", metadata: ["peer.node": "\(self.node)"])
        self.core.handler.peerRefused(self.node)
    }

    var connections: [Connection] {
        self.lanes.flatMap { [$0.outgoing, $0.incoming] }.compactMap { $0 }
    }

    var status: TransportPeerStatus {
        TransportPeerStatus(
            node: self.node,
            address: self.address,
            connectedStreams: Set(self.lanes.filter { $0.usable != nil }.map(\.stream)),
            roundTripMicroseconds: self.clock.best?.roundTrip,
            clockOffsetMicroseconds: self.clock.best?.offset,
            lastRefusal: self.lastRefusal,
            sentBytes: self.connections.reduce(self.closedSentBytes) { $0 &+ $1.sentBytes },
            receivedBytes: self.connections.reduce(self.closedReceivedBytes) { $0 &+ $1.receivedBytes },
            droppedMessages: UInt64(self.gauge.droppedCount)
        )
    }
}
