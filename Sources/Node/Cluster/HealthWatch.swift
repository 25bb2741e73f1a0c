import ClusterTransport
import Logging
import ReplicaCore
import Synchronization

/// Takes the right to lead from this node while its wall clock differs from the others' (architecture.md, section 3):
/// timers and deadlines would be wrong.
final class HealthWatch: Sendable {
    private let link: ClusterLink
    private let right: LeadershipRight
    private let logger: Logger
    private let task = Mutex<Task<Void, Never>?>(nil)

    init(link: ClusterLink, right: LeadershipRight, logger: Logger) {
        self.link = link
        self.right = right
        self.logger = logger
    }

    func start() {
        task.withLock { $0 = Task { [self] in await run() } }
    }

    func stop() { task.withLock { $0 }?.cancel() }

    private func run() async {
        var isKnown = false
        var mayLead = false
        while !Task.isCancelled {
            let links: [TransportPeerStatus] = await link.status()
            let offsets = links.compactMap(\.clockOffsetMicroseconds).map { $0 / 1_000 }
            let judged = ClockAgreement.judge(peerOffsets: offsets, mayLead: mayLead)
            if !offsets.isEmpty, judged.mayLead != mayLead || !isKnown {
                mayLead = judged.mayLead
                if isKnown || !mayLead { note(judged) }
                isKnown = true
                right.set(.clock, isRaised: !mayLead)
            }
            // At first often: the node may not lead before.
            try? await Task.sleep(for: .milliseconds(isKnown ? 500 : 20))
        }
    }

    private func note(_ judged: (offset: Int64, mayLead: Bool)) {
        let metadata: Logger.Metadata = ["clock.offset_ms": "\(judged.offset)"]
        if judged.mayLead {
            logger.notice("the clock agrees with the others again; this node may lead", metadata: metadata)
        } else {
            logger.critical(
                "the clock is wrong, so this node does not lead: check its time service (chronyc tracking)",
                metadata: metadata
            )
        }
    }
}

/// Judges a node's clock by how far the others' are ahead of it.
enum ClockAgreement {
    /// A node that is further off than this may not lead; it may again once it is within half of it.
    static let limitMilliseconds: Int64 = 500

    /// - Parameter peerOffsets: how far each peer's clock is ahead of this node's, in milliseconds.
    /// - Returns: how far this node is behind the median of all, itself included, and whether it may lead.
    static func judge(peerOffsets: [Int64], mayLead: Bool) -> (offset: Int64, mayLead: Bool) {
        let all = (peerOffsets + [0]).sorted()
        // Of two clocks nobody knows which is wrong, so neither is blamed.
        guard all.count >= 3 else { return (0, true) }
        let median = all[all.count / 2]
        let limit = mayLead ? limitMilliseconds : limitMilliseconds / 2
        return (median, abs(median) <= limit)
    }
}
