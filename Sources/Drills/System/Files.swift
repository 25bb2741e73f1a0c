import Glibc

/// Files and folders of a drill.
enum Files {
    /// The bytes of a file; nil when it cannot be read.
    static func contents(_ path: String, limit: Int = .max) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var result: [UInt8] = []
        while result.count < limit {
            let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
            }
            if chunk.isEmpty { break }
            result += chunk
        }
        return result
    }

    /// A file as text; nil when it cannot be read.
    static func text(_ path: String) -> String? { Self.contents(path).map { String(decoding: $0, as: UTF8.self) } }

    /// Writes a file, replacing what was there.
    static func write(_ bytes: some Collection<UInt8>, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw DrillFailure.system("write '\(path)'", errno) }
        defer { close(descriptor) }
        try Self.append(Array(bytes), to: descriptor, path: path)
    }

    /// Writes all bytes to an open file.
    static func append(_ bytes: [UInt8], to descriptor: Int32, path: String) throws {
        var position = 0
        while position < bytes.count {
            let count = bytes[position...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw DrillFailure.system("write '\(path)'", errno)
            }
            position += count
        }
    }

    /// Makes a folder and those it lies in.
    static func makeFolder(_ path: String) throws {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += made.isEmpty || made.hasSuffix("/") ? String(part) : "/" + part
            if mkdir(made, 0o755) != 0, errno != EEXIST {
                throw DrillFailure.system("make the folder '\(made)'", errno)
            }
        }
    }

    /// Makes a new, empty folder for temporary files.
    static func makeTemporaryFolder() throws -> String {
        var template = Array("\(SystemText.environment("TMPDIR") ?? "/tmp")/thalweg-drill.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw DrillFailure.system("make a temporary folder", errno) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The names in a folder, sorted; empty when it is not there.
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
        return names.sorted()
    }

    /// Removes a folder with everything in it; links are not followed, other file systems are not entered deeper than
    /// 32 folders.
    static func removeTree(_ folder: String, depth: Int = 0) {
        guard depth < 32 else { return }
        for name in Self.names(in: folder) {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                Self.removeTree(path, depth: depth + 1)
            } else {
                unlink(path)
            }
        }
        rmdir(folder)
    }

    /// Bytes that the file system of a folder still has for anybody; nil when it cannot be asked.
    static func freeBytes(_ folder: String) -> UInt64? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }
}
