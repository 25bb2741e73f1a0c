package import ProcessEngine
package import SQLite

/// Which tables make up the digest. A table keeps its number for ever; numbers of tables that are gone are not used
/// again. A change here, or of the columns of a table, needs another `StateDigest.currentVersion`.
extension Schema {
    static let replicatedTables: [(name: String, number: UInt64)] = [
        ("process_definition", 1), ("resource", 2), ("start_subscription", 3), ("process_instance", 4),
        ("element_instance", 5), ("taken_flow", 6), ("variable", 7), ("job", 8), ("user_task", 9), ("timer", 10),
        ("message_subscription", 11), ("message", 12), ("incident", 13), ("continuation", 14),
        ("answered_request", 15), ("outbox", 16), ("group_link", 17), ("quarantine", 18), ("membership", 19),
        ("answered_submission", 20),
    ]

    /// What belongs to the node alone, and the position, which is compared by itself and has the digest in it.
    static let untrackedTables = ["finished_instance", "store_property", "engine_position"]

    static var trackedTables: [ContentTracker.Table] {
        replicatedTables.map { ContentTracker.Table(name: $0.name, number: $0.number) }
            + untrackedTables.map { ContentTracker.Table(name: $0, number: nil) }
    }
}

extension StateDigest {
    /// Rows that are there and rows that were archived: the sum does not depend on when the node archives.
    init(_ content: ContentTracker.Content) {
        let sum = content.rows + content.movedOut
        self.init(high: sum.first, low: sum.second)
    }
}

/// Computes a state's digest anew from its rows, to compare it with the one that is kept. All of one snapshot of the
/// database, which keeps the write-ahead log from starting anew until the scan ends or is released: do not let it
/// lie. In steps, so that the caller decides how fast it goes. Used by one thread.
package final class DigestScan {
    /// What the scan began with: the digest that is kept, and the position it belongs to.
    package let expected: StateDigest
    package let position: StatePosition

    private let database: Database
    private let layouts: [String: RowLayout]
    private let stored: ContentTracker.Content
    private var rows = ContentHash()
    private var nextTable = 0
    private var statement: Statement?

    /// - Parameter database: a connection for reading that is used for nothing else, without an open transaction.
    package init(_ database: Database) throws {
        self.database = database
        self.layouts = try RowLayout.read(database, numbers: Schema.replicatedTables)
        try database.begin(.deferred)
        (self.position, self.stored) = try PositionStatements.load(database)
        self.expected = StateDigest(self.stored)
    }

    deinit {
        self.statement?.reset()
        try? self.database.rollback()
    }

    /// Reads up to `limit` rows more.
    /// - Returns: the digest that follows from the rows, once all of them are read; the snapshot is given back then.
    package func advance(rows limit: Int) throws -> StateDigest? {
        var left = limit
        while left > 0 {
            guard self.nextTable < Schema.replicatedTables.count else { return try self.finish() }
            let name = Schema.replicatedTables[self.nextTable].name
            let statement = try self.statement ?? self.database.prepare("SELECT * FROM \(name)")
            self.statement = statement
            guard let layout = self.layouts[name] else {
                throw StateStoreError(.invalidRow, "Expected a table \(name), but there is none")
            }
            while left > 0 {
                guard try statement.step() else {
                    statement.reset()
                    self.statement = nil
                    self.nextTable += 1
                    break
                }
                self.rows = self.rows + statement.rowHash(layout)
                left -= 1
            }
        }
        return nil
    }

    private func finish() throws -> StateDigest {
        if self.database.isInTransaction { try self.database.rollback() }
        // What was archived is no longer there: that part is taken as it is kept.
        return StateDigest(ContentTracker.Content(rows: self.rows, movedOut: self.stored.movedOut))
    }
}

extension SQLiteState {
    /// The digest that follows from the rows of a state, read at once. See `DigestScan`.
    package static func recomputeDigest(_ reader: Database) throws -> StateDigest {
        let scan = try DigestScan(reader)
        while true {
            if let digest = try scan.advance(rows: 100_000) { return digest }
        }
    }
}
