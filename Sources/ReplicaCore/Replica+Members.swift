package import ProcessEngine
import RaftCore

/// The state of a replica is not what its leader's was at the same index. It must be replaced by a snapshot.
package struct ReplicaDivergence: Error, Hashable, Sendable, CustomStringConvertible {
    package var group: UInt32
    package var index: UInt64
    package var expected: StateDigest
    package var found: StateDigest

    package var description: String {
        "Expected the state of group \(group) before entry \(index) to have the digest \(expected.text), as its "
            + "leader has, "
            + "but got \(found.text): this replica's state is damaged; stop the node, remove it from the cluster, "
            + "and let "
            + "it join anew under another node id with an empty data folder"
    }
}

extension StateDigest {
    /// 32 hexadecimal digits.
    package var text: String {
        [high, low].map { number in
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }
}

/// Members, leadership and reads: what a replica does beside executing and applying.
extension Replica {
    // MARK: Members

    func accept(_ change: MemberChange, _ id: RequestID) {
        guard raft.role == .leader else {
            answer(id, .misdirected(reason: "this node does not lead group \(group)"))
            return
        }
        guard waitingChanges.count < limits.waitingChanges else {
            answer(id, .refused(reason: "\(waitingChanges.count) changes of members are waiting already"))
            return
        }
        waitingChanges.append((id, change))
    }

    /// Proposes the next change that waits.
    ///
    /// - Returns: whether something was proposed.
    func proposeChange() -> Bool {
        while openChange == nil, !waitingChanges.isEmpty {
            let (id, change) = waitingChanges.removeFirst()
            if isDone(change) {
                answer(id, .done)
                continue
            }
            if let objection = objection(to: change) {
                answer(id, objection)
                continue
            }
            do {
                let entry = try raft.proposeConfigurationChange(change.configurationChange)
                openChange = (id, entry, false)
                return true
            } catch {
                answer(id, .impossible(reason: "the members cannot be changed like this: \(error)"))
            }
        }
        return false
    }

    private func isDone(_ change: MemberChange) -> Bool {
        let members = raft.members
        if members.isJoint { return false }
        return switch change {
        case .addLearner(let node, _): members.allMembers.contains(node)
        case .promote(let node): members.voters.contains(node)
        case .remove(let node): !members.allMembers.contains(node)
        case .replaceVoter(let old, let new): !members.allMembers.contains(old) && members.voters.contains(new)
        case .leaveJoint: true
        }
    }

    /// Whether something was heard of a member lately. What the core notes is forgotten with every check of the quorum,
    /// so a moment of silence means nothing.
    private func isAlive(_ node: NodeID) -> Bool {
        if node == raft.id { return true }
        if let ticks = silentTicks[node] { return ticks < raft.configuration.electionTicks }
        return raft.status.peers.contains { $0.id == node && $0.isRecentlyActive }
    }

    /// Why a change is not made although the rules allow it; nil when it may be.
    private func objection(to change: MemberChange) -> ReplicaAnswer? {
        let promoted: NodeID
        switch change {
        case .promote(let node): promoted = node
        case .replaceVoter(_, let node): promoted = node
        case .remove(let node):
            guard raft.members.voters.contains(node), node != raft.id else { return nil }
            let rest = raft.members.voters.filter { $0 != node }
            let live = rest.filter { isAlive($0) }
            guard live.count * 2 <= rest.count else { return nil }
            return .impossible(
                reason: "without node \(node) only \(live.count) of \(rest.count) voters would be alive, which is no "
                    + "majority"
            )
        case .addLearner(let node, let address):
            guard !address.isEmpty, address.utf8.count <= Membership.addressByteLimit else {
                return .impossible(
                    reason: "Expected an address of 1 to \(Membership.addressByteLimit) bytes, but got another one"
                )
            }
            if raft.members.allMembers.count >= Membership.memberLimit {
                return .impossible(reason: "the cluster has too many members")
            }
            return node.rawValue == 0 ? .impossible(reason: "Expected a node id from 1 on, but got 0") : nil
        case .leaveJoint: return nil
        }
        guard let peer = raft.status.peers.first(where: { $0.id == promoted }) else {
            return .impossible(reason: "node \(promoted) is no learner of this cluster; add it first")
        }
        let lag = raft.lastIndex.distance(from: peer.match)
        guard isAlive(promoted) else {
            return .tooEarly(reason: "node \(promoted) has not been heard of lately; start it, and try again")
        }
        guard peer.state == .replicate, lag <= 1_000 else {
            return .tooEarly(reason: "node \(promoted) has not caught up: \(lag) entries to go; try again later")
        }
        return nil
    }

