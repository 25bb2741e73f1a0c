import Foundation
import Glibc
import StateStore
import Synchronization

/// The folder in which a group's snapshots arrive. What has arrived of a file is kept as long as the next snapshot
/// names the same one, equal in size and hash: it is not fetched twice, nor from its beginning, whoever sends the
/// rest. What no manifest names goes. One snapshot at a time; what was here at the start of the process is gone.
final class IncomingFolder: Sendable {
    private struct State {
        /// Files of the present manifest of which something may be here, by name.
        var files: [String: SnapshotFile] = [:]
        /// Those that are here in full and were compared with their hash.
        var verified: Set<String> = []
    }

    let path: String
    private let state = Mutex(State())

    init(path: String) { self.path = path }

    /// Makes the folder ready for the files of a manifest, and removes all others.
    ///
    /// - Returns: how many bytes of them are here already.
    /// - Throws: what `FileManager` throws.
    func prepare(for manifest: SnapshotManifest) throws -> UInt64 {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let wanted = Dictionary(uniqueKeysWithValues: manifest.files.map { ($0.name, $0) })
        return try state.withLock { state in
            var bytes: UInt64 = 0
            for name in try FileManager.default.contentsOfDirectory(atPath: path) {
                if let file = wanted[name], state.files[name] == file {
                    bytes += min(size(of: name), file.byteCount)
                } else {
                    try FileManager.default.removeItem(atPath: "\(path)/\(name)")
                    state.verified.remove(name)
                }
            }
            state.files = wanted
            return bytes
        }
    }

    private func size(of name: String) -> UInt64 {
        var facts = stat()
        return stat("\(path)/\(name)", &facts) == 0 ? UInt64(max(0, facts.st_size)) : 0
    }

    /// Whether the file is here in full, as the manifest has it.
    func has(_ file: SnapshotFile) -> Bool { state.withLock { $0.verified.contains(file.name) } }

    /// Compares a file that has arrived with its hash; one that differs is removed.
    ///
    /// - Throws: as `SnapshotInstaller.verify`.
    func verify(_ file: SnapshotFile) throws {
        do {
            try SnapshotInstaller.verify(file, in: path)
            state.withLock { _ = $0.verified.insert(file.name) }
        } catch {
            _ = unlink("\(path)/\(file.name)")
            throw error
        }
    }

    /// Removes everything.
    func removeAll() {
        state.withLock { $0 = State() }
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Somebody else has moved the files away.
    func forgetAll() { state.withLock { $0 = State() } }
}

/// A file that is being fetched; what an earlier download has left is gone on with. Used by one download at a time.
final class IncomingFile: @unchecked Sendable {
    private let path: String
    private let expected: UInt64
    private let descriptor: Int32
    /// Bytes that have arrived, in order from the beginning.
    private(set) var size: UInt64 = 0

    init(path: String, size expected: UInt64) throws {
        self.path = path
        self.expected = expected
        descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw NodeFailure("Expected to write '\(path)', but got: \(DataFolder.lastError())")
        }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_size >= 0 else {
            throw NodeFailure("Expected the size of '\(path)', but got: \(DataFolder.lastError())")
        }
        size = UInt64(facts.st_size)
        guard size > expected else { return }
        guard ftruncate(descriptor, 0) == 0 else {
            throw NodeFailure("Expected to write '\(path)', but got: \(DataFolder.lastError())")
        }
        size = 0
    }

    deinit { close(descriptor) }

    func append(_ bytes: [UInt8]) throws {
        guard size + UInt64(bytes.count) <= expected else {
            throw NodeFailure("Expected \(expected) bytes for '\(path)', but got more")
        }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                write(descriptor, buffer.baseAddress?.advanced(by: written), bytes.count - written)
            }
            guard count > 0 else {
                throw NodeFailure("Expected to write '\(path)', but got: \(DataFolder.lastError())")
            }
            written += count
            size += UInt64(count)
        }
    }

    /// Makes sure that all of it is there.
    func finish() throws {
        guard size == expected else {
            throw NodeFailure("Expected \(expected) bytes for '\(path)', but got \(size)")
        }
    }
}
