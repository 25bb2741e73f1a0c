package import RaftCore

/// A simulated server, as the checker sees it.
package protocol CheckedServer {
    associatedtype Storage: RaftStorage
    var id: NodeID { get }
    /// Nil while the server is down.
    var node: RaftNode<Storage>? { get }
    /// Where the log on its disk begins.
    var firstIndex: LogIndex { get }
    /// Whether the entry is on this server's disk, or a snapshot that stands for it.
    func hasDurable(_ id: EntryID) -> Bool
}

/// Checks the properties of the Raft paper (figure 3) over the whole cluster, from what each step changed.
package struct SafetyChecker {
    /// What is known about one committed entry.
    private struct Committed {
        var term: Term
        /// A term by which it was committed.
        var byTerm: Term
    }

    /// What is known about one applied entry.
    private struct Applied {
        var digest: UInt64
        var members: ClusterConfiguration
    }

    /// One entry's content and predecessor.
    private struct Content: Hashable {
        var kind: EntryKind
        var payload: [UInt8]
        var previous: Term?
    }

    /// What a leader looked like after its last step.
    private struct Leading {
        var term: Term
        var lastIndex: LogIndex
    }

    package private(set) var violations: [String] = []
    package private(set) var highestCommit = LogIndex.zero
    package private(set) var highestApplied = LogIndex.zero
    package private(set) var elections = 0

    private var leaders: [Term: NodeID] = [:]
    private var contents: [EntryID: Content] = [:]
    private var committed: [LogIndex: Committed] = [:]
    private var applied: [LogIndex: Applied] = [:]
    private var votes: [NodeID: [Term: NodeID]] = [:]
    private var sentVotes: [NodeID: [Term: NodeID]] = [:]
    private var terms: [NodeID: Term] = [:]
    private var commits: [NodeID: LogIndex] = [:]
    private var leading: [NodeID: Leading] = [:]
    private var durableTerms: [NodeID: Term] = [:]

    private static let violationsLimit = 20

    package init() {}

    package mutating func report(_ sentence: String) {
        if self.violations.count < Self.violationsLimit { self.violations.append(sentence) }
    }

    /// The term of an entry that was committed anywhere.
    package func committedTerm(at index: LogIndex) -> Term? { self.committed[index]?.term }

    /// A new life may know less than the one before, but not less than what was durable.
    package mutating func restarted<Storage: RaftStorage>(_ node: RaftNode<Storage>) {
        self.commits[node.id] = nil
        self.leading[node.id] = nil
        self.terms[node.id] = nil
        if node.term < self.durableTerms[node.id] ?? .zero {
            self.report("monotonic terms: \(node.id) restarts in term \(node.term)")
        }
    }

    /// Looks at one server after a step.
    package mutating func check<Server: CheckedServer>(_ server: Server, among servers: [Server]) {
        guard var node = server.node else { return }
        let id = server.id
        for sentence in node.checkInvariants() { self.report("invariant of a node: \(sentence)") }
        if let fault = node.fault { self.report("no node stops: \(id) does, for \(fault)") }
        if node.term < self.terms[id] ?? .zero { self.report("monotonic terms: \(id) fell to term \(node.term)") }
        self.terms[id] = node.term
        let known = self.commits[id] ?? .zero
        if node.commitIndex < known { self.report("monotonic commit: \(id) fell to \(node.commitIndex)") }
        if node.role == .leader { self.checkLeader(node, of: server) }
        if node.commitIndex > known {
            self.checkCommitRule(node)
            self.checkCommit(node, of: server, after: known, among: servers)
            self.commits[id] = node.commitIndex
        }
        self.leading[id] = node.role == .leader ? Leading(term: node.term, lastIndex: node.lastIndex) : nil
    }

    /// A leader commits only by an entry of its own term; those before it follow (Raft paper, section 5.4.2).
    private mutating func checkCommitRule<Storage: RaftStorage>(_ node: RaftNode<Storage>) {
        // What it learned as a follower, or in the step that made it a leader, is not its own doing.
        guard node.role == .leader, self.leading[node.id]?.term == node.term else { return }
        guard let term = node.entryTerm(at: node.commitIndex) else { return }
        if term != node.term {
            self.report("commit rule: \(node.id), leader of term \(node.term), commits \(node.commitIndex) by counting")
        }
    }

    private mutating func checkLeader<Server: CheckedServer>(_ node: RaftNode<Server.Storage>, of server: Server) {
        if let before = self.leading[node.id], before.term == node.term, node.lastIndex < before.lastIndex {
            self.report("leader append-only: \(node.id), leader of term \(node.term), lost \(before.lastIndex)")
        }
        if let other = self.leaders[node.term] {
            if other != node.id { self.report("election safety: \(other) and \(node.id) lead term \(node.term)") }
            return
        }
        self.leaders[node.term] = node.id
        self.elections += 1
        var index = server.firstIndex
        while let entry = self.committed[index] {
            if entry.byTerm < node.term, node.entryTerm(at: index) != entry.term {
                self.report("leader completeness: \(node.id), leader of term \(node.term), lacks \(index)")
                return
            }
            index = index.next
        }
    }

    private mutating func checkCommit<Server: CheckedServer>(
        _ node: RaftNode<Server.Storage>,
        of server: Server,
        after known: LogIndex,
        among servers: [Server]
    ) {
        var index = max(known.next, server.firstIndex)
        while index <= node.commitIndex {
            let term = node.entryTerm(at: index) ?? .zero
            if let entry = self.committed[index] {
                let isPendingSnapshot = term == .zero
                if entry.term != term, !isPendingSnapshot {
                    self.report("committed is immutable: \(index) has terms \(entry.term) and \(term)")
                }
            } else if term > .zero {
                self.committed[index] = Committed(term: term, byTerm: node.term)
            }
            index = index.next
        }
        guard node.role == .leader, node.commitIndex > self.highestCommit else {
            self.highestCommit = max(self.highestCommit, node.commitIndex)
            return
        }
        self.highestCommit = node.commitIndex
        let last = EntryID(term: node.entryTerm(at: node.commitIndex) ?? .zero, index: node.commitIndex)
        let durable = node.members.quorum.result { member in
            servers.first { $0.id == member }?.hasDurable(last) ?? false
        }
        if durable != .won { self.report("committed is durable on a quorum: \(last) by \(node.id) is not") }
    }

    /// Looks at entries a server is about to write: one place and term has one content and one predecessor.
    package mutating func appended<Storage: RaftStorage>(
        _ entries: [LogEntry],
        by node: RaftNode<Storage>?,
        _ id: NodeID
    ) {
        guard let first = entries.first else { return }
        var previous = node?.entryTerm(at: first.index.previous)
        for entry in entries {
            let content = Content(kind: entry.kind, payload: entry.payload, previous: previous)
            if let known = self.contents[entry.id] {
                let isSame = known.kind == content.kind && known.payload == content.payload
                let isSamePlace = known.previous == nil || previous == nil || known.previous == previous
                if !isSame || !isSamePlace { self.report("log matching: \(entry.id) differs on \(id)") }
            } else {
                self.contents[entry.id] = content
            }
            previous = entry.term
        }
    }

    /// Looks at an entry that is about to be applied: it must be the one that was committed, and what was proposed.
    package mutating func applying(_ entry: LogEntry, by id: NodeID) {
        if let committed = self.committed[entry.index], committed.term != entry.term {
            self.report("state machine safety: \(id) applies \(entry.id), committed was term \(committed.term)")
        }
        if let content = self.contents[entry.id], content.payload != entry.payload || content.kind != entry.kind {
            self.report("state machine safety: \(id) applies another content of \(entry.id)")
        }
    }

    /// Looks at a state machine after it applied an entry or installed a snapshot.
    package mutating func applied(
        at index: LogIndex,
        digest: UInt64,
        members: ClusterConfiguration,
        by node: NodeID
    ) {
        self.highestApplied = max(self.highestApplied, index)
        if let known = self.applied[index] {
            if known.digest != digest { self.report("state machine safety: \(node) differs at \(index)") }
            if known.members != members { self.report("equal members: those of \(node) differ at \(index)") }
        } else {
            self.applied[index] = Applied(digest: digest, members: members)
        }
    }

    /// Looks at a hard state that was made durable: a node votes once in a term, for ever.
    package mutating func persisted(_ hardState: HardState, by node: NodeID) {
        if hardState.term < self.durableTerms[node] ?? .zero {
            self.report("monotonic terms: \(node) stores term \(hardState.term)")
        }
        self.durableTerms[node] = hardState.term
        guard let vote = hardState.vote else { return }
        if let known = self.votes[node]?[hardState.term], known != vote {
            self.report("one vote a term: \(node) voted for \(known) and \(vote) in term \(hardState.term)")
        }
        self.votes[node, default: [:]][hardState.term] = vote
    }

    /// Looks at a message on its way: votes are given once a term, and only a leader sends entries.
    package mutating func sent(_ message: RaftMessage) {
        switch message.body {
        case .voteResponse(let response) where response.phase == .vote && response.isGranted:
            if let known = self.sentVotes[message.from]?[message.term], known != message.to {
                let votes = "\(known) and \(message.to) in term \(message.term)"
                self.report("one vote a term: \(message.from) votes for \(votes)")
            }
            self.sentVotes[message.from, default: [:]][message.term] = message.to
        case .appendRequest, .heartbeat, .snapshot:
            if let leader = self.leaders[message.term], leader != message.from {
                self.report("election safety: \(message.from) speaks for term \(message.term) of \(leader)")
            }
        default: break
        }
    }

    /// Looks at a read that may be served: it sees all that was committed anywhere when it was asked.
    package mutating func served(_ read: ReadState, askedAt commit: LogIndex, by node: NodeID) {
        if read.index < commit {
            self.report("linearizable reads: \(node) serves one at \(read.index), asked when \(commit) was committed")
        }
    }
}
