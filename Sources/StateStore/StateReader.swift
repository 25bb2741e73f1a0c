import ProcessEngine
import SQLite

/// The connections with which one thread at a time answers queries: one to the live state, one to each partition of the
/// history that was needed lately.
///
/// **No row twice, none missing.** Rows move from the live state to the history while queries run: an instance is
/// committed to the history first and deleted from the live state later. So the live state's snapshot is taken before
/// the list of partitions and all of their snapshots: what the live snapshot does not hold any more is in the history
/// by then. What it does hold counts, and is left out of the history.
///
/// `@unchecked Sendable`: the pool hands a reader to one thread at a time.
final class StateReader: @unchecked Sendable {
    /// Partitions that stay open. Each costs two or three file handles and a small cache.
    static let partitionLimit = 40
    /// Entries that are held in memory while pages are skipped.
    static let windowLimit = 10_000
    /// Rows are counted no further.
    static let countLimit = 10_000

    private struct OpenPartition {
        var database: SearchDatabase
        var lastUse: UInt64
    }

    private let live: SearchDatabase
    private let history: HistoryFolder?
    private let deadline = Deadline()
    private var open: [Int64: OpenPartition] = [:]
    private var uses: UInt64 = 0

    init(live: StateFile, history: HistoryFolder?) throws {
        self.live = SearchDatabase(
            try live.openReader(cacheBytes: 16 << 20),
            statementLimit: 48,
            deadline: self.deadline
        )
        self.history = history
    }

    /// Closes partitions that are no longer part of the history.
    func releaseDroppedPartitions() {
        guard let history else { return }
        self.open = self.open.filter { history.contains(start: $0.key) }
    }

    /// Runs a query in a snapshot that ends with it, and with `end` at the latest.
    func query<Result>(until end: ContinuousClock.Instant, _ body: () throws -> Result) throws -> Result {
        self.deadline.set(end)
        defer {
            self.live.endSnapshot()
            for partition in self.open.values { partition.database.endSnapshot() }
            self.deadline.set(nil)
        }
        do {
            try self.live.beginSnapshot()
            return try body()
        } catch let error as SQLiteError where error.isInterrupted {
            throw SearchError.timeLimit
        }
    }

    // MARK: Sources

    /// Partitions by age, the youngest first: what is asked for is more often young.
    private func partitions() -> [HistoryFolder.Partition] { self.history?.partitions.reversed() ?? [] }

    /// Runs `body` with a partition in a snapshot, unless the partition is dropped meanwhile.
    private func withPartition<Result>(
        _ partition: HistoryFolder.Partition,
        _ body: (SearchDatabase) throws -> Result
    ) throws -> Result? {
        try self.deadline.check()
        guard let history else { return nil }
        do {
            let database = try self.opened(partition, in: history)
            if !database.isInSnapshot { try database.beginSnapshot() }
            return try body(database)
        } catch let error as SQLiteError {
            if error.isInterrupted || history.contains(start: partition.start) { throw error }
            self.open[partition.start] = nil
            return nil
        }
    }

