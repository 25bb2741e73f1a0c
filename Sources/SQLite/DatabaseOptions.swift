/// How a database is opened. The defaults are those of a durable single-writer database.
package struct DatabaseOptions: Sendable, Hashable {
    package enum Access: Sendable, Hashable {
        /// The file must exist; nothing is ever written to it.
        case readOnly
        /// The file must exist.
        case readWrite
        /// A missing file is made.
        case create
    }

    package enum Journal: String, Sendable, Hashable {
        case wal = "WAL"
        case delete = "DELETE"
        case memory = "MEMORY"
        case off = "OFF"
    }

    /// When SQLite waits for the disk (`PRAGMA synchronous`).
    package enum Synchronous: String, Sendable, Hashable {
        /// Never: a power cut may damage the file.
        case off = "OFF"
        /// At checkpoints: in WAL mode a power cut loses the newest commits but damages nothing.
        case normal = "NORMAL"
        /// At every commit.
        case full = "FULL"
    }

    package var access: Access
    package var journal: Journal
    package var synchronous: Synchronous
    /// The size of a page in bytes for a new file, a power of two from 512 to 65536.
    package var pageBytes: Int
    /// How long a call waits for another connection's lock.
    package var busyTimeout: Duration
    /// The upper bound of the page cache in bytes.
    package var cacheBytes: Int
    /// How much of the file may be read through a memory map; 0 turns that off.
    package var mmapBytes: Int
    /// Whether the connection keeps the file to itself until it closes. In WAL mode this needs no shared memory.
    package var isExclusive: Bool
    /// The size of the WAL in pages at which a commit checkpoints; 0 leaves checkpoints to the owner.
    package var autocheckpointPages: Int
    /// The file system interface to use; nil is the operating system's.
    package var vfs: String?

    package init(
        access: Access = .create,
        journal: Journal = .wal,
        synchronous: Synchronous = .full,
        pageBytes: Int = 4096,
        busyTimeout: Duration = .seconds(5),
        cacheBytes: Int = 16 << 20,
        mmapBytes: Int = 0,
        isExclusive: Bool = false,
        autocheckpointPages: Int = 1000,
        vfs: String? = nil
    ) {
        self.access = access
        self.journal = journal
        self.synchronous = synchronous
        self.pageBytes = pageBytes
        self.busyTimeout = busyTimeout
        self.cacheBytes = cacheBytes
        self.mmapBytes = mmapBytes
        self.isExclusive = isExclusive
        self.autocheckpointPages = autocheckpointPages
        self.vfs = vfs
    }
}
