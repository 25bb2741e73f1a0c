import RaftCore
import RaftLog
import SQLite
import SimulatedDisk

/// The real durable log and a real database for the state, on a simulated disk that loses power between any two of its
/// operations and keeps, drops or tears what was not synced.
final class SQLiteDisk: DiskBackend {
    private let node: NodeID
    private var disk: SimulatedDisk
    private var log: SQLiteRaftLog?
    private var store: StateDatabase?
    private(set) var durableApplied = LogIndex.zero
    /// The snapshot with which the state's file begins; the log's own record says which file counts.
    private var base = LogIndex.zero
    private let defects: Set<Defect>
    private var status: GroupStatus

    private static let group = GroupID(1)
    private static let incarnation = IncarnationID(1)
    private static let spareBytes = 2_000

    init(node: NodeID, founding state: KeyValueState, defects: Set<Defect>, seed: UInt64) throws(DiskTrouble) {
        self.node = node
        self.defects = defects
        self.disk = SimulatedDisk(seed: seed)
        self.status = Self.emptyStatus
        try self.guarded {
            let log = try self.openLog(mustExist: false)
            try log.createGroup(Self.group, incarnation: Self.incarnation, configuration: ClusterConfiguration())
            let store = try StateDatabase(disk: self.disk, base: .zero)
            try store.save(KeyValueState(), isDurable: true)
            (self.log, self.store) = (log, store)
            self.status = try log.status(of: Self.group)
        }
        guard state.index > .zero else { return }
        let metadata = SnapshotMetadata(index: state.index, term: state.term, configuration: state.members)
        try self.append(LogStep(snapshot: Snapshot(metadata: metadata, data: state.encoded)))
    }

    private static var emptyStatus: GroupStatus {
        GroupStatus(
            group: Self.group,
            incarnation: Self.incarnation,
            hardState: HardState(),
            snapshot: SnapshotMetadata(),
            lastIndex: .zero,
            lastTerm: .zero
        )
    }

    private func openLog(mustExist: Bool) throws -> SQLiteRaftLog {
        let options = RaftLogOptions(
            mustExist: mustExist,
            checkpointPages: 24,
            preallocates: false,
            synchronous: self.defects.contains(.noSync) ? .off : .full,
            vfs: self.disk.name
        )
        let identity = LogIdentity(node: self.node, directory: self.node.rawValue)
        return try SQLiteRaftLog(folder: "", identity: identity, options: options)
    }

    /// Sorts what log and database throw.
    private func guarded<Value>(_ body: () throws -> Value) throws(DiskTrouble) -> Value {
        do {
            return try body()
        } catch let trouble as DiskTrouble {
            throw trouble
        } catch let error as RaftLogError {
            switch error.code {
            case .diskFull: throw .full
            case .corrupted, .newerVersion, .foreignIdentity, .unknownGroup: throw .damaged("\(error)")
            default: throw .refused("\(error.code): \(error)")
            }
        } catch let error as SQLiteError {
            if error.isDiskFull { throw .full }
            if error.isCorrupt { throw .damaged("\(error)") }
            throw .refused("\(error)")
        } catch {
            throw .refused("\(error)")
        }
    }

    // MARK: Reading

    var hardState: HardState { self.status.hardState }
    var firstIndex: LogIndex { self.status.firstIndex }
    var lastIndex: LogIndex { self.status.lastIndex }
    var state: KeyValueState { self.store?.state ?? KeyValueState() }

    func term(of index: LogIndex) throws(RaftStorageError) -> Term {
        try self.reading { log in try log.term(of: index, in: Self.group) }
    }

    func entries(from: LogIndex, to: LogIndex, maxBytes: Int) throws(RaftStorageError) -> [LogEntry] {
        guard from < to else { return [] }
        return try self.reading { log in
            try log.entries(of: Self.group, from: from, through: to.previous, maxBytes: maxBytes)
        }
    }

    private func reading<Value>(_ body: (SQLiteRaftLog) throws -> Value) throws(RaftStorageError) -> Value {
        guard let log = self.log else { throw .failed("the log is closed") }
        do {
            return try body(log)
        } catch let error as RaftLogError {
            switch error.code {
            case .compacted: throw .compacted
            case .unavailable: throw .unavailable
            default: throw .failed("\(error)")
            }
        } catch {
            throw .failed("\(error)")
        }
    }

    // MARK: Writing

    func append(_ step: LogStep) throws(DiskTrouble) {
        try self.guarded {
            guard let log = self.log else { throw DiskTrouble.refused("the log is closed") }
            var write = LogWrite(group: Self.group, incarnation: Self.incarnation)
            write.hardState = step.hardState
            write.entries = step.entries
            var next: StateDatabase?
            if let snapshot = step.snapshot {
                write.snapshot = snapshot.metadata
                if snapshot.id.index > self.state.index { next = try self.prepare(snapshot) }
            }
            if write.hardState != nil || write.snapshot != nil || !write.entries.isEmpty { try log.append([write]) }
            self.status = try log.status(of: Self.group)
            guard let next else { return }
            let old = self.base
            self.store = next
            self.base = next.base
            self.durableApplied = next.state.index
            StateDatabase.remove(base: old, from: self.disk)
        }
    }