    private func opened(_ partition: HistoryFolder.Partition, in history: HistoryFolder) throws -> SearchDatabase {
        self.uses += 1
        if let known = self.open[partition.start] {
            self.open[partition.start]?.lastUse = self.uses
            return known.database
        }
        if self.open.count >= Self.partitionLimit,
            let oldest = self.open.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            self.open[oldest.key] = nil
        }
        let database = SearchDatabase(
            try HistorySchema.openReader(history.path(of: partition.start), vfs: history.vfs),
            statementLimit: 16,
            deadline: self.deadline
        )
        self.open[partition.start] = OpenPartition(database: database, lastUse: self.uses)
        return database
    }

    // MARK: Search

    /// - Parameter countEnd: when counting gives up, and tells what it knows.
    func search(_ query: SearchQuery, countEnd: ContinuousClock.Instant) throws -> SearchPage {
        let partitions = query.table.hasInstances ? self.partitions() : []
        let entries = try self.entries(query, partitions)
        var rows = try self.rows(entries, query.table, partitions)
        if query.isReversed { rows.reverse() }
        let total = try self.count(query, partitions, end: countEnd)
        guard let total else {
            return SearchPage(rows: rows, totalItems: query.offset + rows.count, hasMoreTotalItems: true)
        }
        return SearchPage(
            rows: rows,
            totalItems: min(total, Self.countLimit),
            hasMoreTotalItems: total > Self.countLimit
        )
    }

    /// The entries of the page. What lies before it is passed in windows of bounded size.
    private func entries(_ query: SearchQuery, _ partitions: [HistoryFolder.Partition]) throws -> [SearchEntry] {
        var place = query.start
        var offset = query.offset
        while offset > Self.windowLimit {
            let window = try self.window(query, partitions, after: place, count: Self.windowLimit)
            guard window.count == Self.windowLimit else { return [] }
            place = window.last
            offset -= Self.windowLimit
        }
        let window = try self.window(query, partitions, after: place, count: offset + query.limit)
        return Array(window.dropFirst(offset))
    }

    /// The first entries after a place, of all databases.
    private func window(
        _ query: SearchQuery,
        _ partitions: [HistoryFolder.Partition],
        after place: SearchEntry?,
        count: Int
    ) throws -> [SearchEntry] {
        let scan = query.scan(after: place)
        var window = try self.run(query, scan, self.live, source: 0, count: count, worst: nil)
        for (index, partition) in partitions.enumerated() {
            let worst = window.count == count ? window.last : nil
            let run = try self.withPartition(partition) {
                try self.run(query, scan, $0, source: index + 1, count: count, worst: worst)
            }
            if let run, !run.isEmpty { window = Self.merge(window, run, by: query.order, count: count) }
        }
        return window
    }

    /// The first entries of one database, as far as they come before `worst`.
    private func run(
        _ query: SearchQuery,
        _ firstScan: SQLText,
        _ database: SearchDatabase,
        source: Int,
        count: Int,
        worst: SearchEntry?
    ) throws -> [SearchEntry] {
        var run: [SearchEntry] = []
        var scan = firstScan
        while true {
            var last: SearchEntry?
            var isDone = false
            let read = try database.scan(query, scan, limit: count, source: source) { entry, instance in
                last = entry
                if let worst, !query.order.precedes(entry, worst) {
                    isDone = true
                    return false
                }
                if source > 0, try self.live.containsInstance(instance) { return true }
                run.append(entry)
                isDone = run.count == count
                return !isDone
            }
            // Entries that the live state holds were read in vain: what is missing for them comes after the last one.
            guard !isDone, read == count, let last else { return run }
            scan = query.scan(after: last)
        }
    }

    private static func merge(
        _ left: [SearchEntry],
        _ right: [SearchEntry],
        by order: SearchOrder,
        count: Int
    ) -> [SearchEntry] {
        var merged: [SearchEntry] = []
        merged.reserveCapacity(min(count, left.count + right.count))
        var (leftIndex, rightIndex) = (0, 0)
        while merged.count < count, leftIndex < left.count || rightIndex < right.count {
            let takesRight =
                leftIndex == left.count
                || rightIndex < right.count && order.precedes(right[rightIndex], left[leftIndex])
            if takesRight {
                merged.append(right[rightIndex])
                rightIndex += 1
            } else {
                merged.append(left[leftIndex])
                leftIndex += 1
            }
        }
        return merged
    }

    /// The rows of entries in their order, read one database after the other.
    private func rows(
        _ entries: [SearchEntry],
        _ table: ViewTable,
        _ partitions: [HistoryFolder.Partition]
    ) throws -> [ViewRow] {
        var positions: [[Int]] = Array(repeating: [], count: partitions.count + 1)
        for (position, entry) in entries.enumerated() { positions[entry.source].append(position) }
        var rows: [ViewRow?] = Array(repeating: nil, count: entries.count)
        let read = { (database: SearchDatabase, positions: [Int]) in
            let found = try database.rows(table, keys: positions.map { entries[$0].key })
            for (position, row) in zip(positions, found) { rows[position] = row }
        }
        try read(self.live, positions[0])
        for (index, partition) in partitions.enumerated() where !positions[index + 1].isEmpty {
            _ = try self.withPartition(partition) { try read($0, positions[index + 1]) }
        }
        return rows.compactMap { $0 }
    }

    /// The number of rows, `countLimit` + 1 for any larger one; nil if counting took too long.
    private func count(
        _ query: SearchQuery,
        _ partitions: [HistoryFolder.Partition],
        end: ContinuousClock.Instant
    ) throws -> Int? {
        self.deadline.set(end)
        do {
            var total = try self.live.count(query, limit: Self.countLimit + 1)
            for partition in partitions where total <= Self.countLimit {
                let limit = Self.countLimit + 1 - total
                let count = try self.withPartition(partition) { database in
                    try database.count(query, limit: limit) { try !self.live.containsInstance($0) }
                }
                total += count ?? 0
            }
            return total
        } catch let error as SQLiteError where error.isInterrupted {
            return nil
        } catch SearchError.timeLimit {
            return nil
        }
    }

    // MARK: Single rows

    func row(_ view: ViewKind, _ key: Key) throws -> ViewRow? {
        let table = ViewTable.of(view)
        if let row = try self.live.rows(table, keys: [key.rawValue])[0] { return row }
        guard table.hasInstances else { return nil }
        for partition in self.partitions() {
            let row = try self.withPartition(partition) { try $0.rows(table, keys: [key.rawValue])[0] }
            if let row = row.flatMap({ $0 }) { return row }
        }
        return nil
    }

    func definitionXML(_ key: Key) throws -> [UInt8]? {
        let sql = """
            SELECT resource.content FROM process_definition JOIN resource USING(resourceKey) \
            WHERE processDefinitionKey = ?
            """
        return try self.live.query(sql, [.integer(key.rawValue)]) { try $0.step() ? $0.blob(0) : nil }
    }

    // MARK: Event stream

    func entries(after index: UInt64, limit: Int, byteLimit: Int) throws -> [HistoryEntry] {
        var entries: [HistoryEntry] = []
        var bytes = 0
        for partition in self.partitions().reversed() {
            if entries.count >= limit || bytes >= byteLimit { break }
            let after = entries.last?.index ?? index
            _ = try self.withPartition(partition) { database in
                let sql = "SELECT logIndex, term, time, payload FROM entry WHERE logIndex > ? ORDER BY logIndex LIMIT ?"
                let values: [ViewValue] = [.integer(Int64(clamping: after)), .integer(Int64(limit - entries.count))]
                try database.query(sql, values) { statement in
                    while bytes < byteLimit, try statement.step() {
                        let entry = HistoryEntry(
                            index: UInt64(clamping: statement.int64(0)),
                            term: UInt64(clamping: statement.int64(1)),
                            time: statement.int64(2),
                            payload: statement.blob(3)
                        )
                        bytes += entry.payload.count
                        entries.append(entry)
                    }
                }
            }
        }
        return entries
    }
}
