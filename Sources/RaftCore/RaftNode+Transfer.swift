/// Handing over leadership (Raft thesis, section 3.10).
extension RaftNode {
    /// Asks the leader to hand over to a voter; on a follower the wish is passed on. It is given up after an election
    /// timeout. Proposals are refused meanwhile.
    package mutating func transferLeadership(to transferee: NodeID) {
        guard self.fault == nil else { return }
        guard self.role == .leader else {
            guard self.role == .follower, let leader = self.leader else { return }
            self.send(.transferRequest(to: transferee), to: leader)
            return
        }
        guard let position = self.tracker.position(of: transferee) else { return }
        guard self.tracker.configuration.isVoter(transferee), !self.tracker.peers[position].isLearner else { return }
        guard self.transferee != transferee else { return }
        // A new wish replaces an old one; naming the leader itself ends it.
        self.transferee = nil
        guard transferee != self.id else { return }
        self.electionElapsed = 0
        self.transferee = transferee
        if self.tracker.peers[position].match == self.log.lastIndex {
            self.send(.timeoutNow, to: transferee)
        } else {
            self.sendAppend(to: position)
        }
    }
}
