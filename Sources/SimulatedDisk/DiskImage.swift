/// The files of a disk that forgets what was not synced when the power goes: a pure value.
///
/// A file's bytes are what programs read. Every change since its last sync is remembered with what it replaced, so that
/// a crash can keep, drop or tear each of them on its own.
package struct DiskImage: Sendable {
    /// A change of one file that no sync has covered yet.
    private enum Change: Sendable {
        case write(offset: Int, new: [UInt8], old: [UInt8], oldSize: Int)
        case truncate(size: Int, removed: [UInt8])
    }

    private struct File: Sendable {
        var bytes: [UInt8] = []
        var unsynced: [Change] = []
        /// Whether the folder is sure to list the file after a crash.
        var isLinked = false
    }

    private var files: [String: File] = [:]
    /// Deleted files whose deletion is not durable yet.
    private var deleted: [String: File] = [:]

    /// The unit in which a write is torn: a sector is written as a whole or not at all.
    package static let sectorBytes = 512

    package init() {}

    /// A disk on which everything given is durable.
    package init(files: [String: [UInt8]]) {
        for (path, bytes) in files { self.files[path] = File(bytes: bytes, isLinked: true) }
    }

    package var paths: [String] { self.files.keys.sorted() }
    package func contents(of path: String) -> [UInt8]? { self.files[path]?.bytes }
    package func size(of path: String) -> Int { self.files[path]?.bytes.count ?? 0 }
    package var totalBytes: Int { self.files.values.reduce(0) { $0 + $1.bytes.count } }

    package mutating func create(_ path: String) {
        guard self.files[path] == nil else { return }
        self.deleted[path] = nil
        self.files[path] = File()
    }

    package mutating func delete(_ path: String, isDurable: Bool) {
        guard let file = self.files.removeValue(forKey: path) else { return }
        if !isDurable, file.isLinked { self.deleted[path] = file }
    }

    package mutating func write(_ path: String, _ bytes: [UInt8], at offset: Int) {
        guard var file = self.files.removeValue(forKey: path) else { return }
        let oldSize = file.bytes.count
        let end = offset + bytes.count
        let old = offset < oldSize ? Array(file.bytes[offset..<min(end, oldSize)]) : []
        file.unsynced.append(.write(offset: offset, new: bytes, old: old, oldSize: oldSize))
        Self.put(bytes, at: offset, into: &file.bytes)
        self.files[path] = file
    }

    package mutating func truncate(_ path: String, to size: Int) {
        guard var file = self.files.removeValue(forKey: path) else { return }
        if size < file.bytes.count {
            file.unsynced.append(.truncate(size: size, removed: Array(file.bytes[size...])))
            file.bytes.removeLast(file.bytes.count - size)
        }
        self.files[path] = file
    }

    /// Makes a file's bytes durable, and that its folder lists it. With `withFolder` all creations and deletions on the
    /// disk so far become durable too, as by a sync of the folder.
    package mutating func sync(_ path: String, withFolder: Bool = false) {
        self.files[path]?.unsynced.removeAll()
        self.files[path]?.isLinked = true
        guard withFolder else { return }
        self.deleted = [:]
        for path in self.paths { self.files[path]?.isLinked = true }
    }

    /// Changes one bit, as decay does; nothing notices at this moment.
    package mutating func flipBit(of path: String, at bit: Int) {
        guard let count = self.files[path]?.bytes.count, bit / 8 < count else { return }
        self.files[path]?.bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }

    /// The number of changes that a crash now could lose.
    package var unsyncedCount: Int { self.files.values.reduce(0) { $0 + $1.unsynced.count } }

    // MARK: Power cuts

    /// What a power cut does to changes that were not synced.
    package enum Loss: Sendable, Hashable {
        case losesAll
        case losesNothing
        /// Each change is kept, lost or torn at sectors, by the seed; so later ones may survive earlier ones.
        case random(seed: UInt64)
    }

    /// The disk as it is found after a power cut at this moment. Everything left on it is durable.
    package func afterPowerCut(_ loss: Loss) -> DiskImage {
        var image = DiskImage()
        var random = DiskRandom(seed: 0)
        if case .random(let seed) = loss { random = DiskRandom(seed: seed) }
        for path in self.files.keys.sorted() {
            guard let file = self.files[path] else { continue }
            guard file.isLinked || Self.keeps(loss, &random) else { continue }
            image.files[path] = File(bytes: Self.bytes(of: file, after: loss, &random), isLinked: true)
        }
        for path in self.deleted.keys.sorted() where image.files[path] == nil {
            guard let file = self.deleted[path], !Self.keeps(loss, &random) else { continue }
            image.files[path] = File(bytes: Self.bytes(of: file, after: loss, &random), isLinked: true)
        }
        return image
    }

    private static func keeps(_ loss: Loss, _ random: inout DiskRandom) -> Bool {
        switch loss {
        case .losesAll: false
        case .losesNothing: true
        case .random: random.below(2) == 0
        }
    }

    private static func bytes(of file: File, after loss: Loss, _ random: inout DiskRandom) -> [UInt8] {
        if loss == .losesNothing { return file.bytes }
        var bytes = file.bytes
        for change in file.unsynced.reversed() { Self.undo(change, on: &bytes) }
        guard loss != .losesAll else { return bytes }
        for change in file.unsynced {
            switch random.below(4) {
            case 0: continue
            case 1: Self.redo(change, tornBy: &random, on: &bytes)
            default: Self.redo(change, on: &bytes)
            }
        }
        return bytes
    }

    private static func undo(_ change: Change, on bytes: inout [UInt8]) {
        switch change {
        case .write(let offset, _, let old, let oldSize):
            Self.put(old, at: min(offset, bytes.count), into: &bytes)
            if bytes.count > oldSize { bytes.removeLast(bytes.count - oldSize) }
        case .truncate(let size, let removed):
            Self.put(removed, at: size, into: &bytes)
        }
    }

    private static func redo(_ change: Change, on bytes: inout [UInt8]) {
        switch change {
        case .write(let offset, let new, _, _): Self.put(new, at: offset, into: &bytes)
        case .truncate(let size, _): if size < bytes.count { bytes.removeLast(bytes.count - size) }
        }
    }

    /// Some sectors of a write arrive, others do not.
    private static func redo(_ change: Change, tornBy random: inout DiskRandom, on bytes: inout [UInt8]) {
        guard case .write(let offset, let new, _, _) = change else { return }
        var position = 0
        while position < new.count {
            let inSector = (offset + position) % Self.sectorBytes
            let end = min(new.count, position + Self.sectorBytes - inSector)
            if random.below(2) == 0 { Self.put(Array(new[position..<end]), at: offset + position, into: &bytes) }
            position = end
        }
    }

    private static func put(_ new: [UInt8], at offset: Int, into bytes: inout [UInt8]) {
        guard !new.isEmpty else { return }
        let end = offset + new.count
        if bytes.count < end { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
        bytes.replaceSubrange(offset..<end, with: new)
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): the same on every machine.
package struct DiskRandom: Sendable {
    private var state: UInt64

    package init(seed: UInt64) { self.state = seed }

    package mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from zero on, below `bound`.
    package mutating func below(_ bound: UInt64) -> UInt64 { self.next() % bound }
}
