package import ProcessEngine
package import RaftCore

/// A client's command on its way through a replica.
package struct SubmittedRequest: Hashable, Sendable {
    package var request: RequestedCommand
    /// For an activation: how long it waits for jobs, in group time; nil does not wait.
    package var waitsUntil: Int64?

    package init(request: RequestedCommand, waitsUntil: Int64? = nil) {
        self.request = request
        self.waitsUntil = waitsUntil
    }
}

/// What goes into a replica.
package enum ReplicaInput: Sendable {
    /// The Raft clock moved on by one tick.
    case tick
    case submitted(SubmittedRequest)
    case scheduled(InternalCommand)
    /// Nobody waits for this request any more.
    case abandoned(RequestID)
    case received(RaftMessage)
    /// What a `persist` action asked for is durable.
    case persisted(StorageAppend)
    /// Finished instances that are in the history and may go from the state.
    case archived([Key])
    /// Last time this input ended the process: it is not to be executed again.
    case poisoned(ExecutionMark, reason: String)
    /// An operator wants other members.
    case changeMembers(RequestID, MemberChange)
    /// An operator, or a node that is about to stop, wants another leader; nil is whoever is furthest.
    case transferLeadership(to: NodeID?)
    /// Asks for a moment at which reading this replica's state shows everything that was answered before.
    case read(ReadRequestID)
    /// A follower has, or could not get, the snapshot it was offered.
    case snapshotReported(NodeID, succeeded: Bool)
    /// Messages to this node were lost.
    case unreachable(NodeID)
    /// A node's process is surely gone. If it led, an election is due after `campaignIn` milliseconds.
    case peerDied(NodeID, campaignIn: Int64)
    /// Whether this node may lead at all: its clock and its disk are sound.
    case mayLead(Bool)
    /// The process did not run for so long that it cannot know what happened.
    case resumed
}

/// What a request came to.
package enum ReplicaAnswer: Hashable, Sendable {
    case answered(Answer)
    /// Surely not executed, and not to be tried again at once.
    case refused(reason: String)
    /// Surely not executed, because another node leads: to be asked there.
    case misdirected(reason: String)
    /// Perhaps executed.
    case unknown(reason: String)
    /// A fault of ours; nothing changed.
    case failed(reason: String)
    /// What an operator asked for has been done.
    case done
    /// What an operator asked for cannot be done.
    case impossible(reason: String)
    /// What an operator asked for cannot be done yet, but can later without anybody doing anything.
    case tooEarly(reason: String)
}

/// What a replica wants done. Nothing here leaves the node before the event it rests on is committed.
package enum ReplicaAction: Sendable {
    /// Make this durable as one unit, then hand it back as `persisted`. With a snapshot: its state takes the place of
    /// the present one (`Replica.install`) before that.
    case persist(StorageAppend)
    case send([RaftMessage])
    case answer(RequestID, ReplicaAnswer)
    /// Give this to another group, again and again until it is acknowledged.
    case transfer(OutboxRecord)
    case acknowledge(sourceGroup: UInt32, sequence: Int64)
    /// The role of this replica changed.
    case becameLeader(Term)
    case lostLeadership
    /// The state may be read for this request.
    case readReady(ReadRequestID)
    /// The read was not confirmed; it may be asked for again.
    case readFailed(ReadRequestID)
    /// The members changed.
    case membersChanged(Membership)
    /// Something for the operator's log.
    case report(ReplicaReport)
}

/// Something an operator should know.
package enum ReplicaReport: Hashable, Sendable {
    /// Executing failed by a fault of ours.
    case fault(String)
    case quarantined(String)
    case raftAlarm(String)
    /// The disk is full; work goes on once there is space.
    case outOfSpace(String)
}

/// Told around each execution, so that a crash can be blamed on its cause.
package protocol ExecutionMarker: AnyObject {
    func willExecute(_ mark: ExecutionMark)
    func didExecute()
}

/// A marker for places where the process is not to be survived.
package final class NoExecutionMarker: ExecutionMarker, Sendable {
    package init() {}
    package func willExecute(_ mark: ExecutionMark) {}
    package func didExecute() {}
}

package struct ReplicaLimits: Hashable, Sendable {
    /// Client commands that may wait; beyond it new ones are refused.
    package var queuedCommands = 4_096
    package var commandsPerBatch = 256
    /// Events of a batch end it once they are this large.
    package var bytesPerBatch = 1 << 20
    /// Things due by time that one batch takes up.
    package var duePerBatch = 128
    /// Answers kept for repeated requests, and for how long in milliseconds.
    package var rememberedAnswers = 1_000_000
    package var rememberedMilliseconds: Int64 = 24 * 60 * 60 * 1_000
    /// For how long answers are kept for requests that a gateway may have to send again after a change of leader:
    /// longer than any gateway tries.
    package var submissionMilliseconds: Int64 = 60_000
    /// Activations that may wait for jobs.
    package var parkedActivations = 10_000
    /// For how long effects stay in the state's open transaction, in milliseconds, and how many bytes of entries they
    /// may come from, before they are committed there.
    package var saveMilliseconds: Int64 = 50
    package var unsavedBytes = 1 << 20
    /// How long a leader's notice of a commit may wait for entries to go along with, in milliseconds; 0 sends it at
    /// once.
    package var commitNoticeMilliseconds: Int64 = 0
    /// Finished instances that one save removes from the state.
    package var archivedPerSave = 256
    /// For how long a new leader lets jobs be worked on whose time is over, in milliseconds: their workers could reach
    /// nobody meanwhile.
    package var leaseGraceMilliseconds: Int64 = 0
    /// Reads and changes of members that may wait.
    package var waitingReads = 16_384
    package var waitingChanges = 64

    package init() {}
}

/// Counts since the start, from committed events only.
package struct ReplicaStatistics: Hashable, Sendable {
    package var batches: UInt64 = 0
    package var commands: UInt64 = 0
    package var rejections: UInt64 = 0
    package var faults: UInt64 = 0
    package var events: UInt64 = 0
    package var eventBytes: UInt64 = 0
    package var instancesCreated: UInt64 = 0
    package var instancesCompleted: UInt64 = 0
    package var instancesTerminated: UInt64 = 0
    package var jobsCreated: UInt64 = 0
    package var jobsActivated: UInt64 = 0
    package var jobsCompleted: UInt64 = 0
    package var incidentsCreated: UInt64 = 0
    package var incidentsResolved: UInt64 = 0
    package var timersTriggered: UInt64 = 0
    package var messagesPublished: UInt64 = 0

    package init() {}

    mutating func count(_ event: Event) {
        events += 1
        switch event {
        case .instanceCreated: instancesCreated += 1
        case .instanceEnded(_, let state, _):
            if state == .completed { instancesCompleted += 1 } else { instancesTerminated += 1 }
        case .jobCreated: jobsCreated += 1
        case .jobActivated: jobsActivated += 1
        case .jobEnded(_, .completed, _): jobsCompleted += 1
        case .incidentCreated: incidentsCreated += 1
        case .incidentResolved: incidentsResolved += 1
        case .timerRemoved(_, isTriggered: true): timersTriggered += 1
        case .messagePublished: messagesPublished += 1
        default: break
        }
    }
}
