import SQLite
import SimulatedDisk
import StateStore

/// Snapshots on their way: what a manifest stands for, kept by whoever made it until newer ones take its place.
final class SnapshotDepot {
    struct Item {
        var manifest: SnapshotManifest
        /// The database of the state.
        var bytes: [UInt8]
    }

    private static let capacity: UInt64 = 24
    private var items: [UInt64: Item] = [:]
    private var lastNumber: UInt64 = 0

    /// Keeps a snapshot; the number stands for it in the consensus' message.
    func add(_ item: Item) -> UInt64 {
        self.lastNumber += 1
        self.items[self.lastNumber] = item
        if self.lastNumber > Self.capacity { self.items[self.lastNumber - Self.capacity] = nil }
        return self.lastNumber
    }

    /// Nil for what is kept no more.
    func item(_ number: UInt64) -> Item? { self.items[number] }

    static func encode(_ number: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }

    static func number(in data: [UInt8]) -> UInt64 {
        data.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The planted defect: answers kept for repeated requests are left out, and nothing tells.
    static func withoutAnswers(_ bytes: [UInt8]) throws -> [UInt8] {
        let disk = SimulatedDisk(DiskImage(files: [StateFile.name: bytes]))
        do {
            let options = DatabaseOptions(access: .readWrite, autocheckpointPages: 0, vfs: disk.name)
            let database = try Database(path: StateFile.name, options: options)
            try database.execute("DELETE FROM answered_request")
            try database.checkpoint(.truncate)
        }
        return disk.image.contents(of: StateFile.name) ?? []
    }
}
