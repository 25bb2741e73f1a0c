package import ProcessEngine
import RaftCore

/// What the state's open transaction holds beside the open batch: effects of committed entries, which come into the
/// state for good with the next save.
struct Unsaved {
    var isTransactionOpen = false
    /// In order, to be applied again after a rollback.
    var entries: [CommittedEntry] = []
    /// Of the entries' payloads.
    var byteCount = 0
    /// When it is to be saved; nil when there is nothing.
    var saveTime: Int64?
}

/// When the state's transaction is committed. What counts is the log: it is durable first, and supplies what the state
/// lacks after a crash. So the state follows in steps of many batches (decision 0020): their pages are written once
/// instead of once a batch, and no client waits for it. Who reads the database waits for a save (`releaseReads`).
extension Replica {
    /// Begins the state's transaction if none is open.
    func openTransaction() throws {
        guard !unsaved.isTransactionOpen else { return }
        try state.begin()
        unsaved.isTransactionOpen = true
    }

    /// Nothing was done in it.
    func closeEmptyTransaction() throws {
        try state.rollback()
        unsaved.isTransactionOpen = false
    }

    /// There is something to be saved.
    func noteUnsaved() {
        if unsaved.saveTime == nil { unsaved.saveTime = time + limits.saveMilliseconds }
    }

    /// The effects of a committed entry are in the transaction.
    func noteUnsaved(_ committed: CommittedEntry) {
        var noted = committed
        noted.isNoted = true
        unsaved.entries.append(noted)
        unsaved.byteCount += committed.entry.payload.count
        noteUnsaved()
    }

    /// Whether the transaction is to be committed now. While a batch is open nothing can be: its effects are in the
    /// same transaction.
    var isSaveDue: Bool {
        guard openBatch == nil, !isStalled, time >= retryTime, let due = unsaved.saveTime else { return false }
        return time >= due || unsaved.byteCount >= limits.unsavedBytes || isExecutionHeld || hasReadToRelease
    }

    /// When a save is due by time.
    var nextSave: Int64? { openBatch == nil ? unsaved.saveTime.map { max($0, retryTime) } : nil }

    /// Commits the transaction, and removes finished instances along with it. Not replicated: where finished instances
    /// are kept is each node's own affair.
    func save() throws {
        do {
            try openTransaction()
            let leaving = Array(archived.prefix(limits.archivedPerSave))
            if !leaving.isEmpty { try removeArchived(leaving) }
            try state.commit(position)
            archived.removeFirst(leaving.count)
        } catch let failure as any StorageFailure where failure.isOutOfSpace {
            try giveUpTransaction(failure)
            return
        }
        unsaved = Unsaved()
        if !archived.isEmpty { noteUnsaved() }
        releaseReads()
    }

    /// There is no space for what the transaction holds. Its entries are durable and committed, so they are applied
    /// again as soon as there is.
    func giveUpTransaction(_ failure: any StorageFailure, with entries: [CommittedEntry] = []) throws {
        try? state.rollback()
        waitingEntries = unsaved.entries + entries + waitingEntries
        forgetTransaction()
        stall(failure)
        guard isStalled else { return }
        // Nobody knows when there will be space.
        for request in queue.removeAllClients() { refuseForSpace(request) }
    }

    func refuseForSpace(_ request: SubmittedRequest) {
        answer(request.request.id, .refused(reason: "the disk is full"))
    }

    /// Takes back what the transaction holds beyond committed entries. SQLite takes back all of it; what is committed
    /// is applied anew.
    func undoUncommitted() throws {
        guard unsaved.isTransactionOpen else { return }
        try state.rollback()
        let entries = unsaved.entries
        forgetTransaction()
        if !entries.isEmpty { try applyForeign(entries) }
    }

    /// After a rollback: the state is as it was at the last save.
    private func forgetTransaction() {
        unsaved = Unsaved()
        position = state.position
        isEngineStale = true
        nextDue = .unknown
        if !archived.isEmpty { noteUnsaved() }
    }

    /// Commits what can be before the replica is let go. Without this nothing is lost either.
    package func saveAtTheEnd() throws {
        guard !isStalled else { return }
        if openBatch != nil { try dropOpenBatch() }
        if unsaved.isTransactionOpen { try save() }
    }

    /// Takes the state that came with a snapshot in place of the present one, whose files the host closes.
    package func install(_ installed: any TransactionalState) throws {
        detachOpenBatch()
        abandonOrphans()
        if unsaved.isTransactionOpen { try state.rollback() }
        waitingEntries = []
        // The snapshot holds what these would have changed.
        for work in applyQueue { raft.applied(work.acknowledgement) }
        applyQueue = []
        archived = []
        state = installed
        forgetTransaction()
        membership = try Membership(decoding: installed.membership)
        actions.append(.membersChanged(membership))
        releaseReads()
    }

    /// Brings the engine's memory up to the state.
    func refreshEngine() throws {
        guard isEngineStale else { return }
        try engine.reload(from: state)
        isEngineStale = false
    }
}
