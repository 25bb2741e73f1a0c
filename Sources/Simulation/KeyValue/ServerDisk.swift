import RaftCore
import SimulatedDisk

/// One step of the log: all of it becomes durable, or nothing.
struct LogStep {
    var hardState: HardState?
    var entries: [LogEntry]
    /// A received snapshot, which replaces log and state.
    var snapshot: Snapshot?

    init(_ work: StorageAppend) {
        self.hardState = work.hardState
        self.entries = work.entries
        self.snapshot = work.snapshot
    }

    init(snapshot: Snapshot) {
        self.entries = []
        self.snapshot = snapshot
    }
}

/// Work that is under way when the power goes.
enum InterruptedWork {
    case log([LogStep])
    case state(KeyValueState, isDurable: Bool)
}

/// Why a disk could not do what was asked.
enum DiskTrouble: Error, Hashable {
    /// No space; nothing was changed.
    case full
    /// What is there is not what was written, and that was noticed.
    case damaged(String)
    /// Our own bug: the log refused a write that no correct host makes.
    case refused(String)
}

/// How the files of a simulated server are kept: modelled in memory, or by the real log and database.
protocol DiskBackend: AnyObject {
    var hardState: HardState { get }
    var firstIndex: LogIndex { get }
    var lastIndex: LogIndex { get }
    /// The state as of the last commit.
    var state: KeyValueState { get }
    /// The applied index that no power cut takes back.
    var durableApplied: LogIndex { get }
    func term(of index: LogIndex) throws(RaftStorageError) -> Term
    func entries(from: LogIndex, to: LogIndex, maxBytes: Int) throws(RaftStorageError) -> [LogEntry]

    func append(_ step: LogStep) throws(DiskTrouble)
    /// Stores the state with its applied index, in one transaction.
    func commit(_ state: KeyValueState, isDurable: Bool) throws(DiskTrouble)
    /// Drops the log up to an index that is durably applied.
    func compact(through index: LogIndex, _ members: ClusterConfiguration) throws(DiskTrouble)
    /// Lets the power go while some work is under way; then the files are as they would be found.
    func cutPower(during work: InterruptedWork?, _ random: inout SplitMix64)
    /// Reads everything again, as a new process does.
    func open() throws(DiskTrouble)
    func setFull(_ isFull: Bool)
    /// Changes some bits, before the files are opened again.
    func flipBits(_ random: inout SplitMix64)
}

/// The disk of one simulated server, as the consensus core sees it.
final class ServerDisk: RaftStorage {
    let backend: any DiskBackend
    private let defects: Set<Defect>
    /// The state before the last commit; for a planted defect.
    private var earlier: KeyValueState?

    init(_ backend: any DiskBackend, defects: Set<Defect>) {
        self.backend = backend
        self.defects = defects
    }

    var state: KeyValueState { self.backend.state }

    func initialState() throws(RaftStorageError) -> (hardState: HardState, configuration: ClusterConfiguration) {
        (self.backend.hardState, self.backend.state.members)
    }

    func entries(from: LogIndex, to: LogIndex, maxBytes: Int) throws(RaftStorageError) -> [LogEntry] {
        try self.backend.entries(from: from, to: to, maxBytes: maxBytes)
    }

    func term(of index: LogIndex) throws(RaftStorageError) -> Term { try self.backend.term(of: index) }
    var firstIndex: LogIndex { self.backend.firstIndex }
    var lastIndex: LogIndex { self.backend.lastIndex }

    func snapshot() throws(RaftStorageError) -> Snapshot {
        var state = self.backend.state
        if self.defects.contains(.sessionsLostInSnapshot) { state.sessions = [:] }
        var metadata = SnapshotMetadata(index: state.index, term: state.term, configuration: state.members)
        if self.defects.contains(.snapshotRacesApply), let earlier = self.earlier,
            earlier.index >= self.firstIndex.previous
        {
            metadata = SnapshotMetadata(index: earlier.index, term: earlier.term, configuration: earlier.members)
            state.index = earlier.index
            state.term = earlier.term
        }
        return Snapshot(metadata: metadata, data: state.encoded)
    }

    func commit(_ state: KeyValueState, isDurable: Bool) throws(DiskTrouble) {
        self.earlier = self.backend.state
        try self.backend.commit(state, isDurable: isDurable)
    }

    /// Whether the entry is on this disk, or a snapshot that stands for it.
    func hasDurable(_ id: EntryID) -> Bool {
        if id.index < self.firstIndex { return true }
        return (try? self.term(of: id.index)) == id.term
    }
}

/// A model of the files that loses exactly what the real ones may lose: fast, for most of the runs.
final class ModelledDisk: DiskBackend {
    private var log: MemoryStorage
    private(set) var state: KeyValueState
    private var durableState: KeyValueState
    /// Commits that a power cut may take back, oldest first.
    private var unsyncedStates: [KeyValueState] = []
    private var isFull = false
    private var isDamaged = false
    private let defects: Set<Defect>
    /// With the defect of never syncing: the log as of an earlier moment.
    private var unsyncedLog: (base: MemoryStorage, steps: [LogStep])?

