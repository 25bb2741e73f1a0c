import Glibc

/// Measures one direction of a link: datagrams from one namespace to another, counted and timed where they arrive. All
/// processes share the machine's monotonic clock, so the time of one way can be told.
package enum LinkProbe {
    static let count = 100
    private static let interval = 0.003

    /// Receives datagrams until `seconds` are over, and says on standard output: `ready`, then how many came and the
    /// median of their ages in nanoseconds.
    package static func receive(host: String, port: UInt16, seconds: Double) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        guard let number = SocketAddress.number(host) else { throw DrillFailure("Expected an IPv4 address") }
        var address = SocketAddress.make(host: number, port: port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        guard SocketAddress.with(&address, { bind(descriptor, $0, size) }) == 0 else {
            throw DrillFailure.system("receive datagrams on \(host):\(port)", errno)
        }
        print("ready")
        fflush(nil)
        var ages: [Int64] = []
        let end = DrillClock.nanoseconds() + Int64(seconds * 1_000_000_000)
        while ages.count < Self.count {
            let remaining = end - DrillClock.nanoseconds()
            guard remaining > 0 else { break }
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&request, 1, Int32(remaining / 1_000_000) + 1) > 0 else { continue }
            var sent: Int64 = 0
            let read = withUnsafeMutableBytes(of: &sent) { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if read == MemoryLayout<Int64>.size { ages.append(DrillClock.nanoseconds() - sent) }
        }
        ages.sort()
        print("\(ages.count) \(ages.isEmpty ? 0 : ages[ages.count / 2])")
    }

    /// Sends datagrams that hold the time.
    package static func send(host: String, port: UInt16) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        guard let number = SocketAddress.number(host) else { throw DrillFailure("Expected an IPv4 address") }
        var address = SocketAddress.make(host: number, port: port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        for _ in 0..<Self.count {
            var now = DrillClock.nanoseconds()
            _ = withUnsafeBytes(of: &now) { bytes in
                SocketAddress.with(&address) { sendto(descriptor, bytes.baseAddress, bytes.count, 0, $0, size) }
            }
            DrillClock.sleep(seconds: Self.interval)
        }
    }

    /// Reads what `receive` said last.
    static func measurement(_ text: String) -> LinkMeasurement? {
        guard let line = text.split(separator: "\n").last else { return nil }
        let words = line.split(separator: " ")
        guard words.count == 2, let received = Int(words[0]), let age = Int64(words[1]) else { return nil }
        return LinkMeasurement(sent: Self.count, received: received, delayMedian: Double(age) / 1_000_000_000)
    }
}
