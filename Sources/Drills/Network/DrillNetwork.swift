/// How one direction of a link behaves.
struct LinkCondition: Hashable, Sendable {
    /// Nothing passes.
    var isCut = false
    /// Added to each packet, in seconds.
    var delay = 0.0
    /// Share of packets that are lost, 0 to 1.
    var loss = 0.0

    static let good = LinkCondition()
}

/// What probes through one direction of a link showed.
struct LinkMeasurement: Hashable, Sendable {
    var sent: Int
    var received: Int
    /// Median time on the way, in seconds; 0 when nothing came through.
    var delayMedian: Double

    var lossShare: Double { self.sent == 0 ? 0 : 1 - Double(self.received) / Double(self.sent) }

    var text: String {
        let delay = self.received == 0 ? "" : ", median \(Figures.milliseconds(self.delayMedian)) on the way"
        return "\(self.received) of \(self.sent) probes came through\(delay)"
    }
}

/// What the nodes of a drill use to reach each other. Nodes are counted from 0.
protocol DrillNetwork: Sendable {
    /// What it is, for the report.
    var summary: String { get }
    /// What a node's command line begins with.
    func commandPrefix(_ node: Int) -> [String]
    /// Where a node listens for clients.
    func clientAddress(_ node: Int) -> NodeAddress
    /// What other nodes are told to reach it: `host:port`.
    func peerAddress(_ node: Int) -> String
    /// Where it listens for others, when that is not its peer address.
    func peerListenAddress(_ node: Int) -> String?
    /// Names and addresses for a node's certificate.
    func certificateHosts(_ node: Int) -> [String]
    /// Tells which process a node is, for networks that have to know who connects.
    func node(_ node: Int, runsAs process: Int32)
    /// Changes one direction of a link.
    func set(_ condition: LinkCondition, from: Int, to: Int) throws
    /// Measures one direction of a link.
    func measure(from: Int, to: Int) throws -> LinkMeasurement
    /// Undoes everything that the network did to the machine.
    func close()
}

/// Nodes on the loopback interface; links are as they are.
final class PlainNetwork: DrillNetwork {
    private let clientPorts: [UInt16]
    private let peerPorts: [UInt16]

    /// - Parameter firstPort: where the first node is to listen for clients, the next one at the next port; nil takes
    ///   any free ports.
    init(nodes: Int, firstPort: UInt16? = nil) throws {
        let ports = try FreePorts.find(2 * nodes)
        self.clientPorts =
            firstPort.map { first in (0..<nodes).map { first + UInt16($0) } } ?? Array(ports.prefix(nodes))
        self.peerPorts = Array(ports.suffix(nodes))
    }

    var summary: String { "loopback" }
    func commandPrefix(_ node: Int) -> [String] { [] }
    func clientAddress(_ node: Int) -> NodeAddress { NodeAddress(host: "127.0.0.1", port: self.clientPorts[node]) }
    func peerAddress(_ node: Int) -> String { "127.0.0.1:\(self.peerPorts[node])" }
    func peerListenAddress(_ node: Int) -> String? { nil }
    func certificateHosts(_ node: Int) -> [String] { ["127.0.0.1", "localhost"] }
    func node(_ node: Int, runsAs process: Int32) {}
    func close() {}

    func set(_ condition: LinkCondition, from: Int, to: Int) throws {
        throw DrillFailure("Expected a network whose links can be disturbed; set network: links in the scenario")
    }

    func measure(from: Int, to: Int) throws -> LinkMeasurement {
        throw DrillFailure("Expected a network whose links can be measured; set network: links in the scenario")
    }
}
