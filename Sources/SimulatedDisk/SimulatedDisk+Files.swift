import Synchronization

/// What a program does to files beside SQLite, step by step, so that a power cut can come between the steps.
extension SimulatedDisk {
    /// Makes a file, or empties it, and writes its bytes; none of it is durable before `sync(_:)`.
    package func create(_ path: String, with bytes: [UInt8]) {
        self.state.withLock { state in
            state.perform(.create(path))
            state.perform(.truncate(path, size: 0))
            state.perform(.write(path, offset: 0, bytes))
        }
    }

    /// Makes a file durable, and that its folder lists it.
    package func sync(_ path: String) { self.state.withLock { $0.perform(.sync(path, withFolder: true)) } }

    /// Removes a file; without a sync of the folder it may come back after a power cut.
    package func unlink(_ path: String, isDurable: Bool = false) {
        self.state.withLock { $0.perform(.delete(path, isDurable: isDurable)) }
    }

    /// Calls `hook` before every operation of SQLite's, on its thread and without a lock: it may take its time, as a
    /// slow device does.
    package func setHook(_ hook: (@Sendable (OperationKind) -> Void)?) { self.state.withLock { $0.hook = hook } }

    func callHook(_ kind: OperationKind) { self.state.withLock { $0.hook }?(kind) }
}
