import RaftCore

/// Changes inputs a little, for the short run among the tests. The long runs of `scripts/fuzz` are guided by coverage.
struct Mutation {
    private static let numbers: [[UInt8]] = [
        [0], [1], [0x7F], [0x80], [0xFF], [0xFF, 0xFF], [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF],
        [0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x80, 0, 0, 0, 0, 0, 0, 0],
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
    ]

    private var generator: SplitMix64
    private let words: [[UInt8]]

    init(seed: UInt64, words: [String]) {
        self.generator = SplitMix64(seed: seed)
        self.words = words.map { Array($0.utf8) }
    }

    /// A child of one of the parents, or of two.
    mutating func child(of parents: [[UInt8]], limit: Int) -> [UInt8] {
        var bytes = self.pick(parents) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &self.generator) { self.change(&bytes, parents) }
        return Array(bytes.prefix(limit))
    }

    private mutating func change(_ bytes: inout [UInt8], _ parents: [[UInt8]]) {
        let place = Int.random(in: 0...bytes.count, using: &self.generator)
        let end = min(bytes.count, place + Int.random(in: 0...16, using: &self.generator))
        switch Int.random(in: 0..<8, using: &self.generator) {
        case 0: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self.generator) }
        case 1: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &self.generator) }
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 4: bytes.replaceSubrange(place..<end, with: self.pick(Self.numbers) ?? [])
        case 5: bytes.insert(contentsOf: self.pick(self.words) ?? [0], at: place)
        case 6: bytes = Array(bytes.prefix(place)) + (self.pick(parents) ?? []).suffix(64)
        default: bytes.removeLast(bytes.count - place)
        }
    }

    private mutating func pick(_ list: [[UInt8]]) -> [UInt8]? { list.randomElement(using: &self.generator) }
}
