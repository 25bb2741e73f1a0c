package import RaftCore
package import SQLite

/// To which node and which data directory a log belongs; written when the log is made and compared at every opening.
package struct LogIdentity: Sendable, Hashable {
    package var node: NodeID
    /// Drawn at random when the data directory is made, so that a folder of another machine is noticed.
    package var directory: UInt64

    package init(node: NodeID, directory: UInt64) {
        self.node = node
        self.directory = directory
    }
}

/// How a log is opened.
package struct RaftLogOptions: Sendable {
    /// Refuse to make a new log: the data directory is known to have one, so that an empty file is damage.
    package var mustExist: Bool
    /// Memory for the newest entries of all groups together, in bytes.
    package var cacheBytes: Int
    /// The size of the write-ahead file in pages at which it is copied to the database file and begun anew. Opening the
    /// log reads at most about this much of it.
    package var checkpointPages: Int
    /// Whether a new log writes its write-ahead file once in full. A sync into blocks that are there already takes
    /// about half the time of one that makes the file longer.
    package var preallocates: Bool
    package var pageBytes: Int
    /// How much of each group's newest entries is read and checked when the log is opened, in bytes; they fill the
    /// cache.
    package var openCheckBytes: Int
    /// Logs whose file is not larger are searched for missing entries in full when they are opened.
    package var openScanBytes: Int
    /// What may wait to be written without a caller that waits too, in bytes.
    package var queuedBytesLimit: Int
    /// Anything but `.full` breaks the log's promise; only for tests of the tests.
    package var synchronous: DatabaseOptions.Synchronous
    /// The file system interface; nil is the operating system's.
    package var vfs: String?
    /// Called once, on the thread that met it, when the disk fails: raise the alarm and exit.
    package var onFailure: (@Sendable (RaftLogError) -> Void)?

    package init(
        mustExist: Bool = false,
        cacheBytes: Int = 64 << 20,
        checkpointPages: Int = 4096,
        preallocates: Bool = true,
        pageBytes: Int = 4096,
        openCheckBytes: Int = 4 << 20,
        openScanBytes: Int = 64 << 20,
        queuedBytesLimit: Int = 256 << 20,
        synchronous: DatabaseOptions.Synchronous = .full,
        vfs: String? = nil,
        onFailure: (@Sendable (RaftLogError) -> Void)? = nil
    ) {
        self.mustExist = mustExist
        self.cacheBytes = cacheBytes
        self.checkpointPages = checkpointPages
        self.preallocates = preallocates
        self.pageBytes = pageBytes
        self.openCheckBytes = openCheckBytes
        self.openScanBytes = openScanBytes
        self.queuedBytesLimit = queuedBytesLimit
        self.synchronous = synchronous
        self.vfs = vfs
        self.onFailure = onFailure
    }
}
