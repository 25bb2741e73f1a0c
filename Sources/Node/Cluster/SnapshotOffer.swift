import ProcessEngine
import StateStore

/// What Raft's snapshot message carries: under which id the sender serves the files, and which they are.
struct SnapshotOffer {
    static let version: UInt8 = 1

    var id: String
    var manifest: SnapshotManifest

    /// - Throws: `StateStoreError` for a manifest that is too large.
    func encoded() throws -> [UInt8] {
        var writer = ByteWriter(reserving: 1_024)
        writer.write(SnapshotOffer.version)
        writer.write(id)
        writer.write(try manifest.encoded())
        return writer.bytes
    }

    init(id: String, manifest: SnapshotManifest) {
        self.id = id
        self.manifest = manifest
    }

    /// - Throws: `DecodingFailure`, or what the manifest throws.
    init(decoding bytes: [UInt8]) throws {
        var reader = ByteReader(bytes)
        let found = try reader.byte()
        guard found == SnapshotOffer.version else {
            throw DecodingFailure("Expected a snapshot offer of version \(SnapshotOffer.version), but got \(found)")
        }
        id = try reader.string()
        // It becomes the name of a folder.
        let isName = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"): true
            default: false
            }
        }
        guard isName, (1...64).contains(id.utf8.count) else {
            throw DecodingFailure("Expected a snapshot id of up to 64 letters and digits, but got another")
        }
        manifest = try SnapshotManifest(encoded: try reader.byteArray())
    }
}
