package import ProcessEngine

/// The payload of one log entry: the events of one batch, with what else every replica must agree on.
///
/// Stored form: version, group time, key counter, the digest of the state before the batch (version and two numbers),
/// then the events to the end.
package enum BatchEntry {
    package static let version: UInt8 = 1
    /// An entry is never larger (architecture.md, section 3).
    package static let byteLimit = 4 << 20
    /// What an entry takes at most beside its events.
    package static let overheadLimit = 96

    package struct Header: Hashable, Sendable {
        package var time: Int64
        package var keyCounter: Int64
        /// What the leader's state came to before these events.
        package var digest: StateDigest

        package init(time: Int64, keyCounter: Int64, digest: StateDigest) {
            self.time = time
            self.keyCounter = keyCounter
            self.digest = digest
        }
    }

    package static func encode(_ header: Header, eventBytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(reserving: eventBytes.count + overheadLimit)
        writer.write(version)
        writer.write(header.time)
        writer.write(header.keyCounter)
        writer.write(header.digest.version)
        writer.write(header.digest.high)
        writer.write(header.digest.low)
        writer.append(contentsOf: eventBytes)
        return writer.bytes
    }

    /// Reads a payload: the header first, then event by event.
    ///
    /// - Throws: `DecodingFailure`, `UnknownEventKind`, or what the bodies throw.
    @discardableResult
    package static func decode(
        _ payload: [UInt8],
        header checkHeader: (Header) throws -> Void = { _ in },
        event body: (Event) throws -> Void
    ) throws -> Header {
        var reader = ByteReader(payload)
        let header = try readHeader(&reader)
        try checkHeader(header)
        while !reader.isAtEnd { try body(try Event(from: &reader)) }
        return header
    }

    /// The group time of a payload; nil for the empty one a new leader writes.
    package static func time(of payload: [UInt8]) throws -> Int64? {
        guard !payload.isEmpty else { return nil }
        var reader = ByteReader(payload)
        return try readHeader(&reader).time
    }

    private static func readHeader(_ reader: inout ByteReader) throws -> Header {
        let found = try reader.byte()
        guard found == version else {
            throw DecodingFailure(
                "Expected a batch of version \(version), but got \(found): a newer version wrote this log"
            )
        }
        return Header(
            time: try reader.int64(),
            keyCounter: try reader.int64(),
            digest: StateDigest(
                version: try reader.byte(),
                high: try reader.unsigned(),
                low: try reader.unsigned()
            )
        )
    }
}
