import ClusterTransport
package import Gateway
import ProcessEngine
import RaftCore
import ReplicaCore
import Synchronization

extension ThalwegNode: ClusterAdministration {
    package func members() async -> [MemberStatus] {
        let links: [TransportPeerStatus] = await link?.status() ?? []
        let groups = runners.keys.sorted().compactMap { group in
            runners[group].map { (group, $0.snapshot.withLock { $0 }) }
        }
        var nodes: Set<NodeID> = []
        for (_, snapshot) in groups { nodes.formUnion(snapshot.membership.configuration.allMembers) }
        return nodes.sorted().map { node in
            var status = MemberStatus(
                node: node.rawValue,
                address: groups.lazy.compactMap { $0.1.membership.address(of: node) }.first ?? "",
                role: groups.lazy.map { ThalwegNode.role(of: node, in: $0.1.membership.configuration) }.first ?? "none",
                isConnected: node == nodeID || link?.isConnected(node) == true
            )
            for (group, snapshot) in groups {
                if snapshot.leader == node { status.leads.append(group) }
                if node == nodeID, !snapshot.isLeader {
                    status.lag[group] = runners[group]?.lag.entries
                } else if let peer = snapshot.peers.first(where: { $0.id == node }) {
                    status.lag[group] = UInt64(LogIndex(snapshot.commitIndex).distance(from: peer.match))
                }
            }
            let offset = links.first { $0.node == node }?.clockOffsetMicroseconds
            status.clockOffsetMilliseconds = offset.map { $0 / 1_000 }
            return status
        }
    }

    private static func role(of node: NodeID, in members: ClusterConfiguration) -> String {
        let isVoter = members.voters.contains(node)
        if members.isJoint {
            let wasVoter = members.votersOutgoing.contains(node)
            if isVoter != wasVoter { return isVoter ? "joining" : "leaving" }
        }
        return isVoter ? "voter" : "learner"
    }

    package func change(_ change: ClusterChange, timeout: Duration) async -> AdministrationOutcome {
        guard link != nil else {
            return .impossible(
                reason: "this server runs alone; make a cluster with 'thalweg cluster init' on three machines"
            )
        }
        let memberChange: MemberChange =
            switch change {
            case .addLearner(let node, let address): .addLearner(NodeID(node), address: address)
            case .promote(let node): .promote(NodeID(node))
            case .remove(let node): .remove(NodeID(node))
            }
        let deadline = ContinuousClock.now + timeout
        for group in runners.keys.sorted() {
            guard let runner = runners[group] else { continue }
            let outcome = ThalwegNode.outcome(await make(memberChange, in: runner, deadline))
            if outcome != .done { return outcome }
        }
        return .done
    }

    private func make(
        _ change: MemberChange,
        in runner: GroupRunner,
        _ deadline: ContinuousClock.Instant
    ) async -> ReplicaAnswer {
        let id = newRequestID()
        return await untilAnswered(runner, deadline) { leader in
            guard leader == self.nodeID else {
                let timeout = max(1, ThalwegNode.milliseconds(ContinuousClock.now.duration(to: deadline)))
                let request = ForwardedRequest.changeMembers(
                    group: runner.group,
                    id,
                    change,
                    timeoutMilliseconds: timeout
                )
                return await self.forward(request, to: leader, deadline)
            }
            return await withCheckedContinuation { continuation in
                if runner.waiters.add(id, deadline: deadline, { continuation.resume(returning: $0) }) {
                    runner.post(.changeMembers(id, change))
                } else {
                    continuation.resume(returning: .refused(reason: "the server is stopping"))
                }
            }
        }
    }

    private static func outcome(_ answer: ReplicaAnswer) -> AdministrationOutcome {
        switch answer {
        case .done, .answered: .done
        case .impossible(let reason): .impossible(reason: reason)
        case .tooEarly(let reason): .tooEarly(reason: reason)
        case .refused(let reason), .misdirected(let reason), .failed(let reason): .unavailable(reason: reason)
        case .unknown(let reason): .unknown(reason: reason)
        }
    }

    package func transferLeadership(to node: UInt64?, timeout: Duration) async -> AdministrationOutcome {
        guard let link else { return .impossible(reason: "this server runs alone") }
        if let conflict = link.conflict.reason { return .unavailable(reason: conflict) }
        let deadline = ContinuousClock.now + timeout
        let target = node.map { NodeID($0) }
        for group in runners.keys.sorted() {
            guard let runner = runners[group] else { continue }
            let outcome = await transfer(runner, to: target, deadline)
            if outcome != .done { return outcome }
        }
        return .done
    }

    /// Asks the leader to hand over, and waits until another one, or the one wanted, leads.
    private func transfer(
        _ runner: GroupRunner,
        to target: NodeID?,
        _ deadline: ContinuousClock.Instant
    ) async -> AdministrationOutcome {
        let first = runner.snapshot.withLock { $0 }
        if let target, !first.membership.configuration.voters.contains(target) {
            return .impossible(reason: "node \(target) is no voter of group \(runner.group)")
        }
        if first.membership.configuration.voters.count < 2 {
            return .impossible(reason: "there is no other voter to lead group \(runner.group)")
        }
        var isAsked = false
        while ContinuousClock.now < deadline {
            let leader = runner.snapshot.withLock { $0.leader }
            if let leader {
                if leader == target || (target == nil && isAsked && leader != first.leader) { return .done }
                if leader == nodeID {
                    runner.post(.transferLeadership(to: target))
                } else if case .misdirected = await forward(
                    .transferLeadership(group: runner.group, to: target),
                    to: leader,
                    deadline
                ) {
                    await runner.leaderSignal.wait()
                    continue
                }
                isAsked = true
            }
            // A transfer takes a few round trips; it is asked for again only after an election time-out.
            for _ in 0..<GroupTiming.electionTicks where ContinuousClock.now < deadline {
                await runner.leaderSignal.wait()
                let now = runner.snapshot.withLock { $0.leader }
                if let now, now == target || (target == nil && now != first.leader) { return .done }
            }
        }
        return .unavailable(reason: "group \(runner.group) has not changed its leader in time; try again")
    }
}
