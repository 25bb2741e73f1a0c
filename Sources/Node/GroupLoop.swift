import Gateway
import Logging
import ProcessEngine
import RaftCore
import RaftLog
import ReplicaCore
import SQLite
import StateStore
import Synchronization

/// The body of a group's thread.
final class GroupLoop {
    /// The unit of Raft's times (`GroupTiming`).
    private static let tickMilliseconds = GroupTiming.tickMilliseconds
    private static let watchNanoseconds: Int64 = 100_000
    private static let durableCommitMilliseconds: Int64 = 5_000
    /// Entries that are kept behind what is durable, for followers that lag.
    private static let logTail: UInt64 = 4_096

    private let runner: GroupRunner
    private let replica: Replica<GroupLogReader>
    private var state: SQLiteState
    private let log: SQLiteRaftLog
    private let incarnation: IncarnationID
    /// Of the state.
    private var generation: UInt64
    private let connections: GroupRunner.Connections
    private let clock: NodeClock
    private let logger: Logger
    private var nextTick: Int64
    private var nextDurableCommit: Int64
    /// Work for the log that found no space, and what came after it.
    private var unpersisted = WaitingAppends()
    private var nextPersist: Int64 = 0
    /// A newer commit index that is not on disk. It needs no sync of its own, since it only shortens recovery: it goes
    /// along with the next entries.
    private var pendingHardState: HardState?
    /// When the thread last came by; a long silence means that the process was stopped or the disk hung.
    private var lastTurn: Int64
    private var knownLeader: NodeID?
    /// What is known of the members, looked at with every tick.
    private var peers: [RaftCore.PeerStatus] = []
    /// Whether callers wait who were accepted while this node led.
    private var hasLostLeadership = false
    /// Since when a follower has been waiting for a snapshot.
    private var snapshotWaits: [NodeID: Int64] = [:]

    init(
        runner: GroupRunner,
        replica: Replica<GroupLogReader>,
        state: SQLiteState,
        log: SQLiteRaftLog,
        incarnation: IncarnationID,
        generation: UInt64,
        connections: GroupRunner.Connections,
        clock: NodeClock,
        logger: Logger
    ) {
        self.runner = runner
        self.replica = replica
        self.state = state
        self.log = log
        self.incarnation = incarnation
        self.generation = generation
        self.connections = connections
        self.clock = clock
        self.logger = logger
        self.lastTurn = clock.now
        self.nextTick = clock.now + GroupLoop.tickMilliseconds
        self.nextDurableCommit = clock.now + GroupLoop.durableCommitMilliseconds
    }

    /// Brings the state up to the log and takes the lead, as the only voter may at once.
    func begin(poisoned: [ExecutionMark]) throws {
        try step([])
        replica.campaignAlone()
        try step(
            poisoned.map {
                .poisoned(
                    $0,
                    reason: "Executing this ended the server \(CrashFile.crashLimit) times. Correct the model, "
                        + "then resolve this incident, or cancel the process instance."
                )
            }
        )
        publish()
    }

    func run() {
        do {
            while let inputs = runner.takeInputs(until: nextWake()) {
                try turn(inputs)
                if replica.isAlone, inputs.contains(where: GroupLoop.isCommand) {
                    runner.watch(nanoseconds: GroupLoop.watchNanoseconds)
                }
            }
            try replica.saveAtTheEnd()
        } catch {
            connections.fail("group \(runner.group) cannot go on: \(error)")
        }
    }

    private static func isCommand(_ input: ReplicaInput) -> Bool {
        if case .submitted = input { true } else { false }
    }

    private func nextWake() -> Int64 {
        // While the log finds no space there is nothing else to wake up for.
        if !unpersisted.isEmpty { return min(nextTick, nextPersist) }
        var wake = nextTick
        if let due = replica.wakeTime { wake = min(wake, due) }
        return wake
    }

    private func turn(_ arrived: [ReplicaInput]) throws {
        var inputs = arrived
        let now = clock.now
        if now - lastTurn > GroupTiming.pauseMilliseconds, !replica.isAlone {
            // Whoever was stopped for so long cannot know whether it still leads.
            logger.warning(
                "did not run for a while; the process was stopped or the disk hung",
                metadata: ["group": "\(runner.group)", "milliseconds": "\(now - lastTurn)"]
            )
            inputs.insert(.resumed, at: 0)
        }
        if now >= nextTick {
            // After a pause one tick is enough: a burst of them would look like the silence of others.
            nextTick = now + GroupLoop.tickMilliseconds
            inputs.append(.tick)
            tick(&inputs)
        }
        if now >= nextPersist, !unpersisted.isEmpty {
            inputs.insert(contentsOf: try unpersisted.retry(persist).map { .persisted($0) }, at: 0)
            if unpersisted.isEmpty { logger.notice("there is space again") }
        }
        let archived = runner.takeArchived(generation: generation)
        if !archived.isEmpty { inputs.append(.archived(archived)) }
        try step(inputs)
        try maintain(now)
        publish()
        lastTurn = clock.now
    }

