import SQLite

extension Schema {
    /// Makes the tables of a new database, or checks that this version can work with what is there.
    ///
    /// - Throws: `StateStoreError` for the database of another version or program.
    static func prepare(_ database: Database) throws {
        if try database.userVersion() == 0, try database.int64("SELECT count(*) FROM sqlite_schema") == 0 {
            try create(in: database)
        }
        try check(database)
    }

    /// - Throws: `StateStoreError` for the database of another version or program.
    static func check(_ database: Database) throws {
        let application = try database.int64("PRAGMA application_id") ?? 0
        guard application == applicationID else {
            throw StateStoreError(
                .foreignDatabase,
                "Expected a state database at '\(database.path)', but got one of another program (\(application))"
            )
        }
        let found = try database.userVersion()
        guard found <= level else {
            throw StateStoreError(
                .newerSchema,
                "Expected a state database of schema level \(level) or older at '\(database.path)', but got level "
                    + "\(found): the data folder was written by a newer version. Start this node with that version."
            )
        }
        guard found == level else {
            throw StateStoreError(
                .olderSchema,
                "Expected a state database of schema level \(level) at '\(database.path)', but got level \(found)"
            )
        }
    }

    /// All or nothing: the marks are part of the transaction that makes the tables.
    private static func create(in database: Database) throws {
        try database.begin()
        do {
            for statement in statements { try database.execute(statement) }
            try database.execute("PRAGMA application_id=\(applicationID)")
            try database.execute("PRAGMA user_version=\(level)")
            try database.commit()
        } catch {
            try? database.rollback()
            throw error
        }
    }
}
