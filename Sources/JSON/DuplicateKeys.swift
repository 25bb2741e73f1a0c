/// Finds a key that comes twice in one object, for all objects that are open at once, without decoding plain keys.
///
/// Small objects compare cheap hashes one by one, which no input can make slow. Larger ones ask a set of hashes that
/// are seeded anew by every process, so that nobody can prepare keys that collide; the seed never shows in a result.
struct DuplicateKeys {
    private struct Entry {
        var hash: UInt64
        var token: JSONStringToken
    }

    private static let smallSize = 32

    /// The keys of all open objects, outermost first; only the first `count` count.
    private var entries: [Entry] = []
    /// The number of keys kept; what it is when an object opens is that object's `firstKey`.
    private(set) var count = 0
    /// The seeded hashes of the objects that have outgrown `smallSize`, by the position of their first key.
    private var largeObjects: [(firstKey: Int, hashes: Set<Int>)] = []
    private var leftScratch: [UInt8] = []
    private var rightScratch: [UInt8] = []

    /// Forgets the keys of an object that closes.
    @inline(__always)
    mutating func close(firstKey: Int) {
        self.count = firstKey
        if !self.largeObjects.isEmpty, self.largeObjects[self.largeObjects.count - 1].firstKey >= firstKey {
            self.largeObjects.removeLast()
        }
    }

    /// Adds a key; answers false if the object has it already.
    @inline(__always)
    mutating func insert(_ token: JSONStringToken, firstKey: Int, in bytes: JSONBytes) -> Bool {
        let hash: UInt64
        if token.hasEscapes {
            self.leftScratch.removeAll(keepingCapacity: true)
            JSONStringDecoding.appendDecoded(token.range, of: bytes, to: &self.leftScratch)
            hash = self.leftScratch.withUnsafeBufferPointer { Self.hash(JSONBytes($0), 0..<$0.count) }
        } else {
            hash = Self.hash(bytes, token.range)
        }
        let isLarge = self.count - firstKey >= Self.smallSize
        let isNew: Bool
        if isLarge {
            isNew = self.insertLarge(token, hash: hash, firstKey: firstKey, in: bytes)
        } else {
            isNew = !self.contains(token, hash: hash, firstKey: firstKey, in: bytes)
        }
        if self.count < self.entries.count {
            self.entries[self.count] = Entry(hash: hash, token: token)
        } else {
            self.entries.append(Entry(hash: hash, token: token))
        }
        self.count &+= 1
        return isNew
    }

    @inline(__always)
    private mutating func contains(
        _ token: JSONStringToken,
        hash: UInt64,
        firstKey: Int,
        in bytes: JSONBytes
    ) -> Bool {
        for position in firstKey..<self.count where self.entries[position].hash == hash {
            if self.isEqual(self.entries[position].token, token, in: bytes) { return true }
        }
        return false
    }

    private mutating func insertLarge(
        _ token: JSONStringToken,
        hash: UInt64,
        firstKey: Int,
        in bytes: JSONBytes
    ) -> Bool {
        if self.largeObjects.last?.firstKey != firstKey {
            var hashes = Set<Int>()
            for position in firstKey..<self.count {
                hashes.insert(self.seededHash(self.entries[position].token, in: bytes))
            }
            self.largeObjects.append((firstKey, hashes))
        }
        let seeded = self.seededHash(token, in: bytes)
        let isNew = self.largeObjects[self.largeObjects.count - 1].hashes.insert(seeded).inserted
        return isNew || !self.contains(token, hash: hash, firstKey: firstKey, in: bytes)
    }

    private mutating func seededHash(_ token: JSONStringToken, in bytes: JSONBytes) -> Int {
        var hasher = Hasher()
        if token.hasEscapes {
            self.leftScratch.removeAll(keepingCapacity: true)
            JSONStringDecoding.appendDecoded(token.range, of: bytes, to: &self.leftScratch)
            self.leftScratch.withUnsafeBytes { hasher.combine(bytes: $0) }
        } else {
            hasher.combine(bytes: UnsafeRawBufferPointer(bytes.slice(token.range)))
        }
        return hasher.finalize()
    }

    private mutating func isEqual(_ left: JSONStringToken, _ right: JSONStringToken, in bytes: JSONBytes) -> Bool {
        if !left.hasEscapes, !right.hasEscapes {
            guard left.range.count == right.range.count else { return false }
            return bytes.slice(left.range).elementsEqual(bytes.slice(right.range))
        }
        self.leftScratch.removeAll(keepingCapacity: true)
        self.rightScratch.removeAll(keepingCapacity: true)
        JSONStringDecoding.appendDecoded(left.range, of: bytes, to: &self.leftScratch)
        JSONStringDecoding.appendDecoded(right.range, of: bytes, to: &self.rightScratch)
        return self.leftScratch == self.rightScratch
    }

    /// A multiplicative hash over words of eight bytes; good enough to tell a few dozen keys apart.
    @inline(__always)
    private static func hash(_ bytes: JSONBytes, _ range: Range<Int>) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: range.count) &* 0x9E37_79B9_7F4A_7C15
        var offset = range.lowerBound
        while offset &+ 8 <= range.upperBound, let word = bytes.word(at: offset) {
            hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 32
            offset &+= 8
        }
        let rest = range.upperBound &- offset
        guard rest > 0 else { return hash }
        var tail: UInt64 = 0
        if let word = bytes.word(at: offset) {
            // What follows the key is masked away.
            tail = word & (1 << UInt64(truncatingIfNeeded: rest &* 8) &- 1)
        } else {
            for position in (0..<rest).reversed() { tail = tail << 8 | UInt64(bytes[offset &+ position]) }
        }
        hash = (hash ^ tail) &* 0xFF51_AFD7_ED55_8CCD
        hash ^= hash >> 32
        return hash
    }
}
