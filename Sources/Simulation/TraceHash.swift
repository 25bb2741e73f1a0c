/// A digest of everything that happened, in order: equal for two runs if and only if they took the same course.
package struct TraceHash: Hashable, Sendable {
    package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    /// Adds one number (FNV-1a over its bytes).
    package mutating func add(_ number: UInt64) {
        var rest = number
        for _ in 0..<8 {
            self.value = (self.value ^ (rest & 0xFF)) &* 0x0000_0100_0000_01B3
            rest >>= 8
        }
    }

    /// Adds bytes with their count.
    package mutating func add(_ bytes: [UInt8]) {
        self.add(UInt64(bytes.count))
        for byte in bytes { self.value = (self.value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    }
}
