/// What happens during a drill, told while it happens.
enum DrillEvent: Hashable, Sendable {
    /// How the load stands.
    struct Standing: Hashable, Sendable {
        /// The node that says it leads, from 0.
        var leader: Int?
        var acknowledgedCommands: Int
        var instancesBegun: Int
        /// Nil when no node can say.
        var instancesActive: Int?
    }

    /// One node that runs.
    struct NodeIntroduction: Hashable, Sendable {
        var node: Int
        var process: Int32?
        var address: NodeAddress
        var data: String
    }

    case note(String)
    case ready([NodeIntroduction])
    case role(RoleChange)
    case struck(FaultKind, target: String, at: Double)
    /// A command sent behind the fault was acknowledged, so many seconds after it.
    case recovered(FaultKind, seconds: Double)
    case returned([Int], processes: [Int32?])
    case crashed(Int, String)
    case standing(Standing)
    case loadIsOver(Standing)
}

/// Tells people what happens. Called from many threads.
protocol DrillNarrator: Sendable {
    /// Whether standings should count instances, which costs a search.
    var countsInstances: Bool { get }
    func begin(_ stopwatch: Stopwatch)
    func tell(_ event: DrillEvent)
}
