import ProcessEngine
import SQLite

/// Puts a received snapshot in place as a new generation. Blocks: from a thread of the caller's own.
package enum SnapshotInstaller {
    /// Compares received files with their manifest.
    /// - Parameter folder: where they are, under the names of the manifest.
    /// - Throws: `StateStoreError` (`invalidSnapshot`) for a file that differs or is missing, `FolderError`.
    package static func verify(_ manifest: SnapshotManifest, in folder: String) throws {
        for file in manifest.files { try self.verify(file, in: folder) }
    }

    /// As `verify(_:in:)`, for one file: as soon as it is there.
    package static func verify(_ file: SnapshotFile, in folder: String) throws {
        let size = try Folder.size(of: "\(folder)/\(file.name)")
        guard size == file.byteCount else {
            throw self.invalid("\(file.byteCount) bytes of '\(file.name)'", size.map { "\($0)" } ?? "no file")
        }
        guard try SnapshotFile(name: file.name, in: folder) == file else {
            throw self.invalid(
                "'\(file.name)' as it was sent",
                "other bytes: it was damaged on the way; fetch it again"
            )
        }
    }

    /// Makes files that were received and verified the state and the history of a generation, durably: after this
    /// `StateFolder.open` opens it, with all that it holds being durable. A generation that is in use is not touched; a
    /// crash before the end leaves garbage that `StateFolder.removeAll(except:)` removes.
    /// - Parameters:
    ///   - incoming: the folder of the files, on the file system of the state; they are moved away from there.
    ///   - generation: a new one. What an earlier attempt left of it is replaced.
    ///   - current: the generation in use.
    /// - Throws: `StateStoreError` (`invalidSnapshot`) if the database is not what the manifest says, `FolderError`,
    ///   `SQLiteError`.
    package static func install(
        _ manifest: SnapshotManifest,
        from incoming: String,
        as generation: UInt64,
        current: UInt64,
        in folder: StateFolder,
        options: StateOptions = StateOptions()
    ) throws {
        guard generation > current else {
            throw self.invalid("a generation after \(current)", "\(generation)")
        }
        guard manifest.group == folder.group else {
            throw self.invalid("a snapshot of group \(folder.group)", "one of group \(manifest.group)")
        }
        let target = folder.path(of: generation)
        try self.prepare(StateFile(path: "\(incoming)/\(StateFile.name)", vfs: options.vfs), as: manifest)
        // The state last: a generation without its history must never be there.
        if let historyPath = folder.historyPath {
            let history = HistoryFolder.path(in: historyPath, group: folder.group, generation: generation)
            let names = manifest.files.compactMap { file in
                SnapshotFile.historyStart(file.name).map { (file.name, "\($0).db") }
            }
            try self.place(names, from: incoming, at: history)
        }
        try self.place([(StateFile.name, StateFile.name)], from: incoming, at: target)
        try Folder.removeTree(incoming)
    }

    /// Moves files into a new folder, which appears whole and durable or not at all.
    private static func place(_ names: [(source: String, target: String)], from incoming: String, at path: String)
        throws
    {
        try Folder.removeTree(path)
        let unfinished = "\(path).new"
        try Folder.removeTree(unfinished)
        try Folder.make(unfinished)
        for (source, target) in names {
            try Folder.move("\(incoming)/\(source)", to: "\(unfinished)/\(target)")
            try Folder.synchronizeFile("\(unfinished)/\(target)")
        }
        try Folder.synchronize(unfinished)
        try Folder.move(unfinished, to: path)
        try Folder.synchronize(Folder.parent(of: path))
    }

    /// Checks a received database and makes it this node's own: everything in it counts as durable, so the caller syncs
    /// the file before it is used. Leaves no write-ahead file. On any registered file system, a simulated one too.
    /// - Throws: `StateStoreError` (`invalidSnapshot`) if it is not what the manifest says, `SQLiteError`.
    package static func prepare(_ file: StateFile, as manifest: SnapshotManifest) throws {
        try self.check(file, manifest)
        let database = try Database(
            path: file.path,
            options: DatabaseOptions(
                access: .readWrite,
                cacheBytes: 1 << 20,
                isExclusive: true,
                autocheckpointPages: 0,
                vfs: file.vfs
            )
        )
        try database.begin()
        try PositionStatements(database).storeDurable(manifest.position.appliedIndex)
        try database.commit()
        let result = try database.checkpoint(.truncate)
        guard result.isComplete else {
            throw self.invalid("a state that nobody else uses", "one that is in use at '\(file.path)'")
        }
    }

    private static func check(_ file: StateFile, _ manifest: SnapshotManifest) throws {
        // Exclusive, for it stays without shared memory; what is read is compared with what is kept in the rows.
        let database = try Database(
            path: file.path,
            options: DatabaseOptions(access: .readWrite, isExclusive: true, autocheckpointPages: 0, vfs: file.vfs)
        )
        try database.execute("PRAGMA trusted_schema=OFF")
        try Schema.check(database)
        let level = try database.userVersion()
        guard level == manifest.schemaLevel else {
            throw self.invalid("a state of schema level \(manifest.schemaLevel)", "level \(level)")
        }
        let members = try MembershipStatements.load(database)
        guard members == manifest.membership else {
            throw self.invalid("the members of the manifest", "\(members.count) other bytes")
        }
        let scan = try DigestScan(database)
        guard scan.position == manifest.position else {
            throw self.invalid("a state at \(manifest.position)", "\(scan.position)")
        }
        guard scan.expected == manifest.digest else {
            throw self.invalid("a state with digest \(manifest.digest)", "\(scan.expected)")
        }
        var found: StateDigest?
        while found == nil { found = try scan.advance(rows: 100_000) }
        guard let found, found == scan.expected else {
            throw self.invalid(
                "rows with digest \(scan.expected)",
                "\(found.map { "\($0)" } ?? "none"): the state of the node that sent it is damaged"
            )
        }
    }

    private static func invalid(_ expected: String, _ found: String) -> StateStoreError {
        StateStoreError(.invalidSnapshot, "Expected \(expected), but got \(found)")
    }
}
