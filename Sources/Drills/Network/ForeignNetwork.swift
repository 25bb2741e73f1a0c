/// A cluster that runs already and is not the drill's: for rehearsals. Nothing of it is changed but by its own API.
final class ForeignNetwork: DrillNetwork {
    private let addresses: [NodeAddress]

    init(_ addresses: [NodeAddress]) { self.addresses = addresses }

    var summary: String { "a running cluster: \(self.addresses.map { $0.description }.joined(separator: ", "))" }
    func commandPrefix(_ node: Int) -> [String] { [] }
    func clientAddress(_ node: Int) -> NodeAddress { self.addresses[node] }
    func peerAddress(_ node: Int) -> String { "" }
    func peerListenAddress(_ node: Int) -> String? { nil }
    func certificateHosts(_ node: Int) -> [String] { [] }
    func node(_ node: Int, runsAs process: Int32) {}
    func close() {}

    func set(_ condition: LinkCondition, from: Int, to: Int) throws {
        throw DrillFailure("Expected a cluster of the drill's own for disturbed links")
    }

    func measure(from: Int, to: Int) throws -> LinkMeasurement {
        throw DrillFailure("Expected a cluster of the drill's own for measured links")
    }
}
