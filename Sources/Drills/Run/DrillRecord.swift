/// Everything that a drill left behind, from which reports are made.
struct DrillRecord: Sendable {
    var scenario: Scenario
    var isShort = false
    var network = ""
    /// Names of the nodes, by place.
    var nodeNames: [String] = []
    /// Seconds since the drill began.
    var loadBegan = 0.0
    var loadEnded = 0.0
    var finished = 0.0
    var faults: [FaultRecord] = []
    var roles: [RoleChange] = []
    var acknowledgements: [Acknowledgement] = []
    /// Instances begun and acknowledged, by model.
    var instances: [LoadModel: Int] = [:]
    var jobsCompleted = 0
    var messagesPublished = 0
    var repeats: [String: Int] = [:]
    var findings: [Finding] = []
    var registers = RegisterCheck.Verdict(holds: true, text: "no registers")
    var registerOperations = 0
    /// By node: what its state comes to; nil where it does not say.
    var digests: [String?] = []
    var alarms: [FaultRecord.Proof] = []
    var quorum: [FaultRecord.Proof] = []
    /// Processes that ended although nobody asked them to.
    var crashes: [String] = []
    /// Why it was broken off; nil when it ran to its end.
    var aborted: String?

    var timeline: Timeline {
        Timeline(answered: self.acknowledgements.map { $0.answered }, start: self.loadBegan, end: self.loadEnded)
    }

    /// From each fault to the next acknowledged command; nil where none came.
    var recoveries: [Double?] {
        self.faults.map { Timeline.recovery(since: $0.recoveryBase, self.acknowledgements) }
    }

    var verdicts: [Verdict] { Verdict.all(of: self) }
    var hasPassed: Bool { self.aborted == nil && self.verdicts.allSatisfy { $0.holds } }
}
