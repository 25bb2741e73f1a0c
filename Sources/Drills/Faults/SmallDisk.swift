import Glibc

/// A small file system of its own for one node's data folder.
enum SmallDisk {
    /// Where the file system of a node is mounted.
    static func folder(of node: Int, in root: String) -> String { "\(root)/node-\(node + 1)/disk" }

    private static func ballast(_ folder: String) -> String { "\(folder)/ballast" }

    /// Makes a file system of this size.
    static func mount(_ folder: String, mebibytes: Int) throws {
        try Files.makeFolder(folder)
        guard let tool = SystemText.tool("mount") else {
            throw DrillFailure("Expected the command mount for a small disk")
        }
        do {
            try CommandResult.require([tool, "-t", "tmpfs", "-o", "size=\(mebibytes)m", "thalweg-drill", folder])
        } catch {
            throw DrillFailure(
                "A full disk needs a small file system of the drill's own, so root has to run it: \(error)"
            )
        }
    }

    static func unmount(_ folder: String) {
        guard Files.exists(folder), let tool = SystemText.tool("umount") else { return }
        _ = try? CommandResult.of([tool, "-l", folder])
    }

    /// Takes all space that is left; returns how many bytes that was.
    static func fill(_ folder: String) throws -> UInt64 {
        let path = Self.ballast(folder)
        let descriptor = try OpenFile.appending(path)
        defer { close(descriptor) }
        var total: UInt64 = 0
        for size in [1 << 20, 1 << 12, 1 << 8] {
            let block = [UInt8](repeating: 0xAA, count: size)
            while true {
                let count = write(descriptor, block, size)
                if count <= 0 { break }
                total += UInt64(count)
            }
        }
        return total
    }

    /// Gives the space back.
    static func release(_ folder: String) { unlink(Self.ballast(folder)) }
}
