package import ProcessEngine
package import SQLite

/// One file of a snapshot.
package struct SnapshotFile: Hashable, Sendable {
    package var name: String
    package var byteCount: UInt64
    /// Of all bytes: notices damage on the way, not forgery; who sends is known by certificate.
    package var hash: ContentHash

    package init(name: String, byteCount: UInt64, hash: ContentHash) {
        self.name = name
        self.byteCount = byteCount
        self.hash = hash
    }

    /// Describes a file that is at hand as a whole.
    package init(name: String, contents: [UInt8]) {
        var hasher = ContentHasher(seed: Self.seed)
        contents.withUnsafeBytes { hasher.add($0) }
        hasher.add(UInt64(contents.count))
        self.init(name: name, byteCount: UInt64(contents.count), hash: hasher.finish())
    }

    /// Reads a file of a folder of the operating system.
    /// - Throws: `FolderError`.
    package init(name: String, in folder: String) throws {
        var hasher = ContentHasher(seed: Self.seed)
        var count: UInt64 = 0
        try Folder.read("\(folder)/\(name)") { piece in
            hasher.add(piece)
            count += UInt64(piece.count)
        }
        hasher.add(count)
        self.init(name: name, byteCount: count, hash: hasher.finish())
    }

    private static let seed: UInt64 = 0x5468_536E

    static func historyName(_ start: Int64) -> String { "history-\(start).db" }

    /// The first millisecond of the partition in a file of this name; nil for another file.
    static func historyStart(_ name: String) -> Int64? {
        guard name.hasPrefix("history-"), name.hasSuffix(".db") else { return nil }
        let digits = name.dropFirst(8).dropLast(3)
        guard digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let start = Int64(digits) else { return nil }
        return String(start) == digits ? start : nil
    }
}

/// What a snapshot is: the state it stands for and the files it is made of. Travels in Raft's snapshot message; the
/// files follow on a stream of their own. The first file is the state's database, the others are partitions of the
/// history.
package struct SnapshotManifest: Hashable, Sendable {
    /// The form of the bytes. Others are refused.
    package static let formatVersion: UInt8 = 1
    /// Bounds of what is written and read.
    package static let fileLimit = 16_384
    package static let byteLimit = 2 << 20

    package var group: UInt32
    /// Of the state's database.
    package var schemaLevel: Int64
    /// Index and term of the last entry in the state, group time, key counter.
    package var position: StatePosition
    package var membership: [UInt8]
    package var digest: StateDigest
    package var files: [SnapshotFile]

    package init(
        group: UInt32,
        schemaLevel: Int64,
        position: StatePosition,
        membership: [UInt8],
        digest: StateDigest,
        files: [SnapshotFile]
    ) {
        self.group = group
        self.schemaLevel = schemaLevel
        self.position = position
        self.membership = membership
        self.digest = digest
        self.files = files
    }

    /// Of all files.
    package var totalBytes: UInt64 {
        self.files.reduce(0) { total, file in
            let (sum, isTooLarge) = total.addingReportingOverflow(file.byteCount)
            return isTooLarge ? .max : sum
        }
    }

    /// The stored form, with a hash at its end.
    /// - Throws: `StateStoreError` (`tooLarge`) for more than a manifest may hold.
    package func encoded() throws -> [UInt8] {
        guard self.files.count <= Self.fileLimit, self.membership.count <= StateLimits.membershipBytes else {
            throw StateStoreError(
                .tooLarge,
                "Expected at most \(Self.fileLimit) files and \(StateLimits.membershipBytes) bytes of members in a "
                    + "snapshot, but got \(self.files.count) files and \(self.membership.count) bytes; a shorter "
                    + "retention of the history makes fewer files"
            )
        }
        var writer = ByteWriter(reserving: 256 + 64 * self.files.count)
        writer.write(Self.formatVersion)
        writer.write(UInt64(self.group))
        writer.write(self.schemaLevel)
        writer.write(self.position.appliedIndex)
        writer.write(self.position.appliedTerm)
        writer.write(self.position.time)
        writer.write(self.position.keyCounter)
        writer.write(self.membership)
        self.digest.write(to: &writer)
        writer.write(UInt64(self.files.count))
        for file in self.files {
            writer.write(file.name)
            writer.write(file.byteCount)
            writer.write(file.hash.first)
            writer.write(file.hash.second)
        }
        return writer.bytes + Self.seal(writer.bytes[...])
    }

    /// Reads what `encoded` gives; any other bytes are refused.
    /// - Throws: `StateStoreError` (`invalidSnapshot`).
    package init(encoded bytes: [UInt8]) throws {
        guard bytes.count <= Self.byteLimit, bytes.count > Self.sealBytes else {
            throw Self.invalid("\(Self.sealBytes + 1) to \(Self.byteLimit) bytes of a manifest", "\(bytes.count)")
        }
        guard let version = bytes.first, version == Self.formatVersion else {
            throw Self.invalid("a manifest of version \(Self.formatVersion)", "version \(bytes[0])")
        }
        let body = bytes.dropLast(Self.sealBytes)
        guard Self.seal(body).elementsEqual(bytes.suffix(Self.sealBytes)) else {
            throw Self.invalid("a manifest as it was sent", "one with a wrong hash")
        }
        do {
            var reader = ByteReader(Array(body))
            try self.init(from: &reader)
        } catch let failure as DecodingFailure {
            throw StateStoreError(.invalidSnapshot, failure.description)
        }
        try self.check()
    }

    private init(from reader: inout ByteReader) throws {
        _ = try reader.byte()
        self.group = try reader.group()
        self.schemaLevel = try reader.int64()
        self.position = StatePosition(
            appliedIndex: try reader.unsigned(),
            appliedTerm: try reader.unsigned(),
            time: try reader.int64(),
            keyCounter: try reader.int64()
        )
        self.membership = try reader.byteArray()
        self.digest = try StateDigest(from: &reader)
        self.files = try reader.list { reader in
            SnapshotFile(
                name: try reader.string(),
                byteCount: try reader.unsigned(),
                hash: ContentHash(first: try reader.unsigned(), second: try reader.unsigned())
            )
        }
        guard reader.isAtEnd else { throw DecodingFailure("Expected the end of a manifest, but got more bytes") }
    }

    /// Names become names of files: only those that we give ourselves are taken, each once.
    private func check() throws {
        guard self.membership.count <= StateLimits.membershipBytes, self.files.count <= Self.fileLimit else {
            throw Self.invalid("members and files within their bounds", "more")
        }
        guard self.files.first?.name == StateFile.name else {
            throw Self.invalid(
                "'\(StateFile.name)' as the first file",
                self.files.first?.name.debugDescription ?? "none"
            )
        }
        var names: Set<String> = []
        for file in self.files.dropFirst() {
            guard SnapshotFile.historyStart(file.name) != nil, names.insert(file.name).inserted else {
                throw Self.invalid("a partition of the history", file.name.prefix(64).debugDescription)
            }
        }
        guard self.totalBytes < Int64.max else { throw Self.invalid("files that fit on a disk", "larger ones") }
    }

    private static let sealBytes = 16

    private static func seal(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var hasher = ContentHasher(seed: 0x5468_534D)
        bytes.withUnsafeBytes { hasher.add($0) }
        hasher.add(UInt64(bytes.count))
        let hash = hasher.finish()
        return Array(StateDigest(high: hash.first, low: hash.second).bytes.dropFirst())
    }

    private static func invalid(_ expected: String, _ found: String) -> StateStoreError {
        StateStoreError(.invalidSnapshot, "Expected \(expected), but got \(found)")
    }
}
