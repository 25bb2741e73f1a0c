import Glibc
package import RaftCore
import SQLite
import Synchronization

/// The durable log in one SQLite database per node (`raft.db`; write-ahead logging, one sync a commit).
///
/// **Group commit by combining.** A thread that wants something durable queues it. If nobody has the turn it takes it,
/// does all that is queued in one transaction with one sync, hands out the outcomes, and passes the turn to a thread
/// that has queued meanwhile. So one writer costs no change of threads, and many share each sync.
///
/// **Memory.** Heads (bounds, hard state, snapshot) of all groups and the newest entries are kept in memory; a read of
/// what was just written needs neither the turn nor SQL.
///
/// `@unchecked Sendable`: `lock` guards all stored properties that change. `store` is used only by the thread that has
/// the turn. `heads` and `damaged` change only with both, so that whoever has the turn may read them without the lock.
package final class SQLiteRaftLog: DurableLog, @unchecked Sendable {
    private let options: RaftLogOptions
    private let lock: LogLock
    private var turns = LogTurns()
    private var heads: [GroupID: GroupHead] = [:]
    /// Groups in which opening has found damage.
    private var damaged: [GroupID: RaftLogError] = [:]
    private var caches: LogCaches
    /// Groups that have rows below their first index; touched with the turn only.
    private var unswept: Set<GroupID> = []
    /// Why the log can be used no more.
    private var failure: RaftLogError?
    /// Nil after `close`; touched with the turn only.
    private var store: LogStore?
    /// Wakes the background thread, which exists from the first call that does not wait.
    private var background: ThreadSignal?
    /// The number of transactions so far, each with one sync.
    private var flushes = 0
    /// Touched with the turn only.
    private var gathering = Gathering()
    /// The length of the queue, to be looked at without the lock.
    private let queued = Atomic<Int>(0)

    /// The most that is put into one transaction, in bytes of queued work; a single larger write goes alone.
    private static let transactionBytesLimit = 32 << 20
    /// Rows swept beside every transaction, at least.
    private static let sweepRows: UInt64 = 128

    /// Opens the log in `folder`, which must exist; makes a new one unless told not to.
    ///
    /// Besides refusing what cannot be a log of this node, it checks every group: the record, the newest entries, the
    /// commit index against the last entry, and for small files that no entry is missing. A damaged group is refused on
    /// every use (`.corrupted`); the others work.
    package init(folder: String, identity: LogIdentity, options: RaftLogOptions = RaftLogOptions()) throws {
        self.options = options
        self.caches = LogCaches(bytesLimit: options.cacheBytes)
        self.lock = LogLock()
        do {
            let store = try LogStore(path: folder + "/raft.db", identity: identity, options: options)
            self.store = store
            let contents = try LogContents(of: store, options: options)
            self.heads = contents.heads
            self.damaged = contents.damaged
            self.unswept = contents.unswept
            self.caches = contents.caches
        } catch {
            throw RaftLogError(wrapping: error)
        }
    }

    deinit { self.background?.post() }

    /// The number of transactions, and so of syncs, since the log was opened.
    package var flushCount: Int { self.lock.withLock { self.flushes } }

    // MARK: Reading

    package func groups() throws -> [GroupID] {
        try self.lock.withLock {
            try self.checkUsable()
            return (Array(self.heads.keys) + Array(self.damaged.keys)).sorted()
        }
    }

    package func status(of group: GroupID) throws -> GroupStatus {
        try self.lock.withLock {
            try self.checkUsable()
            return try self.head(of: group).status
        }
    }

    package func term(of index: LogIndex, in group: GroupID) throws -> Term {
        let cached: Term? = try self.lock.withLock {
            try self.checkUsable()
            let status = try self.head(of: group).status
            if index == status.snapshot.index { return status.snapshot.term }
            if index == status.lastIndex { return status.lastTerm }
            try Self.check(index, index, within: status)
            return self.caches.entry(at: index, of: group)?.term
        }
        if let cached { return cached }
        guard let entry = try self.entries(of: group, from: index, through: index, maxBytes: 0).first else {
            throw RaftLogError(.unavailable, group: group, index: index, "Expected an entry, but got none")
        }
        return entry.term
    }

    package func entries(
        of group: GroupID,
        from first: LogIndex,
        through last: LogIndex,
        maxBytes: Int
    ) throws -> [LogEntry] {
        guard first <= last else { return [] }
        let cached: [LogEntry]? = try self.lock.withLock {
            try self.checkUsable()
            try Self.check(first, last, within: self.head(of: group).status)
            return self.caches.entries(of: group, from: first, through: last, maxBytes: maxBytes)
        }
        if let cached { return cached }
        return try self.reading(group) { store, status in
            // The range may have been truncated or compacted before the turn came.
            try Self.check(first, last, within: status)
            return try store.entries(of: status, from: first, through: last, maxBytes: maxBytes)
        }
    }

    package func verify(_ group: GroupID) throws {
        var next = try self.status(of: group).firstIndex
        var term = Term.zero
        while true {
            let entries = try self.reading(group) { store, status -> [LogEntry] in
                next = max(next, status.firstIndex)
                guard next <= status.lastIndex else { return [] }
                return try store.entries(of: status, from: next, through: status.lastIndex, maxBytes: 1 << 20)
            }
            guard let last = entries.last else { return }
            for entry in entries {
                guard entry.term >= term else {
                    let message = "Expected a term of at least \(term), but got \(entry.term)"
                    throw RaftLogError(.corrupted, group: group, index: entry.index, message)
                }
                term = entry.term
            }
            next = LogIndex(last.index.rawValue + 1)
        }
    }

    /// Waits for the turn and reads from the database with it.
    private func reading<Value>(
        _ group: GroupID,
        _ body: (LogStore, GroupStatus) throws -> Value
    ) throws -> Value {
        let signal: ThreadSignal? = self.lock.withLock {
            if self.turns.take() { return nil }
            let signal = ThreadSignal()
            self.turns.enqueueReader(signal)
            return signal
        }
        signal?.wait()
        defer { self.passTurn(fromReader: true) }
        do {
            let status = try self.lock.withLock {
                try self.checkUsable()
                return try self.head(of: group).status
            }
            guard let store = self.store else { throw Self.closedError }
            return try body(store, status)
        } catch {
            let error = RaftLogError(wrapping: error, group: group)
            if error.code == .failed { self.fail(error) }
            throw error
        }
    }

    private static func check(_ first: LogIndex, _ last: LogIndex, within status: GroupStatus) throws(RaftLogError) {
        guard first >= status.firstIndex else {
            throw RaftLogError(
                .compacted,
                group: status.group,
                index: first,
                "Expected an index of at least \(status.firstIndex), but got \(first)"
            )
        }
        guard last <= status.lastIndex else {
            throw RaftLogError(
                .unavailable,
                group: status.group,
                index: last,
                "Expected an index of at most \(status.lastIndex), but got \(last)"
            )
        }
    }

    // MARK: Writing

    package func append(_ writes: [LogWrite]) throws {
        guard !writes.isEmpty else { return }
        try self.perform(.append(writes))
    }

    package func append(_ writes: [LogWrite], completion: @escaping @Sendable (Result<Void, RaftLogError>) -> Void) {
        let work = PendingWork(.append(writes), completion: completion)
        let (refusal, background): (RaftLogError?, ThreadSignal?) = self.lock.withLock {
            do throws(RaftLogError) { try self.checkUsable() } catch { return (error, nil) }
            guard self.turns.queuedBytes + work.bytes <= self.options.queuedBytesLimit else {
                let limit = self.options.queuedBytesLimit
                let message = "Expected at most \(limit) bytes to wait for the disk, but got more"
                return (RaftLogError(.overloaded, message), nil)
            }
            self.turns.enqueue(work)
            self.queued.store(self.turns.queue.count, ordering: .relaxed)
            if self.background == nil { self.startBackgroundThread() }
            return (nil, self.turns.takeForBackground() ? self.background : nil)
        }
        if let refusal { completion(.failure(refusal)) }
        background?.post()
    }

    package func createGroup(_ group: GroupID, incarnation: IncarnationID, snapshot: SnapshotMetadata) throws {
        try self.perform(.create(GroupHead(group: group, incarnation: incarnation, snapshot: snapshot)))
    }

    package func deleteGroup(_ group: GroupID, incarnation: IncarnationID) throws {
        try self.perform(.delete(group, incarnation))
    }

    package func compact(
        _ group: GroupID,
        incarnation: IncarnationID,
        through index: LogIndex,
        configuration: ClusterConfiguration
    ) throws {
        try self.perform(.compact(group, incarnation, through: index, configuration))
    }

    package func close() {
        let signal: ThreadSignal? = self.lock.withLock {
            if self.turns.take() { return nil }
            let signal = ThreadSignal()
            self.turns.enqueueReader(signal)
            return signal
        }
        signal?.wait()
        self.lock.withLock { if self.failure == nil { self.failure = Self.closedError } }
        self.store = nil
        // What is still queued is refused by whoever gets the turn; the background thread sees the failure and ends.
        self.passTurn(fromReader: true)
        self.lock.withLock { self.background }?.post()
    }

    private static let closedError = RaftLogError(.closed, "Expected an open log, but got a closed one")

    /// Queues the request and returns when it is durable; does the work of all that wait if the turn comes here.
    private func perform(_ request: PendingWork.Request) throws(RaftLogError) {
        let work = PendingWork(request)
        let hasTurn = self.lock.withLock {
            self.turns.enqueue(work)
            self.queued.store(self.turns.queue.count, ordering: .relaxed)
            return self.turns.take()
        }
        if !hasTurn { work.signal?.wait() }
        // Woken without an outcome means: the turn is here now.
        while work.outcome == nil {
            if self.flush().contains(where: { $0 === work }) { break }
            // The batch was full with what had been queued before.
            work.signal?.wait()
        }
        try work.outcome?.get()
    }

    /// With the turn: does what is queued, passes the turn on and hands out the outcomes. Returns what was done.
    @discardableResult
    private func flush() -> [PendingWork] {
        self.gathering.wait { self.queued.load(ordering: .relaxed) }
        let start = Gathering.now()
        let (batch, failure) = self.lock.withLock {
            let batch = self.turns.drain(maxBytes: Self.transactionBytesLimit)
            self.queued.store(self.turns.queue.count, ordering: .relaxed)
            return (batch, self.failure)
        }
        if let failure {
            for work in batch { work.outcome = .failure(failure) }
        } else {
            self.write(batch)
        }
        // A checkpoint takes long: nobody should wait for it who is served already. Otherwise the next batch begins on
        // another core while this thread wakes the waiters.
        self.gathering.note(
            batch: batch.count,
            queued: self.queued.load(ordering: .relaxed),
            nanoseconds: Gathering.now() - start
        )
        let isCheckpointDue = self.store?.isCheckpointDue == true && failure == nil
        if isCheckpointDue {
            Self.deliver(batch)
            self.checkpoint()
        }
        self.passTurn(fromReader: false)
        if !isCheckpointDue { Self.deliver(batch) }
        return batch
    }

    private static func deliver(_ batch: [PendingWork]) {
        for work in batch {
            if let completion = work.completion, let outcome = work.outcome { completion(outcome) }
            work.signal?.post()
        }
    }

    private func checkpoint() {
        do {
            try self.store?.checkpoint()
        } catch {
            let error = RaftLogError(wrapping: error)
            // A full disk only leaves the write-ahead file as long as it is; the next commit tries again.
            if error.code != .diskFull { self.fail(error) }
        }
    }

    private func passTurn(fromReader: Bool) {
        let (next, background) = self.lock.withLock { (self.turns.pass(fromReader: fromReader), self.background) }
        switch next {
        case .nobody: return
        case .reader(let signal): signal.post()
        case .writer(let work): work.signal?.post()
        case .backgroundWriter: background?.post()
        }
    }

    /// One transaction and one sync for the whole batch. Work that is refused fails alone; a failure of the disk
    /// fails all.
    private func write(_ batch: [PendingWork]) {
        var transaction = LogTransaction(heads: self.heads, damaged: self.damaged)
        do {
            guard let store = self.store else { throw Self.closedError }
            try store.begin()
            for work in batch {
                do throws(LogTransaction.Failure) {
                    try transaction.perform(work.request, store)
                } catch {
                    switch error {
                    case .refused(let refusal): work.outcome = .failure(refusal)
                    case .disk(let failure): throw failure
                    }
                }
            }
            let swept = try self.sweep(store, transaction)
            try store.commit()
            transaction.forgetHeads()
            self.publish(transaction, swept)
            for work in batch where work.outcome == nil { work.outcome = .success(()) }
        } catch {
            self.abandon(batch, RaftLogError(wrapping: error))
        }
    }

    /// After a failure of the disk: nothing of the batch counts. Only a full disk leaves the log usable.
    private func abandon(_ batch: [PendingWork], _ error: RaftLogError) {
        var error = error
        do {
            try self.store?.rollback()
        } catch {
            self.fail(RaftLogError(.failed, "Expected a rollback to work, but got \(error)"))
        }
        if error.code != .diskFull, error.code != .closed {
            if error.code == .locked { error.code = .failed }
            self.fail(error)
        }
        for work in batch where work.outcome == nil { work.outcome = .failure(error) }
    }

    /// Removes some rows that compaction has left; more when more was written, so that garbage never grows for long.
    private func sweep(_ store: LogStore, _ transaction: LogTransaction) throws -> GroupID? {
        guard let group = self.unswept.min(), let head = transaction.head(of: group) else { return nil }
        let hasMore = try store.sweep(head.status, limit: max(Self.sweepRows, 2 * UInt64(transaction.entryCount)))
        return hasMore ? nil : group
    }

    private func publish(_ transaction: LogTransaction, _ swept: GroupID?) {
        if let swept { self.unswept.remove(swept) }
        self.unswept.formUnion(transaction.unswept)
        self.lock.withLock {
            self.flushes += 1
            for group in transaction.removed {
                self.heads[group] = nil
                self.damaged[group] = nil
                self.unswept.remove(group)
                self.caches.remove(group)
            }
            for (group, head) in transaction.changed { self.heads[group] = head }
            for change in transaction.cacheChanges { self.caches.apply(change) }
            self.caches.evict()
        }
    }

    // MARK: Failure

    private func fail(_ error: RaftLogError) {
        let isFirst = self.lock.withLock {
            guard self.failure == nil else { return false }
            self.failure = RaftLogError(.failed, group: error.group, index: error.index, error.message)
            return true
        }
        if isFirst { self.options.onFailure?(error) }
    }

    private func checkUsable() throws(RaftLogError) {
        if let failure = self.failure { throw failure }
    }

    private func head(of group: GroupID) throws(RaftLogError) -> GroupHead {
        if let head = self.heads[group] { return head }
        if let error = self.damaged[group] { throw error }
        throw RaftLogError(.unknownGroup, group: group, "Expected a group of this log, but got another one")
    }

    // MARK: Background thread

    /// Called with the lock. The thread keeps nothing alive: it ends when the log is closed or gone.
    private func startBackgroundThread() {
        let signal = ThreadSignal()
        self.background = signal
        LogThread.start { [weak self] in
            while true {
                signal.wait()
                guard let log = self else { return }
                if !log.backgroundFlush() { return }
            }
        }
    }

    /// Does the queued work; false when the log has been closed.
    private func backgroundFlush() -> Bool {
        let (hasTurn, isClosed) = self.lock.withLock {
            (self.turns.claimForBackground(), self.failure?.code == .closed)
        }
        if hasTurn { self.flush() }
        return hasTurn || !isClosed
    }
}
