/// Log replication (Raft paper, section 5.3), both sides.
extension RaftNode {
    /// Entries read for one follower, kept for the next one that needs the same.
    private struct SharedEntries {
        var from: LogIndex
        var entries: [LogEntry]
    }

    // MARK: Leader

    mutating func broadcastAppend() {
        var shared: SharedEntries?
        for position in self.tracker.peers.indices where self.tracker.peers[position].id != self.id {
            self.sendAppend(to: position, evenIfEmpty: true, sharing: &shared)
        }
    }

    /// Sends what the followers lack, but nothing to those that lack nothing.
    mutating func broadcastMissing() {
        var shared: SharedEntries?
        for position in self.tracker.peers.indices where self.tracker.peers[position].id != self.id {
            self.sendAppend(to: position, evenIfEmpty: false, sharing: &shared)
        }
    }

    @discardableResult
    mutating func sendAppend(to position: Int, evenIfEmpty: Bool = true) -> Bool {
        var shared: SharedEntries?
        return self.sendAppend(to: position, evenIfEmpty: evenIfEmpty, sharing: &shared)
    }

    /// Sends one append request, or a snapshot where the entries are gone; false when nothing was sent.
    @discardableResult
    private mutating func sendAppend(
        to position: Int,
        evenIfEmpty: Bool,
        sharing shared: inout SharedEntries?
    ) -> Bool {
        let peer = self.tracker.peers[position].id
        let state = self.tracker.peers[position].state
        guard !self.tracker.peers[position].isPaused else { return false }
        let next = self.tracker.peers[position].next
        guard let previousTerm = self.log.term(of: next.previous) else { return self.sendSnapshot(to: position) }
        var entries: [LogEntry] = []
        // With a full window only an empty request is sent, whose answer shows which of the others were lost.
        if state != .replicate || !self.tracker.peers[position].inflight.isFull {
            if let known = shared, known.from == next {
                entries = known.entries
            } else {
                guard let read = self.log.entries(from: next, maxBytes: self.configuration.maxMessageBytes) else {
                    return self.sendSnapshot(to: position)
                }
                entries = read
                shared = SharedEntries(from: next, entries: read)
            }
        }
        if entries.isEmpty, !evenIfEmpty { return false }
        let request = AppendRequest(
            previous: EntryID(term: previousTerm, index: next.previous),
            commit: self.log.committed,
            entries: entries
        )
        self.send(.appendRequest(request), to: peer)
        let bytes = entries.reduce(0) { $0 + $1.payload.count }
        self.tracker.peers[position].sent(count: entries.count, bytes: bytes)
        self.tracker.peers[position].sentCommit = self.log.committed
        return true
    }

    mutating func handleAppendResponse(_ response: AppendResponse, from position: Int) {
        self.tracker.peers[position].isRecentlyActive = true
        // No honest member acknowledges what was never written.
        guard response.index <= self.log.lastIndex else { return }
        if let hint = response.rejectionHint {
            self.handleRejection(at: response.index, hint: hint, from: position)
            return
        }
        let isProbing = self.tracker.peers[position].state == .probe
        let isNews = self.tracker.peers[position].acknowledge(response.index)
        // An old acknowledgement still shows a probed follower to be reachable.
        guard isNews || (isProbing && self.tracker.peers[position].match == response.index) else { return }
        self.advanceState(of: position, acknowledged: response.index)
        let peer = self.tracker.peers[position].id
        if self.advanceCommit() {
            self.releaseHeldReads()
            self.broadcastAppend()
        } else if peer != self.id, self.tracker.peers[position].canRaiseCommit(to: self.log.committed) {
            self.sendAppend(to: position)
        }
        guard peer != self.id else { return }
        // The acknowledgement may have made room for several requests.
        while self.sendAppend(to: position, evenIfEmpty: false) {}
        if peer == self.transferee, self.tracker.peers[position].match == self.log.lastIndex {
            self.send(.timeoutNow, to: peer)
        }
    }

    private mutating func advanceState(of position: Int, acknowledged index: LogIndex) {
        switch self.tracker.peers[position].state {
        case .probe:
            self.tracker.peers[position].becomeReplicate()
        case .snapshot:
            // It need not be the snapshot that was sent: any state from which our log can go on will do.
            if self.tracker.peers[position].match.next >= self.log.firstIndex {
                self.tracker.peers[position].becomeProbe()
                self.tracker.peers[position].becomeReplicate()
            }
        case .replicate:
            self.tracker.peers[position].inflight.free(through: index)
        }
    }

