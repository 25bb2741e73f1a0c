import Synchronization

extension SimulatedDisk {
    /// Lets the power go after so many more changes and syncs: from then on every operation fails and changes nothing,
    /// so that `afterPowerCut` shows what a cut in the middle of the work left.
    package func cutPower(after operations: Int) {
        self.state.withLock { state in
            state.operationsLeft = operations
            if operations == 0 { state.isOff = true }
        }
    }

    /// Whether the power is going to go, or has gone.
    package var isPowerEnding: Bool { self.state.withLock { $0.operationsLeft != nil || $0.isOff } }

    /// Whether an operation has met the lack of power.
    package var isOff: Bool { self.state.withLock { $0.isOff } }

    /// Lets the disk answer syncs without doing them, as some devices do; only for tests of tests.
    package func ignoreSyncs() { self.state.withLock { $0.ignoresSyncs = true } }

    /// Writes a whole file in pieces and syncs it with its folder, as a program beside SQLite does.
    ///
    /// - Returns: false when the disk failed on the way; what is there then is unknown.
    package func store(_ bytes: [UInt8], as path: String) -> Bool {
        self.state.withLock { state in
            state.perform(.create(path))
            var offset = 0
            while offset < bytes.count {
                let end = min(bytes.count, offset + 65_536)
                guard state.begin(.write) == nil, state.hasSpace(for: path, end: end) else { return false }
                state.perform(.write(path, offset: offset, Array(bytes[offset..<end])))
                offset = end
            }
            guard state.begin(.sync) == nil else { return false }
            if !state.ignoresSyncs { state.perform(.sync(path, withFolder: true)) }
            return true
        }
    }

    /// Removes a file for good.
    package func remove(_ path: String) {
        self.state.withLock { $0.perform(.delete(path, isDurable: true)) }
    }
}
