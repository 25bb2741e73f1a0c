import RaftCore

/// The requests of one transaction: judged on copies of the heads, written to the store, and published only after the
/// commit.
struct LogTransaction {
    enum Failure: Error {
        /// The request is wrong or cannot be met; nothing of it was done.
        case refused(RaftLogError)
        /// The file failed; the whole transaction must be undone.
        case disk(RaftLogError)
    }

    /// What the newest entries in memory need to follow.
    struct CacheChange {
        var group: GroupID
        var truncatedFrom: LogIndex?
        var compactedThrough: LogIndex?
        var entries: [LogEntry] = []
    }

    private var heads: [GroupID: GroupHead]
    private let damaged: [GroupID: RaftLogError]
    private(set) var changed: [GroupID: GroupHead] = [:]
    private(set) var removed: [GroupID] = []
    private(set) var cacheChanges: [CacheChange] = []
    private(set) var unswept: Set<GroupID> = []
    private(set) var entryCount = 0

    init(heads: [GroupID: GroupHead], damaged: [GroupID: RaftLogError]) {
        self.heads = heads
        self.damaged = damaged
    }

    /// The group as it is after what was done so far, if it is there and sound.
    func head(of group: GroupID) -> GroupHead? {
        if let head = self.changed[group] { return head }
        return self.removed.contains(group) ? nil : self.heads[group]
    }

    /// Gives back the heads as they were, so that publishing need not copy them.
    mutating func forgetHeads() { self.heads = [:] }

    /// Does one request.
    mutating func perform(_ request: PendingWork.Request, _ store: LogStore) throws(Failure) {
        switch request {
        case .append(let writes): try self.append(writes, store)
        case .create(let head): try self.create(head, store)
        case .delete(let group, let incarnation): try self.delete(group, incarnation, store)
        case .compact(let group, let incarnation, let index, let configuration):
            try self.compact(group, incarnation, through: index, configuration, store)
        }
    }

    private func soundHead(of group: GroupID) throws(RaftLogError) -> GroupHead {
        if let head = self.head(of: group) { return head }
        if let error = self.damaged[group], !self.removed.contains(group) { throw error }
        throw RaftLogError(.unknownGroup, group: group, "Expected a group of this log, but got another one")
    }

    private mutating func append(_ writes: [LogWrite], _ store: LogStore) throws(Failure) {
        let accepted = try Self.judged { () throws(RaftLogError) in try self.judge(writes) }
        for (write, (head, plan)) in zip(writes, accepted) {
            try self.onDisk(write.group) {
                if let first = plan.removedFrom {
                    let last = LogIndex(GroupHead.indexLimit - 1)
                    try store.removeEntries(of: write.group, from: first, through: last)
                }
                try store.insert(write.entries, of: head.status)
                if plan.changesRecord { try store.save(head.status) }
            }
            var change = CacheChange(group: write.group, truncatedFrom: plan.removedFrom, entries: write.entries)
            if let snapshot = write.snapshot {
                change.truncatedFrom = LogIndex(snapshot.index.rawValue + 1)
                change.compactedThrough = snapshot.index
            }
            self.cacheChanges.append(change)
            self.changed[write.group] = head
            self.entryCount += write.entries.count
            if plan.leavesGarbage { self.unswept.insert(write.group) }
        }
    }

    /// What becomes of the groups, if all writes are right.
    private func judge(_ writes: [LogWrite]) throws(RaftLogError) -> [(head: GroupHead, plan: GroupHead.Plan)] {
        var accepted: [(head: GroupHead, plan: GroupHead.Plan)] = []
        accepted.reserveCapacity(writes.count)
        for (position, write) in writes.enumerated() {
            guard !writes[..<position].contains(where: { $0.group == write.group }) else {
                throw RaftLogError(.invalidWrite, group: write.group, "Expected one write a group, but got two")
            }
            var head = try self.soundHead(of: write.group)
            let plan = try head.accept(write)
            accepted.append((head, plan))
        }
        return accepted
    }

    private mutating func create(_ head: GroupHead, _ store: LogStore) throws(Failure) {
        let group = head.status.group
        let isDamaged = self.damaged[group] != nil && !self.removed.contains(group)
        guard self.head(of: group) == nil, !isDamaged else {
            throw .refused(RaftLogError(.groupExists, group: group, "Expected a new group, but got one that exists"))
        }
        try self.onDisk(group) { try store.save(head.status) }
        self.changed[group] = head
    }

    private mutating func delete(
        _ group: GroupID,
        _ incarnation: IncarnationID,
        _ store: LogStore
    ) throws(Failure) {
        if self.damaged[group] == nil || self.removed.contains(group) {
            try Self.judged { () throws(RaftLogError) in try self.soundHead(of: group).check(incarnation) }
        }
        try self.onDisk(group) { try store.removeGroup(group) }
        self.changed[group] = nil
        self.removed.append(group)
        self.cacheChanges.removeAll { $0.group == group }
        self.unswept.remove(group)
    }

    private mutating func compact(
        _ group: GroupID,
        _ incarnation: IncarnationID,
        through index: LogIndex,
        _ configuration: ClusterConfiguration,
        _ store: LogStore
    ) throws(Failure) {
        let judged = try Self.judged { () throws(RaftLogError) in
            try self.judgeCompaction(of: group, incarnation, through: index, configuration, store)
        }
        guard let head = judged else { return }
        try self.onDisk(group) { try store.save(head.status) }
        self.changed[group] = head
        self.cacheChanges.append(CacheChange(group: group, compactedThrough: index))
        self.unswept.insert(group)
    }

    /// What the group is after the compaction; nil if that changes nothing.
    private func judgeCompaction(
        of group: GroupID,
        _ incarnation: IncarnationID,
        through index: LogIndex,
        _ configuration: ClusterConfiguration,
        _ store: LogStore
    ) throws(RaftLogError) -> GroupHead? {
        var head = try self.soundHead(of: group)
        try head.check(incarnation)
        let before = head.status
        // Judged with a term that does not matter yet, so that no entry is looked for that need not be there.
        let snapshot = SnapshotMetadata(index: index, term: before.lastTerm, configuration: configuration)
        guard try head.compact(through: snapshot) else { return nil }
        guard index < before.lastIndex else { return head }
        do {
            let entries = try store.entries(of: before, from: index, through: index, maxBytes: 0)
            head.status.snapshot.term = entries.first?.term ?? before.lastTerm
        } catch {
            throw RaftLogError(wrapping: error, group: group, index: index)
        }
        return head
    }

    private static func judged<Value>(
        _ body: () throws(RaftLogError) -> Value
    ) throws(Failure) -> Value {
        do throws(RaftLogError) { return try body() } catch { throw .refused(error) }
    }

    private func onDisk<Value>(_ group: GroupID, _ body: () throws -> Value) throws(Failure) -> Value {
        do {
            return try body()
        } catch {
            throw .disk(RaftLogError(wrapping: error, group: group))
        }
    }
}
