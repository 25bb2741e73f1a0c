import ProcessEngine
import SQLite

/// One read-only connection to a live state or a partition of the history, with the statements it used last.
///
/// Used by one thread at a time, that of its reader.
final class SearchDatabase {
    private struct CachedStatement {
        var statement: Statement
        var lastUse: UInt64
    }

    private let database: Database
    private let statementLimit: Int
    private var statements: [String: CachedStatement] = [:]
    private var uses: UInt64 = 0
    private var containsStatement: Statement?
    private var lastContained: (key: Int64, isContained: Bool)?

    /// - Parameters:
    ///   - database: opened for reading, used by nobody else.
    ///   - statementLimit: number of statements that are kept compiled.
    ///   - deadline: asked while statements run.
    init(_ database: Database, statementLimit: Int, deadline: Deadline) {
        self.database = database
        self.statementLimit = statementLimit
        self.database.setProgressHandler(every: 1000) { !deadline.isOver }
    }

    /// Every read until `endSnapshot` shows what is committed now.
    func beginSnapshot() throws {
        self.lastContained = nil
        try self.database.begin(.deferred)
        // The transaction takes its view of the database with its first read.
        try self.query("SELECT 1 FROM sqlite_schema LIMIT 1", []) { _ in }
    }

    /// Ends the snapshot if there is one.
    func endSnapshot() {
        // A read transaction has nothing to lose: if it cannot be ended, closing the connection does.
        try? self.database.rollback()
    }

    var isInSnapshot: Bool { self.database.isInTransaction }

    /// Runs a statement; `body` sees it at its first row, if there is one.
    func query<Result>(
        _ sql: String,
        _ values: [ViewValue],
        _ body: (Statement) throws -> Result
    ) throws -> Result {
        let statement = try self.prepared(sql)
        defer { statement.reset() }
        for (index, value) in values.enumerated() {
            switch value {
            case .null: try statement.bindNull(Int32(index + 1))
            case .integer(let number): try statement.bind(Int32(index + 1), number)
            case .text(let text): try statement.bind(Int32(index + 1), text)
            }
        }
        return try body(statement)
    }

    private func prepared(_ sql: String) throws -> Statement {
        self.uses += 1
        if let index = self.statements.index(forKey: sql) {
            self.statements.values[index].lastUse = self.uses
            return self.statements.values[index].statement
        }
        if self.statements.count >= self.statementLimit,
            let oldest = self.statements.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            self.statements[oldest.key] = nil
        }
        let statement = try self.database.prepare(sql)
        self.statements[sql] = CachedStatement(statement: statement, lastUse: self.uses)
        return statement
    }

    // MARK: Queries

    /// The first entries of the query after a place, in its order.
    /// - Parameters:
    ///   - scan: `SearchQuery.scan`.
    ///   - take: called for each entry with its instance's key; false ends the scan.
    /// - Returns: number of entries read.
    func scan(
        _ query: SearchQuery,
        _ scan: SQLText,
        limit: Int,
        source: Int,
        _ take: (SearchEntry, Int64) throws -> Bool
    ) throws -> Int {
        try self.query(scan.text, scan.values + [.integer(Int64(limit))]) { statement in
            var count = 0
            let criteria = query.order.sortedCriteria
            let keyColumn = Int32(criteria.count)
            while try statement.step() {
                count += 1
                let entry = SearchEntry(
                    values: criteria.indices.map { statement.value(Int32($0), isText: criteria[$0].isText) },
                    key: statement.int64(keyColumn),
                    source: source
                )
                if try !take(entry, statement.int64(keyColumn + 1)) { break }
            }
            return count
        }
    }

    /// The number of rows of the query, counted no further than `limit`.
    func count(_ query: SearchQuery, limit: Int) throws -> Int {
        let sql = query.count
        return try self.query(sql.text, sql.values + [.integer(Int64(limit))]) { statement in
            try statement.step() ? Int(statement.int64(0)) : 0
        }
    }

    /// The number of rows of the query whose instance passes `isCounted`, counted no further than `limit`.
    func count(_ query: SearchQuery, limit: Int, isCounted: (Int64) throws -> Bool) throws -> Int {
        let sql = query.instances
        return try self.query(sql.text, sql.values) { statement in
            var count = 0
            while count < limit, try statement.step() {
                if try isCounted(statement.int64(0)) { count += 1 }
            }
            return count
        }
    }

    /// All fields of the rows with these keys; nil for those that are not here.
    func rows(_ table: ViewTable, keys: [Int64]) throws -> [ViewRow?] {
        try self.query(table.rowQuery, []) { statement in
            let isText = table.view.fields.map { $0.type.isText }
            return try keys.map { key in
                statement.reset()
                try statement.bind(1, key)
                guard try statement.step() else { return nil }
                return ViewRow(values: isText.indices.map { statement.value(Int32($0), isText: isText[$0]) })
            }
        }
    }

    /// Whether the instance is in this database.
    func containsInstance(_ key: Int64) throws -> Bool {
        // Rows of an instance mostly come one after the other.
        if let last = self.lastContained, last.key == key { return last.isContained }
        let statement: Statement
        if let known = self.containsStatement {
            statement = known
        } else {
            statement = try self.database.prepare("SELECT 1 FROM process_instance WHERE processInstanceKey = ?")
            self.containsStatement = statement
        }
        defer { statement.reset() }
        try statement.bind(1, key)
        let isContained = try statement.step()
        self.lastContained = (key, isContained)
        return isContained
    }
}

extension Statement {
    /// The value of a column of the current row.
    fileprivate func value(_ column: Int32, isText: Bool) -> ViewValue {
        if self.isNull(column) { return .null }
        return isText ? .text(self.text(column)) : .integer(self.int64(column))
    }
}

/// When the running query has to end. Shared by a reader and the connections it uses, on one thread at a time.
final class Deadline {
    private var end: ContinuousClock.Instant?

    func set(_ end: ContinuousClock.Instant?) { self.end = end }

    var isOver: Bool { self.end.map { ContinuousClock.now >= $0 } ?? false }

    func check() throws {
        if self.isOver { throw SearchError.timeLimit }
    }
}
