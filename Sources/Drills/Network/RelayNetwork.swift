import Glibc
import Synchronization

/// Nodes on the loopback interface that reach each other through relays in the drill's own process: for machines that
/// allow no namespaces. A relay tells its callers apart by the process that holds the connection.
final class RelayNetwork: DrillNetwork {
    private static let loopback: UInt32 = 0x7F00_0001
    /// What a probe says first; no node does.
    private static let probePrefix = "THALWEG-DRILL-PROBE "

    private struct State {
        /// By node: the process it runs as.
        var processes: [Int: Int32] = [:]
        var probes: [Int: ProbeCount] = [:]
    }

    /// What arrived of one probe.
    private struct ProbeCount {
        /// What was sent before is of an earlier probe that was held up.
        var began: Int64
        var ages: [Int64] = []
    }

    private let clientPorts: [UInt16]
    private let peerPorts: [UInt16]
    private let relayPorts: [UInt16]
    private let listeners: [Int32]
    private let links: LinkTable
    private let isOver = Signal()
    private let threads = ThreadGroup()
    private let state = Mutex(State())

    init(nodes: Int) throws {
        let ports = try FreePorts.find(2 * nodes)
        self.clientPorts = Array(ports.prefix(nodes))
        self.peerPorts = Array(ports.suffix(nodes))
        self.links = LinkTable(nodes: nodes)
        let relays = try (0..<nodes).map { _ in try FreePorts.listen(host: Self.loopback, port: 0, backlog: 64) }
        self.listeners = relays.map { $0.descriptor }
        self.relayPorts = relays.map { $0.port }
        for node in 0..<nodes { self.threads.start("relay \(node + 1)") { [self] in self.accept(node) } }
    }

    var summary: String { "loopback with relays between the nodes" }
    func commandPrefix(_ node: Int) -> [String] { [] }
    func clientAddress(_ node: Int) -> NodeAddress { NodeAddress(host: "127.0.0.1", port: self.clientPorts[node]) }
    func peerAddress(_ node: Int) -> String { "127.0.0.1:\(self.relayPorts[node])" }
    func peerListenAddress(_ node: Int) -> String? { "127.0.0.1:\(self.peerPorts[node])" }
    func certificateHosts(_ node: Int) -> [String] { ["127.0.0.1", "localhost"] }
    func node(_ node: Int, runsAs process: Int32) { self.state.withLock { $0.processes[node] = process } }
    func set(_ condition: LinkCondition, from: Int, to: Int) throws { self.links.set(condition, from: from, to: to) }

    func close() {
        self.isOver.set()
        for listener in self.listeners { shutdown(listener, Int32(SHUT_RDWR)) }
        self.threads.join(seconds: 3)
        for listener in self.listeners { Glibc.close(listener) }
    }

    /// Takes connections meant for a node.
    private func accept(_ node: Int) {
        while !self.isOver.value {
            var request = pollfd(fd: self.listeners[node], events: Int16(POLLIN), revents: 0)
            guard poll(&request, 1, 100) > 0 else { continue }
            var address = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let caller = SocketAddress.with(&address) { Glibc.accept(self.listeners[node], $0, &size) }
            guard caller >= 0 else { continue }
            _ = fcntl(caller, F_SETFD, FD_CLOEXEC)
            let port = UInt16(bigEndian: address.sin_port)
            self.threads.start("relayed connection") { [self] in
                self.carry(caller, port: port, to: node)
                Glibc.close(caller)
            }
        }
    }

