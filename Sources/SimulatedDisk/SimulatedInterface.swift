import CSQLite
import Synchronization

/// SQLite's file system interface ("The OS backend (VFS) to SQLite") over a `SimulatedDisk`. C functions cannot capture
/// anything: the disk stands in the interface's `pAppData`, the handle in each file.
enum SimulatedInterface {
    private static let pathBytesLimit: Int32 = 512

    static func make(name: UnsafePointer<CChar>) -> sqlite3_vfs {
        var interface = sqlite3_vfs()
        interface.iVersion = 2
        interface.szOsFile = Int32(MemoryLayout<csqlite_object_file>.size)
        interface.mxPathname = Self.pathBytesLimit
        interface.zName = name
        interface.xOpen = { interface, path, file, flags, outFlags in
            guard let disk = SimulatedInterface.disk(interface), let file else { return SQLITE_CANTOPEN }
            return SimulatedFile.open(disk, path.map { String(cString: $0) }, file, flags, outFlags)
        }
        interface.xDelete = { interface, path, syncFolder in
            guard let disk = SimulatedInterface.disk(interface), let path else { return SQLITE_IOERR_DELETE_CODE }
            let name = String(cString: path)
            return disk.state.withLock { state in
                guard state.image.contents(of: name) != nil else { return SQLITE_IOERR_DELETE_NOENT_CODE }
                state.perform(.delete(name, isDurable: syncFolder != 0))
                return SQLITE_OK
            }
        }
        interface.xAccess = { interface, path, flags, result in
            guard let disk = SimulatedInterface.disk(interface), let path else { return SQLITE_IOERR }
            let name = String(cString: path)
            let contents = disk.state.withLock { $0.image.contents(of: name)?.count }
            // Like the usual interface: a database file exists only if there is something in it.
            let exists = flags == SQLITE_ACCESS_EXISTS ? (contents ?? 0) > 0 : contents != nil
            result?.pointee = exists ? 1 : 0
            return SQLITE_OK
        }
        interface.xFullPathname = { _, path, capacity, output in
            guard let path, let output else { return SQLITE_CANTOPEN }
            var position = 0
            while position < Int(capacity) {
                output[position] = path[position]
                if path[position] == 0 { return SQLITE_OK }
                position += 1
            }
            return SQLITE_CANTOPEN
        }
        interface.xRandomness = { interface, count, output in
            guard let disk = SimulatedInterface.disk(interface), let output else { return 0 }
            disk.state.withLock { state in
                for position in 0..<Int(count) { output[position] = CChar(truncatingIfNeeded: state.random.next()) }
            }
            return count
        }
        interface.xSleep = { _, microseconds in microseconds }
        interface.xCurrentTimeInt64 = { interface, output in
            guard let disk = SimulatedInterface.disk(interface) else { return SQLITE_ERROR }
            // SQLite counts milliseconds of Julian days; the Unix epoch is day 2440587.5.
            output?.pointee = disk.state.withLock { $0.milliseconds } + 210_866_760_000_000
            return SQLITE_OK
        }
        interface.xGetLastError = { _, _, _ in 0 }
        return interface
    }

    private static func disk(_ interface: UnsafeMutablePointer<sqlite3_vfs>?) -> SimulatedDisk? {
        guard let data = interface?.pointee.pAppData else { return nil }
        return Unmanaged<SimulatedDisk>.fromOpaque(data).takeUnretainedValue()
    }
}

// Extended codes are macros with arithmetic, which Swift does not import.
let SQLITE_IOERR_DELETE_CODE: Int32 = 10 | 10 << 8
let SQLITE_IOERR_DELETE_NOENT_CODE: Int32 = 10 | 23 << 8
let SQLITE_IOERR_READ_CODE: Int32 = 10 | 1 << 8
let SQLITE_IOERR_SHORT_READ_CODE: Int32 = 10 | 2 << 8
let SQLITE_IOERR_WRITE_CODE: Int32 = 10 | 3 << 8
let SQLITE_IOERR_FSYNC_CODE: Int32 = 10 | 4 << 8
let SQLITE_IOERR_TRUNCATE_CODE: Int32 = 10 | 6 << 8
