import ProcessEngine
import RaftCore
import RaftLog
import SimulatedDisk
import StateStore

/// The life of one replica on one disk: a log, a state database that follows it, compaction, and snapshots that replace
/// both. Every step is right unless a mistake is asked for; after each, `marks` says what a power cut must not take.
final class ReplicaHost {
    /// What a host could do wrong.
    enum Mistake: CaseIterable, Sendable {
        /// The log is compacted up to what is applied, durable or not.
        case compactsThroughApplied
        /// The files of a snapshot are not synced before the log names their generation.
        case installsUnsynced
        /// The old state goes before the log names the new one.
        case removesOldStateFirst
        /// An effect and its applied index are committed one after the other.
        case storesAppliedIndexApart
    }

    /// What holds when so many disk operations are done.
    struct Mark {
        var operations: Int
        var status: GroupStatus
        var commit: UInt64
        /// What the state of that generation has applied for good, and what it has applied at most.
        var generation: UInt64
        var durableApplied: UInt64
        var applied: UInt64
    }

    let disk: SimulatedDisk
    private let log: SQLiteRaftLog
    private var state: SQLiteState
    private let mistake: Mistake?
    private var random: DiskRandom
    private(set) var marks: [Mark] = []
    /// The terms of all entries ever committed, from index 1 on, and the state's digest behind each.
    private(set) var committedTerms: [UInt64] = []
    private(set) var digests: [StateDigest] = []
    /// A state without a disk, which applies everything that is committed.
    private let ideal: SQLiteState
    private var status: GroupStatus { (try? self.log.status(of: .one)) ?? self.marks[0].status }
    private var term: UInt64 = 1

    init(seed: UInt64, mistake: Mistake? = nil) throws {
        self.disk = SimulatedDisk(seed: seed)
        self.random = DiskRandom(seed: seed)
        self.mistake = mistake
        self.ideal = try SQLiteState.inMemory()
        self.log = try Self.openLog(self.disk, mustExist: false)
        self.state = try Self.openState(self.disk, generation: 0)
        self.digests = [self.ideal.digest]
        try self.commit(through: 1, term: 1)
        // Founded behind index 1, which the state has applied.
        self.state.requestDurableCommit()
        try Self.apply([(1, 1)], to: self.state)
        let founding = SnapshotMetadata(index: LogIndex(1), term: Term(1), configuration: .three)
        try self.log.createGroup(.one, incarnation: .first, snapshot: founding)
        self.disk.startRecording()
        try self.mark()
    }

    static func openLog(_ disk: SimulatedDisk, mustExist: Bool) throws -> SQLiteRaftLog {
        let options = RaftLogOptions(mustExist: mustExist, checkpointPages: 12, preallocates: false, vfs: disk.name)
        return try SQLiteRaftLog(folder: "", identity: LogFixture.identity, options: options)
    }

    static func folder(_ generation: UInt64) -> String { "state/\(generation)" }

    static func openState(_ disk: SimulatedDisk, generation: UInt64) throws -> SQLiteState {
        let options = StateOptions(pageBytes: 1024, checkpointBytes: 24 << 10, vfs: disk.name)
        return try SQLiteState(folder: Self.folder(generation), options: options)
    }

    // MARK: The effect of an entry

    static func request(_ index: UInt64) -> RequestID { RequestID("request-\(index)") }

    /// Applies entries in one transaction: a row for each, and the applied index.
    static func apply(_ entries: [(index: UInt64, term: UInt64)], to state: SQLiteState, isApart: Bool = false) throws {
        guard let last = entries.last else { return }
        try state.begin()
        for (index, term) in entries {
            let answer = AnsweredRequest(
                id: Self.request(index),
                commandHash: Int64(term),
                answer: .done,
                answeredAt: Int64(index)
            )
            try state.insert(answer)
        }
        if isApart {
            try state.commit(state.position)
            try state.begin()
        }
        try state.commit(StatePosition(appliedIndex: last.index, appliedTerm: last.term))
    }

    // MARK: Steps

    func run(steps: Int) throws {
        for _ in 0..<steps {
            switch self.random.below(12) {
            case 0: try self.compact()
            case 1 where self.marks.count > 4: try self.installSnapshot()
            case 2:
                if try self.state.checkpointIfNeeded() { try self.mark() }
            case 3, 4, 5, 6: try self.append()
            default: try self.applySome()
            }
        }
    }

    private func mark() throws {
        self.marks.append(
            Mark(
                operations: self.disk.recordedCount,
                status: try self.log.status(of: .one),
                commit: UInt64(self.committedTerms.count),
                generation: try self.log.status(of: .one).stateGeneration,
                durableApplied: self.state.durableAppliedIndex,
                applied: self.state.position.appliedIndex
            )
        )
    }