    private func carry(_ caller: Int32, port: UInt16, to node: Int) {
        let processes = self.state.withLock { $0.processes }
        let owner = ConnectionOwner.process(among: Array(processes.values), localPort: port)
        let from = processes.first { $0.value == owner }?.key
        if owner == nil, let probe = self.probe(caller) { return self.count(caller, probe: probe, to: node) }
        guard let target = Self.connect(self.peerPorts[node]) else { return }
        let back = ThreadGroup()
        let there = LinkPump(
            source: caller,
            target: target,
            link: from.map { ($0, node) },
            links: self.links,
            isOver: self.isOver
        )
        let here = LinkPump(
            source: target,
            target: caller,
            link: from.map { (node, $0) },
            links: self.links,
            isOver: self.isOver
        )
        back.start("relay back") { here.run() }
        there.run()
        back.join(seconds: .infinity)
        Glibc.close(target)
    }

    private static func connect(_ port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = SocketAddress.make(host: Self.loopback, port: port)
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        if SocketAddress.with(&address, { Glibc.connect(descriptor, $0, size) }) == 0 { return descriptor }
        Glibc.close(descriptor)
        return nil
    }

    // MARK: Probes

    /// The node that a probe speaks for, if the caller is a probe.
    private func probe(_ caller: Int32) -> Int? {
        let length = Self.probePrefix.utf8.count + 4
        var request = pollfd(fd: caller, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, 200) > 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: length)
        guard recv(caller, &bytes, length, Int32(MSG_PEEK)) == length else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix(Self.probePrefix) else { return nil }
        _ = recv(caller, &bytes, length, 0)
        return Int(text.dropFirst(Self.probePrefix.count).filter { $0.isNumber })
    }

    /// Counts what comes through the same pump that carries nodes.
    private func count(_ caller: Int32, probe from: Int, to node: Int) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else { return }
        let (into, outOf) = (ends[0], ends[1])
        let pump = LinkPump(source: caller, target: into, link: (from, node), links: self.links, isOver: self.isOver)
        let group = ThreadGroup()
        group.start("probe") {
            pump.run()
            Glibc.close(into)
        }
        var rest: [UInt8] = []
        while true {
            let chunk = [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, count in
                count = max(0, recv(outOf, buffer.baseAddress, buffer.count, 0))
            }
            if chunk.isEmpty { break }
            rest += chunk
            let now = DrillClock.nanoseconds()
            while rest.count >= 8 {
                let sent = rest[..<8].withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
                rest.removeFirst(8)
                self.state.withLock { state in
                    guard let probe = state.probes[from * 100 + node], sent >= probe.began else { return }
                    state.probes[from * 100 + node]?.ages.append(now - sent)
                }
            }
        }
        group.join(seconds: 2)
        Glibc.close(outOf)
    }

    /// A lost probe arrives late here: after a whole repetition, while those behind it wait less. So what took as long
    /// as a repetition counts as lost.
    func measure(from: Int, to: Int) throws -> LinkMeasurement {
        self.state.withLock { $0.probes[from * 100 + to] = ProbeCount(began: DrillClock.nanoseconds()) }
        guard let descriptor = Self.connect(self.relayPorts[to]) else {
            throw DrillFailure("Expected a relay to listen on port \(self.relayPorts[to])")
        }
        let greeting = Self.probePrefix + "000\(from)".suffix(3) + "\n"
        _ = Array(greeting.utf8).withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        let count = LinkProbe.count
        for _ in 0..<count {
            var now = DrillClock.nanoseconds()
            _ = withUnsafeBytes(of: &now) { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            DrillClock.sleep(seconds: 0.003)
        }
        DrillClock.sleep(seconds: 0.3 + self.links.condition(from: from, to: to).delay)
        let condition = self.links.condition(from: from, to: to)
        let ages = self.state.withLock { $0.probes[from * 100 + to]?.ages ?? [] }.sorted()
        Glibc.close(descriptor)
        let inTime = condition.loss > 0 ? ages.filter { $0 < LinkPump.repetitionNanoseconds } : ages
        return LinkMeasurement(
            sent: count,
            received: inTime.count,
            delayMedian: inTime.isEmpty ? 0 : Double(inTime[inTime.count / 2]) / 1_000_000_000
        )
    }
}
