import Subprocess
import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A cluster whose nodes all run on this machine, as processes of their own: to try it out and to kill one.
package struct LocalCluster: Sendable {
    /// Remembers nodes and ports in the cluster's folder.
    package static let definitionName = "local.json"
    /// How long nodes may take to stop in order.
    static let stopPatience: Duration = .seconds(20)

    package let folder: String
    package let definition: LocalClusterDefinition

    /// Takes up the cluster in `folder`, or plans a new one there: free ports are chosen and remembered.
    ///
    /// - Parameters:
    ///   - wanted: nil takes what the folder has, or three nodes from port 8080 on.
    ///   - isFresh: throws away what is in the folder, if it is such a cluster.
    package init(folder: String, wanted: LocalClusterDefinition?, isFresh: Bool) throws {
        self.folder = try Self.absolute(folder)
        let file = "\(self.folder)/\(Self.definitionName)"
        if isFresh { try Self.remove(self.folder, file) }
        if access(file, F_OK) == 0 {
            let bytes = try FileContents.read(file, limit: LocalClusterDefinition.bytesLimit)
            let found = try LocalClusterDefinition(json: bytes, source: file)
            guard wanted.map({ Self.fits($0, found) }) ?? true else {
                throw LocalClusterError(
                    "Expected the nodes and ports that '\(folder)' was made with (\(found.nodes.count) nodes, port "
                        + "\(found.nodes[0].httpPort)); leave the options out, choose another folder with --data, or "
                        + "begin anew with --fresh"
                )
            }
            definition = found
            return
        }
        let standard = try LocalClusterDefinition(count: 3, httpPort: 8_080)
        definition = try Self.withFreePorts(wanted ?? standard)
        try Self.makeFolder(self.folder)
        try Self.write(definition.json, to: file)
    }

    package func dataFolder(_ node: LocalClusterDefinition.Node) -> String { "\(folder)/node-\(node.nodeID)/data" }
    package func certificates(_ node: LocalClusterDefinition.Node) -> String { "\(folder)/node-\(node.nodeID)/certs" }
    package var authority: String { "\(folder)/ca" }

    // MARK: Folder

    /// A 0 in what is wanted fits any port.
    private static func fits(_ wanted: LocalClusterDefinition, _ found: LocalClusterDefinition) -> Bool {
        guard wanted.nodes.count == found.nodes.count, wanted.serveOptions == found.serveOptions else { return false }
        return zip(wanted.nodes, found.nodes).allSatisfy { wish, node in
            wish.nodeID == node.nodeID && (wish.httpPort == 0 || wish.httpPort == node.httpPort)
        }
    }

    /// Cluster ports that are taken become free ones. HTTP ports stay: people know them, and the node says if one is
    /// taken.
    private static func withFreePorts(_ wanted: LocalClusterDefinition) throws(LocalClusterError)
        -> LocalClusterDefinition
    {
        var ports = FreePorts()
        defer { ports.close() }
        var definition = wanted
        for index in definition.nodes.indices {
            if definition.nodes[index].httpPort == 0 {
                guard let port = ports.next(from: 0) else {
                    throw LocalClusterError("Expected a free port, but got none")
                }
                definition.nodes[index].httpPort = port
            }
            let first = definition.nodes[index].clusterPort
            guard let port = ports.next(from: first) else {
                throw LocalClusterError("Expected a free port from \(first) on, but got none")
            }
            definition.nodes[index].clusterPort = port
        }
        return definition
    }

    private static func absolute(_ path: String) throws(LocalClusterError) -> String {
        if path.hasPrefix("/") { return path }
        guard let current = getcwd(nil, 0) else { throw LocalClusterError("Expected a current folder, but got none") }
        defer { free(current) }
        let relative = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        return "\(String(cString: current))/\(relative)"
    }

    /// Removes the folder only if it is such a cluster, so that a wrong name costs nothing.
    private static func remove(_ folder: String, _ file: String) throws(LocalClusterError) {
        guard access(folder, F_OK) == 0 else { return }
        guard access(file, F_OK) == 0 else {
            throw LocalClusterError(
                "Expected a local cluster in '\(folder)', but there is no \(definitionName); --fresh removes only what "
                    + "this command has made"
            )
        }
        // The definition goes last: what is left of a removal that was interrupted can still be removed.
        for name in try entries(folder) where name != definitionName { try removeTree("\(folder)/\(name)", depth: 0) }
        guard unlink(file) == 0 else { throw cannotRemove(file) }
    }

    private static func removeTree(_ path: String, depth: Int) throws(LocalClusterError) {
        var facts = stat()
        guard lstat(path, &facts) == 0, depth < 16 else { throw cannotRemove(path) }
        guard facts.st_mode & S_IFMT == S_IFDIR else {
            guard unlink(path) == 0 else { throw cannotRemove(path) }
            return
        }
        for name in try entries(path) { try removeTree("\(path)/\(name)", depth: depth + 1) }
        guard rmdir(path) == 0 else { throw cannotRemove(path) }
    }

    private static func entries(_ folder: String) throws(LocalClusterError) -> [String] {
        guard let handle = opendir(folder) else { throw cannotRemove(folder) }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func cannotRemove(_ path: String) -> LocalClusterError {
        LocalClusterError("Expected to remove '\(path)', but got: \(SystemText.description(of: errno))")
    }

    private static func makeFolder(_ path: String) throws(LocalClusterError) {
        var partial = ""
        for part in path.split(separator: "/") {
            partial += "/\(part)"
            guard mkdir(partial, 0o750) == 0 || errno == EEXIST else {
                throw LocalClusterError("Expected to make '\(partial)', but got: \(SystemText.description(of: errno))")
            }
        }
    }

    private static func write(_ text: String, to path: String) throws(LocalClusterError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        let bytes = Array(text.utf8)
        let isWritten = descriptor >= 0 && writeBytes(descriptor, bytes) == bytes.count
        if descriptor >= 0 { close(descriptor) }
        guard isWritten, rename(temporary, path) == 0 else {
            throw LocalClusterError("Expected to write '\(path)', but got: \(SystemText.description(of: errno))")
        }
    }
}

// MARK: - Running

extension LocalCluster {
    /// Runs all nodes until they have ended or the user interrupts. A node that ends is not started again.
    ///
    /// - Parameter binary: the program to run as `BINARY serve ...`.
    /// - Throws: `LocalClusterError` if every node ended by itself.
    package func run(binary: String) async throws {
        Interrupts.ignoreBrokenPipes()
        let running = RunningNodes()
        let style = Terminal.current().style
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await stopWhenInterrupted(running) }
            await runAll(binary, running, style)
            group.cancelAll()
        }
        guard running.isStopping else {
            throw LocalClusterError("every node has ended by itself; the lines above say why")
        }
    }

    /// How to look at the cluster, and how to harm it.
    private func advice(_ running: RunningNodes, _ style: TextStyle) -> String {
        let port = definition.nodes[0].httpPort
        let kills = definition.nodes.compactMap { node in
            running.process(of: node.nodeID).map { "\($0) (node \(node.nodeID))" }
        }
        return style.strong("\(definition.nodes.count) nodes, kept in \(folder). Ctrl-C stops them.")
            + "\n  look:  thalweg cluster status --server http://127.0.0.1:\(port)"
            + "\n  kill one and watch the others go on:  kill -9 PID, where PID is \(kills.joined(separator: ", "))"
    }

    private func runAll(_ binary: String, _ running: RunningNodes, _ style: TextStyle) async {
        await withTaskGroup(of: Void.self) { group in
            for node in definition.nodes {
                group.addTask { await run(node, binary, running, style) }
            }
            await running.untilStarted(definition.nodes.count)
            Console.note(advice(running, style))
        }
    }

    /// Lets the nodes stop in order when the user interrupts; at the second time, or when it takes too long, at once.
    private func stopWhenInterrupted(_ running: RunningNodes) async {
        var interrupts = Interrupts.stream().makeAsyncIterator()
        guard await interrupts.next() != nil else { return }
        Console.note("stopping; press Ctrl-C again to end everything at once")
        running.stop()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await Task.sleep(for: Self.stopPatience) }
            group.addTask { for await _ in Interrupts.stream() { return } }
            await group.next()
            group.cancelAll()
        }
        if !Task.isCancelled { running.signal(.kill) }
    }

    private func run(
        _ node: LocalClusterDefinition.Node,
        _ binary: String,
        _ running: RunningNodes,
        _ style: TextStyle
    ) async {
        let prefix = style.strong("node \(node.nodeID) |") + " "
        let arguments =
            ["serve", "--data", dataFolder(node), "--port", String(node.httpPort)] + definition.serveOptions
        var options = PlatformOptions()
        // A session of its own: Ctrl-C reaches this process alone, which then stops the nodes in order.
        options.createSession = true
        do {
            let result = try await Subprocess.run(
                .path(FilePath(binary)),
                arguments: Arguments(arguments + ["--stop-at-end-of-input"]),
                platformOptions: options,
                // Stays open as long as this process lives, so that the nodes end with it, however it ends.
                input: .inputWriter,
                output: .sequence,
                error: .sequence
            ) { execution in
                running.began(node.nodeID, execution.processIdentifier.value) { try? execution.send(signal: $0) }
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await Self.pass(execution.standardOutput, prefix) }
                    group.addTask { await Self.pass(execution.standardError, prefix) }
                }
                try? await execution.standardInputWriter.finish()
            }
            running.ended(node.nodeID)
            guard !running.isStopping else { return }
            let ending: String
            switch result.terminationStatus {
            case .exited(let code): ending = "ended with exit code \(code)"
            case .signaled(let number): ending = "was ended by signal \(number)"
            }
            Console.note(
                prefix + style.bad(ending) + "; start it again in another terminal:  \(binary) "
                    + arguments.joined(separator: " ")
            )
        } catch {
            running.ended(node.nodeID)
            Console.note(prefix + style.bad("cannot be started: \(error)"))
        }
    }

    private static func pass(_ output: SubprocessOutputSequence, _ prefix: String) async {
        var splitter = LineSplitter()
        do {
            for try await buffer in output {
                for line in splitter.lines(adding: buffer.withUnsafeBytes { Array($0) }) { show(line, prefix) }
            }
        } catch {}
        if let line = splitter.end() { show(line, prefix) }
    }

    private static func show(_ line: String, _ prefix: String) {
        // A reader that is gone is no reason to stop the nodes.
        try? Console.line(prefix + TerminalText.sanitizedLines(line))
    }
}