    private func tick(_ inputs: inout [ReplicaInput]) {
        for id in runner.waiters.expire() { inputs.append(.abandoned(id)) }
        runner.tickBarrier()
        peers = replica.peers
        giveUpSnapshots(&inputs)
        if hasLostLeadership, replica.role != .leader, !replica.hasOrphans {
            // What they wait for will be answered by another leader, if at all.
            hasLostLeadership = false
            runner.waiters.answerAll(.unknown(reason: "leadership was lost before the answer came"))
        }
        runner.leaderSignal.notify()
    }

    /// A follower that dies while it fetches a snapshot says nothing more, and is sent nothing else until then. If it
    /// has not asked for anything for a while, it is offered one anew.
    private func giveUpSnapshots(_ inputs: inout [ReplicaInput]) {
        let now = clock.now
        let lastUse = connections.installer?.lastUse(group: runner.group) ?? 0
        for peer in peers {
            guard peer.state == .snapshot else {
                snapshotWaits[peer.id] = nil
                continue
            }
            let since = snapshotWaits[peer.id] ?? now
            snapshotWaits[peer.id] = since
            guard now - max(since, lastUse) > GroupTiming.snapshotPatience else { continue }
            snapshotWaits[peer.id] = nil
            inputs.append(.snapshotReported(peer.id, succeeded: false))
        }
    }

    /// Steps the replica until nothing more follows at once.
    private func step(_ first: [ReplicaInput]) throws {
        var inputs = first
        repeat {
            let actions = try replica.step(inputs, time: clock.now)
            // A core that has stopped itself takes nothing more; nobody may be led to believe otherwise.
            if let fault = replica.fault { throw NodeFailure("the consensus core has stopped: \(fault)") }
            inputs.removeAll(keepingCapacity: true)
            for action in actions { try perform(action, next: &inputs) }
            // Under load there is always more; ticks, and what others may see of this thread, must not wait for that.
            if clock.now < nextTick, !inputs.isEmpty || replica.hasWorkLeft { inputs += runner.takeArrived() }
        } while !inputs.isEmpty || replica.hasWorkLeft
    }

    private func perform(_ action: ReplicaAction, next: inout [ReplicaInput]) throws {
        switch action {
        case .persist(let work):
            if try unpersisted.take(work, persist) { next.append(.persisted(work)) }
        case .send(let messages): connections.send(messages)
        case .answer(let id, let answer): deliver(id, answer, next: &next)
        case .transfer(let record):
            connections.route(
                record.targetGroup,
                .receive(record.content, sourceGroup: runner.group, sequence: record.sequence)
            )
        case .acknowledge(let source, let sequence):
            connections.route(source, .acknowledge(targetGroup: runner.group, sequence: sequence))
        case .becameLeader(let term):
            logger.info("leads its group", metadata: ["group": "\(runner.group)", "raft.term": "\(term)"])
        case .lostLeadership:
            hasLostLeadership = true
            logger.notice("no longer leads its group", metadata: ["group": "\(runner.group)"])
        case .readReady(let id): runner.readAnswered(id, isReady: true)
        case .readFailed(let id): runner.readAnswered(id, isReady: false)
        case .membersChanged(let membership): connections.membersChanged(runner.group, membership)
        case .report(let report): note(report)
        }
    }

    /// A job whose receiver is gone is offered again at once.
    private func deliver(_ id: RequestID, _ answer: ReplicaAnswer, next: inout [ReplicaInput]) {
        guard !runner.waiters.answer(id, answer), case .answered(.jobsActivated(let jobs)) = answer else { return }
        for job in jobs { next.append(.scheduled(.returnJob(job.key, deadline: job.deadline))) }
    }

    private func note(_ report: ReplicaReport) {
        switch report {
        case .fault(let text): logger.error("executing a command failed", metadata: ["fault": "\(text)"])
        case .quarantined(let subject):
            logger.critical("quarantined after repeated crashes", metadata: ["subject": "\(subject)"])
        case .raftAlarm(let text): logger.critical("consensus alarm", metadata: ["alarm": "\(text)"])
        case .outOfSpace(let text):
            logger.critical("the disk is full; free some space", metadata: ["error": "\(text)"])
        }
    }

