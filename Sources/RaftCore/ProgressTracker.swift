/// The members, what is known about each, and the votes of an election.
struct ProgressTracker: Sendable {
    private(set) var configuration: ClusterConfiguration
    /// One per member, sorted by id.
    var peers: [PeerProgress]
    /// Answers of the present election, in order of arrival.
    private(set) var votes: [(node: NodeID, isGranted: Bool)] = []
    let emptyWindow: InflightWindow
    var plantedDefects: PlantedDefects = []

    init(_ configuration: ClusterConfiguration, nextIndex: LogIndex, window: InflightWindow) {
        self.configuration = configuration
        self.emptyWindow = window
        self.peers = configuration.allMembers.map { node in
            let isLearner = NodeSet.contains(configuration.learners, node)
            var progress = PeerProgress(id: node, next: nextIndex, inflight: window, isLearner: isLearner)
            progress.isRecentlyActive = true
            return progress
        }
    }

    mutating func adopt(_ changer: ConfigurationChanger) {
        self.configuration = changer.configuration
        self.peers = changer.peers
    }

    func position(of node: NodeID) -> Int? { self.peers.firstIndex { $0.id == node } }

    subscript(node: NodeID) -> PeerProgress? { self.peers.first { $0.id == node } }

    /// Who must agree.
    var quorum: JointQuorum {
        self.plantedDefects.isEmpty ? self.configuration.quorum : self.defectiveQuorum
    }

    private var defectiveQuorum: JointQuorum {
        let configuration = self.configuration
        let isJoint = configuration.isJoint
        if self.plantedDefects.contains(.jointQuorumOfUnion), isJoint {
            return JointQuorum(incoming: configuration.allVoters)
        }
        if self.plantedDefects.contains(.jointQuorumOfIncomingHalf), isJoint {
            return JointQuorum(incoming: configuration.voters)
        }
        if self.plantedDefects.contains(.learnersInQuorum) {
            let voters = NodeSet.union(configuration.voters, configuration.learners)
            return JointQuorum(incoming: voters, outgoing: configuration.votersOutgoing)
        }
        return configuration.quorum
    }

    /// The highest index a quorum has acknowledged.
    var committed: LogIndex {
        LogIndex(self.quorum.committed { self[$0]?.match.rawValue })
    }

    /// Whether the leader has heard from a quorum lately.
    var isQuorumActive: Bool {
        self.quorum.result { self[$0]?.isRecentlyActive } == .won
    }

    mutating func resetVotes() { self.votes = [] }

    /// Notes an answer; a node's first one counts.
    mutating func record(_ isGranted: Bool, from node: NodeID) {
        if !self.votes.contains(where: { $0.node == node }) { self.votes.append((node, isGranted)) }
    }

    var electionResult: VoteResult {
        self.quorum.result { node in self.votes.first { $0.node == node }?.isGranted }
    }
}
