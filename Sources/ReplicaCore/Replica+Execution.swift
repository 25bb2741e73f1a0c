import ProcessEngine
import RaftCore

extension Replica {
    /// Executes what waits as one batch and proposes its events.
    ///
    /// - Returns: whether there is something new to look at.
    func executeBatch() throws -> Bool {
        guard mayExecute else { return false }
        if proposeChange() { return true }
        try refreshEngine()
        let now = max(time, position.time)
        if isUpkeepDue { try upkeep() }
        try queuePoisons()
        guard !queue.isEmpty || isSomethingDue(now: now) else { return false }
        try openTransaction()
        var batch = BatchInProgress(position: position, digest: state.digest)
        batch.position.time = now
        let actionCount = actions.count
        do {
            try queueDue(now: now)
            try execute(into: &batch)
            return try propose(batch)
        } catch is SavepointNeeded {
            actions.removeSubrange(actionCount...)
            try executeCarefully(batch)
            return true
        } catch let failure as any StorageFailure where failure.isOutOfSpace {
            refuse(batch, reason: "the disk is full")
            try giveUpTransaction(failure)
            return false
        }
    }

    /// A command failed after it had changed something, and there is no savepoint to go back to. The whole batch is
    /// undone and executed again, with savepoints; and so is what comes within the next second, so that whoever sends
    /// such commands does not have every batch executed twice.
    private func executeCarefully(_ batch: BatchInProgress) throws {
        for item in batch.items.reversed() { queue.putBack(item) }
        carefulUntil = time + 1_000
        try undoUncommitted()
    }

    /// Whether commands may be executed now: by a leader that has applied everything in its log.
    var mayExecute: Bool {
        raft.role == .leader && openBatch == nil && !isExecutionHeld && !raft.hasReady && time >= retryTime
            && applyQueue.isEmpty && position.appliedIndex == raft.lastIndex.rawValue
            && position.appliedTerm == raft.term.rawValue && raft.proposalRejection == nil
    }

    /// As if the batch had never been tried: clients are told, everything else will be done again.
    private func refuse(_ batch: BatchInProgress, reason: String) {
        for id in batch.taken { answer(id, .refused(reason: reason)) }
        for command in batch.scheduled { queue.appendUrgent(.scheduled(command)) }
    }

    /// A batch while it is being executed.
    struct BatchInProgress {
        var position: StatePosition
        /// Of the state before the batch.
        var digest: StateDigest
        var events: [Event] = []
        var eventBytes: [UInt8] = []
        var outcome = BatchOutcome()
        /// What was taken from the queue for it.
        var items: [CommandQueue.Item] = []
        /// All client requests in it.
        var taken: [RequestID] = []
        /// The scheduled commands in it that nobody would schedule again.
        var scheduled: [InternalCommand] = []
    }

    /// The events of a command fit into no entry.
    private struct OversizedEvents: Error {
        var byteCount: Int
        var description: String {
            "Expected a command whose effects take less than \(BatchEntry.byteLimit) bytes, but got \(byteCount)"
        }
    }

    /// The events of a command do not fit into this entry any more.
    private struct BatchIsFull: Error {}

    private struct SavepointNeeded: Error {}

    /// What ended the process is kept from being executed again, before anything else is.
    private func queuePoisons() throws {
        for (mark, reason) in poisons {
            if let subject = try engine.subject(of: mark, state: state) {
                queue.putBack(.scheduled(.quarantine(subject: subject, reason: reason)))
            }
        }
        poisons = []
    }

    private func isSomethingDue(now: Int64) -> Bool {
        switch nextDue {
        case .never: false
        case .at(let due): due <= now
        case .unknown: true
        }
    }

    /// Things whose time has come go ahead of the clients, but only so many at a time.
    private func queueDue(now: Int64) throws {
        guard !queue.hasDue, isSomethingDue(now: now) else { return }
        let limit = max(1, limits.duePerBatch / 2)
        for key in try state.continuations(limit: limit) { queueOnce(.continueSteps(key), "continuation:\(key)") }
        for key in try state.dueTimers(now: now, limit: limit) { queueOnce(.triggerTimer(key), "timer:\(key)") }
        if now >= graceEnd {
            for key in try state.dueJobs(now: now, limit: limit) { queueOnce(.expireJob(key), "job:\(key)") }
        }
        for key in try state.expiredMessages(now: now, limit: limit) {
            queueOnce(.expireMessage(key), "message:\(key)")
        }
        if queue.hasDue {
            // There may be more, and something else may be due soon: it is asked again after these.
            nextDue = .unknown
            return
        }
        // What is due but suspended is looked at again in a second; anything that is committed before that asks anew.
        nextDue = try state.nextDueTime().map { .at($0 > now ? $0 : now + 1_000) } ?? .never
    }

