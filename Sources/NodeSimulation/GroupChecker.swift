import ProcessEngine
import RaftCore
import RaftLog
import ReplicaCore
import Simulation
import StateStore

/// Checks one group over the whole world from what each step changed: the properties of the Raft paper (figure 3) as
/// far as they are seen from outside of a replica, that what the log acknowledged stays, and equal states.
final class GroupChecker {
    /// What a node's log has acknowledged.
    private struct Mirror {
        var base = EntryID()
        var terms: [Term] = []
        var hardState = HardState()

        var last: EntryID {
            self.terms.last.map { EntryID(term: $0, index: self.base.index + self.terms.count) } ?? self.base
        }

        /// Nil where nothing is known.
        func term(at index: LogIndex) -> Term? {
            if index == self.base.index { return self.base.term }
            let place = index.distance(from: self.base.index)
            return place > 0 && place <= self.terms.count ? self.terms[place - 1] : nil
        }

        mutating func take(_ work: StorageAppend, _ hardState: HardState?) {
            if let hardState { self.hardState = hardState }
            if let snapshot = work.snapshot {
                self.base = snapshot.id
                self.terms = []
            }
            guard let first = work.entries.first else { return }
            let kept = first.index.previous.distance(from: self.base.index)
            if kept < self.terms.count { self.terms.removeLast(self.terms.count - kept) }
            self.terms += work.entries.map(\.term)
        }
    }

    let group: UInt32
    private(set) var events: EventModel
    private(set) var highestCommit = LogIndex(1)
    /// The last entry whose events are in `events`.
    private(set) var highestApplied = LogIndex(1)
    private(set) var elections = 0
    private let report: (String) -> Void
    private var leaders: [Term: NodeID] = [:]
    private var votes: [NodeID: [Term: NodeID]] = [:]
    private var contents: [EntryID: UInt64] = [:]
    private var committed: [LogIndex: Term] = [LogIndex(1): Term(1)]
    private var digests: [LogIndex: StateDigest] = [:]
    private var mirrors: [NodeID: Mirror] = [:]
    /// What a log may also hold when it is opened: work that was not acknowledged before a power cut.
    private var unacknowledged: [NodeID: Mirror] = [:]
    private var applied: [NodeID: LogIndex] = [:]
    private var terms: [NodeID: Term] = [:]
    private var commits: [NodeID: LogIndex] = [:]
    /// The members that each node went by after its last step.
    private var members: [NodeID: ClusterConfiguration] = [:]

    init(group: UInt32, report: @escaping (String) -> Void) {
        self.group = group
        let prefix = "group \(group): "
        self.report = { report(prefix + $0) }
        self.events = EventModel()
    }

    // MARK: The log

    /// Before work goes to a log.
    func willPersist(_ work: StorageAppend, hardState: HardState?, by node: NodeID) {
        for entry in work.entries {
            var hash = TraceHash()
            hash.add(UInt64(entry.kind.rawValue))
            hash.add(entry.payload)
            if let known = self.contents[entry.id], known != hash.value {
                self.report("log matching: \(entry.id) differs on \(node)")
            }
            self.contents[entry.id] = hash.value
            // A follower of a deposed leader may take what is void already, but never in place of what counts.
            if let term = self.committed[entry.index], term != entry.term,
                self.mirrors[node]?.term(at: entry.index) == term
            {
                self.report("committed is immutable: \(node) writes \(entry.id) over the entry of term \(term)")
            }
        }
        var mirror = self.mirrors[node] ?? Mirror()
        mirror.take(work, hardState)
        self.unacknowledged[node] = mirror
    }

    /// Work is durable: from now on no power cut may take it away.
    func didPersist(by node: NodeID) {
        guard let mirror = self.unacknowledged.removeValue(forKey: node) else { return }
        self.mirrors[node] = mirror
        self.noteVote(mirror.hardState, by: node)
    }

    /// A node votes once in a term, for ever.
    private func noteVote(_ hardState: HardState, by node: NodeID) {
        guard let vote = hardState.vote else { return }
        if let known = self.votes[node]?[hardState.term], known != vote {
            self.report("one vote a term: \(node) votes for \(known) and \(vote) in term \(hardState.term)")
        }
        self.votes[node, default: [:]][hardState.term] = vote
    }

    /// Nothing of the work was kept, for lack of space.
    func didNotPersist(by node: NodeID) { self.unacknowledged[node] = nil }

    /// Calls `body` with the due time of each timer that is triggered, when that is committed.
    func onTimer(_ body: @escaping (Int64) -> Void) { self.events.timerTriggered = body }

    /// Looks at a log that was opened: what it acknowledged must be there.
    func opened(_ group: HostedGroup, by node: NodeID) {
        self.terms[node] = nil
        self.commits[node] = nil
        self.applied[node] = LogIndex(group.state.position.appliedIndex)
        guard let status = try? group.reader.status() else {
            self.report("the log of \(node) cannot be read")
            return
        }
        if group.state.position.appliedIndex > status.lastIndex.rawValue {
            self.report("applied is durable: \(node) has applied \(group.state.position) beyond \(status.lastIndex)")
        }
        let known = [self.mirrors[node], self.unacknowledged[node]].compactMap { $0 }
        guard !known.isEmpty else {
            self.mirrors[node] = Mirror(base: EntryID(term: status.snapshot.term, index: status.snapshot.index))
            return
        }
        guard let found = known.first(where: { Self.isIn($0, status, group.reader) }) else {
            self.report(
                "acknowledged is durable: the log of \(node) ends at \(status.lastTerm)/\(status.lastIndex) with "
                    + "\(status.hardState), but had acknowledged \(known[0].last) with \(known[0].hardState)"
            )
            return
        }
        self.mirrors[node] = found
        self.unacknowledged[node] = nil
        self.noteVote(found.hardState, by: node)
    }

