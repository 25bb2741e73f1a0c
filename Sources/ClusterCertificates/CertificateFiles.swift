#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The files of one folder: read with a limit, written so that each is there in full or not at all.
struct CertificateFiles {
    /// More than any certificate, key or bundle has.
    static let bytesLimit = 1 << 20

    let folder: String

    func path(_ name: String) -> String { folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)" }

    func exists(_ name: String) -> Bool { access(path(name), F_OK) == 0 }

    func read(_ name: String) throws(CertificateError) -> [UInt8] { try Self.read(path: path(name)) }

    static func read(path: String) throws(CertificateError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .input("Expected to read '\(path)', but got: \(lastError())") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = readBytes(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw .input("Expected to read '\(path)', but got: \(lastError())")
            }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= bytesLimit else {
                throw .input("Expected at most \(bytesLimit) bytes in '\(path)', but got more")
            }
        }
    }

    /// Makes the folder for its owner alone, with all folders above it that are missing. One that is there stays as it
    /// is.
    func makeFolder() throws(CertificateError) {
        guard !folder.isEmpty, !folder.utf8.contains(0) else {
            throw .input("Expected the name of a folder, but got '\(folder)'")
        }
        var partial = ""
        for part in folder.split(separator: "/", omittingEmptySubsequences: false) {
            partial += part.isEmpty ? "/" : "\(part)/"
            if mkdir(partial, 0o700) == 0 || errno == EEXIST || errno == EROFS && access(partial, F_OK) == 0 {
                continue
            }
            throw .system("Expected to make the folder '\(partial)', but got: \(Self.lastError())")
        }
        var facts = stat()
        guard stat(folder, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else {
            throw .input("Expected a folder, but '\(folder)' is none; choose another name")
        }
    }

    /// Writes a file beside its final place and syncs it. The old content stays until ``install(_:)``.
    ///
    /// It belongs to whom today's file belongs to, so that a server still reads what root renewed, and a secret that
    /// its owner shares with a group stays shared with it.
    func prepare(_ name: String, _ bytes: [UInt8], isSecret: Bool = false) throws(CertificateError) {
        let target = path(name + Self.newSuffix)
        var today = stat()
        let isThere = stat(path(name), &today) == 0
        let isShared = isThere && today.st_mode & 0o777 == 0o640
        let mode: mode_t = isSecret ? (isShared ? 0o640 : 0o600) : 0o644
        _ = unlink(target)
        // Exclusive: never through a link somebody left there.
        let descriptor = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system("Expected to write '\(target)', but got: \(Self.lastError())") }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { writeBytes(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        if isThere, getuid() == 0 { _ = fchown(descriptor, today.st_uid, today.st_gid) }
        let isWritten = rest.isEmpty && fchmod(descriptor, mode) == 0 && fsync(descriptor) == 0
        let reason = Self.lastError()
        close(descriptor)
        guard isWritten else {
            _ = unlink(target)
            throw .system("Expected to write '\(target)', but got: \(reason)")
        }
    }

    /// Puts what ``prepare(_:_:isSecret:)`` wrote in its place.
    func install(_ name: String) throws(CertificateError) {
        guard rename(path(name + Self.newSuffix), path(name)) == 0, syncFolder() else {
            throw .system("Expected to replace '\(path(name))', but got: \(Self.lastError())")
        }
    }

    /// Keeps today's file under another name; nothing happens when there is none.
    func keepOld(_ name: String, isSecret: Bool = false) throws(CertificateError) {
        guard exists(name) else { return }
        try prepare(name + Self.oldSuffix, try read(name), isSecret: isSecret)
        try install(name + Self.oldSuffix)
    }

    /// Runs `body` while no other process changes the folder.
    func locked<Result>(_ body: () throws(CertificateError) -> Result) throws(CertificateError) -> Result {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .input("Expected the folder '\(folder)', but got: \(Self.lastError())")
        }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw .refused("Expected to change '\(folder)', but another command is doing so; wait until it has ended")
        }
        return try body()
    }

    /// Whether both are one folder, however their names are written.
    func isSame(as other: CertificateFiles) -> Bool {
        var mine = stat()
        var others = stat()
        return stat(folder, &mine) == 0 && stat(other.folder, &others) == 0 && mine.st_dev == others.st_dev
            && mine.st_ino == others.st_ino
    }

    /// A secret file may be read by its owner, and by a group if its owner wants so, but by nobody else.
    func checkSecret(_ name: String) throws(CertificateError) {
        var facts = stat()
        guard stat(path(name), &facts) == 0 else {
            throw .input("Expected to read '\(path(name))', but got: \(Self.lastError())")
        }
        let mode = facts.st_mode & 0o777
        guard mode & 0o037 == 0 else {
            throw .input(
                "Expected a key that only its owner can read, but '\(path(name))' has the mode "
                    + "\(String(mode, radix: 8)); run: chmod 600 '\(path(name))'"
            )
        }
    }

    static let newSuffix = ".new"
    static let oldSuffix = ".old"

    private func syncFolder() -> Bool {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }

    private static func lastError() -> String { String(cString: strerror(errno)) }
}

private func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}

private func writeBytes(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, buffer, count)
}
