import CSQLite

extension Database {
    /// Copies the whole database into a new file, as this connection's open transaction sees it; without one, as it is
    /// at the first step. Writers go on meanwhile. The copy is complete without a write-ahead file, and not synced.
    /// ("SQLite Backup API"; it begins anew when it meets changes, which an open transaction does not.)
    ///
    /// - Parameters:
    ///   - path: of a file that is not there yet.
    ///   - vfs: the file system interface of the copy, nil for the operating system's.
    ///   - pagesPerStep: pages that are copied between two calls of `afterStep`.
    ///   - afterStep: told how many pages are copied and how many there are; may wait; ends the copying by throwing.
    /// - Throws: `SQLiteError`; what is in the file then is of no use.
    package func copy(
        to path: String,
        vfs: String?,
        pagesPerStep: Int32 = 2_048,
        _ afterStep: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws {
        // Not WAL, and alone: the pages go straight into the file. The pages themselves say that the copy uses WAL.
        let target = try Connection(path: path, options: DatabaseOptions(access: .create, vfs: vfs))
        let pragmas = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE"
        try target.check(sqlite3_exec(target.handle, pragmas, nil, nil, nil), "opening '\(path)'")
        guard let backup = sqlite3_backup_init(target.handle, "main", self.connection.handle, "main") else {
            throw target.error(sqlite3_errcode(target.handle), "copying to '\(path)'")
        }
        do {
            var code = SQLITE_OK
            while code == SQLITE_OK {
                code = sqlite3_backup_step(backup, pagesPerStep)
                guard code == SQLITE_OK || code == SQLITE_DONE else { break }
                let total = Int(sqlite3_backup_pagecount(backup))
                try afterStep(total - Int(sqlite3_backup_remaining(backup)), total)
            }
            guard code == SQLITE_DONE else {
                throw SQLiteError(
                    extendedCode: code,
                    message: String(cString: sqlite3_errstr(code)),
                    operation: "copying '\(self.path)' to '\(path)'"
                )
            }
        } catch {
            sqlite3_backup_finish(backup)
            throw error
        }
        try target.check(sqlite3_backup_finish(backup), "copying to '\(path)'")
    }
}