    private mutating func handleRejection(at index: LogIndex, hint: EntryID, from position: Int) {
        // The hint says: nothing above this entry can match, and here my term is that. So neither can anything of ours
        // above it with a higher term.
        var probe = hint.index
        if hint.term > .zero { probe = self.log.lastEntry(at: hint.index, withTermAtMost: hint.term).index }
        guard self.tracker.peers[position].stepBack(rejected: index, hint: probe) else { return }
        if self.tracker.peers[position].state == .replicate { self.tracker.peers[position].becomeProbe() }
        self.sendAppend(to: position)
    }

    mutating func broadcastHeartbeat() {
        let readID = self.reads.newestPending
        for position in self.tracker.peers.indices where self.tracker.peers[position].id != self.id {
            let match = self.tracker.peers[position].match
            // More could be committed than the follower holds, so the commit index ends at what it acknowledged.
            let isCapped = !self.has(.heartbeatsCommitUnmatchedEntries)
            let commit = isCapped ? min(match, self.log.committed) : self.log.committed
            let heartbeat = Heartbeat(commit: commit, acknowledged: match, readID: readID)
            self.send(.heartbeat(heartbeat), to: self.tracker.peers[position].id)
            self.tracker.peers[position].sentCommit = commit
        }
        self.reads.isBroadcastNeeded = false
    }

    mutating func handleHeartbeatResponse(_ response: HeartbeatResponse, from position: Int) {
        if let lost = response.lostAcknowledged, lost > .zero {
            self.raise(.followerLostEntries(node: self.tracker.peers[position].id, acknowledged: lost))
        }
        self.tracker.peers[position].isRecentlyActive = true
        self.tracker.peers[position].isFlowPaused = false
        // An empty request frees a full window all of whose requests were lost, and a probed follower that is up to
        // date answers it and is replicated to again.
        let isBehind = self.tracker.peers[position].match < self.log.lastIndex
        if isBehind || self.tracker.peers[position].state == .probe { self.sendAppend(to: position) }
        self.confirmReads(response.readID, from: position)
    }

    /// Tells the node that a message to a peer was lost, so that it goes back to probing.
    package mutating func reportUnreachable(_ peer: NodeID) {
        guard self.fault == nil, self.role == .leader, let position = self.tracker.position(of: peer) else { return }
        if self.tracker.peers[position].state == .replicate { self.tracker.peers[position].becomeProbe() }
    }

    // MARK: Follower

    mutating func handleAppendRequest(_ request: AppendRequest, from leader: NodeID) {
        // What is committed here matches every later leader's log, whether or not the entry is still there.
        if request.previous.index < self.log.committed {
            self.sendAfterPersist(.appendResponse(AppendResponse(index: self.log.committed)), to: leader)
            return
        }
        if let last = self.log.append(request) {
            self.followChangesTooEarly(in: request.entries)
            self.sendAfterPersist(.appendResponse(AppendResponse(index: last)), to: leader)
            return
        }
        guard self.fault == nil else { return }
        let start = min(request.previous.index, self.log.lastIndex)
        let hint = self.log.lastEntry(at: start, withTermAtMost: request.previous.term)
        let refusal = AppendResponse(index: request.previous.index, rejectionHint: hint)
        self.sendAfterPersist(.appendResponse(refusal), to: leader)
    }

    mutating func handleHeartbeat(_ heartbeat: Heartbeat, from leader: NodeID) {
        var needed = max(heartbeat.acknowledged, heartbeat.commit)
        if self.has(.heartbeatsCommitUnmatchedEntries) { needed = min(needed, self.log.lastIndex) }
        if needed > self.log.lastIndex {
            // In one term a log never gets shorter than what was acknowledged, unless the disk lost it. Such a node
            // must neither vote nor acknowledge anything again.
            self.send(.heartbeatResponse(HeartbeatResponse(lostAcknowledged: needed)), to: leader)
            self.stop(.acknowledgedEntriesLost(acknowledged: needed, lastIndex: self.log.lastIndex))
            return
        }
        self.log.commit(to: min(needed, heartbeat.commit))
        self.send(.heartbeatResponse(HeartbeatResponse(readID: heartbeat.readID)), to: leader)
    }

    /// Stops for good. What was queued for others is still handed out once, without anything that was not durable.
    mutating func stop(_ fault: RaftFault) {
        self.messagesAfterPersist = []
        self.log.fail(fault)
    }
}
