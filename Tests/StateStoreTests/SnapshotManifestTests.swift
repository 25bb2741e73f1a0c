import ProcessEngine
import SQLite
import Testing

@testable import StateStore

@Suite struct SnapshotManifestTests {
    @Test func `a manifest comes back from its bytes`() throws {
        let manifest = sample()

        #expect(try SnapshotManifest(encoded: manifest.encoded()) == manifest)
        #expect(manifest.totalBytes == 4_096 + 7)
    }

    @Test func `any change of its bytes is refused`() throws {
        let bytes = try sample().encoded()
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 1 << UInt8(position % 8)
            #expect(throws: StateStoreError.self) { try SnapshotManifest(encoded: changed) }
        }
        for count in 0..<bytes.count {
            #expect(throws: StateStoreError.self) { try SnapshotManifest(encoded: Array(bytes.prefix(count))) }
        }
        #expect(throws: StateStoreError.self) { try SnapshotManifest(encoded: bytes + [0]) }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `random bytes are refused`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<Int.random(in: 0..<300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }

        #expect(throws: StateStoreError.self) { try SnapshotManifest(encoded: [1] + bytes) }
    }

    @Test(
        arguments: [
            "../state.db", "history-/1.db", "history-1.db/..", "history--1.db", "history-01.db", "state.db", "",
            "history-1.db\0", "history-99999999999999999999.db", "other.db", "history-5.db",
        ]
    )
    func `names that are not ours are refused`(name: String) throws {
        var manifest = sample()
        manifest.files.append(SnapshotFile(name: name, contents: [1]))

        #expect(throws: StateStoreError.self) { try SnapshotManifest(encoded: manifest.encoded()) }
    }

    @Test func `sizes beyond any disk, no state and too many files are refused`() throws {
        var huge = sample()
        huge.files[1].byteCount = .max
        #expect(huge.totalBytes == .max)
        #expect(throws: StateStoreError.self) { try SnapshotManifest(encoded: huge.encoded()) }

        var empty = sample()
        empty.files = []
        #expect(throws: StateStoreError.self) { try SnapshotManifest(encoded: empty.encoded()) }

        var many = sample()
        for start in 6...Int64(SnapshotManifest.fileLimit + 6) {
            many.files.append(SnapshotFile(name: SnapshotFile.historyName(start), contents: []))
        }
        #expect(throws: StateStoreError.self) { try many.encoded() }
    }

    @Test func `the largest manifest stays within its bound`() throws {
        var large = sample()
        large.membership = [UInt8](repeating: 255, count: StateLimits.membershipBytes)
        for number in 0..<Int64(SnapshotManifest.fileLimit - 2) {
            let name = SnapshotFile.historyName(8_000_000_000_000_000_000 + number)
            let hash = ContentHash(first: .max, second: .max)
            large.files.append(SnapshotFile(name: name, byteCount: 1 << 40, hash: hash))
        }

        #expect(try SnapshotManifest(encoded: large.encoded()) == large)
    }

    private func sample() -> SnapshotManifest {
        SnapshotManifest(
            group: 1,
            schemaLevel: 2,
            position: StatePosition(appliedIndex: .max, appliedTerm: 7, time: -1, keyCounter: 12),
            membership: [1, 2, 3],
            digest: StateDigest(high: 1, low: .max),
            files: [
                SnapshotFile(name: "state.db", contents: [UInt8](repeating: 3, count: 4_096)),
                SnapshotFile(name: "history-5.db", contents: [1, 2, 3, 4, 5, 6, 7]),
            ]
        )
    }
}