    private static func isIn(_ mirror: Mirror, _ status: RaftLog.GroupStatus, _ reader: SimulatedLogReader) -> Bool {
        let hardState = status.hardState
        guard hardState.term >= mirror.hardState.term, status.lastIndex == mirror.last.index else { return false }
        if hardState.term == mirror.hardState.term, mirror.hardState.vote != nil,
            hardState.vote != mirror.hardState.vote
        {
            return false
        }
        return (try? reader.term(of: mirror.last.index)) == mirror.last.term
    }

    // MARK: Steps

    /// Looks at a replica after a step.
    func stepped(_ group: HostedGroup, on node: NodeID) {
        let replica = group.replica
        if let fault = replica.fault { self.report("\(node) stopped: \(fault)") }
        if replica.term < self.terms[node] ?? .zero { self.report("monotonic terms: \(node) fell to \(replica.term)") }
        self.terms[node] = replica.term
        if replica.commitIndex < self.commits[node] ?? .zero {
            self.report("monotonic commit: \(node) fell to \(replica.commitIndex)")
        }
        self.commits[node] = replica.commitIndex
        if replica.role == .leader { self.checkLeader(group, node) }
        self.members[node] = replica.configuration
        self.highestCommit = max(self.highestCommit, replica.commitIndex)
        self.follow(group, node)
    }

    private func checkLeader(_ group: HostedGroup, _ node: NodeID) {
        let replica = group.replica
        if let other = self.leaders[replica.term] {
            if other != node { self.report("election safety: \(other) and \(node) lead term \(replica.term)") }
        } else {
            self.leaders[replica.term] = node
            self.elections += 1
            self.checkCompleteness(group, node)
        }
        guard replica.commitIndex > self.highestCommit else { return }
        // The step may have applied a change of members that an older quorum committed.
        let isDurable = [replica.configuration, self.members[node] ?? replica.configuration].contains { members in
            members.quorum.result { self.hasDurable(replica.commitIndex, of: replica.term, $0) } == .won
        }
        guard !isDurable else { return }
        let known = replica.configuration.voters.map { "\($0): \(self.mirrors[$0]?.last ?? EntryID())" }
        self.report(
            "committed is durable on a quorum: \(replica.commitIndex) by \(node), leader of term \(replica.term), is "
                + "not: \(known.joined(separator: ", "))"
        )
    }

    private func hasDurable(_ index: LogIndex, of term: Term, _ node: NodeID) -> Bool {
        guard let mirror = self.mirrors[node] else { return false }
        return mirror.base.index >= index || mirror.term(at: index) == term
    }

    private func checkCompleteness(_ group: HostedGroup, _ node: NodeID) {
        guard var mirror = self.mirrors[node] else { return }
        // What waits for the disk is in its log already.
        for work in group.work { mirror.take(work, nil) }
        var index = mirror.base.index.next
        while index <= self.highestApplied {
            if let term = self.committed[index], mirror.term(at: index) != term {
                self.report(
                    "leader completeness: \(node), leader of term \(group.replica.term), lacks \(term)/\(index)"
                )
                return
            }
            index = index.next
        }
    }

    /// Follows what a replica has applied, event by event where nobody had applied it before.
    private func follow(_ group: HostedGroup, _ node: NodeID) {
        let position = group.replica.position
        let index = LogIndex(position.appliedIndex)
        if group.replica.commitIndex < index { self.report("applied is committed: \(node) has applied \(index)") }
        let saved = LogIndex(group.state.position.appliedIndex)
        if saved < self.applied[node] ?? .zero { self.report("monotonic state: \(node) fell to \(saved)") }
        if saved > index { self.report("saved is applied: \(node) has saved \(saved), but applied \(index)") }
        self.applied[node] = saved
        if index > self.highestApplied { self.readNew(group, through: index, node) }
        if let term = self.committed[index], term.rawValue != position.appliedTerm {
            self.report("state machine safety: \(node) applied \(position.appliedTerm)/\(index), others \(term)")
        }
        // A leader may have opened its next batch already; its entries say what its state was.
        if !group.replica.hasOpenBatch { self.compare(group.replica.digest, at: index, "\(node)") }
    }

    private func readNew(_ group: HostedGroup, through last: LogIndex, _ node: NodeID) {
        do {
            while self.highestApplied < last {
                let entries = try group.reader.entries(from: self.highestApplied.next, to: last.next, maxBytes: 1 << 20)
                for entry in entries { try self.read(entry) }
                if entries.isEmpty { break }
            }
        } catch {
            self.report("\(node) has applied \(last), but its log cannot tell what: \(error)")
            self.highestApplied = last
        }
    }

    private func read(_ entry: LogEntry) throws {
        self.committed[entry.index] = entry.term
        self.highestApplied = entry.index
        guard entry.kind == .normal, !entry.payload.isEmpty else { return }
        var time: Int64 = 0
        try BatchEntry.decode(
            entry.payload,
            header: { header in
                time = header.time
                self.compare(header.digest, at: entry.index.previous, "the leader of term \(entry.term)")
                self.events.begin(header, report: self.report)
            },
            event: { self.events.apply($0, at: time, report: self.report) }
        )
    }

    private func compare(_ digest: StateDigest, at index: LogIndex, _ who: String) {
        if let known = self.digests[index] {
            if known != digest { self.report("equal states: \(who) differs at \(index)") }
        } else {
            self.digests[index] = digest
        }
    }
}
