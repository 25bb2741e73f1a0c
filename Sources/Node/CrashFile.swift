import Glibc
import ProcessEngine
import ReplicaCore
import Synchronization

/// Where the mark of the command under execution lies; the signal handler can use nothing but this.
private nonisolated(unsafe) var crashPage: UnsafeMutableRawPointer?

/// Remembers, across the end of the process, what was being executed when it ended by a fault of its own.
///
/// The mark lies in a mapped file: writing it costs a few stores, and it survives the process (not the machine, which
/// is right: a power cut is nobody's fault). Only a trap or a fault signal makes it count, never a kill.
///
/// Layout in bytes, little endian: 0 faulted, 1 kind, 8 id; then from 16 on what was named before, eight records of
/// 0 kind, 1 times, 8 id.
final class CrashFile: ExecutionMarker, @unchecked Sendable {
    // The page is written by the one thread that executes commands, and read before that thread starts.
    private static let length = 4_096
    private static let recordCount = 8
    /// How often a command may end the process before it is put aside.
    static let crashLimit: UInt8 = 2
    private let page: UnsafeMutableRawPointer

    init(folder: DataFolder) throws {
        let path = "\(folder.path)/crash"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0, ftruncate(descriptor, off_t(CrashFile.length)) == 0 else {
            throw DataFolderError("Expected to open '\(path)', but got: \(DataFolder.lastError())")
        }
        defer { close(descriptor) }
        let mapped = mmap(nil, CrashFile.length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let mapped, mapped != MAP_FAILED else {
            throw DataFolderError("Expected to map '\(path)', but got: \(DataFolder.lastError())")
        }
        page = mapped
    }

    deinit { munmap(page, CrashFile.length) }

    /// Counts the crash of the last run, if there was one, and tells what has ended the process too often.
    func takePoisoned() -> [ExecutionMark] {
        if page.load(as: UInt8.self) != 0, let mark = mark(at: 0), mark.kind != .none { count(mark) }
        page.storeBytes(of: 0, as: UInt8.self)
        page.storeBytes(of: 0, toByteOffset: 1, as: UInt8.self)
        var poisoned: [ExecutionMark] = []
        for slot in 0..<CrashFile.recordCount {
            let offset = 16 + slot * 16
            guard let mark = mark(at: offset - 1), mark.kind != .none else { continue }
            if page.load(fromByteOffset: offset + 1, as: UInt8.self) >= CrashFile.crashLimit { poisoned.append(mark) }
        }
        return poisoned
    }

    /// What has ended the process, though not too often yet.
    var blamed: [ExecutionMark] {
        (0..<CrashFile.recordCount).compactMap { slot in
            guard let mark = mark(at: 15 + slot * 16), mark.kind != .none else { return nil }
            return page.load(fromByteOffset: 17 + slot * 16, as: UInt8.self) > 0 ? mark : nil
        }
    }

    /// It is quarantined by now: the count begins anew.
    func forget(_ mark: ExecutionMark) {
        for slot in 0..<CrashFile.recordCount where self.mark(at: 15 + slot * 16) == mark {
            page.storeBytes(of: 0, toByteOffset: 16 + slot * 16, as: UInt64.self)
        }
    }

    private func count(_ mark: ExecutionMark) {
        var free = 0
        for slot in 0..<CrashFile.recordCount {
            let offset = 16 + slot * 16
            let known = self.mark(at: offset - 1)
            if known == mark {
                let times = page.load(fromByteOffset: offset + 1, as: UInt8.self)
                page.storeBytes(of: times < .max ? times + 1 : times, toByteOffset: offset + 1, as: UInt8.self)
                return
            }
            if known == nil || known?.kind == ExecutionMark.Kind.none { free = slot }
        }
        let offset = 16 + free * 16
        page.storeBytes(of: mark.kind.rawValue, toByteOffset: offset, as: UInt8.self)
        page.storeBytes(of: 1, toByteOffset: offset + 1, as: UInt8.self)
        page.storeBytes(of: mark.id, toByteOffset: offset + 8, as: Int64.self)
    }

    /// The mark whose kind lies one byte after `offset`, its id at the next multiple of eight.
    private func mark(at offset: Int) -> ExecutionMark? {
        guard let kind = ExecutionMark.Kind(rawValue: page.load(fromByteOffset: offset + 1, as: UInt8.self)) else {
            return nil
        }
        let idOffset = (offset + 1) / 8 * 8 + 8
        return ExecutionMark(kind: kind, id: page.load(fromByteOffset: idOffset, as: Int64.self))
    }

    func willExecute(_ mark: ExecutionMark) {
        page.storeBytes(of: mark.id, toByteOffset: 8, as: Int64.self)
        page.storeBytes(of: mark.kind.rawValue, toByteOffset: 1, as: UInt8.self)
    }

    func didExecute() { page.storeBytes(of: 0, toByteOffset: 1, as: UInt8.self) }

    /// From now on a trap or fault signal notes that the process ended by itself. The handler only stores one byte and
    /// lets the signal take its course.
    func watchSignals() {
        crashPage = page
        for signal in [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                crashPage?.storeBytes(of: 1, as: UInt8.self)
                Glibc.signal(number, SIG_DFL)
                raise(number)
            }
            // SA_RESETHAND, so that raising it again ends the process.
            action.sa_flags = Int32(bitPattern: 0x8000_0000) | SA_NODEFER
            sigaction(signal, &action, nil)
        }
    }
}
