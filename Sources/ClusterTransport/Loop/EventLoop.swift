import CLibuv
import Foundation
import Glibc
import Synchronization

/// A libuv loop on a thread of its own. What it runs belongs to its thread; others reach it with `post`.
///
/// `@unchecked Sendable`: the inbox is behind a mutex, `uv_async_send` is allowed from any thread while the inbox is
/// open, and everything else is touched before the thread starts or on it.
final class EventLoop: @unchecked Sendable {
    typealias Job = @Sendable (TransportCore) -> Void

    private struct Inbox {
        var jobs: [Job] = []
        var isOpen = true
        var isStarted = false
    }

    let handle: UnsafeMutablePointer<uv_loop_t>
    private let wake: UnsafeMutablePointer<uv_async_t>
    private let inbox = Mutex(Inbox())
    private var core: TransportCore?

    init() throws(TransportError) {
        self.handle = .allocate(capacity: 1)
        self.wake = .allocate(capacity: 1)
        let code = uv_loop_init(self.handle)
        guard code == 0 else {
            self.handle.deallocate()
            self.wake.deallocate()
            throw TransportError(.invalid, "Expected an event loop, but got: \(Self.text(of: code))")
        }
        uv_async_init(self.handle, self.wake) { wake in
            // The data is set below, before the loop runs.
            guard let data = wake?.pointee.data else { return }
            Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue().runJobs()
        }
        self.wake.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    }

    static func text(of code: Int32) -> String { uv_strerror(code).map { String(cString: $0) } ?? "error \(code)" }

    /// Has the loop's thread run the job soon, in the order of posting. False when the loop has ended.
    @discardableResult
    func post(_ job: @escaping Job) -> Bool {
        self.inbox.withLock { inbox in
            guard inbox.isOpen else { return false }
            inbox.jobs.append(job)
            // The loop takes all jobs at once, so only the first has to wake it.
            if inbox.jobs.count == 1 { uv_async_send(self.wake) }
            return true
        }
    }

    /// Sets what jobs work on; before anything else happens.
    func attach(_ core: TransportCore) { self.core = core }

    /// Starts the thread; once.
    func start() {
        let isFirst = self.inbox.withLock { inbox in
            defer { inbox.isStarted = true }
            return inbox.isOpen && !inbox.isStarted
        }
        guard isFirst else { return }
        let thread = Thread {
            Self.nameThread("cluster")
            self.run()
        }
        thread.start()
    }

    var isStarted: Bool { self.inbox.withLock { $0.isStarted } }

    /// Names the calling thread, as tools of the operating system show it; Foundation's name stays inside the process.
    private static func nameThread(_ name: String) {
        let descriptor = Glibc.open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = name.withCString { write(descriptor, $0, strlen($0)) }
        Glibc.close(descriptor)
    }

    /// Runs the loop until all its handles are closed, and frees it. On the loop's thread, or before it was ever
    /// started.
    func run() {
        uv_run(self.handle, UV_RUN_DEFAULT)
        let code = uv_loop_close(self.handle)
        precondition(code == 0, "Expected a loop without handles, but got \(Self.text(of: code))")
        self.handle.deallocate()
        self.wake.deallocate()
        self.core = nil
    }

    /// Takes no more jobs; those that were taken are run. The loop then ends with its last handle.
    func close() {
        let jobs = self.inbox.withLock { inbox -> [Job]? in
            guard inbox.isOpen else { return nil }
            inbox.isOpen = false
            defer { inbox.jobs = [] }
            return inbox.jobs
        }
        guard let jobs else { return }
        uv_close(UnsafeMutableRawPointer(self.wake).assumingMemoryBound(to: uv_handle_t.self), nil)
        if let core = self.core { for job in jobs { job(core) } }
    }

    private func runJobs() {
        guard let core = self.core else { return }
        let jobs = self.inbox.withLock { inbox in
            defer { inbox.jobs = [] }
            return inbox.jobs
        }
        for job in jobs { job(core) }
        core.flushTouched()
    }
}
