import Glibc

/// The few things done with files here.
enum Files {
    /// The whole content of a file, at most `limit` bytes.
    static func read(_ path: String, limit: Int = 16 << 20) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw BenchError.system("read '\(path)'") }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while content.count < limit {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw BenchError.system("read '\(path)'")
            }
            if count == 0 { return content }
            content += buffer[..<count]
        }
        return content
    }

    /// The content of a file as text, nil if it cannot be read.
    static func text(_ path: String) -> String? {
        guard let content = try? Self.read(path) else { return nil }
        return String(decoding: content, as: UTF8.self)
    }

    /// Replaces the content of a file.
    static func write(_ content: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw BenchError.system("write '\(path)'") }
        defer { close(descriptor) }
        try Self.write(content, to: descriptor, path)
    }

    /// Writes all of `content` at the descriptor's position.
    static func write(_ content: [UInt8], to descriptor: Int32, _ path: String) throws {
        var position = 0
        while position < content.count {
            let count = content.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + position }, $0.count - position)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw BenchError.system("write '\(path)'")
            }
            position += count
        }
    }

    /// Makes a folder and those it lies in.
    static func makeFolder(_ path: String) throws {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += made.isEmpty || made.hasSuffix("/") ? String(part) : "/" + part
            if mkdir(made, 0o755) != 0, errno != EEXIST { throw BenchError.system("make the folder '\(made)'") }
        }
    }

    /// The space that the files of a folder take on the disk, in bytes. A file that goes away meanwhile counts nothing.
    static func allocatedBytes(in folder: String) -> Int {
        var total = 0
        Self.walk(folder) { _, status in total += Int(status.st_blocks) * 512 }
        return total
    }

    /// The size of a file in bytes; nil if there is none.
    static func size(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// The path of the largest file in a folder; empty if there is none.
    static func largest(in folder: String) -> String {
        var found = (path: "", size: 0)
        Self.walk(folder) { path, status in
            if status.st_mode & S_IFMT == S_IFREG, Int(status.st_size) > found.size {
                found = (path, Int(status.st_size))
            }
        }
        return found.path
    }

    /// The path from the root.
    static func absolute(_ path: String) throws -> String {
        guard let resolved = realpath(path, nil) else { throw BenchError.system("find '\(path)'") }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Removes a folder with everything in it.
    static func removeTree(_ folder: String) {
        Self.walk(folder) { path, status in
            if status.st_mode & S_IFMT == S_IFDIR { rmdir(path) } else { unlink(path) }
        }
        rmdir(folder)
    }

    /// The names of what is in a folder.
    static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Visits everything in a folder, a folder behind its content. Links are not followed.
    private static func walk(_ folder: String, depth: Int = 0, _ visit: (String, stat) -> Void) {
        guard depth < 32 else { return }
        for name in Self.names(in: folder) {
            let path = folder + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { Self.walk(path, depth: depth + 1, visit) }
            visit(path, status)
        }
    }
}

/// A folder for one run, removed at its end.
final class TemporaryFolder {
    let path: String
    private var nextNumber = 0

    /// Makes a folder of its own in `parent`.
    init(in parent: String) throws {
        self.path = "\(parent)/\(getpid())"
        try Files.makeFolder(self.path)
    }

    /// A path in the folder at which there is nothing yet.
    func newPath(_ name: String) -> String {
        self.nextNumber += 1
        return "\(self.path)/\(self.nextNumber)-\(name)"
    }

    func remove() { Files.removeTree(self.path) }
}
