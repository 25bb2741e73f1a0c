/// A fault and when it strikes.
package struct FaultPlan: Hashable, Sendable {
    package var kind: FaultKind
    package var target: FaultTarget
    package var trigger: FaultTrigger
    /// How long it lasts until it is undone, in seconds.
    package var lasting: Double
    /// How often it strikes.
    package var times: Int
    /// Seconds from one strike being over (undone, and all nodes back) to the next.
    package var every: Double
    /// One-way delay of a slow link, or delay of one write to a slow disk, in seconds.
    package var delay: Double
    /// Share of packets that a lossy link loses, 0 to 1.
    package var loss: Double
    /// How far a clock jumps, in seconds.
    package var shift: Double
}

/// What can be done to a cluster.
package enum FaultKind: String, CaseIterable, Hashable, Sendable {
    /// `kill -9`, then start again.
    case kill
    /// SIGSTOP, then SIGCONT.
    case pause
    /// SIGTERM, then start again.
    case stop
    /// `kill -9` for all at once, then start all again.
    case restartAll = "restart-all"
    /// One node after the other: SIGTERM, start, wait until it is back.
    case rollingRestart = "rolling-restart"
    /// The data folder is lost: the node leaves, and a new one joins in its place.
    case wipe
    /// The leadership is handed to another node.
    case transfer
    /// Nothing passes between the node and the others.
    case cut
    /// Nothing passes from the node to the others, everything from the others to the node.
    case cutOneWay = "cut-one-way"
    case slowLinks = "slow-links"
    case lossyLinks = "lossy-links"
    /// The file system of the data folder has no space left.
    case fillDisk = "fill-disk"
    /// Every write and sync of the node takes longer.
    case slowDisk = "slow-disk"
    /// The node's wall clock jumps.
    case clockJump = "clock-jump"
    /// The node's certificates are over; later they are renewed and reloaded.
    case expireCertificate = "expire-certificate"
    /// Strangers talk to the cluster port.
    case garbage
    /// An element that ends every process that executes it.
    case trap

    /// Whether links have to be under the drill's control.
    package var needsLinks: Bool {
        switch self {
        case .cut, .cutOneWay, .slowLinks, .lossyLinks: true
        case .kill, .pause, .stop, .restartAll, .rollingRestart, .wipe, .transfer, .fillDisk, .slowDisk, .clockJump,
            .expireCertificate, .garbage, .trap:
            false
        }
    }

    /// Whether it needs more nodes than one.
    package var needsCluster: Bool {
        switch self {
        case .transfer, .wipe, .rollingRestart, .expireCertificate, .garbage: true
        case .cut, .cutOneWay, .slowLinks, .lossyLinks: true
        case .kill, .pause, .stop, .restartAll, .fillDisk, .slowDisk, .clockJump, .trap: false
        }
    }

    /// Whether it may be done to a cluster that does real work.
    package var isHarmless: Bool { self == .transfer || self == .pause }

    /// Keys of a scenario file that only this kind has.
    var ownKeys: [String] {
        switch self {
        case .slowLinks, .slowDisk: ["delay"]
        case .lossyLinks: ["loss"]
        case .clockJump: ["shift"]
        case .kill, .pause, .stop, .restartAll, .rollingRestart, .wipe, .transfer, .cut, .cutOneWay, .fillDisk,
            .expireCertificate, .garbage, .trap:
            []
        }
    }
}

/// To whom a fault is done; looked up when it strikes.
package enum FaultTarget: Hashable, Sendable, CustomStringConvertible {
    case leader
    case follower
    /// As many nodes as leave no majority, the leader among them.
    case majority
    case all
    case node(Int)

    package var description: String {
        switch self {
        case .leader: "leader"
        case .follower: "follower"
        case .majority: "majority"
        case .all: "all"
        case .node(let number): "node \(number)"
        }
    }
}

/// What a fault waits for.
package enum FaultTrigger: Hashable, Sendable {
    /// Seconds since the load began.
    case after(Double)
    /// So many acknowledged commands.
    case afterAcknowledged(Int)
}
