import Glibc

/// A network for each node, and one for clients. What nodes send each other is under way for some time; what clients
/// send is not.
final class DelayedNetwork {
    let places: [NodePlace]
    /// Where the load generator is.
    let hub: NetworkNamespace
    private let carrier: DelayingSwitch

    /// - Throws: where networks cannot be made, which takes root and the command `ip`.
    init(nodes: Int, delayMilliseconds: Int, in folder: TemporaryFolder) throws {
        let prefix = "twb\(getpid())"
        let hub = try NetworkNamespace("\(prefix)-hub", in: folder)
        try hub.run("ip link set lo up")
        try hub.run("ip link add clients type bridge")
        try hub.run("ip addr add 10.213.1.254/24 dev clients")
        try hub.run("ip link set clients up")
        var places: [NodePlace] = []
        var devices: [Int32] = []
        do {
            for number in 1...nodes {
                let namespace = try NetworkNamespace("\(prefix)-\(number)", in: folder)
                try namespace.run("ip link set lo up")
                devices.append(try namespace.within { try DelayingSwitch.openDevice("peers") })
                try namespace.run("ip addr add 10.213.0.\(number)/24 dev peers")
                try namespace.run("ip link set peers mtu 9000 up")
                try hub.run("ip link add node\(number) type veth peer name clients netns \(namespace.name)")
                try hub.run("ip link set node\(number) master clients up")
                try namespace.run("ip addr add 10.213.1.\(number)/24 dev clients")
                try namespace.run("ip link set clients up")
                places.append(
                    NodePlace(
                        peerHost: "10.213.0.\(number)",
                        clientHost: "10.213.1.\(number)",
                        namespace: namespace
                    )
                )
            }
        } catch {
            for device in devices { close(device) }
            throw error
        }
        self.hub = hub
        self.places = places
        self.carrier = DelayingSwitch(devices, delayNanoseconds: UInt64(delayMilliseconds) * 1_000_000)
    }

    deinit { self.carrier.stop() }

    /// The round trip between two nodes in milliseconds, as `ping` finds it; nil without `ping`.
    func roundTrip(in folder: TemporaryFolder) throws -> Double? {
        guard ChildProcess.isInstalled("ping") else { return nil }
        let text = try ChildProcess.run(
            "ip",
            ["netns", "exec", self.places[0].namespace?.name ?? "", "ping", "-c", "5", "-i", "0.2", "-q"]
                + [self.places[1].peerHost],
            in: folder
        )
        // rtt min/avg/max/mdev = 20.1/20.2/20.4/0.1 ms
        guard let equals = text.firstRange(of: "= ") else { return nil }
        return text[equals.upperBound...].split(separator: "/").dropFirst().first.flatMap { Double($0) }
    }
}
