@testable import RaftCore

/// A few members in one thread with a network that does what a test says.
struct TestGroup {
    struct Member {
        var node: RaftNode<MemoryStorage>
        let storage: MemoryStorage
        var applied: [LogEntry] = []
        var reads: [ReadState] = []
        var failedReads: [ReadRequestID] = []
        var alarms: [RaftAlarm] = []
    }

    var members: [Member] = []
    var mail: [RaftMessage] = []

    init(_ count: UInt64, _ configure: (inout RaftConfiguration) -> Void = { _ in }) throws {
        let ids = (1...count).map { NodeID($0) }
        for id in ids {
            var configuration = RaftConfiguration(id: id)
            configuration.randomSeed = 42
            configure(&configuration)
            let storage = MemoryStorage(voters: ids)
            let node = try RaftNode(configuration: configuration, storage: storage)
            self.members.append(Member(node: node, storage: storage))
        }
    }

    /// The node with that number, counted from 1.
    subscript(_ number: Int) -> RaftNode<MemoryStorage> {
        get { self.members[number - 1].node }
        _modify { yield &self.members[number - 1].node }
    }

    /// Does the host's work of one node once, if there is any.
    mutating func handleReady(_ number: Int) -> Ready? {
        guard self[number].hasReady else { return nil }
        let ready = self[number].ready()
        let storage = self.members[number - 1].storage
        if let hardState = ready.hardState { storage.set(hardState) }
        if let snapshot = ready.snapshot { storage.install(snapshot) }
        storage.append(ready.entries)
        self.mail += ready.messages + ready.messagesAfterPersist
        for entry in ready.committedEntries where entry.kind != .normal {
            _ = try? self[number].applyConfigurationChange(entry)
        }
        self.members[number - 1].applied += ready.committedEntries
        self.members[number - 1].reads += ready.readStates
        self.members[number - 1].failedReads += ready.failedReads
        self.members[number - 1].alarms += ready.alarms
        self[number].advance()
        return ready
    }

    /// Works and delivers until nothing is left, without the messages a test wants lost.
    mutating func settle(losing isLost: (RaftMessage) -> Bool = { _ in false }) {
        for _ in 0..<1_000 {
            var isBusy = false
            for number in 1...self.members.count where self.handleReady(number) != nil { isBusy = true }
            let mail = self.mail.filter { !isLost($0) }
            self.mail = []
            for message in mail where Int(message.to.rawValue) <= self.members.count {
                self[Int(message.to.rawValue)].step(message)
                isBusy = true
            }
            if !isBusy { return }
        }
    }

    /// Makes a node leader with the others' votes.
    mutating func elect(_ number: Int) {
        for other in 1...self.members.count { self[other].forgetLeader() }
        self[number].campaign()
        self.settle()
    }

    /// What a node holds durably, as (term, index) pairs.
    func log(_ number: Int) -> [EntryID] { self.members[number - 1].storage.log.map(\.id) }
}

extension RaftMessage {
    /// A message between members of the default group.
    static func between(_ from: UInt64, _ to: UInt64, term: UInt64, _ body: Body) -> RaftMessage {
        RaftMessage(
            group: GroupID(1),
            incarnation: IncarnationID(1),
            from: NodeID(from),
            to: NodeID(to),
            term: Term(term),
            body: body
        )
    }

    func isBetween(_ left: UInt64, _ right: UInt64) -> Bool {
        [self.from, self.to] == [NodeID(left), NodeID(right)] || [self.from, self.to] == [NodeID(right), NodeID(left)]
    }
}

/// A node of three with a log whose entries have the given terms, as a follower.
func makeNode(
    logTerms: [UInt64] = [],
    term: UInt64 = 0,
    commit: UInt64 = 0,
    vote: UInt64? = nil,
    _ configure: (inout RaftConfiguration) -> Void = { _ in }
) throws -> RaftNode<MemoryStorage> {
    let storage = MemoryStorage(voters: [NodeID(1), NodeID(2), NodeID(3)])
    storage.append(
        logTerms.enumerated().map { LogEntry(term: Term($1), index: LogIndex(UInt64($0 + 1)), payload: [UInt8($0)]) }
    )
    storage.set(HardState(term: Term(term), vote: vote.map { NodeID($0) }, commit: LogIndex(commit)))
    var configuration = RaftConfiguration(id: NodeID(1))
    configuration.randomSeed = 42
    configure(&configuration)
    return try RaftNode(configuration: configuration, storage: storage)
}

extension RaftNode where Storage == MemoryStorage {
    /// The storage behind the node, for tests that play its disk.
    var disk: MemoryStorage { self.log.storage }

    /// Everything the node wants to send now, after its host persisted what it must.
    mutating func takeMessages() -> [RaftMessage] {
        guard self.hasReady else { return [] }
        let ready = self.ready()
        if let hardState = ready.hardState { self.disk.set(hardState) }
        self.disk.append(ready.entries)
        self.advance()
        return ready.messages + ready.messagesAfterPersist
    }
}

func append(_ index: UInt64, _ term: UInt64, commit: UInt64 = 0, _ entries: [LogEntry] = []) -> RaftMessage.Body {
    let previous = EntryID(term: Term(term), index: LogIndex(index))
    return .appendRequest(AppendRequest(previous: previous, commit: LogIndex(commit), entries: entries))
}

func entry(_ index: UInt64, _ term: UInt64, _ payload: [UInt8] = []) -> LogEntry {
    LogEntry(term: Term(term), index: LogIndex(index), payload: payload)
}
