import SQLite
import Synchronization

/// The partitions of a group's history: one file each, named by the first millisecond of what it covers.
///
/// One object per group, shared by the archiver, which adds and removes partitions, and the readers, who ask which
/// there are: a listing of the folder for each query would cost more than many a query.
package final class HistoryFolder: Sendable {
    /// A span of group time in milliseconds since 1970: `end` does not belong to it.
    package struct Partition: Hashable, Sendable {
        package let start: Int64
        package let end: Int64
    }

    package let group: UInt32
    let vfs: String?
    private let folder: String
    private let known = Mutex<[Partition]>([])

    /// Makes the group's folder if there is none, and removes what a crash left behind half made or half removed.
    /// - Parameters:
    ///   - path: the history folder of the data folder; each group has a folder in it, with one for each generation.
    ///   - generation: of the state that the history belongs to; a snapshot brings both.
    ///   - vfs: name of a registered SQLite file system, nil for the operating system's.
    /// - Throws: `StateStoreError` for files of another version, group or program, `SQLiteError`, `FolderError`.
    package init(path: String, group: UInt32, generation: UInt64 = 0, vfs: String? = nil) throws {
        self.group = group
        self.vfs = vfs
        self.folder = Self.path(in: path, group: group, generation: generation)
        try Folder.make(path)
        try Folder.make("\(path)/\(group)")
        try Folder.make(self.folder)
        let names = try Folder.names(in: self.folder)
        var partitions: [Partition] = []
        for name in names {
            guard let start = Self.start(of: name, suffix: ".db") else { continue }
            if let partition = try self.partition(start) { partitions.append(partition) }
        }
        partitions.sort { $0.start < $1.start }
        for name in names {
            let start = Self.start(of: name, suffix: ".db-wal") ?? Self.start(of: name, suffix: ".db-shm")
            guard let start, !partitions.contains(where: { $0.start == start }) else { continue }
            try Folder.remove("\(self.folder)/\(name)")
        }
        self.known.withLock { $0 = partitions }
    }

    static func path(in path: String, group: UInt32, generation: UInt64) -> String { "\(path)/\(group)/\(generation)" }

    /// By start.
    package var partitions: [Partition] { self.known.withLock { $0 } }

    func contains(start: Int64) -> Bool { self.known.withLock { $0.contains { $0.start == start } } }

    func path(of start: Int64) -> String { "\(self.folder)/\(start).db" }

    func add(_ partition: Partition) {
        self.known.withLock { known in
            known.append(partition)
            known.sort { $0.start < $1.start }
        }
    }

    /// From now on no query opens the partition.
    func forget(_ partition: Partition) { self.known.withLock { $0.removeAll { $0.start == partition.start } } }

    /// Removes the files of a partition, the database first: without it the others mean nothing.
    func removeFiles(of start: Int64) throws {
        let path = self.path(of: start)
        for suffix in ["", "-wal", "-shm"] { try Folder.remove(path + suffix) }
    }

    /// What is in a file; nil, and the file gone, if it was never finished.
    private func partition(_ start: Int64) throws -> Partition? {
        if let end = try self.end(start) { return Partition(start: start, end: end) }
        try self.removeFiles(of: start)
        return nil
    }

    private func end(_ start: Int64) throws -> Int64? {
        // Not for reading only: a crash may have left something to recover.
        let database = try Database(
            path: self.path(of: start),
            options: DatabaseOptions(access: .readWrite, vfs: self.vfs)
        )
        if try database.int64("SELECT count(*) FROM sqlite_schema") == 0 { return nil }
        try HistorySchema.check(database)
        let group = try HistorySchema.value(.group, in: database)
        guard group == Int64(self.group) else {
            throw StateStoreError(
                .foreignDatabase,
                "Expected the history of group \(self.group) at '\(database.path)', but got group \(group)"
            )
        }
        return try HistorySchema.value(.end, in: database)
    }

    private static func start(of name: String, suffix: String) -> Int64? {
        guard name.hasSuffix(suffix) else { return nil }
        let digits = name.dropLast(suffix.count)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int64(digits)
    }
}