    /// The state goes to a file of its own, synced, before the log says that it counts.
    private func prepare(_ snapshot: Snapshot) throws -> StateDatabase {
        guard let state = KeyValueState(snapshot.data) else {
            throw DiskTrouble.refused("Expected a snapshot of the state, but got \(snapshot.data.count) other bytes")
        }
        StateDatabase.remove(base: snapshot.id.index, from: self.disk)
        let store = try StateDatabase(disk: self.disk, base: snapshot.id.index)
        try store.save(state, isDurable: !self.defects.contains(.snapshotNotDurable))
        return store
    }

    func commit(_ state: KeyValueState, isDurable: Bool) throws(DiskTrouble) {
        try self.guarded {
            guard let store = self.store else { throw DiskTrouble.refused("the state is closed") }
            if self.defects.contains(.appliedIndexApart) {
                var indexAlone = store.state
                indexAlone.index = state.index
                indexAlone.term = state.term
                try store.save(indexAlone, isDurable: false)
            }
            try store.save(state, isDurable: isDurable)
            if isDurable { self.durableApplied = state.index }
        }
    }

    func compact(through index: LogIndex, _ members: ClusterConfiguration) throws(DiskTrouble) {
        let index = min(index, self.hardState.commit)
        guard index >= self.firstIndex else { return }
        try self.guarded {
            try self.log?.compact(
                Self.group,
                incarnation: Self.incarnation,
                through: index,
                configuration: members
            )
            if let log = self.log { self.status = try log.status(of: Self.group) }
        }
    }

    func setFull(_ isFull: Bool) {
        if isFull { self.disk.limit(toBytes: self.disk.image.totalBytes + Self.spareBytes) } else { self.disk.heal() }
    }

    // MARK: Power

    func cutPower(during work: InterruptedWork?, _ random: inout SplitMix64) {
        var image = self.disk.image
        if let work {
            self.disk.startRecording()
            // What fails here fails in a process that is about to vanish.
            switch work {
            case .log(let steps): for step in steps { try? self.append(step) }
            case .state(let state, let isDurable): try? self.commit(state, isDurable: isDurable)
            }
            if let recording = self.disk.recording {
                let cut = random.next(below: recording.operations.count + 1)
                recording.forEachStep { done, step in if done == cut { image = step } }
            }
        }
        self.log?.close()
        self.log = nil
        self.store = nil
        let losses: [DiskImage.Loss] = [
            .losesAll, .losesNothing, .random(seed: random.next()), .random(seed: random.next()),
        ]
        let loss = losses[random.next(below: losses.count)]
        self.disk = SimulatedDisk(image.afterPowerCut(loss), seed: random.next())
    }

    func flipBits(_ random: inout SplitMix64) {
        let paths = self.disk.image.paths.filter { self.disk.image.size(of: $0) > 0 && !$0.hasSuffix("-shm") }
        guard !paths.isEmpty else { return }
        for _ in 0...random.next(below: 8) {
            let path = paths[random.next(below: paths.count)]
            let bit = random.next(below: self.disk.image.size(of: path) * 8)
            if bit < self.flippableBytes(of: path) * 8 { self.disk.flipBit(of: path, at: bit) }
        }
    }

    /// How many bytes of a file may be damaged: of a write-ahead file, all up to its last transaction. Damage in that
    /// one looks like a crash that cut it short (`WriteAheadInspection`); a log with one sync for a transaction cannot
    /// tell them apart.
    private func flippableBytes(of path: String) -> Int {
        let size = self.disk.image.size(of: path)
        guard path.hasSuffix("-wal"), let bytes = self.disk.image.contents(of: path), bytes.count >= 32 else {
            return size
        }
        let frameBytes = 24 + bytes[8..<12].reduce(0) { $0 << 8 | Int($1) }
        // Where transactions begin.
        var beginnings = [32]
        for offset in stride(from: 32, through: bytes.count - frameBytes, by: frameBytes) {
            let isOfThisLog = bytes[(offset + 8)..<(offset + 16)].elementsEqual(bytes[16..<24])
            let isCommit = bytes[(offset + 4)..<(offset + 8)].contains { $0 != 0 }
            if isOfThisLog, isCommit { beginnings.append(offset + frameBytes) }
        }
        return beginnings.dropLast().last ?? 0
    }

    func open() throws(DiskTrouble) {
        try self.guarded {
            let log = try self.openLog(mustExist: true)
            self.log = log
            self.status = try log.status(of: Self.group)
            try log.verify(Self.group)
            self.base = try StateDatabase.current(on: self.disk, upTo: self.status.snapshot.index)
            let store = try StateDatabase(disk: self.disk, base: self.base)
            try store.load()
            self.store = store
            // All that is found after a power cut is durable.
            self.durableApplied = store.state.index
        }
    }
}

