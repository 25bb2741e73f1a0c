import CSQLite
import Synchronization

/// One open file. Handles of the same path share bytes, locks and shared memory through the disk.
final class SimulatedFile {
    private static let numbers = Mutex(0)

    private let disk: SimulatedDisk
    private let path: String
    private let number: Int
    private let deletesOnClose: Bool
    /// A journal that this handle has made: its first sync covers the folder, as with SQLite's own interface. Without
    /// that a deleted journal could come back and undo what was committed after it.
    private var syncsFolder: Bool
    private var keepsWriteAheadFile: Int32 = 0
    /// Keeps the memory alive that SQLite has addresses of.
    private var regions: [SharedRegion] = []

    private init(_ disk: SimulatedDisk, path: String, number: Int, deletesOnClose: Bool, syncsFolder: Bool) {
        self.disk = disk
        self.path = path
        self.number = number
        self.deletesOnClose = deletesOnClose
        self.syncsFolder = syncsFolder
    }

    static func open(
        _ disk: SimulatedDisk,
        _ path: String?,
        _ file: UnsafeMutablePointer<sqlite3_file>,
        _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        file.pointee.pMethods = nil
        let number = Self.numbers.withLock { number in
            number += 1
            return number
        }
        let path = path ?? "temporary-\(number)"
        let (isThere, isNew) = disk.state.withLock { state in
            if state.image.contents(of: path) != nil { return (true, false) }
            guard flags & SQLITE_OPEN_CREATE != 0 else { return (false, false) }
            state.perform(.create(path))
            return (true, true)
        }
        guard isThere else { return SQLITE_CANTOPEN }
        let isJournal = flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL) != 0
        let deletesOnClose = flags & SQLITE_OPEN_DELETEONCLOSE != 0
        let object = SimulatedFile(
            disk,
            path: path,
            number: number,
            deletesOnClose: deletesOnClose,
            syncsFolder: isNew && isJournal
        )
        file.withMemoryRebound(to: csqlite_object_file.self, capacity: 1) {
            $0.pointee.object = Unmanaged.passRetained(object).toOpaque()
        }
        file.pointee.pMethods = UnsafePointer(Self.methods)
        outFlags?.pointee = flags
        return SQLITE_OK
    }

    private static func of(_ file: UnsafeMutablePointer<sqlite3_file>?) -> SimulatedFile? {
        guard let file else { return nil }
        return file.withMemoryRebound(to: csqlite_object_file.self, capacity: 1) {
            guard let object = $0.pointee.object else { return nil }
            return Unmanaged<SimulatedFile>.fromOpaque(object).takeUnretainedValue()
        }
    }

    // MARK: Operations

    private func read(_ output: UnsafeMutableRawPointer, _ count: Int, at offset: Int) -> Int32 {
        self.disk.state.withLock { state in
            if state.begin(.read) != nil { return SQLITE_IOERR_READ_CODE }
            let bytes = state.image.contents(of: self.path) ?? []
            let available = max(0, min(count, bytes.count - offset))
            bytes.withUnsafeBytes { source in
                guard available > 0, let start = source.baseAddress else { return }
                output.copyMemory(from: start + offset, byteCount: available)
            }
            guard available < count else { return SQLITE_OK }
            // The rest must be zero, as the interface demands.
            (output + available).initializeMemory(as: UInt8.self, repeating: 0, count: count - available)
            return SQLITE_IOERR_SHORT_READ_CODE
        }
    }

    private func write(_ input: UnsafeRawPointer, _ count: Int, at offset: Int) -> Int32 {
        self.disk.callHook(.write)
        return self.disk.state.withLock { state in
            switch state.begin(.write) {
            case .ioError: return SQLITE_IOERR_WRITE_CODE
            case .full: return SQLITE_FULL
            case nil: break
            }
            guard state.hasSpace(for: self.path, end: offset + count) else { return SQLITE_FULL }
            let bytes = [UInt8](UnsafeRawBufferPointer(start: input, count: count))
            state.perform(.write(self.path, offset: offset, bytes))
            return SQLITE_OK
        }
    }

    private func truncate(to size: Int) -> Int32 {
        self.disk.state.withLock { state in
            if state.begin(.truncate) != nil { return SQLITE_IOERR_TRUNCATE_CODE }
            state.perform(.truncate(self.path, size: size))
            return SQLITE_OK
        }
    }

    private func sync() -> Int32 {
        self.disk.callHook(.sync)
        return self.disk.state.withLock { state in
            if state.begin(.sync) != nil { return SQLITE_IOERR_FSYNC_CODE }
            if state.ignoresSyncs { return SQLITE_OK }
            state.perform(.sync(self.path, withFolder: self.syncsFolder))
            self.syncsFolder = false
            return SQLITE_OK
        }
    }

    private func withLocks<Value>(_ body: (inout FileLocks) -> sending Value) -> sending Value {
        self.disk.state.withLock { body(&$0.locks[self.path, default: FileLocks()]) }
    }

    private func control(_ operation: Int32, _ argument: UnsafeMutableRawPointer?) -> Int32 {
        guard let argument else { return SQLITE_NOTFOUND }
        switch operation {
        case SQLITE_FCNTL_PERSIST_WAL:
            let value = argument.assumingMemoryBound(to: Int32.self)
            if value.pointee >= 0 { self.keepsWriteAheadFile = value.pointee }
            value.pointee = self.keepsWriteAheadFile
            return SQLITE_OK
        case SQLITE_FCNTL_CHUNK_SIZE, SQLITE_FCNTL_SIZE_HINT: return SQLITE_OK
        default: return SQLITE_NOTFOUND
        }
    }

    private func map(_ region: Int, bytes: Int, extends: Bool) -> UnsafeMutableRawPointer? {
        let shared = self.withLocks { $0.region(region, bytes: bytes, extends: extends) }
        guard let shared else { return nil }
        self.regions.append(shared)
        return shared.memory
    }

    private func close() {
        self.disk.state.withLock { state in
            state.locks[self.path]?.close(self.number)
            if self.deletesOnClose { state.perform(.delete(self.path, isDurable: true)) }
        }
    }

    // MARK: The table of C functions

    /// Written once and only read from then on.
    private nonisolated(unsafe) static let methods: UnsafeMutablePointer<sqlite3_io_methods> = {
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(to: sqlite3_io_methods())
        methods.pointee.iVersion = 2
        SimulatedFile.fillFileMethods(&methods.pointee)
        SimulatedFile.fillLockMethods(&methods.pointee)
        return methods
    }()

    private static func fillFileMethods(_ methods: inout sqlite3_io_methods) {
        methods.xClose = { file in
            SimulatedFile.of(file)?.close()
            file?.withMemoryRebound(to: csqlite_object_file.self, capacity: 1) {
                guard let object = $0.pointee.object else { return }
                $0.pointee.object = nil
                Unmanaged<SimulatedFile>.fromOpaque(object).release()
            }
            return SQLITE_OK
        }
        methods.xRead = { file, output, count, offset in
            guard let file = SimulatedFile.of(file), let output else { return SQLITE_IOERR }
            return file.read(output, Int(count), at: Int(offset))
        }
        methods.xWrite = { file, input, count, offset in
            guard let file = SimulatedFile.of(file), let input else { return SQLITE_IOERR }
            return file.write(input, Int(count), at: Int(offset))
        }
        methods.xTruncate = { file, size in SimulatedFile.of(file)?.truncate(to: Int(size)) ?? SQLITE_IOERR }
        methods.xSync = { file, _ in SimulatedFile.of(file)?.sync() ?? SQLITE_IOERR }
        methods.xFileSize = { file, size in
            guard let file = SimulatedFile.of(file) else { return SQLITE_IOERR }
            size?.pointee = Int64(file.disk.state.withLock { $0.image.size(of: file.path) })
            return SQLITE_OK
        }
        methods.xFileControl = { file, operation, argument in
            SimulatedFile.of(file)?.control(operation, argument) ?? SQLITE_NOTFOUND
        }
        methods.xSectorSize = { _ in 4096 }
        methods.xDeviceCharacteristics = { _ in SQLITE_IOCAP_POWERSAFE_OVERWRITE }
    }

    private static func fillLockMethods(_ methods: inout sqlite3_io_methods) {
        methods.xLock = { file, level in
            guard let file = SimulatedFile.of(file) else { return SQLITE_IOERR }
            return file.withLocks { $0.lock(file.number, level) }
        }
        methods.xUnlock = { file, level in
            guard let file = SimulatedFile.of(file) else { return SQLITE_IOERR }
            file.withLocks { $0.unlock(file.number, level) }
            return SQLITE_OK
        }
        methods.xCheckReservedLock = { file, result in
            guard let file = SimulatedFile.of(file) else { return SQLITE_IOERR }
            result?.pointee = file.withLocks { $0.isReserved } ? 1 : 0
            return SQLITE_OK
        }
        methods.xShmMap = { file, region, bytes, extends, output in
            guard let file = SimulatedFile.of(file) else { return SQLITE_IOERR }
            let memory = file.map(Int(region), bytes: Int(bytes), extends: extends != 0)
            output?.pointee = memory
            return SQLITE_OK
        }
        methods.xShmLock = { file, offset, count, flags in
            guard let file = SimulatedFile.of(file) else { return SQLITE_IOERR }
            return file.withLocks { $0.lockShared(file.number, Int(offset)..<Int(offset + count), flags) }
        }
        methods.xShmBarrier = { _ in atomicMemoryFence(ordering: .sequentiallyConsistent) }
        methods.xShmUnmap = { file, deletes in
            guard let file = SimulatedFile.of(file) else { return SQLITE_IOERR }
            file.regions = []
            if deletes != 0 { file.withLocks { $0.removeRegions() } }
            return SQLITE_OK
        }
    }
}
