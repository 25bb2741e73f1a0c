/// Carries out a change of members on a configuration and the progress kept for each member.
///
/// It works on copies; a change that cannot be made changes nothing.
struct ConfigurationChanger {
    private(set) var configuration: ClusterConfiguration
    private(set) var peers: [PeerProgress]
    /// The leader's last entry: where probing a new member begins.
    private let lastIndex: LogIndex
    private let inflight: InflightWindow

    init(_ tracker: ProgressTracker, lastIndex: LogIndex) {
        self.configuration = tracker.configuration
        self.peers = tracker.peers
        self.lastIndex = lastIndex
        self.inflight = tracker.emptyWindow
    }

    mutating func apply(_ change: ConfigurationChange) throws(ConfigurationChangeError) {
        if change.leavesJoint {
            try self.leaveJoint()
        } else if change.joint.isNeeded {
            try self.enterJoint(change.steps, autoLeave: change.joint.autoLeave)
        } else {
            try self.simple(change.steps)
        }
    }

    /// Changes at most one voter, so that old and new majorities overlap.
    mutating func simple(_ steps: [ConfigurationChange.Step]) throws(ConfigurationChangeError) {
        guard !self.configuration.isJoint else { throw .simpleChangeInJointConfiguration }
        let before = self.configuration.voters
        try self.carryOut(steps)
        guard NodeSet.differenceCount(before, self.configuration.voters) <= 1 else { throw .moreThanOneVoterChanged }
    }

    /// Makes the present voters the outgoing half and changes the incoming one.
    mutating func enterJoint(
        _ steps: [ConfigurationChange.Step],
        autoLeave: Bool
    ) throws(ConfigurationChangeError) {
        guard !self.configuration.isJoint else { throw .alreadyJoint }
        // An empty group has no majority that could agree to anything.
        guard !self.configuration.voters.isEmpty else { throw .zeroVoterConfiguration }
        self.configuration.votersOutgoing = self.configuration.voters
        try self.carryOut(steps)
        self.configuration.autoLeave = autoLeave
    }

    /// Drops the outgoing half; voters demoted meanwhile become learners only now.
    mutating func leaveJoint() throws(ConfigurationChangeError) {
        guard self.configuration.isJoint else { throw .notJoint }
        for node in self.configuration.learnersNext {
            NodeSet.insert(node, into: &self.configuration.learners)
            self.update(node) { $0.isLearner = true }
        }
        let outgoing = self.configuration.votersOutgoing
        self.configuration.learnersNext = []
        self.configuration.votersOutgoing = []
        self.configuration.autoLeave = false
        for node in outgoing where !self.isMember(node) { self.peers.removeAll { $0.id == node } }
    }

    private mutating func carryOut(_ steps: [ConfigurationChange.Step]) throws(ConfigurationChangeError) {
        for step in steps where step.node.rawValue != 0 {
            switch step.operation {
            case .addVoter: self.makeVoter(step.node)
            case .addLearner: self.makeLearner(step.node)
            case .remove: self.remove(step.node)
            case .update: break
            }
        }
        guard !self.configuration.voters.isEmpty else { throw .removedAllVoters }
        guard self.peers.count <= ClusterConfiguration.maxMembers else { throw .tooManyMembers }
    }

    private mutating func makeVoter(_ node: NodeID) {
        NodeSet.remove(node, from: &self.configuration.learners)
        NodeSet.remove(node, from: &self.configuration.learnersNext)
        NodeSet.insert(node, into: &self.configuration.voters)
        if self.isTracked(node) {
            self.update(node) { $0.isLearner = false }
        } else {
            self.track(node, isLearner: false)
        }
    }

    private mutating func makeLearner(_ node: NodeID) {
        guard self.isTracked(node) else {
            NodeSet.insert(node, into: &self.configuration.learners)
            self.track(node, isLearner: true)
            return
        }
        guard !NodeSet.contains(self.configuration.learners, node) else { return }
        NodeSet.remove(node, from: &self.configuration.voters)
        // A voter of the outgoing half keeps its vote there, so it cannot be a learner before that half is dropped.
        if NodeSet.contains(self.configuration.votersOutgoing, node) {
            NodeSet.insert(node, into: &self.configuration.learnersNext)
        } else {
            NodeSet.insert(node, into: &self.configuration.learners)
            self.update(node) { $0.isLearner = true }
        }
    }

    private mutating func remove(_ node: NodeID) {
        NodeSet.remove(node, from: &self.configuration.voters)
        NodeSet.remove(node, from: &self.configuration.learners)
        NodeSet.remove(node, from: &self.configuration.learnersNext)
        if !NodeSet.contains(self.configuration.votersOutgoing, node) { self.peers.removeAll { $0.id == node } }
    }

    private func isMember(_ node: NodeID) -> Bool {
        NodeSet.contains(self.configuration.voters, node) || NodeSet.contains(self.configuration.learners, node)
    }

    private func isTracked(_ node: NodeID) -> Bool { self.peers.contains { $0.id == node } }

    private mutating func update(_ node: NodeID, _ change: (inout PeerProgress) -> Void) {
        guard let position = self.peers.firstIndex(where: { $0.id == node }) else { return }
        change(&self.peers[position])
    }

    private mutating func track(_ node: NodeID, isLearner: Bool) {
        let next = max(self.lastIndex, LogIndex(1))
        var progress = PeerProgress(id: node, next: next, inflight: self.inflight, isLearner: isLearner)
        // Otherwise the next check of the quorum could depose the leader before the newcomer had a chance to answer.
        progress.isRecentlyActive = true
        let position = self.peers.firstIndex { $0.id > node } ?? self.peers.count
        self.peers.insert(progress, at: position)
    }
}
