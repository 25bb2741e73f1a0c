import Synchronization

/// Looks for metrics above zero for as long as a drill lasts: an alarm that came and went was raised.
final class MetricWatch: Sendable {
    private let names: [String]
    private let addresses: AddressBook
    private let seen = Mutex<Set<String>>([])

    init(_ signs: [AlarmSign], _ addresses: AddressBook) {
        self.names = signs.compactMap { sign in
            if case .metric(let name) = sign { name } else { nil }
        }
        self.addresses = addresses
    }

    func hasSeen(_ name: String) -> Bool { self.seen.withLock { $0.contains(name) } }

    func run(isOver: Signal) {
        guard !self.names.isEmpty else { return }
        while !isOver.value {
            for address in self.addresses.all {
                guard let reply = try? HTTPConnection.send(.get("/metrics"), to: address, timeoutSeconds: 1) else {
                    continue
                }
                let text = String(decoding: reply.body, as: UTF8.self)
                for name in self.names where Self.isAboveZero(name, in: text) {
                    self.seen.withLock { _ = $0.insert(name) }
                }
            }
            DrillClock.sleep(seconds: 0.5)
        }
    }

    /// Whether a metric of this name, with whatever labels, is above zero in the Prometheus text format.
    static func isAboveZero(_ name: String, in text: String) -> Bool {
        text.split(separator: "\n").contains { line in
            guard line.hasPrefix(name), let value = line.split(separator: " ").last else { return false }
            let rest = line.dropFirst(name.count)
            guard rest.hasPrefix("{") || rest.hasPrefix(" ") else { return false }
            return (Double(value) ?? 0) > 0
        }
    }
}
