/// One member of one replication group: a pure value that takes inputs and says what to do in a `Ready`.
///
/// Time is counted in ticks, randomness comes from the seed in the configuration, and nothing here blocks or does I/O.
/// The contract with the host is written out in `docs/internals/raft.md`.
package struct RaftNode<Storage: RaftStorage> {
    package let configuration: RaftConfiguration
    package internal(set) var term: Term
    package internal(set) var vote: NodeID?
    package internal(set) var role = Role.follower
    /// The leader of the present term as far as this node knows.
    package internal(set) var leader: NodeID?
    package internal(set) var electionPriority: ElectionPriority

    var log: LogView<Storage>
    var tracker: ProgressTracker

    // Time, in ticks.
    var electionElapsed = 0
    var heartbeatElapsed = 0
    var randomizedElectionTimeout = 0
    var random: SplitMix64

    // Leadership.
    var transferee: NodeID?
    /// No new change of members is proposed before this entry is applied.
    var pendingChangeIndex = LogIndex.zero
    var uncommittedBytes = 0
    /// The entry as of which the members are known.
    var membersIndex = LogIndex.zero
    /// The members as of the applied index while a received snapshot waits for its installation.
    var supersededMembers: ClusterConfiguration?
    var reads = ReadQueue()

    // Output that was not handed over yet.
    var messages: [RaftMessage] = []
    var messagesAfterPersist: [RaftMessage] = []
    var readStates: [ReadState] = []
    var failedReads: [ReadRequestID] = []
    var alarms: [RaftAlarm] = []

    // What the host knows.
    var reportedSoftState = SoftState()
    var reportedHardState = HardState()
    var pendingAdvance: PendingAdvance?

    /// What `advance` carries out in the synchronous mode.
    struct PendingAdvance: Sendable {
        var messages: [RaftMessage]
        var append: AppendAcknowledgement?
        var apply: ApplyAcknowledgement?
    }

    /// Starts a member as a follower from what its storage holds.
    ///
    /// - Throws: when the settings are impossible or the storage contradicts itself.
    package init(configuration: RaftConfiguration, storage: Storage) throws(RaftStartError) {
        if let problem = configuration.problem() { throw .invalidConfiguration(problem) }
        let initial: (hardState: HardState, configuration: ClusterConfiguration)
        do throws(RaftStorageError) {
            initial = try storage.initialState()
        } catch {
            throw .invalidStorage("Expected an initial state, but got: \(error)")
        }
        guard initial.configuration.isWellFormed else {
            throw .invalidStorage("Expected sorted, unique members, but got: \(initial.configuration)")
        }
        self.configuration = configuration
        self.electionPriority = configuration.electionPriority
        self.log = LogView(storage: storage, maxApplyingBytes: configuration.maxApplyingBytes)
        self.log.plantedDefects = configuration.plantedDefects
        let window = InflightWindow(
            maxCount: configuration.maxInflightMessages,
            maxBytes: configuration.maxInflightBytes
        )
        self.tracker = ProgressTracker(initial.configuration, nextIndex: self.log.lastIndex.next, window: window)
        self.tracker.plantedDefects = configuration.plantedDefects
        self.term = initial.hardState.term
        self.vote = initial.hardState.vote
        self.random = SplitMix64(seed: configuration.randomSeed &+ configuration.id.rawValue &* 0x9E37_79B9_7F4A_7C15)
        try self.recover(initial.hardState)
        self.becomeFollower(term: self.term, leader: nil)
        self.reportedHardState = self.hardState
        self.reportedSoftState = self.softState
    }

    private mutating func recover(_ hardState: HardState) throws(RaftStartError) {
        let commit = hardState.commit
        let lowest = self.log.committed
        // The commit index is not synced by itself, so it may lie before a snapshot that was made since.
        if commit > lowest {
            guard commit <= self.log.lastIndex else {
                throw .invalidStorage("Expected a commit index up to \(self.log.lastIndex), but got \(commit)")
            }
            self.log.commit(to: commit)
        }
        let applied = self.configuration.applied
        if applied > .zero {
            guard applied >= lowest, applied <= self.log.lastIndex else {
                throw .invalidStorage(
                    "Expected an applied index from \(lowest) to \(self.log.lastIndex), but got \(applied)"
                )
            }
            // What was applied was committed, even if the commit index was not synced since.
            self.log.commit(to: applied)
            self.log.applied(to: applied, bytes: 0)
        }
        let lastTerm = self.log.lastEntry().term
        // A storage made from a snapshot alone has no hard state yet.
        guard lastTerm <= self.term || hardState == HardState() else {
            throw .invalidStorage("Expected a term of at least \(lastTerm), but got \(self.term)")
        }
        self.membersIndex = self.log.applied
        if let fault = self.log.fault { throw .invalidStorage("\(fault)") }
    }

    package var id: NodeID { self.configuration.id }

    /// Whether a mistake is to be made on purpose.
    func has(_ defect: PlantedDefects) -> Bool { self.configuration.plantedDefects.contains(defect) }

    /// The highest entry known to be committed.
    package var commitIndex: LogIndex { self.log.committed }
    /// The highest entry the host has acknowledged as applied.
    package var appliedIndex: LogIndex { self.log.applied }
    package var lastIndex: LogIndex { self.log.lastIndex }
    /// The members as of the applied index.
    package var members: ClusterConfiguration { self.tracker.configuration }
    /// Why the node has stopped; nil while it runs. A host checks it after every input.
    package var fault: RaftFault? { self.log.fault }

    package var hardState: HardState { HardState(term: self.term, vote: self.vote, commit: self.log.committed) }
    package var softState: SoftState { SoftState(leader: self.leader, role: self.role) }

    /// The term of an entry of the log, or nil where it is compacted away or does not exist.
    package func entryTerm(at index: LogIndex) -> Term? {
        var log = self.log
        return log.term(of: index)
    }

    // MARK: Time

    /// Lets one unit of time pass. A host that was paused gives the ticks it missed up to a small number, and calls
    /// `resumeAfterPause` when it was more.
    package mutating func tick() {
        guard self.fault == nil else { return }
        switch self.role {
        case .leader: self.tickLeader()
        case .follower, .preCandidate, .candidate: self.tickFollower()
        }
    }

    private mutating func tickFollower() {
        self.electionElapsed += 1
        guard self.electionElapsed >= self.randomizedElectionTimeout, self.mayLead else { return }
        self.electionElapsed = 0
        self.startCampaign(isTransfer: false)
    }

    private mutating func tickLeader() {
        self.heartbeatElapsed += 1
        self.electionElapsed += 1
        if self.electionElapsed >= self.configuration.electionTicks {
            self.electionElapsed = 0
            if self.configuration.checkQuorum { self.checkQuorum() }
            // The transferee did not make it in an election timeout; proposals are taken again.
            self.transferee = nil
        }
        guard self.role == .leader, self.heartbeatElapsed >= self.configuration.heartbeatTicks else { return }
        self.heartbeatElapsed = 0
        self.broadcastHeartbeat()
    }

    /// Tells the node that it did not run for so long that it cannot know what happened: a follower waits a full
    /// timeout before it campaigns, a leader steps down rather than serve from an old view.
    package mutating func resumeAfterPause() {
        guard self.fault == nil else { return }
        self.electionElapsed = 0
        if self.role != .follower { self.becomeFollower(term: self.term, leader: nil) }
    }

    /// Gives up leadership or candidacy within the term, for example when the disk stalls.
    package mutating func stepDown() {
        guard self.fault == nil, self.role != .follower else { return }
        self.becomeFollower(term: self.term, leader: nil)
    }

    /// Changes how willing the node is to lead, for example while its clock is wrong.
    package mutating func setElectionPriority(_ priority: ElectionPriority) {
        self.electionPriority = priority
        self.drawElectionTimeout()
    }

    /// Fixes the present election timeout; the next one is drawn again. For tests.
    package mutating func setElectionTimeout(ticks: Int) { self.randomizedElectionTimeout = ticks }

    // MARK: Messages

    /// Takes a message from another member, or one the node addressed to itself through a `StorageAppend`.
    @discardableResult
    package mutating func step(_ message: RaftMessage) -> StepOutcome {
        guard self.fault == nil else { return .ignored(.stopped) }
        guard message.group == self.configuration.group else { return .ignored(.wrongGroup) }
        guard message.incarnation == self.configuration.incarnation else { return .ignored(.wrongIncarnation) }
        guard message.to == self.id else { return .ignored(.wrongReceiver) }
        guard message.isWellFormed, self.mayComeFromSender(message) else { return .ignored(.malformed) }
        guard !self.isAnswerOfStranger(message) else { return .ignored(.unknownPeer) }
        if let reason = self.admit(message) { return .ignored(reason) }
        switch message.body {
        case .voteRequest(let request):
            self.handleVoteRequest(request, from: message.from, term: message.term)
            return .handled
        case .voteResponse(let response):
            return self.handleVoteResponse(response, from: message.from, term: message.term)
        case .appendRequest, .heartbeat, .snapshot:
            return self.handleLeaderMessage(message)
        case .appendResponse(let response):
            return self.asLeader(of: message) { $0.handleAppendResponse(response, from: $1) }
        case .heartbeatResponse(let response):
            return self.asLeader(of: message) { $0.handleHeartbeatResponse(response, from: $1) }
        case .proposal(let entries):
            return self.handleProposal(entries, from: message.from)
        case .timeoutNow:
            guard self.role == .follower else { return .ignored(.wrongRole) }
            self.startCampaign(isTransfer: true)
            return .handled
        case .transferRequest(let transferee):
            self.transferLeadership(to: transferee)
            return .handled
        case .readIndexRequest(let request):
            return self.handleReadRequest(request, from: message.from)
        case .readIndexResponse(let request, let index):
            return self.handleReadResponse(request, index: index, from: message.from)
        }
    }

    /// Whether the sender is possible: a node tells itself nothing but its own vote, write and proposals.
    private func mayComeFromSender(_ message: RaftMessage) -> Bool {
        guard message.from == self.id else { return message.from.rawValue != 0 }
        switch message.body {
        case .voteResponse, .appendResponse, .proposal: return true
        default: return false
        }
    }

    /// Whether the message answers a question, but its sender is no member: it was removed meanwhile.
    private func isAnswerOfStranger(_ message: RaftMessage) -> Bool {
        switch message.body {
        case .appendResponse, .voteResponse, .heartbeatResponse:
            message.from != self.id && self.tracker.position(of: message.from) == nil
        default:
            false
        }
    }

    /// Brings the term up to date, and turns away what must have no effect in it.
    private mutating func admit(_ message: RaftMessage) -> StepOutcome.Reason? {
        switch message.body {
        case .proposal, .readIndexRequest: return nil
        default: break
        }
        if message.term > self.term { return self.admitFromLaterTerm(message) }
        if message.term < self.term, !self.has(.staleTermsAccepted) {
            self.answerStale(message)
            return .staleTerm
        }
        return nil
    }

    private mutating func admitFromLaterTerm(_ message: RaftMessage) -> StepOutcome.Reason? {
        switch message.body {
        case .voteRequest(let request):
            if !request.isTransfer, self.standsByLeader { return .leaderIsAlive }
            // A pre-vote asks about a term that may never come.
            if request.phase == .preVote { return nil }
            self.becomeFollower(term: message.term, leader: nil)
        case .voteResponse(let response) where response.phase == .preVote && response.isGranted:
            // Answers carry the term asked for, which this node has not entered.
            return nil
        case .appendRequest, .heartbeat, .snapshot:
            self.becomeFollower(term: message.term, leader: message.from)
        default:
            self.becomeFollower(term: message.term, leader: nil)
        }
        return nil
    }

    /// Answers a sender that is behind, where silence could leave it there for ever.
    private mutating func answerStale(_ message: RaftMessage) {
        switch message.body {
        case .heartbeat, .appendRequest:
            // A leader that a partition left behind learns the new term from any answer. Without these options a node
            // with a higher term would depose a healthy leader this way.
            if self.configuration.checkQuorum || self.configuration.preVote {
                self.sendAfterPersist(.appendResponse(AppendResponse(index: .zero)), to: message.from)
            }
        case .voteRequest(let request) where request.phase == .preVote:
            // A pre-candidate of an older term, for example one that ran without pre-votes before, could wait for ever.
            let refusal = VoteResponse(phase: .preVote, isGranted: false, lastEntry: request.lastEntry)
            self.sendAfterPersist(.voteResponse(refusal), to: message.from)
        default:
            break
        }
    }

    /// Whether a vote request must not disturb the leader this node hears (Raft thesis, section 4.2.3).
    private var standsByLeader: Bool {
        self.configuration.checkQuorum && self.leader != nil
            && self.electionElapsed < self.configuration.electionTicks
    }

    private mutating func asLeader(
        of message: RaftMessage,
        _ handle: (inout Self, Int) -> Void
    ) -> StepOutcome {
        guard self.role == .leader else { return .ignored(.wrongRole) }
        guard let position = self.tracker.position(of: message.from) else { return .ignored(.unknownPeer) }
        handle(&self, position)
        return .handled
    }

    /// What only a leader sends: a candidate of the same term has lost (Raft paper, section 5.2).
    private mutating func handleLeaderMessage(_ message: RaftMessage) -> StepOutcome {
        guard self.role != .leader else {
            self.raise(.secondLeader(node: message.from, term: self.term))
            return .ignored(.wrongRole)
        }
        if self.role != .follower { self.becomeFollower(term: self.term, leader: message.from) }
        self.electionElapsed = 0
        self.leader = message.from
        switch message.body {
        case .appendRequest(let request): self.handleAppendRequest(request, from: message.from)
        case .heartbeat(let heartbeat): self.handleHeartbeat(heartbeat, from: message.from)
        case .snapshot(let snapshot): self.handleSnapshot(snapshot, from: message.from)
        default: break
        }
        return .handled
    }

    // MARK: Output

    /// Queues a message in the node's present term that may be sent at once.
    mutating func send(_ body: RaftMessage.Body, to node: NodeID, term: Term? = nil) {
        self.messages.append(self.message(body, to: node, term: term))
    }

    /// Queues a message that promises something: it may leave only when all state it depends on is durable.
    mutating func sendAfterPersist(_ body: RaftMessage.Body, to node: NodeID, term: Term? = nil) {
        if self.leavesTooEarly(body), node != self.id {
            self.send(body, to: node, term: term)
            return
        }
        self.messagesAfterPersist.append(self.message(body, to: node, term: term))
    }

    /// Whether a planted defect lets a promise go out before it is durable.
    private func leavesTooEarly(_ body: RaftMessage.Body) -> Bool {
        switch body {
        case .voteResponse: self.has(.voteSentBeforePersisted)
        case .appendResponse: self.has(.entriesAcknowledgedBeforePersisted)
        default: false
        }
    }

    private func message(_ body: RaftMessage.Body, to node: NodeID, term: Term?) -> RaftMessage {
        RaftMessage(
            group: self.configuration.group,
            incarnation: self.configuration.incarnation,
            from: self.id,
            to: node,
            term: term ?? self.term,
            body: body
        )
    }

    mutating func raise(_ alarm: RaftAlarm) {
        if !self.alarms.contains(alarm) { self.alarms.append(alarm) }
    }
}

/// A member moves between threads only as a whole, storage included.
extension RaftNode: Sendable where Storage: Sendable {}
