package import ProcessEngine
package import RaftCore

/// One replica of one group: Raft, the engine and the state put together. It decides what is executed, when a batch is
/// committed or rolled back, and what may leave the node. Inputs in, actions out; the state is changed through its
/// protocol; no clock, no I/O, no threads of its own.
///
/// The life of a command is architecture.md, section 3.
package final class Replica<Storage: RaftStorage> {
    package let group: UInt32
    var raft: RaftNode<Storage>
    let state: any TransactionalState
    let engine: Engine
    let marker: any ExecutionMarker
    let limits: ReplicaLimits
    var queue = CommandQueue()
    var parked = ParkedActivations()
    var openBatch: OpenBatch?
    var actions: [ReplicaAction] = []
    /// Finished instances that wait to be removed from the state.
    var archived: [Key] = []
    /// Scheduled commands that cannot be executed now; by kind and key.
    var suspended: Set<String> = []
    /// When something is due; nil when it must be asked again.
    var nextDue: NextDue = .unknown
    /// The time given with the last inputs.
    var time: Int64 = 0
    /// A committed batch whose effects found no space in the state.
    private var stalledBatch: OpenBatch?
    /// Committed entries that wait for space in the state, after the stalled batch.
    private var waitingEntries: [LogEntry] = []
    /// Inputs that ended the process last time; looked at once the state is up to date.
    var poisons: [(mark: ExecutionMark, reason: String)] = []
    /// Whether something is to be seen to before the next batch.
    var isUpkeepDue = false
    /// Nothing is executed before this time.
    var retryTime: Int64 = .min
    var wasLeader = false
    var ticksSinceUpkeep = 0
    package private(set) var statistics = ReplicaStatistics()
    /// Removes finished instances inside the open transaction; set by the host that keeps a history.
    package var removeArchived: ([Key]) throws -> Void = { _ in }

    enum NextDue {
        case unknown
        case never
        case at(Int64)
    }

    /// A batch that was executed and waits for its entry to be committed.
    struct OpenBatch {
        var entry: EntryID
        var position: StatePosition
        var events: [Event]
        var payload: [UInt8]
        var outcome: BatchOutcome
        /// All client requests in it.
        var taken: [RequestID]
        /// Finished instances whose rows it removes.
        var archived: [Key]
    }

    /// What is released when a batch is committed.
    struct BatchOutcome {
        var answers: [(RequestID, ReplicaAnswer)] = []
        var parked: [(request: SubmittedRequest, type: String, until: Int64)] = []
        var effects: [Effect] = []
        var commands = 0
        var rejections = 0
    }

    package init(
        group: UInt32,
        raft: RaftNode<Storage>,
        state: any TransactionalState,
        engine: Engine,
        marker: any ExecutionMarker,
        limits: ReplicaLimits = ReplicaLimits()
    ) throws {
        self.group = group
        self.raft = raft
        self.state = state
        self.engine = engine
        self.marker = marker
        self.limits = limits
        try engine.reload(from: state)
    }

    /// The role, term and indexes of this replica.
    package var role: Role { raft.role }
    package var term: Term { raft.term }
    package var commitIndex: LogIndex { raft.commitIndex }
    package var leader: NodeID? { raft.leader }
    package var appliedIndex: UInt64 { state.position.appliedIndex }
    package var fault: String? { raft.fault.map { "\($0)" } }
    package var queuedCommands: Int { queue.clientCount }
    package var parkedActivations: Int { parked.count }
    package var archivedPending: Int { archived.count }
    /// The members of the group.
    package var configuration: ClusterConfiguration { raft.members }

    /// Whether commands are executed here and now: leader, with everything of earlier terms applied.
    package var isReady: Bool {
        raft.role == .leader && (openBatch != nil || state.position.appliedIndex == raft.lastIndex.rawValue)
            && state.position.appliedTerm == raft.term.rawValue
    }

    /// Takes inputs, does what can be done, and returns what is to be done outside, in order.
    ///
    /// - Parameter time: milliseconds since 1970 by the leader's clock; group time follows it and never goes back.
    /// - Throws: what the storage throws. The replica is then to be stopped: its state may lack what its log has, and
    ///   is made good by starting again.
    package func step(_ inputs: [ReplicaInput], time: Int64) throws -> [ReplicaAction] {
        self.time = max(self.time, time)
        for input in inputs { try take(input) }
        try proceed()
        let result = actions
        actions.removeAll(keepingCapacity: true)
        return result
    }

    /// Starts an election at once: for a group whose only voter this is.
    package func campaignAlone() {
        if raft.members.voters == [raft.id] { raft.campaign() }
    }

    /// When `step` should be called again without an input; nil when only an input can change anything.
    package var wakeTime: Int64? {
        if isStalled { return max(retryTime, time) }
        guard raft.role == .leader else { return nil }
        if retryTime > time { return retryTime }
        let waiting = parked.nextDeadline
        switch nextDue {
        case .unknown: return queue.isEmpty ? time : nil
        case .never: return waiting
        case .at(let due): return waiting.map { min($0, due) } ?? due
        }
    }

    private func take(_ input: ReplicaInput) throws {
        switch input {
        case .tick:
            raft.tick()
            if raft.role == .leader { noteTick() }
        case .submitted(let request): submit(request)
        case .scheduled(let command):
            // Whoever sends these repeats them, or can do without.
            if raft.role == .leader || queue.urgentCount < limits.duePerBatch {
                queue.appendUrgent(.scheduled(command))
            }
        case .abandoned(let id):
            parked.remove(id)
            // It may have been woken for a job that somebody else waits for too.
            if let request = queue.remove(id), case .activateJobs(let command) = request.request.command {
                for tenantID in command.tenantIDs { wake(command.type, tenantID: tenantID) }
            }
        case .received(let message): raft.step(message)
        case .persisted(let work): send(raft.persisted(work))
        case .archived(let keys): archived += keys
        case .poisoned(let mark, let reason): poisons.append((mark, reason))
        }
    }

    /// Lets the activation that has waited longest look for a job.
    private func wake(_ type: String, tenantID: String) {
        if let woken = parked.wake(type, tenantID: tenantID) { queue.appendUrgent(.client(woken)) }
    }

    private func submit(_ request: SubmittedRequest) {
        guard raft.role == .leader else {
            answer(request.request.id, .refused(reason: "this node does not lead group \(group)"))
            return
        }
        guard queue.clientCount < limits.queuedCommands else {
            answer(
                request.request.id,
                .refused(reason: "\(queue.clientCount) commands are waiting already; try again a little later")
            )
            return
        }
        queue.append(request)
    }

    func answer(_ id: RequestID, _ answer: ReplicaAnswer) { actions.append(.answer(id, answer)) }

    private func send(_ messages: [RaftMessage]) {
        if !messages.isEmpty { actions.append(.send(messages)) }
    }

    /// Works until only an input can change anything.
    private func proceed() throws {
        repeat {
            while raft.hasReady { try handle(raft.ready()) }
            try retryStalled()
            try noteRole()
            expireParked()
        } while try executeBatch()
    }

    private func handle(_ ready: Ready) throws {
        send(ready.messages)
        for alarm in ready.alarms { actions.append(.report(.raftAlarm("\(alarm)"))) }
        if let work = ready.storageAppend { actions.append(.persist(work)) }
        if let work = ready.storageApply {
            try apply(work.entries)
            raft.applied(work.acknowledgement)
        }
    }

    /// A deposed leader drops what it executed but could not commit; the new leader's events will tell.
    private func noteRole() throws {
        let isLeader = raft.role == .leader
        guard isLeader != wasLeader else { return }
        wasLeader = isLeader
        if isLeader {
            nextDue = .unknown
            suspended.removeAll()
            isUpkeepDue = true
            actions.append(.becameLeader(raft.term))
            return
        }
        actions.append(.lostLeadership)
        try dropOpenBatch()
        for request in queue.removeAllClients() {
            answer(request.request.id, .refused(reason: "this node no longer leads group \(group)"))
        }
        for id in parked.removeAll() { answer(id, .refused(reason: "this node no longer leads group \(group)")) }
    }

    private func dropOpenBatch() throws {
        guard let batch = openBatch else { return }
        openBatch = nil
        try state.rollback()
        try engine.reload(from: state)
        archived = batch.archived + archived
        nextDue = .unknown
        let parked = Set(batch.outcome.parked.map(\.request.request.id))
        // Those whose own answer would have come later are told as well.
        for id in batch.taken {
            if parked.contains(id) {
                answer(id, .refused(reason: "this node no longer leads group \(group)"))
            } else {
                answer(id, .unknown(reason: "leadership was lost before the command was committed"))
            }
        }
    }

    private func expireParked() {
        guard parked.count > 0 else { return }
        for id in parked.expire(now: time) { answer(id, .answered(.jobsActivated([]))) }
    }

    /// Applies committed entries: the open batch is committed as it is, anything else arrives as events.
    private func apply(_ entries: [LogEntry]) throws {
        var foreign: [LogEntry] = []
        for entry in entries {
            if let batch = openBatch, batch.entry == EntryID(term: entry.term, index: entry.index) {
                try commit(batch)
            } else {
                if entry.kind != .normal { _ = try raft.applyConfigurationChange(entry) }
                foreign.append(entry)
            }
        }
        guard !foreign.isEmpty else { return }
        try dropOpenBatch()
        if isStalled { waitingEntries += foreign } else { try applyForeign(foreign) }
    }

    /// Whether committed entries wait for space in the state.
    private var isStalled: Bool { stalledBatch != nil || !waitingEntries.isEmpty }

    /// The entry is durable and committed, so the batch's effects must come into the state: if there is no space for
    /// them now, they are applied again as soon as there is.
    private func commit(_ batch: OpenBatch) throws {
        openBatch = nil
        do {
            try state.commit(batch.position)
        } catch let failure as any StorageFailure where failure.isOutOfSpace {
            try? state.rollback()
            stall(failure)
            stalledBatch = batch
            return
        }
        try finish(batch)
    }

    /// Applies what had no space before.
    private func retryStalled() throws {
        guard isStalled, time >= retryTime else { return }
        if let batch = stalledBatch { try retry(batch) }
        guard stalledBatch == nil, !waitingEntries.isEmpty else { return }
        let entries = waitingEntries
        waitingEntries = []
        try applyForeign(entries)
    }

    private func retry(_ batch: OpenBatch) throws {
        do {
            try state.begin()
            for event in batch.events { try Applier.apply(event, to: state) }
            try state.commit(batch.position)
        } catch let failure as any StorageFailure where failure.isOutOfSpace {
            try? state.rollback()
            stall(failure)
            return
        }
        stalledBatch = nil
        archived = batch.archived + archived
        try engine.reload(from: state)
        try finish(batch)
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
        statistics.eventBytes += UInt64(batch.payload.count)
        for event in batch.events {
            statistics.count(event)
            noteDue(event)
        }
        try release(batch.outcome)
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

    private func applyForeign(_ entries: [LogEntry]) throws {
        var position = state.position
        var counted = statistics
        do {
            try state.begin()
            for entry in entries where entry.index.rawValue > position.appliedIndex {
                position.appliedIndex = entry.index.rawValue
                position.appliedTerm = entry.term.rawValue
                guard entry.kind == .normal, !entry.payload.isEmpty else { continue }
                let header = try BatchEntry.decode(entry.payload) { event in
                    try Applier.apply(event, to: state)
                    counted.count(event)
                }
                position.time = max(position.time, header.time)
                position.keyCounter = header.keyCounter
            }
            try state.commit(position)
        } catch let failure as any StorageFailure where failure.isOutOfSpace {
            try? state.rollback()
            stall(failure)
            waitingEntries = entries
            return
        }
        statistics = counted
        try engine.reload(from: state)
        nextDue = .unknown
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
