import Glibc

/// A network of its own, named in /run/netns as `ip netns` does.
final class NetworkNamespace {
    private static let networkKind: Int32 = 0x4000_0000  // CLONE_NEWNET

    let name: String
    private let folder: TemporaryFolder

    init(_ name: String, in folder: TemporaryFolder) throws {
        self.name = name
        self.folder = folder
        try ChildProcess.run("ip", ["netns", "add", name], in: folder)
    }

    deinit { self.remove() }

    /// Runs `ip`, `tc` or another command in the network.
    func run(_ command: String) throws {
        let words = ["netns", "exec", self.name] + command.split(separator: " ").map { String($0) }
        try ChildProcess.run("ip", words, in: self.folder)
    }

    /// Runs `body` with this thread in the network: sockets and processes made there belong to it.
    func within<Value>(_ body: () throws -> Value) throws -> Value {
        let own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
        let other = open("/run/netns/\(self.name)", O_RDONLY | O_CLOEXEC)
        defer {
            if own >= 0 { close(own) }
            if other >= 0 { close(other) }
        }
        guard own >= 0, other >= 0, GNUFunctions.setNamespace(other, kind: Self.networkKind) else {
            throw BenchError.system("enter the network '\(self.name)'")
        }
        defer {
            // Whatever came then would happen in the wrong network.
            if !GNUFunctions.setNamespace(own, kind: Self.networkKind) {
                fatalError("Expected to leave the network '\(self.name)' again")
            }
        }
        return try body()
    }

    private func remove() {
        // Its interfaces go with it. An interruption must not keep it.
        let process = try? ChildProcess("ip", ["netns", "delete", self.name], logPath: "/dev/null")
        while process?.isRunning == true { usleep(2_000) }
    }
}
