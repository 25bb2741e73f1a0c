import CLibuv

/// A timer of the loop. Must be closed; used on the loop's thread only.
final class LoopTimer {
    private let handle: UnsafeMutablePointer<uv_timer_t>
    private var action: (() -> Void)?
    private var isClosed = false

    init(_ loop: EventLoop) {
        self.handle = .allocate(capacity: 1)
        uv_timer_init(loop.handle, self.handle)
        // Released when the handle is closed.
        self.handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
    }

    /// Runs the action after so many milliseconds, and then again and again if asked to.
    func start(after milliseconds: UInt64, repeating: UInt64 = 0, _ action: @escaping () -> Void) {
        guard !self.isClosed else { return }
        self.action = action
        uv_timer_start(
            self.handle,
            { handle in
                guard let data = handle?.pointee.data else { return }
                Unmanaged<LoopTimer>.fromOpaque(data).takeUnretainedValue().action?()
            },
            milliseconds,
            repeating
        )
    }

    /// Whether the action is still to be run.
    var isActive: Bool {
        self.action != nil
            && uv_is_active(UnsafeMutableRawPointer(self.handle).assumingMemoryBound(to: uv_handle_t.self)) != 0
    }

    func stop() {
        guard !self.isClosed else { return }
        self.action = nil
        uv_timer_stop(self.handle)
    }

    func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        self.action = nil
        uv_close(UnsafeMutableRawPointer(self.handle).assumingMemoryBound(to: uv_handle_t.self)) { handle in
            guard let handle, let data = handle.pointee.data else { return }
            Unmanaged<LoopTimer>.fromOpaque(data).release()
            UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_timer_t.self).deallocate()
        }
    }
}
