package import ProcessEngine

/// The payload of one log entry: the events of one batch, with what else every replica must agree on.
///
/// Stored form: version, group time, key counter, then the events to the end.
package enum BatchEntry {
    package static let version: UInt8 = 1
    /// An entry is never larger (architecture.md, section 3).
    package static let byteLimit = 4 << 20

    package struct Header: Hashable, Sendable {
        package var time: Int64
        package var keyCounter: Int64

        package init(time: Int64, keyCounter: Int64) {
            self.time = time
            self.keyCounter = keyCounter
        }
    }

    package static func encode(_ header: Header, eventBytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(reserving: eventBytes.count + 24)
        writer.write(version)
        writer.write(header.time)
        writer.write(header.keyCounter)
        writer.append(contentsOf: eventBytes)
        return writer.bytes
    }

    /// Reads a payload event by event.
    ///
    /// - Throws: `DecodingFailure`, `UnknownEventKind`, or what `body` throws.
    package static func decode(_ payload: [UInt8], _ body: (Event) throws -> Void) throws -> Header {
        var reader = ByteReader(payload)
        let found = try reader.byte()
        guard found == version else {
            throw DecodingFailure(
                "Expected a batch of version \(version), but got \(found): a newer version wrote this log"
            )
        }
        let header = Header(time: try reader.int64(), keyCounter: try reader.int64())
        while !reader.isAtEnd { try body(try Event(from: &reader)) }
        return header
    }
}

extension BatchEntry {
    /// The group time of a payload; nil for the empty one a new leader writes.
    package static func time(of payload: [UInt8]) throws -> Int64? {
        guard !payload.isEmpty else { return nil }
        var reader = ByteReader(payload)
        let found = try reader.byte()
        guard found == version else {
            throw DecodingFailure("Expected a batch of version \(version), but got \(found)")
        }
        return try reader.int64()
    }
}
