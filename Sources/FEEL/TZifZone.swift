/// One zone of the time-zone database, decoded from a TZif file (RFC 8536) of version 1 or later.
package struct TZifZone: Sendable, Equatable {
    private var transitions: [Int64] = []
    /// The offset in force from the transition of the same position.
    private var offsets: [Int32] = []
    /// The offset before the first transition.
    private var firstOffset: Int32 = 0
    /// The rule for the time after the last transition.
    private var footer: POSIXTimeZone?

    private static let transitionLimit = 20_000
    private static let typeLimit = 256

    /// Decodes a file; nil if it is malformed.
    package init?(bytes: [UInt8]) {
        var reader = TZifReader(bytes: bytes)
        guard let header = reader.header() else { return nil }
        if header.version == 0 {
            guard self.read(&reader, header, timeSize: 4) else { return nil }
            return
        }
        // Since version 2 a block with 64-bit times and a footer follow the old block.
        guard reader.skip(header.blockSize(timeSize: 4)), let second = reader.header(),
            self.read(&reader, second, timeSize: 8)
        else { return nil }
        guard let text = reader.footer() else { return nil }
        if !text.isEmpty {
            guard let footer = POSIXTimeZone(text) else { return nil }
            self.footer = footer
        }
    }

    private mutating func read(_ reader: inout TZifReader, _ header: TZifReader.Header, timeSize: Int) -> Bool {
        guard header.transitionCount <= TZifZone.transitionLimit, 1...TZifZone.typeLimit ~= header.typeCount else {
            return false
        }
        for _ in 0..<header.transitionCount {
            guard let time = reader.integer(size: timeSize) else { return false }
            if let last = self.transitions.last, last >= time { return false }
            self.transitions.append(time)
        }
        var kinds: [Int] = []
        for _ in 0..<header.transitionCount {
            guard let kind = reader.byte(), kind < header.typeCount else { return false }
            kinds.append(Int(kind))
        }
        var types: [Int32] = []
        for _ in 0..<header.typeCount {
            guard let offset = reader.integer(size: 4), offset.magnitude <= 26 * 3600, reader.skip(2) else {
                return false
            }
            types.append(Int32(offset))
        }
        self.offsets = kinds.map { types[$0] }
        self.firstOffset = types[0]
        let tail =
            header.characterCount + header.leapCount * (timeSize + 4) + header.standardCount + header.universalCount
        return reader.skip(tail)
    }

    /// Seconds east of UTC at an instant.
    package func offsetSeconds(utcEpochSeconds seconds: Int64) -> Int {
        let position = self.transitionCount(through: seconds)
        if position == 0 { return Int(self.transitions.isEmpty ? self.lastOffset(seconds) : self.firstOffset) }
        if position == self.transitions.count { return Int(self.lastOffset(seconds)) }
        return Int(self.offsets[position - 1])
    }

    /// Seconds east of UTC at a reading of the wall clock: the earlier instant if there are two, the offset before
    /// the gap if there is none.
    package func offsetSeconds(localEpochSeconds seconds: Int64) -> Int {
        // Offsets lie within 26 hours of UTC, so the offsets a day to either side are the only candidates.
        let (before, overflow) = seconds.subtractingReportingOverflow(26 * 3600)
        let (after, isTooLarge) = seconds.addingReportingOverflow(26 * 3600)
        if overflow || isTooLarge { return self.offsetSeconds(utcEpochSeconds: seconds) }
        let early = self.offsetSeconds(utcEpochSeconds: before)
        if self.offsetSeconds(utcEpochSeconds: seconds - Int64(early)) == early { return early }
        let late = self.offsetSeconds(utcEpochSeconds: after)
        return self.offsetSeconds(utcEpochSeconds: seconds - Int64(late)) == late ? late : early
    }

    private func lastOffset(_ seconds: Int64) -> Int32 {
        if let footer { return footer.offsetSeconds(utcEpochSeconds: seconds) }
        return self.offsets.last ?? self.firstOffset
    }

    private func transitionCount(through seconds: Int64) -> Int {
        var (low, high) = (0, self.transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if self.transitions[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Reads the parts of a TZif file.
private struct TZifReader {
    struct Header {
        let version: UInt8
        let universalCount: Int
        let standardCount: Int
        let leapCount: Int
        let transitionCount: Int
        let typeCount: Int
        let characterCount: Int

        func blockSize(timeSize: Int) -> Int {
            self.transitionCount * (timeSize + 1) + self.typeCount * 6 + self.characterCount
                + self.leapCount * (timeSize + 4) + self.standardCount + self.universalCount
        }
    }

    let bytes: [UInt8]
    var position = 0

    mutating func header() -> Header? {
        guard self.bytes.count - self.position >= 44,
            self.bytes[self.position..<self.position + 4].elementsEqual("TZif".utf8)
        else { return nil }
        let version = self.bytes[self.position + 4]
        self.position += 20
        var counts: [Int] = []
        for _ in 0..<6 {
            guard let count = self.integer(size: 4), 0...1_000_000 ~= count else { return nil }
            counts.append(Int(count))
        }
        return Header(
            version: version,
            universalCount: counts[0],
            standardCount: counts[1],
            leapCount: counts[2],
            transitionCount: counts[3],
            typeCount: counts[4],
            characterCount: counts[5]
        )
    }

    mutating func byte() -> UInt8? {
        guard self.position < self.bytes.count else { return nil }
        defer { self.position += 1 }
        return self.bytes[self.position]
    }

    mutating func skip(_ count: Int) -> Bool {
        guard self.bytes.count - self.position >= count else { return false }
        self.position += count
        return true
    }

    /// A signed big-endian integer of four or eight bytes.
    mutating func integer(size: Int) -> Int64? {
        var value: UInt64 = 0
        for _ in 0..<size {
            guard let byte = self.byte() else { return nil }
            value = value << 8 | UInt64(byte)
        }
        return size == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
    }

    /// The text between the two line feeds at the end.
    mutating func footer() -> String? {
        guard self.byte() == 0x0A, let end = self.bytes[self.position...].firstIndex(of: 0x0A) else { return nil }
        return String(decoding: self.bytes[self.position..<end], as: UTF8.self)
    }
}
