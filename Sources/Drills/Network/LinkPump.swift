import Glibc

/// Carries the bytes of one direction of a TCP connection under the condition of a link. What a real network would lose
/// arrives late here, as after TCP's own repetition; a cut link holds everything until it is whole again.
struct LinkPump: Sendable {
    static let repetitionNanoseconds: Int64 = 200_000_000
    private static let heldBytesLimit = 4 << 20

    let source: Int32
    let target: Int32
    /// Nil for strangers, who are carried as they come.
    let link: (from: Int, to: Int)?
    let links: LinkTable
    let isOver: Signal

    /// Carries until either side ends.
    func run() {
        var held: [(due: Int64, bytes: [UInt8])] = []
        var heldBytes = 0
        var lastDue: Int64 = 0
        var isEnded = false
        while !self.isOver.value, !(isEnded && held.isEmpty) {
            let isCut = self.link.map { self.links.condition(from: $0.from, to: $0.to).isCut } ?? false
            let now = DrillClock.nanoseconds()
            while !isCut, let first = held.first, first.due <= now {
                guard self.write(first.bytes) else { return self.end() }
                heldBytes -= first.bytes.count
                held.removeFirst()
            }
            let reads = !isEnded && heldBytes < Self.heldBytesLimit
            var request = pollfd(fd: reads ? self.source : -1, events: Int16(POLLIN), revents: 0)
            let wait = isCut ? 20_000_000 : held.first.map { max(0, $0.due - now) } ?? 50_000_000
            // Rounded up: never busy, at most a millisecond late.
            guard poll(&request, 1, Int32((min(wait, 50_000_000) + 999_999) / 1_000_000)) > 0 else { continue }
            let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                count = max(0, recv(self.source, buffer.baseAddress, buffer.count, 0))
            }
            if chunk.isEmpty {
                isEnded = true
                continue
            }
            // Order is kept: nothing overtakes what was lost and comes again.
            lastDue = max(lastDue, DrillClock.nanoseconds() + self.delay())
            held.append((lastDue, chunk))
            heldBytes += chunk.count
        }
        self.end()
    }

    private func delay() -> Int64 {
        guard let link = self.link else { return 0 }
        let condition = self.links.condition(from: link.from, to: link.to)
        if condition.isCut { return 0 }
        var total: Int64 = 0
        for _ in 0..<16 {
            switch self.links.fate(from: link.from, to: link.to) {
            case .dropped: total += Self.repetitionNanoseconds
            case .passed: return total
            case .delayed(let nanoseconds): return total + nanoseconds
            }
        }
        return total
    }

    private func write(_ bytes: [UInt8]) -> Bool {
        var position = 0
        while position < bytes.count {
            let count = bytes[position...].withUnsafeBytes {
                Glibc.send(self.target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            position += count
        }
        return true
    }

    /// Tells both sides that there is no more; who closes the descriptors is not the pump.
    private func end() {
        shutdown(self.target, Int32(SHUT_WR))
        shutdown(self.source, Int32(SHUT_RD))
    }
}
