/// One decoder that is given arbitrary bytes. Whatever they are, it must answer or refuse them: no trap, no hang, and
/// what it accepted must keep its meaning when it is written and read again.
struct FuzzTarget: Sendable {
    /// As given to `scripts/fuzz --target`.
    let name: String
    /// What the decoder is, for the summary.
    let what: String
    /// Longer inputs teach nothing more and are slow.
    let bytesLimit: Int
    /// Well-formed inputs from which others are bred.
    let seeds: @Sendable () -> [[UInt8]]
    /// Words of the input's language.
    var dictionary: [String] = []
    /// Feeds one input; nil, or in words what the decoder did that it must not do.
    let run: @Sendable ([UInt8]) -> String?

    /// Every decoder of the house, one target each.
    static let all: [FuzzTarget] =
        logTargets + recordTargets + textTargets + modelTargets + requestTargets + transportTargets

    static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// Takes an input apart into small values; zeros once it has ended.
struct InputCursor {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }

    mutating func byte() -> UInt8 {
        guard position < bytes.count else { return 0 }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func int64() -> Int64 {
        var value: UInt64 = 0
        for _ in 0..<8 { value = value << 8 | UInt64(byte()) }
        return Int64(bitPattern: value)
    }

    /// At most that many bytes, as many as the next byte says.
    mutating func chunk() -> [UInt8] {
        let end = min(bytes.count, position + Int(byte()) + 1)
        guard position < end else { return [] }
        defer { position = end }
        return Array(bytes[position..<end])
    }
}