/// The state's database: one row says how far it is applied, the others hold values and sessions. All rows change in
/// the transaction that changes the index.
final class StateDatabase {
    /// The snapshot's index that the file was made for.
    let base: LogIndex
    private(set) var state = KeyValueState()
    private let database: Database
    private let savePosition: Statement
    private let saveItem: Statement

    private static let valueKind = 0
    private static let sessionKind = 1

    init(disk: SimulatedDisk, base: LogIndex) throws {
        self.base = base
        let options = DatabaseOptions(
            synchronous: .normal,
            pageBytes: 1024,
            busyTimeout: .zero,
            cacheBytes: 1 << 20,
            isExclusive: true,
            autocheckpointPages: 16,
            vfs: disk.name
        )
        self.database = try Database(path: Self.path(of: base), options: options)
        try self.database.execute(
            """
            CREATE TABLE IF NOT EXISTS position (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS item (kind INTEGER, id INTEGER, first INTEGER, second INTEGER,
                PRIMARY KEY (kind, id)) WITHOUT ROWID;
            """
        )
        self.savePosition = try self.database.prepare("INSERT OR REPLACE INTO position VALUES (1, ?)")
        self.saveItem = try self.database.prepare("INSERT OR REPLACE INTO item VALUES (?,?,?,?)")
    }

    private static func path(of base: LogIndex) -> String { "/state-\(base).db" }

    /// Removes a file and those beside it; the deletion is durable.
    static func remove(base: LogIndex, from disk: SimulatedDisk) {
        for suffix in ["", "-wal", "-journal", "-shm"] { disk.delete(Self.path(of: base) + suffix) }
    }

    /// The newest file that the log has accepted; others are removed, for they were never finished.
    static func current(on disk: SimulatedDisk, upTo limit: LogIndex) throws -> LogIndex {
        let bases = disk.image.paths.compactMap { path -> UInt64? in
            guard path.hasPrefix("/state-"), path.hasSuffix(".db") else { return nil }
            return UInt64(path.dropFirst("/state-".count).dropLast(".db".count))
        }
        guard let current = bases.filter({ $0 <= limit.rawValue }).max() else {
            throw DiskTrouble.damaged("Expected a state up to index \(limit), but got those of \(bases)")
        }
        for other in bases where other != current { self.remove(base: LogIndex(other), from: disk) }
        return LogIndex(current)
    }

    func save(_ next: KeyValueState, isDurable: Bool) throws {
        if isDurable { try self.database.setSynchronous(.full) }
        do {
            try self.database.begin(.immediate)
            var writer = StateWriter()
            writer.add(next.index.rawValue)
            writer.add(next.term.rawValue)
            writer.add(next.chain)
            writer.add(next.members)
            writer.add(next.digest)
            try self.savePosition.run(1, borrowing: writer.bytes)
            for key in next.values.keys.sorted() where next.values[key] != self.state.values[key] {
                try self.save(Self.valueKind, key, next.values[key] ?? 0, 0)
            }
            for client in next.sessions.keys.sorted() where next.sessions[client] != self.state.sessions[client] {
                let session = next.sessions[client]
                try self.save(Self.sessionKind, client, session?.sequence ?? 0, session?.isEqual == true ? 1 : 0)
            }
            try self.database.commit()
        } catch {
            try self.database.rollback()
            try self.database.setSynchronous(.normal)
            throw error
        }
        if isDurable { try self.database.setSynchronous(.normal) }
        self.state = next
    }

    private func save(_ kind: Int, _ id: UInt64, _ first: UInt64, _ second: UInt64) throws {
        try self.saveItem.bind(1, kind)
        try self.saveItem.bind(2, Int64(bitPattern: id))
        try self.saveItem.bind(3, Int64(bitPattern: first))
        try self.saveItem.bind(4, Int64(bitPattern: second))
        try self.saveItem.run()
    }

    /// Reads the state and compares it with the digest that was stored with it.
    func load() throws {
        var state = KeyValueState()
        let position = try self.database.prepare("SELECT bytes FROM position WHERE id = 1")
        guard try position.step() else { throw DiskTrouble.damaged("Expected an applied index, but got none") }
        var reader = StateReader(position.blob(0))
        position.reset()
        guard let index = reader.next(), let term = reader.next(), let chain = reader.next(),
            let members = reader.nextMembers(), let digest = reader.next()
        else { throw DiskTrouble.damaged("Expected an applied index, but got other bytes") }
        state.index = LogIndex(index)
        state.term = Term(term)
        state.chain = chain
        state.members = members
        let items = try self.database.prepare("SELECT kind, id, first, second FROM item")
        while try items.step() {
            let (id, first) = (UInt64(bitPattern: items.int64(1)), UInt64(bitPattern: items.int64(2)))
            if items.int64(0) == Int64(Self.valueKind) {
                state.values[id] = first
            } else {
                state.sessions[id] = KeyValueState.Session(sequence: first, isEqual: items.int64(3) == 1)
            }
        }
        items.reset()
        guard state.digest == digest else {
            throw DiskTrouble.damaged("Expected a state of digest \(digest), but got \(state.digest)")
        }
        self.state = state
    }
}