    private func queueOnce(_ command: InternalCommand, _ name: String) {
        if suspended.isEmpty || !suspended.contains(name) { queue.appendDue(command) }
    }

    private func execute(into batch: inout BatchInProgress) throws {
        while batch.outcome.commands < limits.commandsPerBatch, batch.eventBytes.count < limits.bytesPerBatch,
            let item = queue.next()
        {
            batch.items.append(item)
            do {
                switch item {
                case .client(let request):
                    batch.taken.append(request.request.id)
                    try execute(request, into: &batch)
                case .scheduled(let command):
                    if !command.isKnownByState { batch.scheduled.append(command) }
                    try execute(command, into: &batch)
                }
                batch.outcome.commands += 1
            } catch is BatchIsFull {
                switch item {
                case .client: batch.taken.removeLast()
                case .scheduled(let command): if !command.isKnownByState { batch.scheduled.removeLast() }
                }
                batch.items.removeLast()
                queue.putBack(item)
                return
            }
        }
    }

    private func execute(_ submitted: SubmittedRequest, into batch: inout BatchInProgress) throws {
        let request = submitted.request
        do {
            if let known = try engine.rememberedAnswer(request, state: state) {
                batch.outcome.answers.append((request.id, .answered(known)))
                return
            }
            let result = try process(.client(request), into: &batch)
            switch result.answer {
            case .jobsActivated(let jobs):
                if jobs.isEmpty, let until = submitted.waitsUntil, until > batch.position.time,
                    case .activateJobs(let command) = request.command
                {
                    batch.outcome.parked.append((submitted, command.type, until))
                } else {
                    batch.outcome.answers.append((request.id, .answered(.jobsActivated(jobs))))
                }
            case .some(let answer): batch.outcome.answers.append((request.id, .answered(answer)))
            case .none: break
            }
        } catch let rejection as Rejection {
            batch.outcome.rejections += 1
            batch.outcome.answers.append((request.id, .answered(.rejected(rejection))))
        } catch let failure as OversizedEvents {
            batch.outcome.rejections += 1
            let rejection = Rejection(.invalidArgument, "\(failure.description); send less at once")
            batch.outcome.answers.append((request.id, .answered(.rejected(rejection))))
        } catch let fault as EngineFault {
            note(fault)
            batch.outcome.answers.append((request.id, .failed(reason: fault.description)))
        }
    }

    private func execute(_ command: InternalCommand, into batch: inout BatchInProgress) throws {
        do {
            _ = try process(.scheduled(command), into: &batch)
        } catch let rejection as Rejection {
            // Its instance may not run now; it is looked at again when that changes.
            suspend(command)
            if case .continueSteps = command { return }
            note(
                EngineFault("Expected a scheduled command to be carried out, but it was rejected: \(rejection.reason)")
            )
        } catch let failure as OversizedEvents {
            try quarantine(command, EngineFault(failure.description))
        } catch let fault as EngineFault {
            try quarantine(command, fault)
        }
    }

    /// What cannot be executed is not tried again and again; its instance shows an incident.
    private func quarantine(_ command: InternalCommand, _ fault: EngineFault) throws {
        note(fault)
        suspend(command)
        // Trying to quarantine is the last resort.
        if case .quarantine = command { return }
        let mark = ExecutionMark(.scheduled(command))
        if let subject = try engine.subject(of: mark, state: state) {
            queue.appendUrgent(.scheduled(.quarantine(subject: subject, reason: fault.description)))
        }
    }

    private func suspend(_ command: InternalCommand) {
        switch command {
        case .continueSteps(let key): suspended.insert("continuation:\(key)")
        case .triggerTimer(let key): suspended.insert("timer:\(key)")
        case .expireJob(let key): suspended.insert("job:\(key)")
        case .expireMessage(let key): suspended.insert("message:\(key)")
        case .returnJob, .forgetRequests, .receive, .acknowledge, .quarantine: break
        }
    }

    private func note(_ fault: EngineFault) {
        countFault()
        actions.append(.report(.fault(fault.description)))
    }

