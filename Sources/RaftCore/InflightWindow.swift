/// The append requests sent to one follower that it has not answered, oldest first.
///
/// A ring that grows with need up to the limit, so that a large limit costs nothing.
struct InflightWindow: Sendable {
    private struct Request {
        var lastIndex: LogIndex
        var bytes: Int
    }

    private var ring: [Request] = []
    private var start = 0
    private(set) var count = 0
    private(set) var bytes = 0
    let maxCount: Int
    let maxBytes: Int

    init(maxCount: Int, maxBytes: Int) {
        self.maxCount = maxCount
        self.maxBytes = maxBytes
    }

    var isFull: Bool { self.count >= self.maxCount || self.bytes >= self.maxBytes }

    /// Notes a request whose last entry is `lastIndex`; indexes only rise. Callers check `isFull` first.
    mutating func add(lastIndex: LogIndex, bytes: Int) {
        if self.count == self.ring.count { self.grow() }
        self.ring[(self.start + self.count) % self.ring.count] = Request(lastIndex: lastIndex, bytes: bytes)
        self.count += 1
        self.bytes += bytes
    }

    /// Frees all requests up to the acknowledged index.
    mutating func free(through index: LogIndex) {
        while self.count > 0, self.ring[self.start].lastIndex <= index {
            self.bytes -= self.ring[self.start].bytes
            self.start = (self.start + 1) % self.ring.count
            self.count -= 1
        }
    }

    mutating func reset() {
        self.start = 0
        self.count = 0
        self.bytes = 0
    }

    private mutating func grow() {
        var larger: [Request] = []
        larger.reserveCapacity(max(8, self.count * 2))
        for position in 0..<self.count { larger.append(self.ring[(self.start + position) % self.ring.count]) }
        let filler = Request(lastIndex: .zero, bytes: 0)
        larger.append(contentsOf: repeatElement(filler, count: max(8, self.count * 2) - self.count))
        self.ring = larger
        self.start = 0
    }
}
