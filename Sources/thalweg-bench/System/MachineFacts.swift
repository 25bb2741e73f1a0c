import Glibc

/// What the numbers depend on.
struct MachineFacts {
    let cores: Int
    let processor: String
    let memoryBytes: Int
    let kernel: String
    /// Type, device and options of the file system on which the data folder lies.
    let fileSystem: String

    /// The facts of this machine, with the file system of `folder`.
    static func current(folder: String) -> MachineFacts {
        var names = utsname()
        uname(&names)
        return MachineFacts(
            cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
            processor: Self.processorName() ?? "unknown",
            memoryBytes: sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)),
            kernel: Self.text(&names.sysname) + " " + Self.text(&names.release) + " " + Self.text(&names.machine),
            fileSystem: Self.fileSystem(of: folder) ?? "unknown"
        )
    }

    private static func text<Characters>(_ field: inout Characters) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func processorName() -> String? {
        guard let text = Files.text("/proc/cpuinfo") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("model name") {
            return line.split(separator: ":", maxSplits: 1).last.map { String($0.drop { $0 == " " }) }
        }
        return nil
    }

    /// The mount with the longest path that begins the folder's.
    private static func fileSystem(of folder: String) -> String? {
        guard let resolved = realpath(folder, nil) else { return nil }
        defer { free(resolved) }
        let path = String(cString: resolved)
        guard let mounts = Files.text("/proc/self/mountinfo") else { return nil }
        var best: (length: Int, text: String)?
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 5, let separator = fields.firstIndex(of: "-"), separator + 2 < fields.count else {
                continue
            }
            let point = String(fields[4])
            guard path == point || path.hasPrefix(point == "/" ? "/" : point + "/") else { continue }
            if let best, best.length > point.utf8.count { continue }
            best = (point.utf8.count, "\(fields[separator + 1]) on \(fields[separator + 2]) (\(fields[5]))")
        }
        return best?.text
    }
}
