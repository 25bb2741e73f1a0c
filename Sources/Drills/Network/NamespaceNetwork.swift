import Glibc

/// Each node in a network namespace of its own, with a switch of the drill's between them. Nothing of the machine's
/// own network is touched but for one device by which clients reach the nodes.
final class NamespaceNetwork: DrillNetwork {
    private static let clientPort: UInt16 = 8_080
    private static let peerPort: UInt16 = 7_000
    private static let hostByte: UInt8 = 254

    private let nodes: Int
    private let prefix: String
    private let subnet: String
    private let tool: String
    private let probe: String
    private let links: LinkTable
    private let packets: PacketSwitch
    private let descriptors: [Int32]

    /// - Parameter probe: the executable for probes.
    /// - Throws: `DrillFailure` where the machine does not allow it; nothing is left behind then.
    init(nodes: Int, probe: String) throws {
        guard let tool = SystemText.tool("ip") else {
            throw DrillFailure("Expected the command ip; install iproute2")
        }
        self.nodes = nodes
        self.tool = tool
        self.probe = probe
        self.prefix = "twd\(getpid())"
        self.subnet = "10.\(201 + Int(getpid()) / 250 % 50).\(Int(getpid()) % 250)"
        self.links = LinkTable(nodes: nodes)
        Self.removeLeftovers(tool)
        var opened: [Int32] = []
        do {
            for node in 0..<nodes {
                try CommandResult.require([tool, "netns", "add", "\(self.prefix)-\(node + 1)"])
                opened.append(try Self.openTunnel("\(self.prefix)n\(node + 1)"))
                try Self.configure(
                    tool,
                    "\(self.prefix)n\(node + 1)",
                    "\(self.prefix)-\(node + 1)",
                    "\(self.subnet).\(node + 1)"
                )
            }
            opened.append(try Self.openTunnel("\(self.prefix)h"))
            try Self.configure(tool, "\(self.prefix)h", nil, "\(self.subnet).\(Self.hostByte)")
        } catch {
            for descriptor in opened { Glibc.close(descriptor) }
            Self.removeNamespaces(tool, self.prefix, nodes)
            throw error
        }
        self.descriptors = opened
        self.packets = PacketSwitch(
            descriptors: opened,
            lastBytes: (0..<nodes).map { UInt8($0 + 1) } + [Self.hostByte],
            links: self.links
        )
    }

    /// Makes a TUN device; it goes with the descriptor.
    private static func openTunnel(_ name: String) throws -> Int32 {
        let descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw DrillFailure.system("open /dev/net/tun", errno) }
        // struct ifreq: 16 bytes of name, then the flags IFF_TUN | IFF_NO_PI.
        var request = [UInt8](repeating: 0, count: 40)
        for (index, byte) in name.utf8.prefix(15).enumerated() { request[index] = byte }
        request[16] = 0x01
        request[17] = 0x10
        let setInterface: UInt = 0x4004_54CA
        guard ioctl(descriptor, setInterface, &request) == 0 else {
            let number = errno
            Glibc.close(descriptor)
            throw DrillFailure.system("make the network device \(name)", number)
        }
        return descriptor
    }

    private static func configure(_ tool: String, _ device: String, _ namespace: String?, _ address: String) throws {
        var command = [tool]
        if let namespace {
            try CommandResult.require([tool, "link", "set", device, "netns", namespace])
            command += ["-n", namespace]
            try CommandResult.require(command + ["link", "set", "lo", "up"])
        }
        try CommandResult.require(command + ["address", "add", "\(address)/24", "dev", device])
        try CommandResult.require(command + ["link", "set", device, "mtu", "9000", "up"])
    }

    private static func removeNamespaces(_ tool: String, _ prefix: String, _ nodes: Int) {
        for node in 0..<nodes { _ = try? CommandResult.of([tool, "netns", "del", "\(prefix)-\(node + 1)"]) }
    }

    /// Removes namespaces of drills whose processes are gone: they were killed before they could.
    private static func removeLeftovers(_ tool: String) {
        for name in Files.names(in: "/run/netns") where name.hasPrefix("twd") {
            let number = name.dropFirst(3).prefix { $0.isNumber }
            if let process = Int(number), !Files.exists("/proc/\(process)") {
                _ = try? CommandResult.of([tool, "netns", "del", name])
            }
        }
    }

    var summary: String { "network namespaces \(self.prefix)-1 to -\(self.nodes) with a packet switch between them" }

    private func host(_ node: Int) -> String { "\(self.subnet).\(node + 1)" }
    private func namespace(_ node: Int) -> String { "\(self.prefix)-\(node + 1)" }

    func commandPrefix(_ node: Int) -> [String] { [self.tool, "netns", "exec", self.namespace(node)] }
    func clientAddress(_ node: Int) -> NodeAddress { NodeAddress(host: self.host(node), port: Self.clientPort) }
    func peerAddress(_ node: Int) -> String { "\(self.host(node)):\(Self.peerPort)" }
    func peerListenAddress(_ node: Int) -> String? { nil }
    func certificateHosts(_ node: Int) -> [String] { [self.host(node)] }
    func node(_ node: Int, runsAs process: Int32) {}

    func set(_ condition: LinkCondition, from: Int, to: Int) throws { self.links.set(condition, from: from, to: to) }

    func measure(from: Int, to: Int) throws -> LinkMeasurement {
        let folder = try Files.makeTemporaryFolder()
        defer { Files.removeTree(folder) }
        let (host, port) = (self.host(to), "7999")
        let output = "\(folder)/output"
        let delay = self.links.condition(from: from, to: to).delay
        let seconds = 0.8 + 2 * delay
        let receiver = try ChildProcess(
            self.commandPrefix(to) + [
                self.probe, "drill-probe", "receive", "--host", host, "--port", port, "--seconds", String(seconds),
            ],
            output: output,
            errors: "\(folder)/errors"
        )
        let isReady: Bool? = waitFor(seconds: 10) { (Files.text(output) ?? "").contains("ready") ? true : nil }
        guard isReady == true else {
            throw DrillFailure("Expected a probe to receive: \(Files.text("\(folder)/errors") ?? "")")
        }
        try CommandResult.require(
            self.commandPrefix(from) + [self.probe, "drill-probe", "send", "--host", host, "--port", port]
        )
        guard receiver.waitForEnd(seconds: 10 + seconds) != nil,
            let measurement = LinkProbe.measurement(Files.text(output) ?? "")
        else { throw DrillFailure("Expected the probe to count what it received") }
        return measurement
    }

    func close() {
        self.packets.stop()
        for descriptor in self.descriptors { Glibc.close(descriptor) }
        Self.removeNamespaces(self.tool, self.prefix, self.nodes)
    }
}
