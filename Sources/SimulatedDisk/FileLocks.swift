import CSQLite

/// The locks of one database file and of its shared memory ("File locking and concurrency in SQLite version 3"), and
/// that memory itself.
struct FileLocks {
    /// The lock level of every open handle that holds one.
    private var levels: [Int: Int32] = [:]
    /// Shared-memory locks: who holds each slot, and whether alone.
    private var sharedSlots = [Set<Int>](repeating: [], count: Int(SQLITE_SHM_NLOCK))
    private var exclusiveSlots = [Int?](repeating: nil, count: Int(SQLITE_SHM_NLOCK))
    /// Shared memory, the same for all handles.
    private(set) var regions: [SharedRegion] = []

    // MARK: File

    mutating func lock(_ handle: Int, _ level: Int32) -> Int32 {
        let own = self.levels[handle] ?? SQLITE_LOCK_NONE
        guard level > own else { return SQLITE_OK }
        let others = self.levels.filter { $0.key != handle }.values.max() ?? SQLITE_LOCK_NONE
        let isFree =
            switch level {
            case SQLITE_LOCK_SHARED: others < SQLITE_LOCK_PENDING
            case SQLITE_LOCK_RESERVED: others < SQLITE_LOCK_RESERVED
            default: others == SQLITE_LOCK_NONE
            }
        guard isFree else {
            // Whoever waits for the others to go keeps new ones out.
            if level == SQLITE_LOCK_EXCLUSIVE, others <= SQLITE_LOCK_SHARED {
                self.levels[handle] = SQLITE_LOCK_PENDING
            }
            return SQLITE_BUSY
        }
        self.levels[handle] = level
        return SQLITE_OK
    }

    mutating func unlock(_ handle: Int, _ level: Int32) {
        self.levels[handle] = level == SQLITE_LOCK_NONE ? nil : min(level, self.levels[handle] ?? level)
    }

    var isReserved: Bool { self.levels.values.contains { $0 >= SQLITE_LOCK_RESERVED } }

    // MARK: Shared memory

    mutating func lockShared(_ handle: Int, _ slots: Range<Int>, _ flags: Int32) -> Int32 {
        if flags & SQLITE_SHM_UNLOCK != 0 {
            for slot in slots {
                self.sharedSlots[slot].remove(handle)
                if self.exclusiveSlots[slot] == handle { self.exclusiveSlots[slot] = nil }
            }
            return SQLITE_OK
        }
        let isExclusive = flags & SQLITE_SHM_EXCLUSIVE != 0
        for slot in slots {
            if let owner = self.exclusiveSlots[slot], owner != handle { return SQLITE_BUSY }
            if isExclusive, !self.sharedSlots[slot].subtracting([handle]).isEmpty { return SQLITE_BUSY }
        }
        for slot in slots {
            if isExclusive {
                self.exclusiveSlots[slot] = handle
            } else {
                self.sharedSlots[slot].insert(handle)
            }
        }
        return SQLITE_OK
    }

    /// The memory of a region, made if that is asked for.
    mutating func region(_ number: Int, bytes: Int, extends: Bool) -> SharedRegion? {
        if number >= self.regions.count, !extends { return nil }
        while number >= self.regions.count { self.regions.append(SharedRegion(bytes: bytes)) }
        return self.regions[number]
    }

    mutating func removeRegions() { self.regions = [] }

    /// A handle is closed: all that it holds is given back.
    mutating func close(_ handle: Int) {
        self.levels[handle] = nil
        _ = self.lockShared(handle, 0..<Int(SQLITE_SHM_NLOCK), SQLITE_SHM_UNLOCK)
    }
}

/// A piece of memory that all connections to one file share, given back with its last user.
///
/// `@unchecked Sendable`: the address never changes; SQLite guards what lies there by the slots above.
final class SharedRegion: @unchecked Sendable {
    let memory: UnsafeMutableRawPointer

    init(bytes: Int) {
        self.memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 8)
        self.memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    }

    deinit { self.memory.deallocate() }
}
