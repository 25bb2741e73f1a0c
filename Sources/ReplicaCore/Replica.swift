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
    var state: any TransactionalState
    let engine: Engine
    let marker: any ExecutionMarker
    let limits: ReplicaLimits
    var queue = CommandQueue()
    var parked = ParkedActivations()
    var openBatch: OpenBatch?
    /// What the state comes to with everything that was applied, the open transaction included.
    package internal(set) var position: StatePosition
    /// What the state's transaction holds that is not committed there yet.
    var unsaved = Unsaved()
    var notices = CommitNotices()
    /// Until when each command is executed in a savepoint of its own.
    var carefulUntil: Int64 = .min
    /// Whether the engine's memory is older than the state.
    var isEngineStale = false
    var actions: [ReplicaAction] = []
    /// Finished instances that wait to be removed from the state.
    var archived: [Key] = []
    /// Scheduled commands that cannot be executed now; by kind and key.
    var suspended: Set<String> = []
    /// When something is due; nil when it must be asked again.
    var nextDue: NextDue = .unknown
    /// The time given with the last inputs.
    var time: Int64 = 0
    /// Committed entries that wait for space in the state.
    var waitingEntries: [CommittedEntry] = []
    /// Committed entries that are to be applied.
    var applyQueue: [StorageApply] = []
    /// Whether the last step ended before all was done, so that its actions are carried out first; and how many steps
    /// in a row did. A disk that is slower than what arrives must not keep a follower from applying.
    private var isInterrupted = false
    private var interruptions = 0
    private static var interruptionLimit: Int { 3 }
    /// Batches proposed here before leadership was lost: whether they are committed is not known yet.
    var orphans: [OpenBatch] = []
    /// The members as of the last entry that was handed out.
    package internal(set) var membership: Membership
    /// Changes of members that wait to be proposed, and the one that was.
    var waitingChanges: [(id: RequestID, change: MemberChange)] = []
    var openChange: (id: RequestID, entry: EntryID, isApplied: Bool)?
    /// Reads that wait for an applied index.
    var waitingReads: [ReadState] = []
    /// When to stand for election because the leader's process is gone.
    var campaignTime: Int64?
    /// This node's share of the time in which the others, too, stand for election, and how often it still does.
    var campaignDelay: Int64 = 0
    var campaignsLeft = 0
    /// Until when overdue jobs are left to their workers.
    var graceEnd: Int64 = .min
    /// Inputs that ended the process last time; looked at once the state is up to date.
    var poisons: [(mark: ExecutionMark, reason: String)] = []
    /// Whether something is to be seen to before the next batch.
    var isUpkeepDue = false
    /// Nothing is executed before this time.
    var retryTime: Int64 = .min
    var wasLeader = false
    var ticksSinceUpkeep = 0
    /// For how many ticks nothing was heard of a member; a leader's view, begun anew with every leadership.
    var silentTicks: [NodeID: Int] = [:]
    /// Set by the host while it needs the state without an open transaction: no batch begins.
    package var isExecutionHeld = false
    package internal(set) var statistics = ReplicaStatistics()
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
        /// Of its entry.
        var byteCount: Int
        var outcome: BatchOutcome
        /// All client requests in it.
        var taken: [RequestID]
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
        position = state.position
        membership = try Membership(decoding: state.membership)
        try engine.reload(from: state)
    }

    /// The role, term and indexes of this replica.
    package var role: Role { raft.role }
    package var term: Term { raft.term }
    package var commitIndex: LogIndex { raft.commitIndex }
    package var leader: NodeID? { raft.leader }
    package var appliedIndex: UInt64 { position.appliedIndex }
    package var fault: String? { raft.fault.map { "\($0)" } }
    package var queuedCommands: Int { queue.clientCount }
    package var parkedActivations: Int { parked.count }
    package var archivedPending: Int { archived.count }
    /// The members of the group.
    package var configuration: ClusterConfiguration { raft.members }
    /// Whether a batch waits for its entry to be committed.
    package var hasOpenBatch: Bool { openBatch != nil }
    /// Whether the state's transaction is open.
    package var hasOpenTransaction: Bool { unsaved.isTransactionOpen }
    /// Whether `step` should be called again once the actions of the last one are carried out.
    package var hasWorkLeft: Bool { isInterrupted }
    /// Whether this replica is the whole group.
    package var isAlone: Bool { raft.members.voters == [raft.id] && !raft.members.isJoint }
    /// Whether it is still open what became of batches that were proposed before leadership was lost.
    package var hasOrphans: Bool { !orphans.isEmpty }
    /// What a leader knows of each member.
    package var peers: [PeerStatus] { raft.role == .leader ? raft.status.peers : [] }
    package var digest: StateDigest { state.digest }

    /// Whether commands are executed here and now: leader, with everything of earlier terms applied.
    package var isReady: Bool {
        raft.role == .leader && (openBatch != nil || position.appliedIndex == raft.lastIndex.rawValue)
            && position.appliedTerm == raft.term.rawValue
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
        let own = raft.role == .leader ? nextExecution : nil
        return [campaignTime, nextSave, notices.departure, own].compactMap { $0 }.min()
    }

    /// When a leader has something to execute by itself.
    private var nextExecution: Int64? {
        if retryTime > time { return retryTime }
        let waiting = parked.nextDeadline
        // Whatever makes that possible comes with an input.
        guard mayExecute else { return waiting }
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
        case .archived(let keys):
            archived += keys
            noteUnsaved()
        case .poisoned(let mark, let reason): poisons.append((mark, reason))
        case .changeMembers(let id, let change): accept(change, id)
        case .transferLeadership(let node): transferLeadership(to: node)
        case .read(let id): read(id)
        case .snapshotReported(let node, let succeeded): raft.reportSnapshot(to: node, succeeded: succeeded)
        case .unreachable(let node): raft.reportUnreachable(node)
        case .peerDied(let node, let delay): notePeerDied(node, campaignIn: delay)
        case .mayLead(let may): setMayLead(may)
        case .resumed: raft.resumeAfterPause()
        }
    }

    /// Lets the activation that has waited longest look for a job.
    func wake(_ type: String, tenantID: String) {
        if let woken = parked.wake(type, tenantID: tenantID) { queue.appendUrgent(.client(woken)) }
    }

    private func submit(_ request: SubmittedRequest) {
        guard raft.role == .leader else {
            answer(request.request.id, .misdirected(reason: "this node does not lead group \(group)"))
            return
        }
        if isStalled { return refuseForSpace(request) }
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

    /// Works until only an input can change anything.
    private func proceed() throws {
        isInterrupted = false
        let mayInterrupt = interruptions < Self.interruptionLimit
        repeat {
            campaignIfDue()
            sendNoticesIfDue()
            while raft.hasReady { try handle(raft.ready()) }
            try retryStalled()
            try noteRole()
            expireParked()
            // Others wait for what is to be sent and made durable, and clients for their answers: that leaves first.
            if mayInterrupt, hasUrgentActions, !applyQueue.isEmpty || isSaveDue || mayExecute { return interrupt() }
            try applyQueued()
            if mayInterrupt, hasUrgentActions, isSaveDue || mayExecute { return interrupt() }
            if isSaveDue { try save() }
        } while try raft.hasReady || executeBatch()
        interruptions = 0
    }

    private func interrupt() {
        isInterrupted = true
        interruptions += 1
    }

    /// Whether there are actions that should not wait for anything else to be done here.
    private var hasUrgentActions: Bool {
        actions.contains { action in
            switch action {
            case .persist, .send, .answer: true
            default: false
            }
        }
    }

    private func applyQueued() throws {
        guard !applyQueue.isEmpty else { return }
        let works = applyQueue
        applyQueue = []
        try apply(works.flatMap(\.entries))
        for work in works { raft.applied(work.acknowledgement) }
    }

    private func handle(_ ready: Ready) throws {
        send(ready.messages)
        for alarm in ready.alarms { actions.append(.report(.raftAlarm("\(alarm)"))) }
        note(reads: ready.readStates, failed: ready.failedReads)
        if let work = ready.storageAppend { actions.append(.persist(work)) }
        if let work = ready.storageApply { applyQueue.append(work) }
    }

    /// A deposed leader undoes what it executed but could not commit; whether it counts, the new leader's log will
    /// tell.
    private func noteRole() throws {
        let isLeader = raft.role == .leader
        guard isLeader != wasLeader else { return }
        wasLeader = isLeader
        if isLeader {
            nextDue = .unknown
            suspended.removeAll()
            isUpkeepDue = true
            graceEnd = time + limits.leaseGraceMilliseconds
            silentTicks = [:]
            actions.append(.becameLeader(raft.term))
            return
        }
        actions.append(.lostLeadership)
        try dropOpenBatch()
        dropChanges()
        for request in queue.removeAllClients() {
            answer(request.request.id, .misdirected(reason: "this node no longer leads group \(group)"))
        }
        for id in parked.removeAll() { answer(id, .misdirected(reason: "this node no longer leads group \(group)")) }
    }

    private func expireParked() {
        guard parked.count > 0 else { return }
        for id in parked.expire(now: time) { answer(id, .answered(.jobsActivated([]))) }
    }
}
