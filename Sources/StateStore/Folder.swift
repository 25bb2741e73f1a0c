import Glibc

/// A call of the operating system on a folder or a file of the store that failed.
package struct FolderError: Error, Hashable, Sendable, CustomStringConvertible {
    package let operation: String
    package let path: String
    /// The operating system's error number.
    package let number: Int32

    package var description: String {
        "Expected to \(self.operation) '\(self.path)', but got \(String(cString: strerror(self.number)))"
    }

    /// No space is left, or a quota was met.
    package var isOutOfSpace: Bool { self.number == ENOSPC || self.number == EDQUOT }
}

/// The calls of the operating system that the store makes beside SQLite's.
enum Folder {
    /// Makes a folder in one that exists, durably, unless it is there.
    static func make(_ path: String) throws {
        if mkdir(path, 0o750) != 0 {
            if errno == EEXIST { return }
            throw FolderError(operation: "make the folder", path: path, number: errno)
        }
        // What is stored in it is durable only if the folder itself is.
        try self.synchronize(self.parent(of: path))
    }

    static func parent(of path: String) -> String {
        let parent = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return parent.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : parent
    }

    /// Makes durable what a folder lists.
    static func synchronize(_ path: String) throws { try self.synchronize(path, flags: O_RDONLY | O_DIRECTORY) }

    static func synchronizeFile(_ path: String) throws { try self.synchronize(path, flags: O_RDONLY) }

    private static func synchronize(_ path: String, flags: Int32) throws {
        let descriptor = open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw FolderError(operation: "open", path: path, number: errno) }
        defer { close(descriptor) }
        if fsync(descriptor) != 0 { throw FolderError(operation: "synchronize", path: path, number: errno) }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Without `.` and `..`; in no order.
    static func names(in path: String) throws -> [String] {
        guard let stream = opendir(path) else {
            throw FolderError(operation: "list the folder", path: path, number: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func remove(_ path: String) throws {
        if unlink(path) != 0, errno != ENOENT {
            throw FolderError(operation: "remove", path: path, number: errno)
        }
    }

    /// Removes a folder with the files and folders in it, as deep as the store makes them; nothing if there is none.
    static func removeTree(_ path: String, depth: Int = 3) throws {
        if unlink(path) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM, depth > 0 else {
            throw FolderError(operation: "remove", path: path, number: errno)
        }
        for name in try self.names(in: path) { try self.removeTree("\(path)/\(name)", depth: depth - 1) }
        if rmdir(path) != 0 { throw FolderError(operation: "remove the folder", path: path, number: errno) }
    }

    static func move(_ source: String, to target: String) throws {
        if rename(source, target) != 0 {
            throw FolderError(operation: "move to '\(target)' the file", path: source, number: errno)
        }
    }

    /// Gives a file a second name on the same file system. False if that cannot be; the file may be gone then.
    static func link(_ source: String, as target: String) -> Bool { Glibc.link(source, target) == 0 }

    /// Bytes of a file; nil if there is none.
    static func size(of path: String) throws -> UInt64? {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            if errno == ENOENT { return nil }
            throw FolderError(operation: "look at", path: path, number: errno)
        }
        return UInt64(max(0, facts.st_size))
    }

    /// Calls `body` with all bytes of a file, a piece at a time. All pieces but the last have the same size.
    static func read(_ path: String, pieceBytes: Int = 1 << 20, _ body: (UnsafeRawBufferPointer) throws -> Void) throws
    {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FolderError(operation: "open", path: path, number: errno) }
        defer { close(descriptor) }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 16)
        defer { memory.deallocate() }
        while true {
            var filled = 0
            while filled < pieceBytes {
                let count = Glibc.read(descriptor, memory.baseAddress.map { $0 + filled }, pieceBytes - filled)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw FolderError(operation: "read", path: path, number: errno) }
                if count == 0 { break }
                filled += count
            }
            if filled > 0 { try body(UnsafeRawBufferPointer(rebasing: memory[..<filled])) }
            if filled < pieceBytes { return }
        }
    }
}
