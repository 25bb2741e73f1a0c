import Glibc
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

/// A file that is being fetched. Used by one download at a time.
final class IncomingFile: @unchecked Sendable {
    private let path: String
    private let expected: UInt64
    private let descriptor: Int32
    /// Bytes that have arrived, in order from the beginning.
    private(set) var size: UInt64 = 0

    init(path: String, size expected: UInt64) throws {
        self.path = path
        self.expected = expected
        descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw NodeFailure("Expected to write '\(path)', but got: \(DataFolder.lastError())")
        }
    }

    deinit { close(descriptor) }

    func append(_ bytes: [UInt8]) throws {
        guard size + UInt64(bytes.count) <= expected else {
            throw NodeFailure("Expected \(expected) bytes for '\(path)', but got more")
        }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                write(descriptor, buffer.baseAddress?.advanced(by: written), bytes.count - written)
            }
            guard count > 0 else {
                throw NodeFailure("Expected to write '\(path)', but got: \(DataFolder.lastError())")
            }
            written += count
        }
        size += UInt64(bytes.count)
    }

    /// Makes sure that all of it is there.
    func finish() throws {
        guard size == expected else {
            throw NodeFailure("Expected \(expected) bytes for '\(path)', but got \(size)")
        }
    }
}
