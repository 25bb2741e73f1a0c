import CSQLite

/// Read access to a file through one of SQLite's file system interfaces, so that what inspects a file sees the same
/// disk as the database does, a simulated one too. Takes no locks.
package final class StoredFile {
    private let file: UnsafeMutablePointer<sqlite3_file>
    private let memory: UnsafeMutableRawPointer
    /// The file keeps this address; the name ends with the several zeros that SQLite's own callers add.
    private let name: UnsafeMutablePointer<CChar>

    /// Opens the file, or answers nil if there is none.
    package init?(writeAheadFile path: String, vfs: String?) throws {
        configuration
        guard let system = sqlite3_vfs_find(vfs) else {
            throw SQLiteError(extendedCode: SQLITE_ERROR, message: "no such vfs", operation: "opening '\(path)'")
        }
        let characters = path.utf8CString
        let name = UnsafeMutablePointer<CChar>.allocate(capacity: characters.count + 8)
        name.initialize(repeating: 0, count: characters.count + 8)
        for (position, character) in characters.enumerated() { name[position] = character }
        var exists: Int32 = 0
        let accessCode = system.pointee.xAccess?(system, name, SQLITE_ACCESS_EXISTS, &exists) ?? SQLITE_ERROR
        let byteCount = max(Int(system.pointee.szOsFile), MemoryLayout<sqlite3_file>.size)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        let file = memory.assumingMemoryBound(to: sqlite3_file.self)
        self.name = name
        self.memory = memory
        self.file = file
        if accessCode == SQLITE_OK, exists == 0 { return nil }
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_WAL
        let code = system.pointee.xOpen?(system, name, file, flags, nil) ?? SQLITE_ERROR
        guard code == SQLITE_OK else {
            throw SQLiteError(
                extendedCode: code,
                message: String(cString: sqlite3_errstr(code)),
                operation: "opening '\(path)'"
            )
        }
    }

    deinit {
        // Methods are set only by an open that succeeded.
        if let methods = self.file.pointee.pMethods { _ = methods.pointee.xClose?(self.file) }
        self.memory.deallocate()
        self.name.deallocate()
    }

    /// The size in bytes.
    package func byteCount() throws -> Int64 {
        var size: sqlite3_int64 = 0
        try self.check(self.file.pointee.pMethods.pointee.xFileSize?(self.file, &size), "reading the size")
        return size
    }

    /// Fills the buffer from `offset` on; the range must be within the file.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws {
        let read = self.file.pointee.pMethods.pointee.xRead
        try self.check(read?(self.file, buffer.baseAddress, Int32(buffer.count), offset), "reading")
    }

    private func check(_ code: Int32?, _ operation: String) throws {
        guard code != SQLITE_OK else { return }
        let code = code ?? SQLITE_ERROR
        let message = String(cString: sqlite3_errstr(code))
        throw SQLiteError(extendedCode: code, message: message, operation: operation)
    }
}
