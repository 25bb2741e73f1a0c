#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Ports of the loopback address that nobody listens on.
struct FreePorts {
    /// Keeps what it gave out bound, so that it gives out nothing twice; ends with ``close()``.
    private var held: [Int32] = []

    /// `wanted` if it is free, else the next free one behind it; 0 is any. Nil if there is none.
    mutating func next(from wanted: Int, attempts: Int = 1_000) -> Int? {
        for port in wanted..<(wanted + max(1, attempts)) where port <= 65_535 {
            if let descriptor = Self.bound(port) {
                held.append(descriptor)
                return Self.port(of: descriptor)
            }
            if wanted == 0 { return nil }
        }
        return nil
    }

    mutating func close() {
        for descriptor in held { _ = closeDescriptor(descriptor) }
        held = []
    }

    private static func bound(_ port: Int) -> Int32? {
        #if canImport(Glibc)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { return nil }
        // As a server does: a port that only closed connections still remember is free.
        var one: Int32 = 1
        _ = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bindSocket(descriptor, $0, size) }
        }
        // With the option above only listening keeps others away.
        guard result == 0, listen(descriptor, 1) == 0 else {
            _ = closeDescriptor(descriptor)
            return nil
        }
        return descriptor
    }

    private static func port(of descriptor: Int32) -> Int? {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        return result == 0 ? Int(UInt16(bigEndian: address.sin_port)) : nil
    }
}

/// `close(2)` and `bind(2)`, named apart from methods.
private func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }
private func bindSocket(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Int32 {
    bind(descriptor, address, size)
}
