/// Handing work to the host and taking its acknowledgements.
extension RaftNode {
    private var appliesUnstable: Bool { !self.configuration.asynchronousStorageWrites }

    /// Whether there is anything for the host to do.
    package var hasReady: Bool {
        if !self.messages.isEmpty || !self.messagesAfterPersist.isEmpty || !self.alarms.isEmpty { return true }
        if self.fault != nil { return false }
        if !self.readStates.isEmpty || !self.failedReads.isEmpty || self.reads.isBroadcastNeeded { return true }
        if self.softState != self.reportedSoftState || self.hardState != self.reportedHardState { return true }
        if self.log.unstable.hasNextEntries || self.log.unstable.nextSnapshot != nil { return true }
        return self.log.hasNextCommitted(allowingUnstable: self.appliesUnstable)
    }

    /// Takes everything there is to do. In the synchronous mode each call is followed by `advance` before the next.
    package mutating func ready() -> Ready {
        precondition(self.pendingAdvance == nil, "Expected advance() before the next ready()")
        var ready = Ready()
        if self.reads.isBroadcastNeeded, self.role == .leader, self.fault == nil { self.broadcastHeartbeat() }
        if self.fault == nil { self.collectState(into: &ready) }
        ready.messages = self.messages
        ready.readStates = self.readStates
        ready.failedReads = self.failedReads
        ready.alarms = self.alarms
        self.messages = []
        self.readStates = []
        self.failedReads = []
        self.alarms = []
        guard self.fault == nil else {
            self.messagesAfterPersist = []
            return ready
        }
        let responses = self.messagesAfterPersist
        self.messagesAfterPersist = []
        if self.configuration.asynchronousStorageWrites {
            self.issueStorageWork(for: &ready, responses: responses)
        } else {
            self.prepareAdvance(for: &ready, responses: responses)
        }
        self.log.acceptUnstable()
        return ready
    }

    private mutating func collectState(into ready: inout Ready) {
        ready.committedEntries = self.log.nextCommitted(allowingUnstable: self.appliesUnstable)
        guard self.fault == nil else {
            ready.committedEntries = []
            return
        }
        ready.entries = self.log.unstable.nextEntries
        ready.snapshot = self.log.unstable.nextSnapshot
        let soft = self.softState
        if soft != self.reportedSoftState {
            ready.softState = soft
            self.reportedSoftState = soft
        }
        let hard = self.hardState
        let known = self.reportedHardState
        if hard != known {
            ready.hardState = hard
            self.reportedHardState = hard
            if self.has(.voteNotPersisted) { ready.hardState?.vote = nil }
        }
        ready.mustSync = !ready.entries.isEmpty || hard.term != known.term || hard.vote != known.vote
        if let last = ready.committedEntries.last {
            let bytes = ready.committedEntries.reduce(0) { $0 + $1.byteCount }
            self.log.acceptApplying(through: last.index, bytes: bytes, allowingUnstable: self.appliesUnstable)
        }
    }

    private mutating func issueStorageWork(for ready: inout Ready, responses: [RaftMessage]) {
        let isNeeded = !ready.entries.isEmpty || ready.hardState != nil || ready.snapshot != nil || !responses.isEmpty
        if isNeeded {
            ready.storageAppend = StorageAppend(
                hardState: ready.hardState,
                entries: ready.entries,
                snapshot: ready.snapshot,
                mustSync: ready.mustSync,
                responses: responses,
                acknowledgement: self.appendAcknowledgement(snapshot: ready.snapshot)
            )
        }
        if let acknowledgement = Self.applyAcknowledgement(ready.committedEntries) {
            ready.storageApply = StorageApply(entries: ready.committedEntries, acknowledgement: acknowledgement)
        }
    }

    private mutating func prepareAdvance(for ready: inout Ready, responses: [RaftMessage]) {
        var own: [RaftMessage] = []
        ready.messagesAfterPersist.reserveCapacity(responses.count)
        for response in responses {
            if response.to == self.id { own.append(response) } else { ready.messagesAfterPersist.append(response) }
        }
        self.pendingAdvance = PendingAdvance(
            messages: own,
            append: self.appendAcknowledgement(snapshot: ready.snapshot),
            apply: Self.applyAcknowledgement(ready.committedEntries)
        )
    }

    /// What is to be acknowledged as durable: everything that is not yet, because work is done in order. It is asked
    /// for again with every piece of work until then, since an acknowledgement from before a change of term is ignored.
    private mutating func appendAcknowledgement(snapshot: Snapshot?) -> AppendAcknowledgement? {
        let hasEntries = !self.log.unstable.entries.isEmpty
        guard hasEntries || self.log.hasPendingSnapshot else { return nil }
        return AppendAcknowledgement(
            term: self.term,
            lastEntry: hasEntries ? self.log.lastEntry() : nil,
            snapshot: snapshot?.id.index
        )
    }

    private static func applyAcknowledgement(_ entries: [LogEntry]) -> ApplyAcknowledgement? {
        guard let last = entries.last else { return nil }
        return ApplyAcknowledgement(
            index: last.index,
            byteCount: entries.reduce(0) { $0 + $1.byteCount },
            payloadBytes: entries.reduce(0) { $0 + $1.payload.count }
        )
    }

    /// Says that everything in the last `Ready` is durable and its committed entries are applied. Synchronous mode.
    package mutating func advance() {
        guard let pending = self.pendingAdvance else { return }
        self.pendingAdvance = nil
        for message in pending.messages { self.step(message) }
        if let append = pending.append { self.persisted(append) }
        if let apply = pending.apply { self.applied(apply) }
    }

    /// Says that the work is durable to which the acknowledgement belongs, and all before it.
    package mutating func persisted(_ acknowledgement: AppendAcknowledgement) {
        guard self.fault == nil else { return }
        // Entries acknowledged in an earlier term may be overwritten by work that is still in the queue.
        if let last = acknowledgement.lastEntry {
            if acknowledgement.term == self.term { self.log.stable(to: last) }
            if self.has(.staleAcknowledgements) { self.log.stable(to: last, ignoringTerm: true) }
        }
        if let snapshot = acknowledgement.snapshot {
            self.log.stableSnapshot(at: snapshot)
            if !self.log.hasPendingSnapshot { self.supersededMembers = nil }
            self.noteApplied(to: snapshot, bytes: 0)
        }
    }

    /// Says that a whole piece of append work is durable: the node's own responses are stepped, the others returned to
    /// be sent.
    package mutating func persisted(_ work: StorageAppend) -> [RaftMessage] {
        var outgoing: [RaftMessage] = []
        for response in work.responses {
            if response.to == self.id { self.step(response) } else { outgoing.append(response) }
        }
        if let acknowledgement = work.acknowledgement { self.persisted(acknowledgement) }
        return outgoing
    }

    /// Says that the entries are applied to which the acknowledgement belongs, and all before them.
    package mutating func applied(_ acknowledgement: ApplyAcknowledgement) {
        guard self.fault == nil else { return }
        self.noteApplied(to: acknowledgement.index, bytes: acknowledgement.byteCount)
        self.reduceUncommitted(by: acknowledgement.payloadBytes)
    }
}
