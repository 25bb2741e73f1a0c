/// Cuts a stream of bytes into lines, so that lines of several processes do not mix.
struct LineSplitter {
    /// A longer line is cut.
    static let lineBytesLimit = 16_384

    private var rest: [UInt8] = []

    /// The lines that are complete with these bytes.
    mutating func lines(adding bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines.append(take())
            } else {
                rest.append(byte)
                if rest.count == Self.lineBytesLimit { lines.append(take()) }
            }
        }
        return lines
    }

    /// What has come without a line feed; nil if nothing has.
    mutating func end() -> String? { rest.isEmpty ? nil : take() }

    private mutating func take() -> String {
        defer { rest.removeAll(keepingCapacity: true) }
        return String(decoding: rest, as: UTF8.self)
    }
}
