import SQLite
import SimulatedDisk

/// The files of snapshots on their way: what a manifest names, kept by whoever made it until newer ones take its place.
final class SnapshotDepot {
    struct File {
        var name: String
        var bytes: [UInt8]
    }

    private static let capacity = 24
    private var manifests: [UInt64: [File]] = [:]
    private var lastNumber: UInt64 = 0

    /// Keeps files; the number stands for them in the snapshot's data.
    func add(_ files: [File]) -> UInt64 {
        self.lastNumber += 1
        self.manifests[self.lastNumber] = files
        if self.lastNumber > UInt64(Self.capacity) { self.manifests[self.lastNumber - UInt64(Self.capacity)] = nil }
        return self.lastNumber
    }

    /// Nil for what is kept no more.
    func files(of number: UInt64) -> [File]? { self.manifests[number] }

    static func encode(_ number: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }

    static func number(in data: [UInt8]) -> UInt64 {
        data.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The planted defect: answers kept for repeated requests are left out.
    static func withoutAnswers(_ files: [File]) throws -> [File] {
        let image = DiskImage(files: Dictionary(uniqueKeysWithValues: files.map { ($0.name, $0.bytes) }))
        let disk = SimulatedDisk(image)
        do {
            let options = DatabaseOptions(access: .readWrite, autocheckpointPages: 0, vfs: disk.name)
            let database = try Database(path: files[0].name, options: options)
            try database.execute("DELETE FROM answered_request")
            try database.checkpoint(.truncate)
        }
        return [File(name: files[0].name, bytes: disk.image.contents(of: files[0].name) ?? [])]
    }
}
