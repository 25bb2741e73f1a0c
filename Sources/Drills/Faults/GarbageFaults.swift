import Glibc

extension FaultInjector {
    /// Strangers on the cluster port: random bytes, a frame of a huge length, connections that say nothing, and one
    /// that says its first words very slowly.
    func sendGarbage(_ plan: FaultPlan, _ targets: [Int], _ record: inout FaultRecord) throws {
        self.begin(&record)
        for node in targets {
            let parts = self.cluster.network.peerAddress(node).split(separator: ":").map { String($0) }
            guard parts.count == 2, let port = UInt16(parts[1]) else {
                throw DrillFailure("Expected the peer address of node \(node + 1) as HOST:PORT")
            }
            let address = NodeAddress(host: parts[0], port: port)
            var random = SeededGenerator(seed: 4_711)
            let noise = (0..<65_536).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let huge: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF] + noise.prefix(1_000)
            // The head of a TLS record that claims to be longer than any may be.
            let hello: [UInt8] = [0x16, 0x03, 0x01, 0xFF, 0xFF] + noise.prefix(500)
            for (name, bytes) in [("64 KiB of noise", noise), ("a huge frame", huge), ("a broken hello", hello)] {
                let stranger = try Stranger(address)
                let sent = stranger.send(bytes)
                let isClosed = stranger.isClosed(within: 20)
                record.prove("node \(node + 1) took \(sent) bytes of \(name) and hung up", sent > 0 && isClosed)
            }
            let silent = try (0..<50).map { _ in try Stranger(address) }
            record.prove("node \(node + 1) has \(silent.count) connections that say nothing", true)
            let slow = try Stranger(address)
            let end = self.stopwatch.seconds + plan.lasting
            var position = 0
            while self.stopwatch.seconds < end, !self.isAborted.value {
                if position < hello.count { _ = slow.send([hello[position]]) }
                position += 1
                self.last(0.1)
            }
            record.prove("one said \(min(position, hello.count)) bytes in \(plan.lasting) s", position > 1)
            withExtendedLifetime(silent) {}
        }
        try self.awaitReturn(targets, &record)
    }
}

/// A connection of somebody who is no peer.
private final class Stranger {
    private let descriptor: Int32

    init(_ address: NodeAddress) throws {
        guard let host = SocketAddress.number(address.host) else {
            throw DrillFailure("Expected an IPv4 address, but got '\(address.host)'")
        }
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var target = SocketAddress.make(host: host, port: address.port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = SocketAddress.with(&target) { connect(self.descriptor, $0, size) }
        guard code == 0 else {
            let number = errno
            close(self.descriptor)
            throw DrillFailure.system("connect to the cluster port \(address.host):\(address.port)", number)
        }
    }

    deinit { close(self.descriptor) }

    /// Sends what the other side takes; returns how many bytes.
    func send(_ bytes: [UInt8]) -> Int {
        var position = 0
        while position < bytes.count {
            let count = bytes[position...].withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { break }
            position += count
        }
        return position
    }

    /// Whether the other side hangs up in this time.
    func isClosed(within seconds: Int) -> Bool {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(self.descriptor, &buffer, buffer.count, 0)
            if count == 0 { return true }
            if count < 0 { return errno != EAGAIN }
        }
    }
}
