/// Changes of the members (Raft thesis, chapter 4). A change takes effect when its entry is applied.
extension RaftNode {
    /// Makes the change that a committed entry asks for. The host calls it for every applied entry of a configuration
    /// kind, in the order of the log, and stores the result with its applied index.
    ///
    /// - Returns: the members from now on.
    /// - Throws: when the change cannot be made; then nothing changed, in the same way on every member. `superseded`
    ///   when the entry was applied before.
    @discardableResult
    package mutating func applyConfigurationChange(
        _ entry: LogEntry
    ) throws(ConfigurationChangeError) -> ClusterConfiguration {
        guard entry.index > self.membersIndex else { return try self.applySupersededChange(entry) }
        self.membersIndex = entry.index
        if self.followsChangesTooEarly { return self.tracker.configuration }
        let change = try ConfigurationChange(of: entry)
        var changer = ConfigurationChanger(self.tracker, lastIndex: self.log.lastIndex)
        try changer.apply(change)
        self.tracker.adopt(changer)
        self.membersChanged()
        return self.tracker.configuration
    }

    /// Follows the members of a state machine that a received snapshot is about to replace. The node itself goes by
    /// those of the snapshot; but what the host stores until it is installed must fit the applied index.
    private mutating func applySupersededChange(
        _ entry: LogEntry
    ) throws(ConfigurationChangeError) -> ClusterConfiguration {
        guard let members = self.supersededMembers else { throw .superseded }
        let change = try ConfigurationChange(of: entry)
        let window = self.tracker.emptyWindow
        let tracker = ProgressTracker(members, nextIndex: self.log.lastIndex.next, window: window)
        var changer = ConfigurationChanger(tracker, lastIndex: self.log.lastIndex)
        try changer.apply(change)
        self.supersededMembers = changer.configuration
        return changer.configuration
    }

    private var followsChangesTooEarly: Bool { self.has(.changesAppliedAtAppend) && self.id.rawValue % 2 == 1 }

    /// For a planted defect: changes count as soon as they are appended.
    mutating func followChangesTooEarly(in entries: [LogEntry]) {
        guard self.followsChangesTooEarly else { return }
        for entry in entries where entry.kind != .normal && entry.index > self.membersIndex {
            var changer = ConfigurationChanger(self.tracker, lastIndex: self.log.lastIndex)
            guard let change = try? ConfigurationChange(of: entry) else { continue }
            guard (try? changer.apply(change)) != nil else { continue }
            self.tracker.adopt(changer)
        }
    }

    private mutating func membersChanged() {
        guard self.role == .leader else { return }
        let own = self.tracker[self.id]
        if own == nil || own?.isLearner == true {
            // A removed leader hands out what is committed and leaves the rest to its successor.
            if self.configuration.stepDownOnRemoval { self.becomeFollower(term: self.term, leader: nil) }
            return
        }
        if self.advanceCommit() {
            // The quorum became smaller.
            self.releaseHeldReads()
            self.broadcastAppend()
        } else {
            // Newcomers are probed at once.
            self.broadcastMissing()
        }
        self.releaseConfirmedReads()
        if let transferee = self.transferee, !self.tracker.configuration.isVoter(transferee) { self.transferee = nil }
    }
}
