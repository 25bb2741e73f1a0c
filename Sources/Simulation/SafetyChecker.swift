package import RaftCore

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
        var chain: UInt64
        var members: ClusterConfiguration
    }

    /// One entry's content and predecessor.
    private struct Content: Hashable {
        var kind: EntryKind
        var payload: [UInt8]
        var previous: Term?
    }

    package private(set) var violations: [String] = []
    package private(set) var highestCommit = LogIndex.zero
    package private(set) var elections = 0

    private var leaders: [Term: NodeID] = [:]
    private var contents: [EntryID: Content] = [:]
    private var committed: [LogIndex: Committed] = [:]
    private var applied: [LogIndex: Applied] = [:]
    private var votes: [NodeID: [Term: NodeID]] = [:]
    private var terms: [NodeID: Term] = [:]
    private var commits: [NodeID: LogIndex] = [:]
    /// The terms in which nodes led after their last step.
    private var leading: [NodeID: Term] = [:]
    private var durableTerms: [NodeID: Term] = [:]

    package init() {}

    mutating func report(_ sentence: String) {
        if self.violations.count < 20 { self.violations.append(sentence) }
    }

    /// A new life may know less than the one before, but not less than what was durable.
    mutating func restarted(_ node: RaftNode<MemoryStorage>) {
        self.commits[node.id] = nil
        self.leading[node.id] = nil
        self.terms[node.id] = nil
        if node.term < self.durableTerms[node.id] ?? .zero {
            self.report("monotonic terms: \(node.id) restarts in term \(node.term)")
        }
    }

    /// Looks at one server after a step.
    mutating func check(_ replica: inout SimulatedReplica, among replicas: [SimulatedReplica]) {
        guard var node = replica.node else { return }
        let id = replica.id
        for sentence in node.checkInvariants() { self.report(sentence) }
        if let fault = node.fault { self.report("\(id) stopped: \(fault)") }
        if node.term < self.terms[id] ?? .zero { self.report("monotonic terms: \(id) fell to term \(node.term)") }
        self.terms[id] = node.term
        let known = self.commits[id] ?? .zero
        if node.commitIndex < known { self.report("monotonic commit: \(id) fell to \(node.commitIndex)") }
        if node.role == .leader { self.checkLeader(node, of: replica) }
        if node.commitIndex > known {
            self.checkCommitRule(node)
            self.checkCommit(node, of: replica, after: known, among: replicas)
            self.commits[id] = node.commitIndex
        }
        self.leading[id] = node.role == .leader ? node.term : nil
    }

    /// A leader commits only by an entry of its own term; those before it follow (Raft paper, section 5.4.2).
    private mutating func checkCommitRule(_ node: RaftNode<MemoryStorage>) {
        guard node.role == .leader, self.leading[node.id] == node.term else { return }
        let term = node.entryTerm(at: node.commitIndex)
        if term != node.term {
            self.report("commit rule: \(node.id), leader of term \(node.term), commits \(node.commitIndex) by counting")
        }
    }

    private mutating func checkLeader(_ node: RaftNode<MemoryStorage>, of replica: SimulatedReplica) {
        if let other = self.leaders[node.term] {
            if other != node.id { self.report("election safety: \(other) and \(node.id) lead term \(node.term)") }
            return
        }
        self.leaders[node.term] = node.id
        self.elections += 1
        for (index, entry) in self.committed where entry.byTerm < node.term && index >= replica.storage.firstIndex {
            if node.entryTerm(at: index) != entry.term {
                self.report("leader completeness: \(node.id), leader of term \(node.term), lacks \(index)")
            }
        }
    }

    private mutating func checkCommit(
        _ node: RaftNode<MemoryStorage>,
        of replica: SimulatedReplica,
        after known: LogIndex,
        among replicas: [SimulatedReplica]
    ) {
        var index = max(known.next, replica.storage.firstIndex)
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
            replicas.first { $0.id == member }?.hasDurable(last) ?? false
        }
        if durable != .won { self.report("committed is durable on a quorum: \(last) by \(node.id) is not") }
    }

    /// Looks at entries a server is about to write: one place and term has one content and one predecessor.
    mutating func appended(_ entries: [LogEntry], by replica: SimulatedReplica) {
        guard let first = entries.first else { return }
        var previous = replica.node?.entryTerm(at: first.index.previous)
        for entry in entries {
            let content = Content(kind: entry.kind, payload: entry.payload, previous: previous)
            if let known = self.contents[entry.id] {
                let isSame = known.kind == content.kind && known.payload == content.payload
                let isSamePlace = known.previous == nil || previous == nil || known.previous == previous
                if !isSame || !isSamePlace { self.report("log matching: \(entry.id) differs on \(replica.id)") }
            } else {
                self.contents[entry.id] = content
            }
            previous = entry.term
        }
    }

    /// Looks at a state machine after it applied an entry or installed a snapshot.
    mutating func applied(_ machine: ChainMachine, by node: NodeID) {
        if let known = self.applied[machine.index] {
            if known.chain != machine.chain { self.report("state machine safety: \(node) differs at \(machine.index)") }
            if known.members != machine.members { self.report("members differ on \(node) at \(machine.index)") }
        } else {
            self.applied[machine.index] = Applied(chain: machine.chain, members: machine.members)
        }
    }

    /// Looks at a hard state that was made durable: a node votes once in a term, for ever.
    mutating func persisted(_ hardState: HardState, by node: NodeID) {
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

    /// Looks at a read that may be served: it sees all that was committed anywhere when it was asked.
    mutating func served(_ read: ReadState, askedAt commit: LogIndex, by node: NodeID) {
        if read.index < commit {
            self.report("linearizable reads: \(node) serves one at \(read.index), asked when \(commit) was committed")
        }
    }
}
