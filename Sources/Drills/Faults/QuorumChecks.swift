import JSON
import Synchronization

/// What nodes say while a majority is away.
final class QuorumChecks: Sendable {
    private let results = Mutex<[FaultRecord.Proof]>([])

    var all: [FaultRecord.Proof] { self.results.withLock { $0 } }

    private func add(_ text: String, _ holds: Bool) {
        self.results.withLock { $0.append(FaultRecord.Proof(text, holds: holds)) }
    }

    /// Asks every node that is left.
    func run(_ injector: FaultInjector, without gone: [Int]) {
        for node in 0..<injector.nodes where !gone.contains(node) {
            let address = injector.cluster.addresses[node]
            // A message that nobody waits for and that is not kept: harmless, should it be carried out later.
            let command = HTTPRequest.post(
                "/v2/messages/publication",
                JSONValue(members: ["name": .string("drill-nobody"), "timeToLive": .int(0)])
            )
            let began = injector.stopwatch.seconds
            let reply = try? HTTPConnection.send(command, to: address, timeoutSeconds: 15)
            let time = Figures.milliseconds(injector.stopwatch.seconds - began)
            let words = reply?.text.lowercased() ?? ""
            self.add(
                "node \(node + 1) answers a command with \(reply?.status ?? 0) in \(time): "
                    + "\(reply?.text.prefix(200) ?? "")",
                [503, 504].contains(reply?.status) && (words.contains("quorum") || words.contains("leader"))
            )
            let search = HTTPRequest.post(
                "/v2/process-instances/search?consistency=stale",
                JSONValue(members: ["page": JSONValue(members: ["limit": .int(1)])])
            )
            let stale = try? HTTPConnection.send(search, to: address, timeoutSeconds: 10)
            self.add("node \(node + 1) answers a stale read with \(stale?.status ?? 0)", stale?.status == 200)
        }
    }
}
