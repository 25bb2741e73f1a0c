/// Proposals: how entries enter the leader's log.
extension RaftNode {
    /// Appends a payload to the leader's log.
    ///
    /// - Returns: the entry's place. It is committed if and only if an entry of that index *and* term is handed out as
    ///   committed; after a change of leader another entry may take the place.
    @discardableResult
    package mutating func propose(_ payload: [UInt8]) throws(ProposalRejection) -> EntryID {
        try self.propose(CollectionOfOne(payload))
    }

    /// Appends several payloads at once, which costs one message per follower instead of one per payload.
    ///
    /// - Returns: the place of the last one; the others are right before it. An empty list returns the log's end.
    @discardableResult
    package mutating func propose(_ payloads: some Collection<[UInt8]>) throws(ProposalRejection) -> EntryID {
        if let rejection = self.proposalRejection { throw rejection }
        if payloads.isEmpty { return self.log.lastEntry() }
        var bytes = 0
        for payload in payloads { bytes += payload.count }
        guard self.mayAppend(payloadBytes: bytes) else { throw .uncommittedLimit }
        self.uncommittedBytes += bytes
        self.log.reserve(payloads.count)
        var index = self.log.lastIndex
        for payload in payloads {
            index = index.next
            self.log.append(LogEntry(term: self.term, index: index, payload: payload))
        }
        self.acknowledgeOwnAppend()
        self.broadcastAppend()
        return EntryID(term: self.term, index: index)
    }

    /// Appends a change of members to the leader's log. It takes effect when it is applied.
    ///
    /// - Parameter asSingleChange: use the older encoding for one node; only for a change of one step.
    @discardableResult
    package mutating func proposeConfigurationChange(
        _ change: ConfigurationChange,
        asSingleChange: Bool = false
    ) throws(ProposalRejection) -> EntryID {
        if let rejection = self.proposalRejection { throw rejection }
        let kind: EntryKind = asSingleChange ? .configurationChange : .configurationChangeV2
        guard change.isEncodable, let payload = asSingleChange ? change.encodedAsSingleChange() : change.encoded()
        else { throw .invalidChange(.malformed) }
        if let rejection = self.rejection(of: change) { throw rejection }
        let entry = LogEntry(term: self.term, index: self.log.lastIndex.next, kind: kind, payload: payload)
        guard self.mayAppend(payloadBytes: payload.count) else { throw .uncommittedLimit }
        self.pendingChangeIndex = entry.index
        self.appendOwn([entry])
        self.broadcastAppend()
        return entry.id
    }

    /// Why a proposal would be refused now, whatever it says; nil when it would be taken.
    package var proposalRejection: ProposalRejection? {
        if let fault = self.fault { return .stopped(fault) }
        guard self.role == .leader else { return .notLeader(leader: self.leader) }
        guard self.tracker[self.id] != nil else { return .notMember }
        if let transferee = self.transferee { return .transferInProgress(to: transferee) }
        return nil
    }

    /// Why a change of members cannot be proposed now.
    private func rejection(of change: ConfigurationChange) -> ProposalRejection? {
        guard self.configuration.validatesConfigurationChanges else { return nil }
        if self.pendingChangeIndex > self.log.applied { return .changeInProgress(index: self.pendingChangeIndex) }
        if self.tracker.configuration.isJoint, !change.steps.isEmpty { return .mustLeaveJoint }
        if !self.tracker.configuration.isJoint, change.steps.isEmpty { return .notJoint }
        var changer = ConfigurationChanger(self.tracker, lastIndex: self.log.lastIndex)
        do throws(ConfigurationChangeError) {
            try changer.apply(change)
            return nil
        } catch {
            return .invalidChange(error)
        }
    }

    /// Takes entries that arrived as a message: appended by the leader, passed on by a follower where that is allowed.
    ///
    /// A change of members that cannot be proposed now becomes an empty entry, since its sender waits for an index.
    mutating func handleProposal(_ proposed: [LogEntry], from sender: NodeID) -> StepOutcome {
        guard self.role == .leader else {
            guard self.configuration.forwardsProposals, self.role == .follower, let leader = self.leader else {
                return .ignored(.proposalDropped)
            }
            self.send(.proposal(proposed), to: leader, term: .zero)
            return .handled
        }
        guard self.proposalRejection == nil, !proposed.isEmpty else { return .ignored(.proposalDropped) }
        var entries: [LogEntry] = []
        var changeIndex: LogIndex?
        for proposal in proposed {
            var entry = proposal
            entry.term = self.term
            entry.index = self.log.lastIndex + (entries.count + 1)
            if entry.kind != .normal {
                let change = try? ConfigurationChange(of: entry)
                if let change, changeIndex == nil, self.rejection(of: change) == nil {
                    changeIndex = entry.index
                } else {
                    entry.kind = .normal
                    entry.payload = []
                }
            }
            entries.append(entry)
        }
        guard self.mayAppend(payloadBytes: entries.reduce(0) { $0 + $1.payload.count }) else {
            return .ignored(.proposalDropped)
        }
        if let changeIndex { self.pendingChangeIndex = changeIndex }
        self.appendOwn(entries)
        self.broadcastAppend()
        return .handled
    }

    /// A leader that cannot commit must not fill its memory. Entries without payload always pass: the no-op of a new
    /// leader and the end of a joint configuration are what may free the group.
    private func mayAppend(payloadBytes: Int) -> Bool {
        if payloadBytes == 0 || self.uncommittedBytes == 0 { return true }
        return payloadBytes <= self.configuration.maxUncommittedBytes - self.uncommittedBytes
    }

    /// Appends entries that carry their place already.
    mutating func appendOwn(_ entries: [LogEntry]) {
        self.log.reserve(entries.count)
        for entry in entries {
            self.uncommittedBytes += entry.payload.count
            self.log.append(entry)
        }
        self.followChangesTooEarly(in: entries)
        self.acknowledgeOwnAppend()
    }

    /// The leader counts itself like a follower: once its own write is durable (Raft thesis, section 10.2.1).
    private mutating func acknowledgeOwnAppend() {
        if self.has(.ownEntriesCountedBeforePersisted), let own = self.tracker.position(of: self.id) {
            _ = self.tracker.peers[own].acknowledge(self.log.lastIndex)
        }
        self.sendAfterPersist(.appendResponse(AppendResponse(index: self.log.lastIndex)), to: self.id)
    }

    mutating func reduceUncommitted(by bytes: Int) {
        // Entries of earlier leaders were not counted, so this may be more than was added.
        self.uncommittedBytes = max(0, self.uncommittedBytes - bytes)
    }
}
