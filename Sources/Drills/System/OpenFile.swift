import Glibc

/// Files that stay open.
enum OpenFile {
    /// Opens a file to write behind its end.
    static func appending(_ path: String) throws -> Int32 {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw DrillFailure.system("open '\(path)'", errno) }
        return descriptor
    }
}

/// The pipe by which a drill tells its processes that it is over, even when it was killed.
enum StandardInput {
    /// Blocks until standard input ends.
    static func waitForEnd() {
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let count = read(0, &buffer, buffer.count)
            if count == 0 || count < 0 && errno != EINTR { return }
        }
    }
}
