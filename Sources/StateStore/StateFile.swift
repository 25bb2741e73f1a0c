package import SQLite

/// Names the state database of a group, for connections beside the writer's. May be handed to any thread.
package struct StateFile: Hashable, Sendable {
    /// The database's name inside the group's folder.
    package static let name = "state.db"

    package let path: String
    /// The name of a registered SQLite file system, nil for the operating system's.
    package let vfs: String?

    package init(path: String, vfs: String? = nil) {
        self.path = path
        self.vfs = vfs
    }

    /// Opens a connection that only reads. It sees what is committed when its transaction begins, never waits for the
    /// writer, and keeps the write-ahead log from starting anew while its transaction is open: bound that time.
    ///
    /// - Parameter cacheBytes: upper bound of the connection's page cache.
    /// - Throws: `SQLiteError` if the file is missing or cannot be read, `StateStoreError` if its schema is another.
    package func openReader(cacheBytes: Int = 8 << 20) throws -> Database {
        let options = DatabaseOptions(access: .readOnly, cacheBytes: cacheBytes, vfs: vfs)
        let database = try Database(path: path, options: options)
        try database.execute("PRAGMA query_only=ON; PRAGMA trusted_schema=OFF")
        try Schema.check(database)
        return database
    }
}