    private static let unsyncedStepsLimit = 12

    init(founding state: KeyValueState, defects: Set<Defect>) {
        self.state = state
        self.durableState = state
        self.defects = defects
        let metadata = SnapshotMetadata(index: state.index, term: state.term, configuration: state.members)
        self.log = MemoryStorage(snapshot: Snapshot(metadata: metadata))
        if defects.contains(.noSync) { self.unsyncedLog = (self.log.copy(), []) }
    }

    var hardState: HardState { self.log.hardState }
    var firstIndex: LogIndex { self.log.firstIndex }
    var lastIndex: LogIndex { self.log.lastIndex }
    var durableApplied: LogIndex { self.durableState.index }
    func term(of index: LogIndex) throws(RaftStorageError) -> Term { try self.log.term(of: index) }

    func entries(from: LogIndex, to: LogIndex, maxBytes: Int) throws(RaftStorageError) -> [LogEntry] {
        try self.log.entries(from: from, to: to, maxBytes: maxBytes)
    }

    func append(_ step: LogStep) throws(DiskTrouble) {
        if self.isFull, !step.entries.isEmpty || step.snapshot != nil { throw .full }
        try self.write(step, to: self.log)
        if self.unsyncedLog != nil { self.noteUnsynced(step) }
        guard let snapshot = step.snapshot, snapshot.id.index > self.state.index else { return }
        guard let installed = KeyValueState(snapshot.data) else {
            throw .refused("Expected a snapshot of the state, but got \(snapshot.data.count) other bytes")
        }
        self.state = installed
        if self.defects.contains(.snapshotNotDurable) {
            self.unsyncedStates.append(installed)
        } else {
            self.durableState = installed
            self.unsyncedStates = []
        }
    }

    private func write(_ step: LogStep, to log: MemoryStorage) throws(DiskTrouble) {
        if let hardState = step.hardState { log.set(hardState) }
        if let snapshot = step.snapshot {
            log.install(Snapshot(metadata: snapshot.metadata))
            if log.hardState.commit < snapshot.id.index { log.set(log.hardState.raised(to: snapshot.id)) }
        }
        if let first = step.entries.first, first.index > log.lastIndex.next {
            throw .refused("Expected entries from index \(log.lastIndex.next) on, but got index \(first.index)")
        }
        log.append(step.entries)
    }

    private func noteUnsynced(_ step: LogStep) {
        self.unsyncedLog?.steps.append(step)
        // The operating system writes back by itself now and then.
        guard let steps = self.unsyncedLog?.steps, steps.count >= Self.unsyncedStepsLimit else { return }
        self.unsyncedLog = (self.log.copy(), [])
    }

    func commit(_ state: KeyValueState, isDurable: Bool) throws(DiskTrouble) {
        if self.defects.contains(.appliedIndexApart) {
            // The index first, the effect by another transaction.
            var indexAlone = self.state
            indexAlone.index = state.index
            indexAlone.term = state.term
            self.unsyncedStates.append(indexAlone)
        }
        self.state = state
        self.unsyncedStates.append(state)
        guard isDurable else { return }
        self.durableState = state
        self.unsyncedStates = []
    }

    func compact(through index: LogIndex, _ members: ClusterConfiguration) throws(DiskTrouble) {
        self.log.compact(through: index)
        // What was compacted is written anew as a whole.
        if self.unsyncedLog != nil { self.unsyncedLog = (self.log.copy(), []) }
    }

    func cutPower(during work: InterruptedWork?, _ random: inout SplitMix64) {
        if let unsynced = self.unsyncedLog {
            let log = unsynced.base.copy()
            for step in unsynced.steps.prefix(random.next(below: unsynced.steps.count + 1)) {
                // A step that was refused has ended the run already.
                try? self.write(step, to: log)
            }
            self.log = log
        }
        switch work {
        case .log(let steps):
            for step in steps.prefix(random.next(below: steps.count + 1)) { try? self.append(step) }
        case .state(let state, let isDurable):
            if random.next(below: 2) == 0 { try? self.commit(state, isDurable: isDurable) }
        case nil: break
        }
        let kept = random.next(below: self.unsyncedStates.count + 1)
        if kept > 0 { self.durableState = self.unsyncedStates[kept - 1] }
        self.state = self.durableState
        self.unsyncedStates = []
        if self.unsyncedLog != nil { self.unsyncedLog = (self.log.copy(), []) }
    }

    func open() throws(DiskTrouble) {
        if self.isDamaged { throw .damaged("Expected a sound checksum, but got another one") }
    }

    func setFull(_ isFull: Bool) { self.isFull = isFull }

    func flipBits(_ random: inout SplitMix64) {
        // Some bits are in no use.
        if random.next(below: 3) > 0 { self.isDamaged = true }
    }
}

extension HardState {
    /// What a log makes of its hard state when it takes over a snapshot.
    func raised(to snapshot: EntryID) -> HardState {
        var state = self
        state.commit = max(state.commit, snapshot.index)
        if snapshot.term > state.term {
            state.term = snapshot.term
            state.vote = nil
        }
        return state
    }
}
