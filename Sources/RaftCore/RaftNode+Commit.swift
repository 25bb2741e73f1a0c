/// What is committed and applied (Raft paper, sections 5.3 and 5.4.2).
extension RaftNode {
    /// Raises the commit index to what a quorum holds, but only up to an entry of the present term: entries of earlier
    /// terms are committed by what follows them, never by counting.
    mutating func advanceCommit() -> Bool {
        let index = self.tracker.committed
        guard index > self.log.committed else { return false }
        guard self.log.term(of: index) == self.term || self.has(.commitsEarlierTermsByCounting) else { return false }
        self.log.commit(to: index)
        return true
    }

    /// Whether an entry of the leader's own term is committed, so that its commit index is up to date.
    mutating func hasCommittedInTerm() -> Bool { self.log.term(of: self.log.committed) == self.term }

    mutating func noteApplied(to index: LogIndex, bytes: Int) {
        self.log.applied(to: index, bytes: bytes)
        let isSettled = self.log.applied >= self.pendingChangeIndex
        guard self.tracker.configuration.autoLeave, isSettled, self.role == .leader else { return }
        // Refused while leadership is handed over; then it is tried again with the next applied entry, here or there.
        _ = try? self.proposeConfigurationChange(.leaveJoint)
    }
}
