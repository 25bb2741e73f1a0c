import Synchronization

/// A node's role from one moment on.
struct RoleChange: Hashable, Sendable {
    /// Seconds since the drill began.
    var time: Double
    /// The node's place, from 0.
    var node: Int
    var role: NodeView.Role
    var term: Int64
}

/// Looks at all nodes all the time, as somebody from outside would.
final class ClusterObserver: Sendable {
    private static let interval = 0.05

    private let addresses: AddressBook
    private let stopwatch: Stopwatch
    private let isOver = Signal()
    private let threads = ThreadGroup()
    private let changes = Mutex<[RoleChange]>([])
    private let onChange: @Sendable (RoleChange) -> Void

    /// Begins to look.
    /// - Parameter onChange: called on threads of the observer's own.
    init(addresses: AddressBook, stopwatch: Stopwatch, onChange: @escaping @Sendable (RoleChange) -> Void) {
        self.addresses = addresses
        self.stopwatch = stopwatch
        self.onChange = onChange
        for node in 0..<addresses.count { self.threads.start("observer \(node + 1)") { self.watch(node) } }
    }

    private func watch(_ node: Int) {
        var last: (NodeView.Role, Int64)?
        var connection: HTTPConnection?
        while !self.isOver.value {
            let address = self.addresses[node]
            if connection?.address != address { connection = HTTPConnection(address, timeoutSeconds: 0.5) }
            if let connection {
                let view = NodeView.ask(connection)
                let now = (view.role, view.main?.term ?? 0)
                if last == nil || last ?? now != now {
                    last = now
                    let change = RoleChange(time: self.stopwatch.seconds, node: node, role: now.0, term: now.1)
                    self.changes.withLock { $0.append(change) }
                    self.onChange(change)
                }
            }
            DrillClock.sleep(seconds: Self.interval)
        }
    }

    /// Ends looking and returns all changes in the order of time.
    func stop() -> [RoleChange] {
        self.isOver.set()
        self.threads.join(seconds: 5)
        return self.changes.withLock { $0 }.sorted { $0.time < $1.time }
    }

    /// Asks all nodes now who leads; nil when nobody says so.
    func leader() -> Int? { Self.leader(self.addresses) }

    static func leader(_ addresses: AddressBook) -> Int? {
        var best: (node: Int, term: Int64)?
        for (node, address) in addresses.all.enumerated() {
            let view = NodeView.ask(address, timeoutSeconds: 0.5)
            guard view.role == .leader, let term = view.main?.term else { continue }
            if best.map({ $0.term < term }) ?? true { best = (node, term) }
        }
        return best?.node
    }
}
