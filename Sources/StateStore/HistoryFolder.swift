import Glibc
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
    ///   - path: the history folder of the data folder; each group has a folder in it.
    ///   - vfs: name of a registered SQLite file system, nil for the operating system's.
    /// - Throws: `StateStoreError` for files of another version, group or program, `SQLiteError`, `HistoryFolderError`.
    package init(path: String, group: UInt32, vfs: String? = nil) throws {
        self.group = group
        self.vfs = vfs
        self.folder = "\(path)/\(group)"
        try Folder.make(path)
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

/// A call of the operating system on the history's folder that failed.
package struct HistoryFolderError: Error, Hashable, Sendable, CustomStringConvertible {
    package let operation: String
    package let path: String
    /// The operating system's error number.
    package let number: Int32

    package var description: String {
        "Expected to \(self.operation) '\(self.path)', but got \(String(cString: strerror(self.number)))"
    }
}

private enum Folder {
    static func make(_ path: String) throws {
        if mkdir(path, 0o750) != 0 {
            if errno == EEXIST { return }
            throw HistoryFolderError(operation: "make the folder", path: path, number: errno)
        }
        // What is stored in it is durable only if the folder itself is.
        let parent = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        try self.synchronize(parent.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : parent)
    }

    private static func synchronize(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw HistoryFolderError(operation: "open the folder", path: path, number: errno)
        }
        defer { close(descriptor) }
        if fsync(descriptor) != 0 {
            throw HistoryFolderError(operation: "synchronize the folder", path: path, number: errno)
        }
    }

    static func names(in path: String) throws -> [String] {
        guard let stream = opendir(path) else {
            throw HistoryFolderError(operation: "list the folder", path: path, number: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
            )
        }
        return names
    }

    static func remove(_ path: String) throws {
        if unlink(path) != 0, errno != ENOENT {
            throw HistoryFolderError(operation: "remove", path: path, number: errno)
        }
    }
}
