import Synchronization

/// Where the nodes listen for clients; changes when a node is replaced.
final class AddressBook: Sendable {
    private let addresses: Mutex<[NodeAddress]>

    init(_ addresses: [NodeAddress]) { self.addresses = Mutex(addresses) }

    var count: Int { self.addresses.withLock { $0.count } }

    /// The address at this place, counted round and round.
    subscript(place: Int) -> NodeAddress {
        self.addresses.withLock { $0[place % $0.count] }
    }

    var all: [NodeAddress] { self.addresses.withLock { $0 } }

    func set(_ address: NodeAddress, at place: Int) { self.addresses.withLock { $0[place] = address } }
}
