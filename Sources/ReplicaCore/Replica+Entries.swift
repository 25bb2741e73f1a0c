import ProcessEngine
import RaftCore

/// A committed entry on its way into the state.
struct CommittedEntry {
    var entry: LogEntry
    /// The members after it, for an entry that changes them.
    var membership: Membership?
    /// Whether everybody was told of it who had to be: it is only applied again.
    var isNoted = false
}

/// How committed entries reach the state.
extension Replica {
    /// Undoes the open batch. Its entry may be committed all the same: its clients are answered once that is known.
    func dropOpenBatch() throws {
        guard openBatch != nil else { return }
        detachOpenBatch()
        try undoUncommitted()
    }

    /// Puts the open batch with those whose fate is open; its effects are still in the transaction.
    func detachOpenBatch() {
        guard var batch = openBatch else { return }
        openBatch = nil
        // They were found to wait for a job, which nobody needs to know of.
        let parked = Set(batch.outcome.parked.map(\.request.request.id))
        for id in batch.taken where parked.contains(id) {
            answer(id, .misdirected(reason: "this node no longer leads group \(group)"))
        }
        batch.taken.removeAll { parked.contains($0) }
        batch.events = []
        orphans.append(batch)
    }

    /// Tells the clients of a batch that was proposed before leadership was lost, now that the entry at its place is
    /// committed: it is the batch's own, or another leader's and then the batch surely never counts.
    private func resolveOrphans(by entry: EntryID) {
        guard !orphans.isEmpty else { return }
        for batch in orphans where batch.entry.index <= entry.index {
            if batch.entry == entry {
                var waiting = Set(batch.taken)
                for (id, answer) in batch.outcome.answers {
                    self.answer(id, answer)
                    waiting.remove(id)
                }
                for id in batch.taken where waiting.contains(id) {
                    answer(id, .unknown(reason: "leadership was lost before the answer was there"))
                }
            } else {
                for id in batch.taken {
                    answer(id, .misdirected(reason: "leadership of group \(group) was lost before the command counted"))
                }
            }
        }
        orphans.removeAll { $0.entry.index <= entry.index }
    }

    /// Nobody will learn any more what became of the batches.
    func abandonOrphans() {
        for batch in orphans {
            for id in batch.taken {
                answer(id, .unknown(reason: "leadership was lost before the command was committed"))
            }
        }
        orphans = []
    }

    /// Applies committed entries: the open batch is in the state already, anything else arrives as events.
    func apply(_ entries: [LogEntry]) throws {
        var foreign: [CommittedEntry] = []
        for entry in entries {
            if let batch = openBatch, batch.entry == entry.id {
                openBatch = nil
                position = batch.position
                noteUnsaved(CommittedEntry(entry: entry))
                try finish(batch)
            } else {
                foreign.append(CommittedEntry(entry: entry, membership: changeMembers(entry)))
            }
        }
        guard !foreign.isEmpty else { return }
        try dropOpenBatch()
        if isStalled { waitingEntries += foreign } else { try applyForeign(foreign) }
    }

    /// Whether committed entries wait for space in the state.
    var isStalled: Bool { !waitingEntries.isEmpty }

    /// Applies what had no space before.
    func retryStalled() throws {
        guard isStalled, time >= retryTime else { return }
        let entries = waitingEntries
        waitingEntries = []
        try applyForeign(entries)
        if !isStalled { try save() }
    }

    /// Stops executing for a moment.
    func stall(_ failure: any StorageFailure) {
        retryTime = time + 500
        actions.append(.report(.outOfSpace("\(failure)")))
    }

    private func finish(_ batch: OpenBatch) throws {
        statistics.batches += 1
        statistics.commands += UInt64(batch.outcome.commands)
        statistics.rejections += UInt64(batch.outcome.rejections)
        statistics.eventBytes += UInt64(batch.byteCount)
        for event in batch.events {
            statistics.count(event)
            noteDue(event)
        }
        try release(batch.outcome)
        releaseReads()
    }

    /// Keeps the next due time early enough. What is no longer due leaves it as it is: then nothing is found.
    private func noteDue(_ event: Event) {
        let due: Int64?
        switch event {
        case .timerScheduled(let record): due = record.dueAt
        case .jobActivated(_, _, let deadline, _): due = deadline
        case .jobChanged(let record): due = record.deadline
        case .messagePublished(let record): due = record.expiresAt
        case .continuationStored, .quarantineLifted: due = Int64.min
        default: due = nil
        }
        guard let due else { return }
        switch nextDue {
        case .unknown: break
        case .never: nextDue = .at(due)
        case .at(let known): nextDue = .at(min(known, due))
        }
    }

    func countFault() { statistics.faults += 1 }

    func applyForeign(_ entries: [CommittedEntry]) throws {
        var reached = position
        var counted = statistics
        do {
            try openTransaction()
            for committed in entries where committed.entry.index.rawValue > reached.appliedIndex {
                try applyForeign(committed, &reached, &counted)
            }
        } catch let failure as any StorageFailure where failure.isOutOfSpace {
            return try giveUpTransaction(failure, with: entries)
        }
        position = reached
        statistics = counted
        isEngineStale = true
        nextDue = .unknown
        var changesMembers = false
        for committed in entries {
            noteUnsaved(committed)
            if committed.membership != nil { changesMembers = true }
        }
        for committed in entries where !committed.isNoted {
            resolveOrphans(by: committed.entry.id)
            noteChange(committed)
        }
        // Who the members are is asked of the database.
        if changesMembers { try save() }
        releaseReads()
    }

    private func applyForeign(
        _ committed: CommittedEntry,
        _ position: inout StatePosition,
        _ counted: inout ReplicaStatistics
    ) throws {
        let entry = committed.entry
        position.appliedIndex = entry.index.rawValue
        position.appliedTerm = entry.term.rawValue
        if let membership = committed.membership { try state.setMembership(membership.encoded()) }
        guard entry.kind == .normal, !entry.payload.isEmpty else { return }
        let header = try BatchEntry.decode(
            entry.payload,
            header: { try checkDigest($0.digest, before: entry.index) },
            event: { event in
                try Applier.apply(event, to: state)
                if !committed.isNoted { counted.count(event) }
            }
        )
        position.time = max(position.time, header.time)
        position.keyCounter = header.keyCounter
    }

    /// The leader said what its state came to before this entry; a state that differs must not be served.
    private func checkDigest(_ expected: StateDigest, before index: LogIndex) throws {
        try state.checkDigest()
        let own = state.digest
        guard expected.version == own.version, expected != own else { return }
        throw ReplicaDivergence(group: group, index: index.rawValue, expected: expected, found: own)
    }

    /// Lets out what a committed batch allows.
    func release(_ outcome: BatchOutcome) throws {
        for (id, answer) in outcome.answers { self.answer(id, answer) }
        for (request, type, until) in outcome.parked {
            if parked.count < limits.parkedActivations {
                parked.park(request, type: type, until: until)
            } else {
                answer(request.request.id, .answered(.jobsActivated([])))
            }
        }
        for effect in outcome.effects {
            switch effect {
            case .answer(let id, let answer): self.answer(id, .answered(answer))
            case .jobsAvailable(let type, let tenantID): wake(type, tenantID: tenantID)
            case .transfer: try resendTransfers()
            case .acknowledge(let source, let sequence):
                actions.append(.acknowledge(sourceGroup: source, sequence: sequence))
            }
        }
    }
}
