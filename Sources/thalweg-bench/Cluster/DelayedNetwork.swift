import Glibc

/// Three networks for nodes, one for clients. What nodes send each other is under way for some time; what clients send is
/// not.
final class DelayedNetwork {
    let places: [NodePlace]
    /// Where the load generator is, and the bridges that join the nodes.
    let hub: NetworkNamespace

    /// - Throws: where networks cannot be made, which takes root and `ip` and `tc`.
    init(nodes: Int, delayMilliseconds: Int, in folder: TemporaryFolder) throws {
        let prefix = "twb\(getpid())"
        let hub = try NetworkNamespace("\(prefix)-hub", in: folder)
        for (bridge, address) in [("peers", "10.213.0.254/24"), ("clients", "10.213.1.254/24")] {
            try hub.run("ip link add \(bridge) type bridge")
            try hub.run("ip addr add \(address) dev \(bridge)")
            try hub.run("ip link set \(bridge) up")
        }
        try hub.run("ip link set lo up")
        var places: [NodePlace] = []
        for number in 1...nodes {
            let namespace = try NetworkNamespace("\(prefix)-\(number)", in: folder)
            try namespace.run("ip link set lo up")
            for (index, bridge) in ["peers", "clients"].enumerated() {
                try hub.run("ip link add \(bridge)\(number) type veth peer name \(bridge) netns \(namespace.name)")
                try hub.run("ip link set \(bridge)\(number) master \(bridge)")
                try hub.run("ip link set \(bridge)\(number) up")
                try namespace.run("ip addr add 10.213.\(index).\(number)/24 dev \(bridge)")
                try namespace.run("ip link set \(bridge) up")
            }
            // On the way out of each node: every packet between two nodes meets one such queue.
            try namespace.run("tc qdisc add dev peers root netem delay \(delayMilliseconds)ms limit 100000")
            places.append(
                NodePlace(
                    peerHost: "10.213.0.\(number)",
                    clientHost: "10.213.1.\(number)",
                    namespace: namespace
                )
            )
        }
        self.hub = hub
        self.places = places
    }
}
