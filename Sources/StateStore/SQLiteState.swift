package import ProcessEngine
package import SQLite

/// The state of one group in one SQLite database: `state.db` in the group's folder, with a write-ahead log.
///
/// Used by one thread, that of the group's writer; it is no `Sendable`. Other threads read through connections of their
/// own (`file`, `openReader`).
///
/// **Transactions.** SQLite's transaction is the only overlay: reads show what the open transaction did before.
///
/// **Durability.** Commits run with `synchronous=NORMAL`: they cost no sync. A power cut may take the newest of them
/// away, whole transactions only and never an older one before a newer one; `position` says what is left, and the log
/// supplies the rest. Every so often (`requestDurableCommit`) one commit runs with `synchronous=FULL`: it syncs the
/// write-ahead log after its own pages, and with them all commits before it, so `durableAppliedIndex` becomes its
/// index. The other way, a checkpoint after the commit, would write the pages a second time within the same moment, and
/// would sync nothing at all while a reader holds the log's beginning. SQLite allows the switch only outside of
/// transactions, so it happens at `begin`.
///
/// **Checkpoints** never run inside a commit: the driver calls `checkpointIfNeeded` between batches, after the answers.
///
/// **Digest.** SQLite tells of every row that a statement changes; what that does to the digest is counted at once and
/// stored with the position. See `StateDigest`.
///
/// **Errors** are SQLite's (`SQLiteError`): full disk, damaged file, failed device. After one the transaction is to be
/// rolled back; SQLite may have done so already, which `rollback` accepts.
package final class SQLiteState: TransactionalState {
    /// What the last committed transaction holds.
    package private(set) var position: StatePosition
    /// The members of the group as the last committed transaction holds them.
    package private(set) var membership: [UInt8]
    /// The applied index that a power cut cannot take away any more. The log is needed from there on.
    package private(set) var durableAppliedIndex: UInt64
    /// For connections of other threads; nil for a database in memory.
    package let file: StateFile?

    let database: Database
    private let options: StateOptions
    let tracker: ContentTracker
    private let statements: PositionStatements
    private let membershipStatements: MembershipStatements
    let definitions: DefinitionStatements
    let instances: InstanceStatements
    let elements: ElementStatements
    let variableTable: VariableStatements
    let jobs: JobStatements
    let userTasks: UserTaskStatements
    let timers: TimerStatements
    let messages: MessageStatements
    let incidents: IncidentStatements
    let engine: EngineStatements
    let schedule: ScheduleStatements
    let archive: ArchiveStatements
    /// The answered requests that nodes named.
    var answers: AnswerIndex

    var recentElements = RecentElements()

    /// What a rollback brings back, and one to the savepoint.
    private var committed: Overlay
    private var savepoint: Overlay
    /// The members that the open transaction has set.
    private var pendingMembership: [UInt8]?
    private var isDurableCommitRequested = false
    private var isOpenTransactionDurable = false
    private var bytesSinceDurableCommit = 0
    private var lastWALPages = 0
    private var nextCheckpointPages: Int

    /// Opens the state in a folder that exists, and makes it if there is none.
    ///
    /// - Throws: `StateStoreError` for the database of another version or program, `SQLiteError` otherwise.
    package convenience init(folder: String, options: StateOptions = StateOptions()) throws {
        let file = StateFile(path: "\(folder)/\(StateFile.name)", vfs: options.vfs)
        let database = try Database(
            path: file.path,
            options: DatabaseOptions(
                journal: .wal,
                synchronous: .normal,
                pageBytes: options.pageBytes,
                cacheBytes: options.cacheBytes,
                autocheckpointPages: 0,
                vfs: options.vfs
            )
        )
        // The log's file is cut back after a burst instead of keeping its greatest size for ever.
        try database.execute("PRAGMA journal_size_limit=\(4 * options.checkpointBytes)")
        try self.init(database, file: file, options: options)
    }

    /// A state that is gone when it is released, for tests.
    package static func inMemory() throws -> SQLiteState {
        let options = StateOptions()
        let database = try Database(
            path: ":memory:",
            options: DatabaseOptions(journal: .memory, synchronous: .off, cacheBytes: options.cacheBytes)
        )
        return try SQLiteState(database, file: nil, options: options)
    }

    private init(_ database: Database, file: StateFile?, options: StateOptions) throws {
        // Overwriting deleted rows with zeros protects nothing here and costs page writes. Distributions turn it on.
        try database.execute("PRAGMA secure_delete=OFF; PRAGMA trusted_schema=OFF")
        try Schema.prepare(database)
        self.database = database
        self.file = file
        self.options = options
        self.tracker = try database.trackContent(of: Schema.trackedTables)
        self.statements = try PositionStatements(database)
        self.membershipStatements = try MembershipStatements(database)
        self.definitions = try DefinitionStatements(database)
        self.instances = try InstanceStatements(database)
        self.elements = try ElementStatements(database)
        self.variableTable = try VariableStatements(database)
        self.jobs = try JobStatements(database)
        self.userTasks = try UserTaskStatements(database)
        self.timers = try TimerStatements(database)
        self.messages = try MessageStatements(database)
        self.incidents = try IncidentStatements(database)
        self.engine = try EngineStatements(database)
        self.schedule = try ScheduleStatements(database)
        self.archive = try ArchiveStatements(database)
        self.answers = try AnswerIndex(database)
        self.nextCheckpointPages = options.checkpointBytes / options.pageBytes
        let (position, content) = try PositionStatements.load(database)
        self.position = position
        self.durableAppliedIndex = try PositionStatements.loadDurable(database)
        self.membership = try MembershipStatements.load(database)
        self.tracker.content = content
        self.committed = Overlay(content: content, membership: nil, answers: self.answers.mark)
        self.savepoint = self.committed
    }

    /// Opens a connection that only reads, for the calling thread. See `StateFile.openReader`.
    ///
    /// - Throws: `StateStoreError` (`noFile`) for a database in memory.
    package func openReader() throws -> Database {
        guard let file else { throw StateStoreError(.noFile, "Expected a state in a file, but got one in memory") }
        return try file.openReader()
    }

    // MARK: Transactions

    package func checkDigest() throws {
        if let failure = tracker.failure { throw failure }
    }

    package var changeCount: Int64 { database.totalChanges }

    package func begin() throws {
        if lastWALPages > 4 * options.checkpointBytes / options.pageBytes { try checkpointIfNeeded() }
        if isDurableCommitRequested, !isOpenTransactionDurable, file != nil {
            try database.setSynchronous(.full)
            isOpenTransactionDurable = true
        }
        try database.begin()
        recentElements.open()
    }

    package func setSavepoint() throws {
        try database.savepoint("command")
        savepoint = Overlay(content: tracker.content, membership: pendingMembership, answers: answers.mark)
    }

    package func releaseSavepoint() throws { try database.release("command") }

    /// Goes back to the savepoint, which is gone then.
    package func rollBackToSavepoint() throws {
        recentElements.forgetAll()
        try database.rollback(to: "command")
        restore(savepoint)
    }

    package func commit(_ position: StatePosition) throws {
        try checkDigest()
        try statements.store(position, tracker.content)
        if isOpenTransactionDurable { try statements.storeDurable(position.appliedIndex) }
        try database.commit()
        recentElements.close()
        self.position = position
        if let members = pendingMembership { membership = members }
        pendingMembership = nil
        answers.commit()
        committed.content = tracker.content
        committed.answers = answers.mark
        if file == nil { durableAppliedIndex = position.appliedIndex }
        noteWrittenPages()
        guard isOpenTransactionDurable else { return }
        durableAppliedIndex = position.appliedIndex
        bytesSinceDurableCommit = 0
        isDurableCommitRequested = false
        isOpenTransactionDurable = false
        try database.setSynchronous(.normal)
    }

    package func rollback() throws {
        recentElements.close()
        try database.rollback()
        restore(committed)
    }

    private func restore(_ overlay: Overlay) {
        tracker.restore(overlay.content)
        pendingMembership = overlay.membership
        answers.goBack(to: overlay.answers)
    }

    // MARK: Members and digest

    package var digest: StateDigest { StateDigest(tracker.content) }

    package func setMembership(_ bytes: [UInt8]) throws {
        guard bytes.count <= StateLimits.membershipBytes else {
            throw StateStoreError(
                .tooLarge,
                "Expected at most \(StateLimits.membershipBytes) bytes of members, but got \(bytes.count)"
            )
        }
        try membershipStatements.store(bytes)
        pendingMembership = bytes
    }

    /// Makes the commit of the next transaction that begins durable. The driver asks every five seconds; after
    /// `StateOptions.durableCommitBytes` it happens without.
    package func requestDurableCommit() { isDurableCommitRequested = true }

    // MARK: Checkpoints

    /// Bytes in the write-ahead log that a reader has to look through.
    package var walBytes: Int { database.walPages * options.pageBytes }

    /// Whether the write-ahead log has grown over the limit.
    package var isCheckpointDue: Bool { database.walPages > nextCheckpointPages }

    /// Copies committed pages from the write-ahead log into the database if the log has grown over the limit. Waits for
    /// nobody: pages that a reader still needs are left for a later call. Does nothing while a transaction is open or
    /// the disk is full: a later call makes it good.
    ///
    /// - Returns: whether it did something.
    @discardableResult
    package func checkpointIfNeeded() throws -> Bool {
        guard isCheckpointDue, !database.isInTransaction else { return false }
        do {
            try database.checkpoint(.passive)
        } catch let error as SQLiteError where error.isDiskFull {
            nextCheckpointPages = database.walPages + options.checkpointBytes / options.pageBytes / 4
            return false
        }
        // The log starts anew with the next commit, unless a reader keeps it; then further attempts wait for more.
        nextCheckpointPages = database.walPages + options.checkpointBytes / options.pageBytes / 4
        return true
    }

    private func noteWrittenPages() {
        let pages = database.walPages
        if pages < lastWALPages { nextCheckpointPages = options.checkpointBytes / options.pageBytes }
        bytesSinceDurableCommit += (pages < lastWALPages ? pages : pages - lastWALPages) * options.pageBytes
        lastWALPages = pages
        if bytesSinceDurableCommit >= options.durableCommitBytes { isDurableCommitRequested = true }
    }
}

/// What a transaction has done outside of the database.
private struct Overlay {
    var content: ContentTracker.Content
    /// Nil if the transaction has set none.
    var membership: [UInt8]?
    var answers: AnswerIndex.Mark
}