    /// Makes log work durable.
    ///
    /// - Returns: false when there is no space now; it is tried again.
    /// - Throws: any other failure of the disk: what reached it is unknown then, so the process must end.
    private func persist(_ work: StorageAppend) throws -> Bool {
        guard work.mustSync || work.snapshot != nil || !work.entries.isEmpty else {
            pendingHardState = work.hardState ?? pendingHardState
            return true
        }
        do {
            var write = LogWrite(
                group: GroupID(runner.group),
                incarnation: incarnation,
                hardState: work.hardState ?? pendingHardState,
                entries: work.entries
            )
            if let snapshot = work.snapshot {
                try install(snapshot, &write)
            } else {
                try log.append(write)
            }
            pendingHardState = nil
            return true
        } catch let error as RaftLogError where error.code == .diskFull {
            nextPersist = clock.now + 500
            logger.critical("the disk is full; free some space", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Puts the files of a received snapshot in place, then makes the log and the state switch together.
    private func install(_ snapshot: Snapshot, _ write: inout LogWrite) throws {
        guard let installer = connections.installer else {
            throw NodeFailure("Expected no snapshot for a node that is alone, but got one")
        }
        let installed = try installer.prepare(snapshot, group: runner.group)
        write.snapshot = snapshot.metadata
        write.stateGeneration = installed.generation
        try log.append(write)
        state = try installer.open(installed, group: runner.group)
        generation = installed.generation
        try replica.install(state)
        replica.removeArchived = { [state] in try state.removeArchived(instances: $0) }
        try installer.finish(installed, group: runner.group)
        logger.notice(
            "installed a snapshot",
            metadata: ["group": "\(runner.group)", "raft.index": "\(snapshot.metadata.index)"]
        )
    }

    /// What is due between batches: durable commits, checkpoints, a shorter log.
    private func maintain(_ now: Int64) throws {
        try checkpoint()
        guard now >= nextDurableCommit else { return }
        nextDurableCommit = now + GroupLoop.durableCommitMilliseconds
        if state.durableAppliedIndex < state.position.appliedIndex { state.requestDurableCommit() }
        try compactLog()
    }

    /// A checkpoint needs the state without an open transaction. Under load one is nearly always open: then the next
    /// batch has to wait for a moment, but nobody waits who is answered already.
    private func checkpoint() throws {
        guard state.isCheckpointDue else { return }
        replica.isExecutionHeld = true
        if !replica.hasOpenBatch { try step([]) }
        guard !replica.hasOpenTransaction else { return }
        try state.checkpointIfNeeded()
        replica.isExecutionHeld = false
        try step([])
    }

    private func compactLog() throws {
        let group = GroupID(runner.group)
        let needed = min(runner.historyIndex.withLock { $0 }, connections.heldIndex(runner.group))
        let limit = min(state.durableAppliedIndex, needed)
        guard limit > GroupLoop.logTail else { return }
        let through = LogIndex(limit - GroupLoop.logTail)
        let status = try log.status(of: group)
        guard through.rawValue > status.firstIndex.rawValue + GroupLoop.logTail else { return }
        try log.compact(group, incarnation: incarnation, through: through, configuration: replica.configuration)
    }

    private func publish() {
        let leader = replica.leader
        if leader != knownLeader {
            knownLeader = leader
            runner.leaderSignal.notify()
        }
        runner.snapshot.withLock { snapshot in
            snapshot.isReady = replica.isReady && unpersisted.isEmpty
            snapshot.isLeader = replica.role == .leader
            snapshot.term = replica.term.rawValue
            snapshot.commitIndex = replica.commitIndex.rawValue
            snapshot.appliedIndex = replica.appliedIndex
            snapshot.durableAppliedIndex = state.durableAppliedIndex
            snapshot.queuedCommands = replica.queuedCommands
            snapshot.parkedActivations = replica.parkedActivations
            snapshot.archivedPending = replica.archivedPending
            snapshot.walBytes = state.walBytes
            snapshot.statistics = replica.statistics
            snapshot.groupTime = replica.position.time
            snapshot.leader = leader
            snapshot.role = replica.role
            snapshot.membership = replica.membership
            snapshot.peers = peers
            snapshot.digest = replica.digest
        }
    }
}