/// `write(2)`, named apart from methods.
private func writeBytes(_ descriptor: Int32, _ bytes: [UInt8]) -> Int { write(descriptor, bytes, bytes.count) }

/// The nodes' processes.
private final class RunningNodes: Sendable {
    private struct Process: Sendable {
        var identifier: Int32
        var send: @Sendable (Signal) -> Void
    }

    private struct State: Sendable {
        var processes: [UInt64: Process] = [:]
        var started = 0
        var isStopping = false
    }

    private let state = Mutex(State())
    private let changes = AsyncStream<Void>.makeStream()

    var isStopping: Bool { state.withLock { $0.isStopping } }

    func process(of node: UInt64) -> Int32? { state.withLock { $0.processes[node]?.identifier } }

    func began(_ node: UInt64, _ identifier: Int32, _ send: @escaping @Sendable (Signal) -> Void) {
        state.withLock { state in
            state.processes[node] = Process(identifier: identifier, send: send)
            state.started += 1
        }
        changes.continuation.yield()
    }

    /// The process has ended, or never began.
    func ended(_ node: UInt64) {
        state.withLock { state in
            if state.processes.removeValue(forKey: node) == nil { state.started += 1 }
        }
        changes.continuation.yield()
    }

    /// Returns once `count` processes have begun or failed to.
    func untilStarted(_ count: Int) async {
        for await _ in changes.stream where state.withLock({ $0.started >= count }) { return }
    }

    func stop() {
        state.withLock { $0.isStopping = true }
        signal(.terminate)
    }

    func signal(_ signal: Signal) {
        for process in state.withLock({ $0.processes }).values { process.send(signal) }
    }
}
