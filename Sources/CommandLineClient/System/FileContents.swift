#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads whole files that a user names.
enum FileContents {
    /// What a deployed file may have; the server's own limit is lower.
    static let deploymentBytesLimit = 16 << 20
    /// What a file of variables may have.
    static let variablesBytesLimit = 16 << 20

    /// The bytes of the file at `path`; a usage failure when it cannot be read or is larger than `limit`.
    static func read(_ path: String, limit: Int) throws(ClientFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .usage("cannot read \(path): \(SystemText.description(of: errno))")
        }
        defer { close(descriptor) }
        return try Self.readAll(descriptor, name: path, limit: limit)
    }

    /// Everything on standard input.
    static func readStandardInput(limit: Int) throws(ClientFailure) -> [UInt8] {
        try Self.readAll(STDIN_FILENO, name: "standard input", limit: limit)
    }

    private static func readAll(_ descriptor: Int32, name: String, limit: Int) throws(ClientFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unistdRead(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            guard count > 0 else {
                let number = errno
                if number == EINTR { continue }
                throw .usage("cannot read \(name): \(SystemText.description(of: number))")
            }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= limit else {
                throw .usage("Expected at most \(limit) bytes in \(name), but got more")
            }
        }
    }
}

/// `read(2)`, named apart from the methods called `read` above.
private func unistdRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
