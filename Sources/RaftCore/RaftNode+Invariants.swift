/// What a host or an operator may look at.
package struct RaftStatus: Hashable, Sendable {
    package var id: NodeID
    package var group: GroupID
    package var incarnation: IncarnationID
    package var role: Role
    package var leader: NodeID?
    package var hardState: HardState
    package var applied: LogIndex
    package var lastIndex: LogIndex
    package var firstIndex: LogIndex
    package var members: ClusterConfiguration
    package var transferee: NodeID?
    /// Payload bytes appended as leader and not applied yet.
    package var uncommittedBytes: Int
    /// One per member, sorted; empty unless this node leads.
    package var peers: [PeerStatus]
    package var fault: RaftFault?
}

extension RaftNode {
    /// The node's state at a glance.
    package var status: RaftStatus {
        RaftStatus(
            id: self.id,
            group: self.configuration.group,
            incarnation: self.configuration.incarnation,
            role: self.role,
            leader: self.leader,
            hardState: self.hardState,
            applied: self.log.applied,
            lastIndex: self.log.lastIndex,
            firstIndex: self.log.firstIndex,
            members: self.tracker.configuration,
            transferee: self.transferee,
            uncommittedBytes: self.uncommittedBytes,
            peers: self.role == .leader ? self.tracker.peers.map(PeerStatus.init) : [],
            fault: self.fault
        )
    }

    /// Checks what must hold between any two inputs. Cheap enough to call after every step in tests and drills.
    ///
    /// - Returns: one sentence per violation; none when the node is sound.
    package mutating func checkInvariants() -> [String] {
        var violations: [String] = []
        func expect(_ condition: Bool, _ sentence: @autoclosure () -> String) {
            if !condition { violations.append("\(self.id): \(sentence())") }
        }
        let log = self.log
        expect(log.applied <= log.applying, "applied \(log.applied) is beyond what was handed out, \(log.applying)")
        expect(log.applying <= log.committed, "handed out \(log.applying) is beyond committed \(log.committed)")
        expect(log.committed <= log.lastIndex, "committed \(log.committed) is beyond the last entry \(log.lastIndex)")
        expect(log.unstable.offsetInProgress >= log.unstable.offset, "work in progress lies before the unstable log")
        expect(log.unstable.offsetInProgress <= log.lastIndex.next, "work in progress lies beyond the log")
        expect(self.tracker.configuration.isWellFormed, "members contradict themselves")
        expect(
            self.tracker.peers.map(\.id) == self.tracker.configuration.allMembers,
            "progress is kept for other nodes than the members"
        )
        for (position, entry) in log.unstable.entries.enumerated() {
            expect(entry.index == log.unstable.offset + position, "unstable entry \(entry.index) is out of place")
            expect(entry.term <= self.term, "entry \(entry.index) is of the future term \(entry.term)")
        }
        self.checkRole(expect)
        return violations
    }

    private func checkRole(_ expect: (Bool, @autoclosure () -> String) -> Void) {
        switch self.role {
        case .leader:
            expect(self.leader == self.id, "a leader follows \(String(describing: self.leader))")
            for peer in self.tracker.peers {
                expect(peer.match < peer.next, "progress of \(peer.id) has match \(peer.match), next \(peer.next)")
                expect(peer.match <= self.log.lastIndex, "\(peer.id) matches \(peer.match), which does not exist")
                expect(peer.next <= self.log.lastIndex.next, "\(peer.id) is sent \(peer.next), which does not exist")
            }
        case .candidate:
            expect(self.vote == self.id, "a candidate voted for another")
            expect(self.leader == nil, "a candidate has a leader")
        case .preCandidate:
            expect(self.leader == nil, "a pre-candidate has a leader")
        case .follower:
            expect(self.leader != self.id, "a follower follows itself")
        }
    }
}
