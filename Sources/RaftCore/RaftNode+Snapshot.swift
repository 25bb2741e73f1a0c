/// Snapshots (Raft paper, section 7).
extension RaftNode {
    /// Sends a snapshot to a follower whose next entries are compacted away; false when there is none to send yet.
    mutating func sendSnapshot(to position: Int) -> Bool {
        // A large transfer to a node that may be dead helps nobody.
        guard self.fault == nil, self.tracker.peers[position].isRecentlyActive else { return false }
        guard let snapshot = self.log.snapshot(), snapshot.id.index > .zero else { return false }
        self.tracker.peers[position].becomeSnapshot(at: snapshot.id.index)
        self.send(.snapshot(snapshot), to: self.tracker.peers[position].id)
        return true
    }

    /// Tells the leader how the transfer of a snapshot ended. Until then, or until the follower acknowledges, nothing
    /// else is sent to it.
    package mutating func reportSnapshot(to peer: NodeID, succeeded: Bool) {
        guard self.fault == nil, self.role == .leader, let position = self.tracker.position(of: peer) else { return }
        guard self.tracker.peers[position].state == .snapshot else { return }
        if !succeeded { self.tracker.peers[position].abandonSnapshot() }
        self.tracker.peers[position].becomeProbe()
        // The next heartbeat's answer, or the acknowledgement, shows that it is worth while to go on.
        self.tracker.peers[position].isFlowPaused = true
    }

    mutating func handleSnapshot(_ snapshot: Snapshot, from leader: NodeID) {
        let isRestored = self.restore(snapshot)
        let index = isRestored ? self.log.lastIndex : self.log.committed
        self.sendAfterPersist(.appendResponse(AppendResponse(index: index)), to: leader)
    }

    /// Takes over a snapshot; false when it tells nothing new.
    private mutating func restore(_ snapshot: Snapshot) -> Bool {
        guard snapshot.id.index > self.log.committed else { return false }
        // Any members will do, also some without this node: the change that added it may come after the snapshot.
        let members = snapshot.metadata.configuration
        if self.log.matches(snapshot.id) {
            // All of it is here already.
            self.log.commit(to: snapshot.id.index)
            return false
        }
        self.log.restore(snapshot)
        if self.supersededMembers == nil { self.supersededMembers = self.tracker.configuration }
        self.membersIndex = snapshot.id.index
        let window = self.tracker.emptyWindow
        self.tracker = ProgressTracker(members, nextIndex: self.log.lastIndex.next, window: window)
        self.tracker.plantedDefects = self.configuration.plantedDefects
        if let own = self.tracker.position(of: self.id) {
            _ = self.tracker.peers[own].acknowledge(self.log.lastIndex)
        }
        return true
    }
}
