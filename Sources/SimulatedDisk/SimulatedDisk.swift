import CSQLite
import Synchronization

/// A disk in memory that SQLite uses like a real one, under a name of its own (`Database`'s option `vfs`). It can lose
/// power, fill up, fail and be recorded.
///
/// `@unchecked Sendable`: `state` is behind a mutex; the memory of the interface is written once, in `init`.
package final class SimulatedDisk: @unchecked Sendable {
    package enum OperationKind: Sendable, Hashable {
        case read, write, sync, truncate
    }

    package enum Fault: Sendable, Hashable {
        /// The device reports an error.
        case ioError
        /// No space is left (writes only).
        case full
    }

    struct State {
        var image: DiskImage
        var recording: DiskRecording?
        var faults: [OperationKind: (after: Int, fault: Fault)] = [:]
        var capacityBytes: Int?
        /// Changes and syncs that still reach the disk before its power goes; nil is without end.
        var operationsLeft: Int?
        var isOff = false
        /// Syncs are answered and not done: a lying disk.
        var ignoresSyncs = false
        var random: DiskRandom
        /// Milliseconds since the Unix epoch, as SQLite's own functions see them.
        var milliseconds: Int64 = 0
        var counts: [OperationKind: Int] = [:]
        var locks: [String: FileLocks] = [:]
        var hook: (@Sendable (OperationKind) -> Void)?
    }

    /// The name under which SQLite knows the disk; unique in the process.
    package let name: String
    let state: Mutex<State>
    private let interface: UnsafeMutablePointer<sqlite3_vfs>
    private let cName: UnsafeMutablePointer<CChar>

    private static let count = Mutex(0)

    package init(_ image: DiskImage = DiskImage(), seed: UInt64 = 0) {
        let number = Self.count.withLock { count in
            count += 1
            return count
        }
        self.name = "simulated-disk-\(number)"
        self.state = Mutex(State(image: image, random: DiskRandom(seed: seed)))
        let characters = self.name.utf8CString
        self.cName = UnsafeMutablePointer<CChar>.allocate(capacity: characters.count)
        for (position, character) in characters.enumerated() { (self.cName + position).initialize(to: character) }
        self.interface = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        self.interface.initialize(to: SimulatedInterface.make(name: self.cName))
        self.interface.pointee.pAppData = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_vfs_register(self.interface, 0)
    }

    deinit {
        // Open files hold a reference, so there are none left.
        sqlite3_vfs_unregister(self.interface)
        self.interface.deallocate()
        self.cName.deallocate()
    }

    // MARK: What a test or a simulation does

    /// The disk as programs see it now.
    package var image: DiskImage { self.state.withLock { $0.image } }

    /// What is found after a power cut now; this disk itself goes on, for the old process does not exist any more.
    package func afterPowerCut(_ loss: DiskImage.Loss) -> DiskImage { self.image.afterPowerCut(loss) }

    /// Begins to record what the disk is asked to do.
    package func startRecording() { self.state.withLock { $0.recording = DiskRecording(start: $0.image) } }

    /// Everything recorded so far.
    package var recording: DiskRecording? { self.state.withLock { $0.recording } }

    /// The number of operations recorded so far: a mark for what has been acknowledged.
    package var recordedCount: Int { self.state.withLock { $0.recording?.operations.count ?? 0 } }

    /// Lets operations of a kind fail, after some more that work, until `heal()`.
    package func fail(_ kind: OperationKind, with fault: Fault = .ioError, after successes: Int = 0) {
        self.state.withLock { $0.faults[kind] = (successes, fault) }
    }

    /// Ends all faults and bounds.
    package func heal() {
        self.state.withLock { state in
            state.faults = [:]
            state.capacityBytes = nil
        }
    }

    /// Bounds the size of all files together.
    package func limit(toBytes count: Int) { self.state.withLock { $0.capacityBytes = count } }

    package func flipBit(of path: String, at bit: Int) { self.state.withLock { $0.image.flipBit(of: path, at: bit) } }

    /// Removes a file, as a program does beside SQLite; the folder is synced.
    package func delete(_ path: String) { self.state.withLock { $0.perform(.delete(path, isDurable: true)) } }

    /// Sets what SQLite's date functions see.
    package func setTime(millisecondsSince1970: Int64) {
        self.state.withLock { $0.milliseconds = millisecondsSince1970 }
    }

    /// How often an operation was asked for.
    package func operationCount(_ kind: OperationKind) -> Int { self.state.withLock { $0.counts[kind] ?? 0 } }
}

extension SimulatedDisk.State {
    /// Counts the operation; answers with the fault that meets it, if any.
    mutating func begin(_ kind: SimulatedDisk.OperationKind) -> SimulatedDisk.Fault? {
        self.counts[kind, default: 0] += 1
        if self.isOff { return .ioError }
        if kind != .read, let left = self.operationsLeft {
            guard left > 0 else {
                self.isOff = true
                return .ioError
            }
            self.operationsLeft = left - 1
        }
        guard let pending = self.faults[kind] else { return nil }
        guard pending.after > 0 else { return pending.fault }
        self.faults[kind] = (pending.after - 1, pending.fault)
        return nil
    }

    mutating func perform(_ operation: DiskRecording.Operation) {
        if self.isOff { return }
        self.image.apply(operation)
        self.recording?.append(operation)
    }

    /// Whether a write that ends at `end` still fits on the disk.
    func hasSpace(for path: String, end: Int) -> Bool {
        guard let capacity = self.capacityBytes else { return true }
        let growth = max(0, end - self.image.size(of: path))
        return growth == 0 || self.image.totalBytes + growth <= capacity
    }
}