    /// Follows a committed change of members.
    ///
    /// - Returns: the members after it; nil when the entry changes none.
    func changeMembers(_ entry: LogEntry) -> Membership? {
        guard entry.kind != .normal else { return nil }
        do throws(ConfigurationChangeError) {
            let configuration = try raft.applyConfigurationChange(entry)
            membership.adopt(configuration, try? ConfigurationChange(of: entry))
            return membership
        } catch {
            // It cannot be made, on no member alike; or the state has it already.
            return nil
        }
    }

    /// Once an entry is in the state: tells the host of new members, and the operator who asked for them.
    func noteChange(_ committed: CommittedEntry) {
        if let membership = committed.membership { actions.append(.membersChanged(membership)) }
        guard var change = openChange else { return }
        let entry = committed.entry
        if change.entry == entry.id {
            guard committed.membership != nil else {
                openChange = nil
                answer(change.id, .impossible(reason: "the members cannot be changed like this any more"))
                return
            }
            change.isApplied = true
            openChange = change
        } else if entry.index >= change.entry.index, !change.isApplied {
            openChange = nil
            answer(change.id, .misdirected(reason: "leadership of group \(group) was lost before the change counted"))
            return
        }
        // A joint change is done when its second half is.
        if change.isApplied, !raft.members.isJoint {
            openChange = nil
            answer(change.id, .done)
        }
    }

    func dropChanges() {
        for (id, _) in waitingChanges { answer(id, .misdirected(reason: "this node no longer leads group \(group)")) }
        waitingChanges = []
        if let change = openChange {
            openChange = nil
            answer(change.id, .unknown(reason: "leadership was lost while the members were being changed"))
        }
    }

    // MARK: Leadership

    /// Hands leadership to a voter; nil is the one whose log is furthest.
    func transferLeadership(to node: NodeID?) {
        if let target = node ?? bestSuccessor { raft.transferLeadership(to: target) }
    }

    private var bestSuccessor: NodeID? {
        let peers = raft.status.peers.filter { $0.id != raft.id && !$0.isLearner && isAlive($0.id) }
        return peers.max { ($0.match, $1.id) < ($1.match, $0.id) }?.id
    }

    /// A leader that may not lead hands over at once, or steps down if there is nobody to take it.
    func setMayLead(_ may: Bool) {
        // Whoever is alone has nobody to leave it to.
        guard may || !isAlone else { return }
        raft.setElectionPriority(may ? .rank(0) : .never)
        guard !may, raft.role == .leader else { return }
        if let successor = bestSuccessor { raft.transferLeadership(to: successor) } else { raft.stepDown() }
    }

    /// A refused connection shows that a process is gone. If it led, nobody needs to wait for it to speak again: those
    /// who saw the same do not stand by it either (architecture.md, section 6).
    func notePeerDied(_ node: NodeID, campaignIn delay: Int64) {
        raft.reportUnreachable(node)
        guard raft.role != .leader, raft.leader == node else { return }
        raft.forgetLeader()
        campaignDelay = max(1, delay)
        campaignTime = time + campaignDelay
        campaignsLeft = 4
    }

    func campaignIfDue() {
        guard let due = campaignTime else { return }
        if raft.leader != nil || raft.role == .leader {
            campaignTime = nil
        } else if time >= due {
            raft.campaign()
            campaignsLeft -= 1
            // If the votes are split, the next round comes long before the time-out; the nodes' delays differ, so that
            // it is not split again.
            campaignTime = campaignsLeft > 0 ? time + 4 * campaignDelay : nil
        }
    }

    // MARK: Reads

    func read(_ id: ReadRequestID) {
        guard waitingReads.count < limits.waitingReads else {
            actions.append(.readFailed(id))
            return
        }
        do {
            try raft.readIndex(id)
        } catch {
            actions.append(.readFailed(id))
        }
    }

    func note(reads: [ReadState], failed: [ReadRequestID]) {
        for id in failed { actions.append(.readFailed(id)) }
        guard !reads.isEmpty else { return }
        waitingReads += reads
        releaseReads()
    }

    /// Whether a read waits for nothing but a save.
    var hasReadToRelease: Bool {
        waitingReads.contains { $0.index.rawValue <= position.appliedIndex }
    }

    /// Lets those read whose index the database has reached.
    func releaseReads() {
        guard !waitingReads.isEmpty else { return }
        let applied = state.position.appliedIndex
        for read in waitingReads where read.index.rawValue <= applied { actions.append(.readReady(read.request)) }
        waitingReads.removeAll { $0.index.rawValue <= applied }
    }
}
