/// 128 bits that stand for some content. Two lanes of 64 bits; made to notice accidents and faults, not forgery.
package struct ContentHash: Hashable, Sendable {
    package var first: UInt64
    package var second: UInt64

    package init(first: UInt64 = 0, second: UInt64 = 0) {
        self.first = first
        self.second = second
    }

    /// Sums of hashes stand for sets: order does not matter, and what was added can be taken away again.
    @inline(__always)
    package static func + (left: ContentHash, right: ContentHash) -> ContentHash {
        ContentHash(first: left.first &+ right.first, second: left.second &+ right.second)
    }

    @inline(__always)
    package static func - (left: ContentHash, right: ContentHash) -> ContentHash {
        ContentHash(first: left.first &- right.first, second: left.second &- right.second)
    }
}

/// Hashes a sequence of words and bytes. The result is the same on every machine and in every version: it is stored and
/// compared between nodes.
///
/// Each step of a lane can be undone for a known word, so contents of equal length that differ in one word never
/// have equal hashes; for anything else the chance is that of 128 random bits. The last mixing is the finalizer of
/// MurmurHash3 (A. Appleby, public domain) with the constants of D. Stafford's "Mix13".
package struct ContentHasher: Sendable {
    private var first: UInt64
    private var second: UInt64

    /// - Parameter seed: tells contents of different kinds apart.
    @inline(__always)
    package init(seed: UInt64) {
        self.first = seed &+ 0x243F_6A88_85A3_08D3
        self.second = ~seed &+ 0x1319_8A2E_0370_7344
    }

    @inline(__always)
    package mutating func add(_ word: UInt64) {
        let first = (self.first ^ word) &* 0x9E37_79B9_7F4A_7C15
        self.first = first << 29 | first >> 35
        let second = (self.second &+ word) &* 0xD6E8_FEB8_6659_FD93
        self.second = second << 31 | second >> 33
    }

    /// Adds bytes without their number: `add` that as well where it is not known otherwise. Equal to adding pieces one
    /// after the other, if all but the last are multiples of eight bytes.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var position = 0
        var hasher = self
        while position &+ 8 <= bytes.count {
            hasher.add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
            position &+= 8
        }
        if position < bytes.count { hasher.add(Self.partialWord(bytes, from: position)) }
        self = hasher
    }

    /// Adds the number of bytes and the bytes; few of them together in one word.
    @inline(__always)
    mutating func addCounted(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 7 else {
            return self.add(Self.partialWord(bytes, from: 0) | UInt64(bytes.count) << 56)
        }
        self.add(UInt64(bytes.count) | 1 << 63)
        self.add(bytes)
    }

    /// What is left of less than eight bytes, the first one lowest.
    @inline(__always)
    private static func partialWord(_ bytes: UnsafeRawBufferPointer, from start: Int) -> UInt64 {
        var word: UInt64 = 0
        var shift: UInt64 = 0
        for position in start..<bytes.count {
            word |= UInt64(bytes[position]) << shift
            shift &+= 8
        }
        return word
    }

    @inline(__always)
    package func finish() -> ContentHash {
        ContentHash(first: Self.mix(self.first), second: Self.mix(self.second))
    }

    /// What was added so far, for who mixes it further.
    @inline(__always)
    var lanes: (first: UInt64, second: UInt64) { (self.first, self.second) }

    @inline(__always)
    static func mix(_ word: UInt64) -> UInt64 {
        var word = word
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
