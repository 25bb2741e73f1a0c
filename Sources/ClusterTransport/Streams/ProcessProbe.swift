import CLibuv
import Logging
import RaftCore

/// The question which of two processes with one identity may be talked to: the one that is connected already, unless
/// it does not answer any more. Its state belongs to the loop's thread.
final class ProcessProbe {
    /// By the monotonic clock in nanoseconds: only what was asked since then tells that the older process lives.
    let started: UInt64
    let timer: LoopTimer
    /// Connections of younger processes, in the order of their hellos.
    var held: [Connection] = []

    init(_ loop: EventLoop) {
        self.started = uv_hrtime()
        self.timer = LoopTimer(loop)
    }
}

extension TransportCore {
    /// Lets a connection whose hello is fine be used, unless another process with its identity is connected. Then it is
    /// held until that one has shown that it lives, or was silent for too long: a copied data folder must not take its
    /// original's place, but a node whose host lost power must come back at once.
    func admit(_ connection: Connection) {
        guard let node = connection.peer else { return }
        let peer = self.peer(node)
        let rivals = Self.rivals(of: connection, at: peer)
        guard !rivals.isEmpty else { return connection.welcome() }
        connection.hold()
        if let probe = peer.probe { return probe.held.append(connection) }
        let probe = ProcessProbe(self.loop)
        probe.held = [connection]
        peer.probe = probe
        for rival in rivals {
            rival.enqueuePing()
            self.touch(rival)
        }
        probe.timer.start(after: self.limits.probeMilliseconds) { [unowned self, unowned peer] in
            self.silenceEnds(probe, of: peer)
            self.flushTouched()
        }
    }

    private static func rivals(of connection: Connection, at peer: Peer) -> [Connection] {
        // A release that does not know of processes says zero, and cannot be told apart.
        guard connection.processID != 0 else { return [] }
        return peer.connections.filter {
            $0.isReady && $0.processID != 0 && $0.processID != connection.processID
        }
    }

    /// The older process has answered a ping.
    func answered(_ pong: WirePong, on connection: Connection, from peer: Peer) {
        guard let probe = peer.probe, pong.sent >= probe.started else { return }
        peer.probe = nil
        probe.timer.close()
        for newcomer in probe.held {
            newcomer.refuse(
                Refusal(
                    .duplicateProcess,
                    "Expected one process with the identity of node \(peer.node), but another one is connected from "
                        + "\(connection.remoteAddress) and alive: a data folder was copied; stop the process at "
                        + "\(newcomer.remoteAddress) and delete its copy; another node needs an identity of its own"
                )
            )
        }
    }

    /// The older process was silent: it is gone, whatever became of its connections.
    private func silenceEnds(_ probe: ProcessProbe, of peer: Peer) {
        guard peer.probe === probe else { return }
        self.logger.notice(
            "A peer's process does not answer; a younger one takes its place",
            metadata: ["peer.node": "\(peer.node)"]
        )
        let rivals = probe.held.flatMap { Self.rivals(of: $0, at: peer) }
        peer.probe = nil
        probe.timer.close()
        let limit = self.limits.probeMilliseconds
        for rival in rivals {
            rival.close(.failed("Expected a sign of life within \(limit) ms, since another process came, but got none"))
        }
        for connection in probe.held { self.release(connection) }
    }

    /// A connection that the probe asked about, or asks for, is gone.
    func probeLost(_ connection: Connection, of peer: Peer) {
        guard let probe = peer.probe else { return }
        probe.held.removeAll { $0 === connection }
        let hasRivals = probe.held.contains { !Self.rivals(of: $0, at: peer).isEmpty }
        guard !hasRivals || self.isStopping else { return }
        peer.probe = nil
        probe.timer.close()
        guard !self.isStopping else { return }
        for connection in probe.held { self.release(connection) }
    }

    private func release(_ connection: Connection) {
        guard connection.phase == .held else { return }
        // Of several younger processes the first has just taken the place.
        self.admit(connection)
    }

    // MARK: Being refused

    /// What a peer's refusal means for this node.
    func refused(by node: NodeID, _ refusal: WireRefusal) -> Refusal {
        let reason = Identity.shown(refusal.reason, limit: Identity.longestReason)
        switch Refusal.Code(rawValue: refusal.code) {
        case .duplicateProcess: self.exclude(reason, by: node)
        case .duplicateNode: self.handler.identityRefused(by: node, reason: reason, isFinal: false)
        default: break
        }
        return Refusal(.refusedByPeer, "The peer refused: \(reason)")
    }

    /// Another process with this node's identity lives: this one must not be heard of again, not even when the other
    /// stops, for its own data may be an old copy.
    private func exclude(_ reason: String, by node: NodeID) {
        guard self.exclusion == nil else { return }
        self.exclusion = reason
        self.logger.critical(
            "Another process with this node's identity is connected: this one is cut off until it is started again",
            metadata: ["peer.node": "\(node)", "reason": "\(reason)"]
        )
        self.handler.identityRefused(by: node, reason: reason, isFinal: true)
        // Later, since a connection is being read now.
        self.loop.post { $0.cutOff() }
    }

    private func cutOff() {
        guard !self.isStopping else { return }
        for peer in self.peers.values { for lane in peer.lanes { lane.hangUp() } }
        for connection in Array(self.connections.values) { connection.closeAfterFlush(.local) }
    }
}
