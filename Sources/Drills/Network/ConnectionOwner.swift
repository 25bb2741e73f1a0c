import Glibc

/// Finds out which process holds a TCP connection or port of this machine, from what the kernel shows.
enum ConnectionOwner {
    /// Which of these processes holds the local end with this port.
    static func process(among candidates: [Int32], localPort: UInt16) -> Int32? {
        guard let inode = Self.inode(localPort: localPort, isListening: false) else { return nil }
        return candidates.first { Self.holds($0, inode: inode) }
    }

    /// The process that listens on this port.
    static func listener(port: UInt16) -> Int32? {
        guard let inode = Self.inode(localPort: port, isListening: true) else { return nil }
        return Files.names(in: "/proc").lazy.compactMap { Int32($0) }.first { Self.holds($0, inode: inode) }
    }

    /// The inode of the socket with this local port.
    private static func inode(localPort: UInt16, isListening: Bool) -> String? {
        for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
            for line in (Files.text(file) ?? "").split(separator: "\n").dropFirst() {
                // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
                let fields = line.split(separator: " ")
                guard fields.count > 9, let port = fields[1].split(separator: ":").last,
                    UInt16(port, radix: 16) == localPort, (fields[3] == "0A") == isListening
                else { continue }
                return String(fields[9])
            }
        }
        return nil
    }

    private static func holds(_ process: Int32, inode: String) -> Bool {
        let folder = "/proc/\(process)/fd"
        let wanted = Array("socket:[\(inode)]".utf8)
        return Files.names(in: folder).contains { name in
            var target = [UInt8](repeating: 0, count: 64)
            let count = target.withUnsafeMutableBytes { bytes -> Int in
                guard let base = bytes.baseAddress else { return 0 }
                return readlink("\(folder)/\(name)", base.assumingMemoryBound(to: CChar.self), bytes.count)
            }
            return count == wanted.count && target.prefix(wanted.count).elementsEqual(wanted)
        }
    }
}