    /// Executes one input; on any error the state is as before it.
    ///
    /// Commands that fail have seldom changed anything by then, so a savepoint for each would cost more than it saves:
    /// without one, SQLite need not keep the former content of every page a command touches.
    private func process(
        _ input: EngineInput,
        into batch: inout BatchInProgress
    ) throws -> ProcessingResult {
        let isCareful = time < carefulUntil
        if isCareful { try state.setSavepoint() }
        let changes = state.changeCount
        marker.willExecute(ExecutionMark(input))
        defer { marker.didExecute() }
        do {
            var keyCounter = batch.position.keyCounter
            let result = try engine.process(
                input,
                state: state,
                now: batch.position.time,
                keyCounter: &keyCounter
            )
            var writer = ByteWriter(reserving: 512)
            for event in result.events { event.write(to: &writer) }
            let limit = BatchEntry.byteLimit - BatchEntry.overheadLimit
            guard writer.bytes.count < limit else { throw OversizedEvents(byteCount: writer.bytes.count) }
            guard batch.eventBytes.count + writer.bytes.count < limit else { throw BatchIsFull() }
            if isCareful { try state.releaseSavepoint() }
            batch.position.keyCounter = keyCounter
            batch.events += result.events
            batch.eventBytes += writer.bytes
            batch.outcome.effects += result.effects
            for case .quarantineLifted in result.events { suspended.removeAll() }
            for case .quarantined(let record) in result.events {
                actions.append(.report(.quarantined(record.subject)))
            }
            return result
        } catch let failure as any StorageFailure {
            // The whole batch will be rolled back; SQLite may have done so already, with all savepoints.
            throw failure
        } catch {
            if isCareful {
                try state.rollBackToSavepoint()
            } else {
                // What a failure of anything but a client's command leads to is not easily taken back.
                guard error is Rejection, case .client = input, state.changeCount == changes else {
                    throw SavepointNeeded()
                }
            }
            try engine.forgetUncommitted(from: state)
            throw error
        }
    }

    /// - Returns: whether there is something new to look at.
    private func propose(_ batch: BatchInProgress) throws -> Bool {
        guard !batch.events.isEmpty else {
            // Nothing was decided that others must know. What was answered rests on committed entries alone.
            if unsaved.entries.isEmpty { try closeEmptyTransaction() }
            try release(batch.outcome)
            return !queue.isEmpty || raft.hasReady
        }
        let payload = BatchEntry.encode(
            .init(time: batch.position.time, keyCounter: batch.position.keyCounter, digest: batch.digest),
            eventBytes: batch.eventBytes
        )
        try state.checkDigest()
        do {
            let entry = try raft.propose(payload)
            var reached = batch.position
            reached.appliedIndex = entry.index.rawValue
            reached.appliedTerm = entry.term.rawValue
            openBatch = OpenBatch(
                entry: entry,
                position: reached,
                events: batch.events,
                byteCount: payload.count,
                outcome: batch.outcome,
                taken: batch.taken
            )
            return true
        } catch {
            refuse(batch, reason: "the log takes no entries now: \(error)")
            try undoUncommitted()
            retryTime = time + 10
            return raft.hasReady
        }
    }

    func noteTick() {
        for peer in raft.status.peers {
            silentTicks[peer.id] = peer.isRecentlyActive ? 0 : (silentTicks[peer.id] ?? 0) + 1
        }
        ticksSinceUpkeep += 1
        guard ticksSinceUpkeep >= 20 else { return }
        ticksSinceUpkeep = 0
        isUpkeepDue = true
    }

    /// What a leader sees to now and then, between batches: what is not committed must not leave.
    private func upkeep() throws {
        isUpkeepDue = false
        try resendTransfers()
        try forgetRequests(.client, after: limits.rememberedMilliseconds)
        try forgetRequests(.gateway, after: limits.submissionMilliseconds)
    }

    private func forgetRequests(_ lane: RequestLane, after milliseconds: Int64) throws {
        let (count, oldest) = try state.answeredRequests(lane)
        let limit = time - milliseconds
        if let oldest, oldest <= limit {
            queue.appendUrgent(.scheduled(.forgetRequests(lane, through: limit)))
        } else if count > limits.rememberedAnswers,
            let last = try state.answeredRequestTime(lane, newest: limits.rememberedAnswers)
        {
            queue.appendUrgent(.scheduled(.forgetRequests(lane, through: last)))
        }
    }

    /// Hands over what other groups have not acknowledged.
    func resendTransfers() throws {
        for target in [EngineGroups.instances] where target != group {
            for record in try state.outbox(targetGroup: target, limit: 16) { actions.append(.transfer(record)) }
        }
    }
}

extension InternalCommand {
    /// Whether it follows from the state, so that it is found again when it was not carried out.
    fileprivate var isKnownByState: Bool {
        switch self {
        case .triggerTimer, .expireJob, .expireMessage, .continueSteps: true
        case .returnJob, .forgetRequests, .receive, .acknowledge, .quarantine: false
        }
    }
}
