/// How a group's state database is kept. The defaults are for production.
package struct StateOptions: Hashable, Sendable {
    /// Size of a page of a new database. 4096 is the block of the file systems we run on, and rows are small.
    package var pageBytes: Int
    /// Upper bound of the writer's page cache.
    package var cacheBytes: Int
    /// Size of the write-ahead log from which on `checkpointIfNeeded` does something.
    package var checkpointBytes: Int
    /// Bytes written after which the next commit is made durable without being asked for.
    package var durableCommitBytes: Int
    /// The name of a registered SQLite file system, nil for the operating system's.
    package var vfs: String?

    package init(
        pageBytes: Int = 4096,
        cacheBytes: Int = 48 << 20,
        checkpointBytes: Int = 16 << 20,
        durableCommitBytes: Int = 64 << 20,
        vfs: String? = nil
    ) {
        self.pageBytes = pageBytes
        self.cacheBytes = cacheBytes
        self.checkpointBytes = checkpointBytes
        self.durableCommitBytes = durableCommitBytes
        self.vfs = vfs
    }
}
