import Glibc
import RaftCore

/// A counting semaphore on which one thread waits.
///
/// `@unchecked Sendable`: the semaphore's memory is made and released here only, and POSIX allows its calls from any
/// thread.
final class ThreadSignal: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        self.semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        // Fails only for a value beyond the range.
        sem_init(self.semaphore, 0, 0)
    }

    deinit {
        sem_destroy(self.semaphore)
        self.semaphore.deallocate()
    }

    func wait() {
        // A signal handler of the process may end a wait early.
        while sem_wait(self.semaphore) != 0 {}
    }

    func post() { sem_post(self.semaphore) }
}

/// What a thread wants done to the log, and where it waits for the outcome.
///
/// `@unchecked Sendable`: handed over through the log's lock; `outcome` is written by the thread that has the turn
/// before it posts `signal`, and read by the owner after it has waited for that.
final class PendingWork: @unchecked Sendable {
    enum Request {
        case append([LogWrite])
        case create(GroupHead)
        case delete(GroupID, IncarnationID)
        case compact(GroupID, IncarnationID, through: LogIndex, ClusterConfiguration)
    }

    let request: Request
    /// Set for work whose caller does not wait.
    let completion: (@Sendable (Result<Void, RaftLogError>) -> Void)?
    let signal: ThreadSignal?
    /// What the payloads and entries take in memory, roughly.
    let bytes: Int
    /// Nil when the owner is woken to take the turn and do the work itself.
    var outcome: Result<Void, RaftLogError>?

    init(_ request: Request, completion: (@Sendable (Result<Void, RaftLogError>) -> Void)? = nil) {
        self.request = request
        self.completion = completion
        self.signal = completion == nil ? ThreadSignal() : nil
        var bytes = 64
        if case .append(let writes) = request {
            for write in writes { for entry in write.entries { bytes += entry.payload.count + 64 } }
        }
        self.bytes = bytes
    }
}

/// Decides whose turn it is to use the log's only connection: one reader, or one writer that does the work of all that
/// wait (combining). Readers and writers alternate when both wait, so that neither starves the other. Pure bookkeeping;
/// used under the log's lock.
struct LogTurns {
    enum Next {
        case nobody
        /// The thread of this work does all that is queued.
        case writer(PendingWork)
        /// Only work without waiting threads is queued, which the background thread does.
        case backgroundWriter
        case reader(ThreadSignal)
    }

    private(set) var isTaken = false
    private(set) var queue: [PendingWork] = []
    private(set) var queuedBytes = 0
    private var readers: [ThreadSignal] = []
    /// The turn is taken on behalf of the background thread, which has yet to wake.
    private var isForBackground = false

    /// Takes the turn if it is free.
    mutating func take() -> Bool {
        guard !self.isTaken else { return false }
        self.isTaken = true
        return true
    }

    /// Takes the turn for the background thread if it is free.
    mutating func takeForBackground() -> Bool {
        guard self.take() else { return false }
        self.isForBackground = true
        return true
    }

    /// The background thread asks whether the turn is its own.
    mutating func claimForBackground() -> Bool {
        defer { self.isForBackground = false }
        return self.isForBackground
    }

    mutating func enqueue(_ work: PendingWork) {
        self.queue.append(work)
        self.queuedBytes += work.bytes
    }

    mutating func enqueueReader(_ signal: ThreadSignal) { self.readers.append(signal) }

    /// All that is queued, up to a size; at least one.
    mutating func drain(maxBytes: Int) -> [PendingWork] {
        var bytes = 0
        var count = 0
        while count < self.queue.count, count == 0 || bytes + self.queue[count].bytes <= maxBytes {
            bytes += self.queue[count].bytes
            count += 1
        }
        let batch = Array(self.queue[..<count])
        self.queue.removeFirst(count)
        self.queuedBytes -= bytes
        return batch
    }

    /// Passes the turn on; it stays taken unless nobody wants it.
    mutating func pass(fromReader: Bool) -> Next {
        if !self.readers.isEmpty, !fromReader || self.queue.isEmpty { return .reader(self.readers.removeFirst()) }
        if let work = self.queue.first(where: { $0.signal != nil }) { return .writer(work) }
        if !self.queue.isEmpty {
            self.isForBackground = true
            return .backgroundWriter
        }
        self.isTaken = false
        return .nobody
    }
}
