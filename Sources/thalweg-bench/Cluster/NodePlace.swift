/// Where one node of a cluster runs.
struct NodePlace {
    /// The address at which the other nodes reach it.
    var peerHost = "127.0.0.1"
    /// The address at which clients reach it.
    var clientHost = "127.0.0.1"
    /// The network it is in; nil for this program's own.
    var namespace: NetworkNamespace?

    /// Runs `body`, and starts what it starts, in the network of this place.
    func within<Value>(_ body: () throws -> Value) throws -> Value {
        guard let namespace = self.namespace else { return try body() }
        return try namespace.within(body)
    }
}
