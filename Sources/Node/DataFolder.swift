import Glibc

/// Why a data folder cannot be used, and what to do.
package struct DataFolderError: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Who wrote a data folder. Drawn once, when the folder is made.
package struct FolderIdentity: Hashable, Sendable {
    package var clusterID: String
    package var nodeID: UInt64
    /// Tells this folder from any other, also from an earlier one of the same node.
    package var directoryID: UInt64
}

/// The folder a node keeps everything in. Holds a lock on it as long as it lives: one process at a time.
///
/// ```
/// format           version of the layout
/// identity         cluster, node and folder
/// cluster          only in a cluster: see `ClusterSettings`
/// peers            only in a cluster: see `PeerDirectories`
/// lock             held by the running process
/// crash            what was being executed, for the next start
/// log/             the Raft log of all groups
/// state/<group>/   the state of a group
/// history/<group>/ finished instances and the event stream
/// ```
package final class DataFolder: Sendable {
    /// The layout this version writes. It reads this one only.
    package static let formatVersion = 1

    package let path: String
    package let identity: FolderIdentity
    private let lock: Int32

    /// Opens a folder, and makes it if there is none.
    package init(path: String) throws {
        self.path = path
        try DataFolder.makeFolder(path)
        lock = try DataFolder.lockFolder(path)
        do {
            try DataFolder.checkFormat(path)
            identity = try DataFolder.loadIdentity(path)
            for folder in ["log", "state", "history"] { try DataFolder.makeFolder("\(path)/\(folder)") }
        } catch {
            close(lock)
            throw error
        }
    }

    deinit { close(lock) }

    package func stateFolder(_ group: UInt32) throws -> String {
        let folder = "\(path)/state/\(group)"
        try DataFolder.makeFolder(folder)
        return folder
    }

    /// Bytes that can still be written, and bytes in all, of the file system.
    package func space() -> (available: UInt64, total: UInt64)? {
        var facts = statvfs()
        guard statvfs(path, &facts) == 0 else { return nil }
        let block = UInt64(facts.f_frsize)
        return (UInt64(facts.f_bavail) * block, UInt64(facts.f_blocks) * block)
    }

    static func makeFolder(_ path: String) throws {
        var partial = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            partial += part.isEmpty ? "/" : "\(part)/"
            if partial == "/" || mkdir(partial, 0o750) == 0 || errno == EEXIST { continue }
            throw DataFolderError("Expected to make the folder '\(partial)', but got: \(lastError())")
        }
    }

    static func lockFolder(_ path: String) throws -> Int32 {
        let descriptor = open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw DataFolderError("Expected to open '\(path)/lock', but got: \(lastError()); check its permissions")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let owner = readText("\(path)/lock").map { " (process \($0))" } ?? ""
            close(descriptor)
            throw DataFolderError(
                "Expected the data folder '\(path)' to be free, but another process uses it\(owner); "
                    + "stop that one, or give this one another folder with --data"
            )
        }
        let text = "\(getpid())"
        _ = ftruncate(descriptor, 0)
        _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
        return descriptor
    }

    static func checkFormat(_ path: String) throws {
        guard let text = readText("\(path)/format") else {
            try writeDurably("\(formatVersion)\n", to: "format", in: path)
            return
        }
        guard let version = Int(text) else {
            throw DataFolderError("Expected a version number in '\(path)/format', but got '\(text.prefix(32))'")
        }
        guard version <= formatVersion else {
            throw DataFolderError(
                "Expected a data folder of format \(formatVersion) or older, but '\(path)' has format \(version): "
                    + "a newer version of Thalweg wrote it; start that version, or give another folder with --data"
            )
        }
    }

    static func loadIdentity(_ path: String) throws -> FolderIdentity {
        if let text = readText("\(path)/identity") {
            var parts = text.split(separator: " ")
            if parts.last == clusterMark[...] {
                guard access("\(path)/\(ClusterSettings.fileName)", F_OK) == 0 else {
                    throw DataFolderError(
                        "Expected the file 'cluster' in '\(path)', which is the folder of a cluster's node, but it is "
                            + "gone; restore it, or replace the node"
                    )
                }
                parts.removeLast()
            }
            guard parts.count == 3, let node = UInt64(parts[1]), let directory = UInt64(parts[2], radix: 16) else {
                throw DataFolderError("Expected cluster, node and folder in '\(path)/identity', but got '\(text)'")
            }
            return FolderIdentity(clusterID: String(parts[0]), nodeID: node, directoryID: directory)
        }
        guard access("\(path)/\(ClusterSettings.fileName)", F_OK) != 0 else {
            throw DataFolderError(
                "Expected a formatted data folder, but the formatting of '\(path)' was interrupted; run the same "
                    + "'thalweg cluster' command again"
            )
        }
        var generator = SystemRandomNumberGenerator()
        return try writeIdentity(path, cluster: String(generator.next() as UInt64, radix: 16), node: 1)
    }

    /// Gives a folder its identity, once and for all.
    @discardableResult
    static func writeIdentity(
        _ path: String,
        cluster: String,
        node: UInt64,
        isOfCluster: Bool = false
    ) throws -> FolderIdentity {
        var generator = SystemRandomNumberGenerator()
        let identity = FolderIdentity(clusterID: cluster, nodeID: node, directoryID: generator.next())
        let directory = String(identity.directoryID, radix: 16)
        let mark = isOfCluster ? " \(clusterMark)" : ""
        try writeDurably("\(cluster) \(node) \(directory)\(mark)\n", to: "identity", in: path)
        return identity
    }

    /// Last word of the identity of a cluster's node: without the file `cluster` it must not run as a server of its
    /// own.
    private static let clusterMark = "cluster"

    /// Whether the folder has its identity, which is the last step of making it.
    static func isFormatted(_ path: String) -> Bool { access("\(path)/identity", F_OK) == 0 }

    /// The bytes of a small file; nil if there is none.
    static func readFile(_ path: String, limit: Int) throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw DataFolderError("Expected to read '\(path)', but got: \(lastError())")
        }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        while count < buffer.count {
            let length = buffer.count - count
            let more = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress?.advanced(by: count), length) }
            if more < 0 && errno == EINTR { continue }
            guard more >= 0 else {
                throw DataFolderError("Expected to read '\(path)', but got: \(lastError())")
            }
            if more == 0 { return Array(buffer[..<count]) }
            count += more
        }
        throw DataFolderError("Expected at most \(limit) bytes in '\(path)', but got more")
    }

    private static func readText(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return nil }
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        return text.split(separator: "\n").first.map(String.init)
    }

    /// Writes a small file so that it is there in full or not at all, whatever happens.
    static func writeDurably(_ text: String, to name: String, in folder: String) throws {
        let temporary = "\(folder)/\(name).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw DataFolderError("Expected to write '\(temporary)', but got: \(lastError())")
        }
        let bytes = Array(text.utf8)
        let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        guard isWritten, rename(temporary, "\(folder)/\(name)") == 0, syncFolder(folder) else {
            throw DataFolderError("Expected to write '\(folder)/\(name)', but got: \(lastError())")
        }
    }

    private static func syncFolder(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }

    static func lastError() -> String { String(cString: strerror(errno)) }
}
