import Glibc

/// Ports of the loopback interface that nobody uses.
enum FreePorts {
    /// Finds some; all are held until all are found, so that they differ.
    static func find(_ count: Int) throws -> [UInt16] {
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        return try (0..<count).map { _ in
            let (descriptor, port) = try Self.listen(host: 0x7F00_0001, port: 0, backlog: 0)
            descriptors.append(descriptor)
            return port
        }
    }

    /// A bound socket, listening if `backlog` is above 0.
    /// - Parameter host: an IPv4 address as a number.
    static func listen(host: UInt32, port: UInt16, backlog: Int32) throws -> (descriptor: Int32, port: UInt16) {
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, flags, 0)
        guard descriptor >= 0 else { throw DrillFailure.system("make a socket", errno) }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = SocketAddress.make(host: host, port: port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = SocketAddress.with(&address) { bind(descriptor, $0, size) == 0 }
        guard isBound, backlog == 0 || Glibc.listen(descriptor, backlog) == 0 else {
            let number = errno
            close(descriptor)
            throw DrillFailure.system("listen on port \(port)", number)
        }
        var length = size
        _ = SocketAddress.with(&address) { getsockname(descriptor, $0, &length) }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }
}

/// IPv4 addresses as the system wants them.
enum SocketAddress {
    static func make(host: UInt32, port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = host.bigEndian
        return address
    }

    static func with<Value>(_ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> Value) -> Value {
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) }
        }
    }

    /// Reads `a.b.c.d`.
    static func number(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4 else { return nil }
        var result: UInt32 = 0
        for part in parts {
            guard let part else { return nil }
            result = result << 8 | UInt32(part)
        }
        return result
    }
}
