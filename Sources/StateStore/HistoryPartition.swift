import SQLite

/// The partition of the history that is written to: one connection, with the live state attached for reading.
///
/// Transactions are deferred ones: an immediate one would ask for the write lock of the live state as well.
final class HistoryPartition {
    let partition: HistoryFolder.Partition
    private let database: Database
    private let insertEntry: Statement
    private let finished: Statement
    private let isFinished: Statement
    private let addToBatch: Statement
    private let stateIndex: Statement
    /// Each copies the rows of one table that belong to the instances of the batch.
    private let copies: [Statement]

    /// Makes a new partition: complete after this, or not there after a crash.
    static func create(
        _ partition: HistoryFolder.Partition,
        in folder: HistoryFolder,
        appliedIndex: UInt64,
        stateIndex: Int64
    ) throws {
        // What an earlier partition of that name may have left would be taken for a part of this one.
        try folder.removeFiles(of: partition.start)
        let database = try Database(
            path: folder.path(of: partition.start),
            options: DatabaseOptions(access: .create, synchronous: .full, cacheBytes: 1 << 20, vfs: folder.vfs)
        )
        try database.begin()
        for statement in HistorySchema.statements { try database.execute(statement) }
        try database.execute("PRAGMA application_id=\(HistorySchema.applicationID)")
        try database.execute("PRAGMA user_version=\(Schema.level)")
        try HistorySchema.set(.group, Int64(folder.group), in: database)
        try HistorySchema.set(.start, partition.start, in: database)
        try HistorySchema.set(.end, partition.end, in: database)
        try HistorySchema.set(.appliedIndex, Int64(clamping: appliedIndex), in: database)
        try HistorySchema.set(.stateIndex, stateIndex, in: database)
        try database.commit()
        folder.add(partition)
    }

    init(_ partition: HistoryFolder.Partition, in folder: HistoryFolder, live: StateFile) throws {
        self.partition = partition
        let database = try Database(
            path: folder.path(of: partition.start),
            options: DatabaseOptions(access: .readWrite, synchronous: .full, cacheBytes: 8 << 20, vfs: folder.vfs)
        )
        try Self.attach(live, to: database)
        try database.execute("CREATE TEMP TABLE batch(key INTEGER PRIMARY KEY)")
        self.database = database
        self.insertEntry = try database.prepare("INSERT OR REPLACE INTO main.entry VALUES(?, ?, ?, ?)")
        self.finished = try database.prepare(
            "SELECT processInstanceKey FROM live.finished_instance ORDER BY processInstanceKey LIMIT ?"
        )
        self.isFinished = try database.prepare("SELECT 1 FROM live.finished_instance WHERE processInstanceKey = ?")
        self.addToBatch = try database.prepare("INSERT OR IGNORE INTO temp.batch VALUES(?)")
        self.stateIndex = try database.prepare("SELECT appliedIndex FROM live.engine_position")
        let definitions = """
            INSERT OR IGNORE INTO main.process_definition SELECT * FROM live.process_definition \
            WHERE processDefinitionKey IN (SELECT source.processDefinitionKey FROM \
            temp.batch CROSS JOIN live.process_instance AS source ON source.processInstanceKey = batch.key)
            """
        self.copies =
            try [database.prepare(definitions)]
            + HistorySchema.instanceTables.map { table in
                try database.prepare(
                    """
                    INSERT OR REPLACE INTO main.\(table) SELECT source.* FROM temp.batch \
                    CROSS JOIN live.\(table) AS source ON source.processInstanceKey = batch.key
                    """
                )
            }
    }

    private static func attach(_ live: StateFile, to database: Database) throws {
        let attach = try database.prepare("ATTACH DATABASE ? AS live")
        try attach.bind(1, live.path)
        try attach.run()
    }

    /// Ended instances of the live state that are in a partition as well: copied, but not yet deleted from the state.
    static func copied(_ path: String, vfs: String?, live: StateFile) throws -> [Int64] {
        let database = try HistorySchema.openReader(path, vfs: vfs)
        try Self.attach(live, to: database)
        let statement = try database.prepare(
            """
            SELECT finished.processInstanceKey FROM live.finished_instance AS finished \
            CROSS JOIN main.process_instance AS copy ON copy.processInstanceKey = finished.processInstanceKey
            """
        )
        var keys: [Int64] = []
        while try statement.step() { keys.append(statement.int64(0)) }
        return keys
    }

    func value(_ property: HistorySchema.Property) throws -> Int64 {
        try HistorySchema.value(property, in: self.database)
    }

    /// Applied index of the live state.
    func liveIndex() throws -> Int64 {
        defer { self.stateIndex.reset() }
        return try self.stateIndex.step() ? self.stateIndex.int64(0) : 0
    }

    /// Copies ended instances that are not known as copied, in one durable transaction.
    /// - Parameter copied: instances that are in the history already; gets those that are copied now.
    /// - Returns: the first ended instances of the state, by key; all of them are in the history now.
    func copy(limit: Int, copied: inout Set<Int64>) throws -> [Int64] {
        var keys: [Int64] = []
        var fresh: [Int64] = []
        try self.transaction {
            try self.finished.bind(1, limit)
            defer { self.finished.reset() }
            while try self.finished.step() { keys.append(self.finished.int64(0)) }
            fresh = keys.filter { !copied.contains($0) }
            if fresh.isEmpty { return }
            try self.database.execute("DELETE FROM temp.batch")
            for key in fresh {
                try self.addToBatch.bind(1, key)
                try self.addToBatch.run()
            }
            for statement in self.copies { try statement.run() }
            try HistorySchema.set(.stateIndex, try self.liveIndex(), in: self.database)
        }
        // What the state no longer has needs not be remembered.
        if copied.count > keys.count { copied = try copied.filter { try self.isFinished($0) } }
        copied.formUnion(fresh)
        return keys
    }

    private func isFinished(_ key: Int64) throws -> Bool {
        defer { self.isFinished.reset() }
        try self.isFinished.bind(1, key)
        return try self.isFinished.step()
    }

    /// Adds entries to the event stream, in one durable transaction.
    func append(_ entries: ArraySlice<HistoryEntry>) throws {
        guard let last = entries.last else { return }
        try self.transaction {
            for entry in entries {
                try self.insertEntry.bind(1, Int64(clamping: entry.index))
                try self.insertEntry.bind(2, Int64(clamping: entry.term))
                try self.insertEntry.bind(3, entry.time)
                try self.insertEntry.run(4, borrowing: entry.payload)
            }
            try HistorySchema.set(.appliedIndex, Int64(clamping: last.index), in: self.database)
        }
    }

    private func transaction(_ body: () throws -> Void) throws {
        try self.database.begin(.deferred)
        do {
            try body()
            try self.database.commit()
        } catch {
            // The error that matters is the first one; a transaction that cannot be undone ends with the connection.
            try? self.database.rollback()
            throw error
        }
    }

    /// Moves what is in the write-ahead log of a partition that is no longer written to into its file.
    static func seal(_ path: String, vfs: String?) throws {
        let database = try Database(
            path: path,
            options: DatabaseOptions(access: .readWrite, busyTimeout: .milliseconds(100), vfs: vfs)
        )
        // If a reader is in the way nothing is lost: the log stays and is read with the file.
        try database.checkpoint(.truncate)
    }
}