    /// The leader commits entries; only memory knows of it.
    private func commit(through index: UInt64, term: UInt64) throws {
        let first = UInt64(self.committedTerms.count) + 1
        guard first <= index else { return }
        for next in first...index {
            self.committedTerms.append(term)
            try Self.apply([(next, term)], to: self.ideal)
            self.digests.append(self.ideal.digest)
        }
    }

    /// Some entries, at times in conflict with what is not committed; some of them are committed then, and the log
    /// does not always learn that.
    private func append() throws {
        let commit = UInt64(self.committedTerms.count)
        let status = self.status
        let last = status.lastIndex.rawValue
        let isConflict = last > commit && self.random.below(3) == 0
        if isConflict || self.random.below(4) == 0 { self.term += 1 }
        let first = isConflict ? commit + 1 + self.random.below(last - commit) : last + 1
        let newLast = first + self.random.below(5)
        let tellsCommit = self.random.below(2) == 0
        let entries = [LogEntry].run(first...newLast, term: self.term, payloadBytes: Int(self.random.below(300)))
        let known = max(status.hardState.commit.rawValue, tellsCommit ? commit : 0)
        let hardState = HardState(term: Term(self.term), commit: LogIndex(known))
        try self.log.append(.one(hardState, entries: entries))
        let newCommit = commit + self.random.below(newLast - commit + 1)
        if newCommit > commit {
            for index in (commit + 1)...newCommit {
                let term = try self.log.term(of: LogIndex(index), in: .one).rawValue
                try self.commit(through: index, term: term)
            }
        }
        try self.mark()
    }

    private func applySome() throws {
        let applied = self.state.position.appliedIndex
        let commit = UInt64(self.committedTerms.count)
        guard applied < commit else { return }
        let last = applied + 1 + self.random.below(commit - applied)
        if self.random.below(3) == 0 { self.state.requestDurableCommit() }
        let entries = ((applied + 1)...last).map { ($0, self.committedTerms[Int($0) - 1]) }
        try Self.apply(entries, to: self.state, isApart: self.mistake == .storesAppliedIndexApart)
        try self.mark()
    }

    private func compact() throws {
        let bound =
            self.mistake == .compactsThroughApplied
            ? self.state.position.appliedIndex
            : self.state.durableAppliedIndex
        let status = self.status
        guard bound > status.snapshot.index.rawValue else { return }
        // The log must know that this much is committed.
        let commit = LogIndex(max(bound, status.hardState.commit.rawValue))
        try self.log.append(.one(HardState(term: status.hardState.term, commit: commit)))
        try self.mark()
        try self.log.compact(.one, incarnation: .first, through: LogIndex(bound), configuration: .three)
        try self.mark()
    }

    /// The leader is far ahead: its state comes as a file, which becomes the next generation.
    private func installSnapshot() throws {
        let status = self.status
        let index = UInt64(self.committedTerms.count) + 1 + self.random.below(8)
        self.term += 1
        let (old, generation) = (status.stateGeneration, status.stateGeneration + 1)
        let terms = self.committedTerms + Array(repeating: self.term, count: Int(index) - self.committedTerms.count)
        let path = "\(Self.folder(generation))/\(StateFile.name)"
        self.disk.create(path, with: try Self.stateFile(terms))
        if self.mistake != .installsUnsynced { self.disk.sync(path) }
        if self.mistake == .removesOldStateFirst { self.removeState(old) }
        let snapshot = SnapshotMetadata(index: LogIndex(index), term: Term(self.term), configuration: .three)
        let entries: [LogEntry] = self.random.below(2) == 0 ? [] : .run((index + 1)...(index + 2), term: self.term)
        try self.log.append(.one(snapshot: snapshot, stateGeneration: generation, entries: entries))
        try self.commit(through: index, term: self.term)
        self.state = try Self.openState(self.disk, generation: generation)
        try self.mark()
        if self.mistake != .removesOldStateFirst { self.removeState(old) }
    }

    private func removeState(_ generation: UInt64) {
        for suffix in ["-wal", "-shm", "-journal", ""] {
            let path = "\(Self.folder(generation))/\(StateFile.name)\(suffix)"
            if self.disk.image.contents(of: path) != nil { self.disk.unlink(path) }
        }
    }

    /// The bytes of a state database that has applied entries of these terms, from index 1 on.
    private static func stateFile(_ terms: [UInt64]) throws -> [UInt8] {
        let disk = SimulatedDisk()
        do {
            let state = try Self.openState(disk, generation: 0)
            state.requestDurableCommit()
            try Self.apply(terms.enumerated().map { (UInt64($0.offset) + 1, $0.element) }, to: state)
        }
        return disk.image.contents(of: "\(Self.folder(0))/\(StateFile.name)") ?? []
    }
}
