/// A fingerprint of what the replicas of a group have in common: all rows of all replicated tables, whatever the order
/// they were written in and the pages they lie on. Replicas that applied the same entries have equal ones; if they
/// differ, one of them is wrong. 128 bits against accidents, not against forgery.
package struct StateDigest: Hashable, Sendable {
    /// What is hashed and how. Digests of different versions say nothing about each other.
    package var version: UInt8
    package var high: UInt64
    package var low: UInt64

    /// What this program computes.
    package static let currentVersion: UInt8 = 2
    /// Bytes of the stored form.
    package static let byteCount = 17

    package init(version: UInt8 = StateDigest.currentVersion, high: UInt64 = 0, low: UInt64 = 0) {
        self.version = version
        self.high = high
        self.low = low
    }

    /// Whether the two can be compared, and differ.
    package func contradicts(_ other: StateDigest) -> Bool { version == other.version && self != other }

    /// The version, then both halves, the most significant byte first.
    package var bytes: [UInt8] {
        [version]
            + [high, low].flatMap { half in
                stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> UInt64($0)) }
            }
    }

    /// Reads what `bytes` gives; nil for any other number of bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == StateDigest.byteCount, let version = bytes.first else { return nil }
        let halves = bytes.dropFirst()
        self.version = version
        self.high = halves.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        self.low = halves.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension StateDigest: CustomStringConvertible {
    package var description: String {
        let digits = [high, low].map { half in
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return "\(version):\(digits.joined())"
    }
}

extension StateDigest: BinaryCodable {
    package func write(to writer: inout ByteWriter) { writer.append(contentsOf: bytes) }

    package init(from reader: inout ByteReader) throws {
        var bytes: [UInt8] = []
        for _ in 0..<StateDigest.byteCount { bytes.append(try reader.byte()) }
        guard let digest = StateDigest(bytes: bytes) else {
            throw DecodingFailure("Expected a digest, but got other bytes at byte \(reader.position)")
        }
        self = digest
    }
}
