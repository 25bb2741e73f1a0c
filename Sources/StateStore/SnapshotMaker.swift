package import ProcessEngine
import SQLite

/// Makes snapshots of a group's state and history while both are in use. Blocks: from a thread of the caller's own.
package enum SnapshotMaker {
    /// What a copy of a state holds.
    package struct Summary: Hashable, Sendable {
        package var schemaLevel: Int64
        package var position: StatePosition
        package var membership: [UInt8]
        package var digest: StateDigest
    }

    /// Told after each piece how many bytes were copied since the last call. May wait, to leave the disk to others;
    /// ends the work by throwing.
    package typealias Pace = (_ bytes: Int) throws -> Void

    /// Makes a snapshot in an empty folder. Its files are not synced: a crash makes it garbage.
    ///
    /// The state comes first, then the history: what moves from one to the other meanwhile is in both, which readers
    /// and the archiver expect, and never in none. Partitions that are no longer written to are linked, not copied.
    /// - Throws: `SQLiteError`, `FolderError`, `StateStoreError`; the folder is to be removed then.
    package static func make(
        group: UInt32,
        from live: StateFile,
        history: HistoryFolder?,
        in folder: String,
        pace: Pace = { _ in }
    ) throws -> SnapshotManifest {
        let summary = try self.copyDatabase(
            from: live,
            to: StateFile(path: "\(folder)/\(StateFile.name)", vfs: live.vfs),
            pace: pace
        )
        var names = [StateFile.name]
        if let history {
            for partition in history.partitions {
                let name = SnapshotFile.historyName(partition.start)
                if try self.copy(partition, of: history, to: "\(folder)/\(name)", pace) { names.append(name) }
            }
        }
        return SnapshotManifest(
            group: group,
            schemaLevel: summary.schemaLevel,
            position: summary.position,
            membership: summary.membership,
            digest: summary.digest,
            files: try names.map { try SnapshotFile(name: $0, in: folder) }
        )
    }

    /// Copies the database of a state, as one moment sees it, without the writer's noticing. The files may be on any
    /// registered file system, a simulated one too.
    /// - Throws: `SQLiteError`, `StateStoreError`.
    package static func copyDatabase(
        from live: StateFile,
        to target: StateFile,
        pace: Pace = { _ in }
    ) throws -> Summary {
        let reader = try live.openReader(cacheBytes: 1 << 20)
        try reader.begin(.deferred)
        let (position, content) = try PositionStatements.load(reader)
        let summary = Summary(
            schemaLevel: try reader.userVersion(),
            position: position,
            membership: try MembershipStatements.load(reader),
            digest: StateDigest(content)
        )
        try self.copy(reader, to: target, pace)
        try reader.rollback()
        return summary
    }

    private static func copy(_ reader: Database, to target: StateFile, _ pace: Pace) throws {
        let pageBytes = Int(try reader.int64("PRAGMA page_size") ?? 4096)
        var known = 0
        try reader.copy(to: target.path, vfs: target.vfs) { done, _ in
            try pace((done - known) * pageBytes)
            known = done
        }
    }

    /// - Returns: false if the partition was dropped meanwhile.
    private static func copy(
        _ partition: HistoryFolder.Partition,
        of history: HistoryFolder,
        to path: String,
        _ pace: Pace
    ) throws -> Bool {
        let source = history.path(of: partition.start)
        let isWrittenTo = partition == history.partitions.last
        if !isWrittenTo, try Folder.size(of: "\(source)-wal") ?? 0 == 0, Folder.link(source, as: path) {
            return true
        }
        do {
            let reader = try HistorySchema.openReader(source, vfs: history.vfs)
            try reader.begin(.deferred)
            try self.copy(reader, to: StateFile(path: path, vfs: history.vfs), pace)
            try reader.rollback()
            return true
        } catch {
            if history.contains(start: partition.start) { throw error }
            try Folder.remove(path)
            return false
        }
    }
}
