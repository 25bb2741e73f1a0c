import ProcessEngine
import RaftCore
import ReplicaCore
import Simulation
import StateStore

/// Somebody who changes the members: adds nodes, removes them, and replaces those whose disk is lost. One task at a
/// time, each step for all groups, tried until it is done.
final class SimulatedOperator {
    private static let mostVoters = 5

    private unowned let world: NodeWorld
    private var steps: [(group: UInt32, change: MemberChange)] = []
    /// Who ends once the task is done.
    private var leaving: SimulatedHost?
    private var request: RequestID?
    private var lastRequest = 0
    /// By group: the index from which on a member knows of the last change that was done.
    private var settled: [UInt32: UInt64] = [:]

    init(_ world: NodeWorld) { self.world = world }

    /// Begins a task unless one is under way.
    func begin(_ fault: FaultKind) {
        guard self.steps.isEmpty, self.leaving == nil, let host = self.world.leaderHost(EngineGroups.instances),
            let group = host.group(EngineGroups.instances), !group.replica.configuration.isJoint
        else { return }
        let voters = group.replica.configuration.voters
        if fault == .diskLoss {
            if self.isSettled { self.replaceDisk(among: voters) }
        } else {
            self.changeMembers(voters)
        }
        if !self.steps.isEmpty {
            self.world.count(fault)
            self.advance()
        }
    }

    /// A disk is lost with its node: another node takes its place, under another id.
    private func replaceDisk(among voters: [NodeID]) {
        guard voters.count >= 3 else { return }
        let victim = self.world.host(voters[self.world.random.next(below: voters.count)])
        guard victim.isUp else { return }
        victim.isGone = true
        self.world.end(victim)
        let fresh = self.join()
        for group in self.world.groupNumbers {
            self.steps += [
                (group, .addLearner(fresh, address: "node-\(fresh):1")), (group, .promote(fresh)),
                (group, .remove(victim.id)),
            ]
        }
    }

    /// Whether every member knows durably who the members are. Until then a node that was removed, or whose disk is
    /// lost, may be the only one who knows, and those that remain may need its vote: no operator may destroy it yet.
    private var isSettled: Bool {
        for group in self.world.groupNumbers {
            guard let leader = self.world.leaderHost(group)?.group(group), !leader.replica.configuration.isJoint else {
                return false
            }
            for member in leader.replica.configuration.allMembers {
                guard let state = self.world.host(member).group(group)?.state,
                    state.durableAppliedIndex >= self.settled[group] ?? 0
                else { return false }
            }
        }
        return true
    }

    private func changeMembers(_ voters: [NodeID]) {
        if voters.count < Self.mostVoters, self.world.random.next(below: 2) == 0 {
            let fresh = self.join()
            for group in self.world.groupNumbers {
                self.steps += [(group, .addLearner(fresh, address: "node-\(fresh):1")), (group, .promote(fresh))]
            }
            return
        }
        let old = voters[self.world.random.next(below: voters.count)]
        if self.world.random.next(below: 2) == 0 {
            let fresh = self.join()
            for group in self.world.groupNumbers {
                self.steps += [
                    (group, .addLearner(fresh, address: "node-\(fresh):1")), (group, .replaceVoter(old, by: fresh)),
                ]
            }
        } else {
            guard voters.count > 3 else { return }
            for group in self.world.groupNumbers { self.steps.append((group, .remove(old))) }
        }
        self.leaving = self.world.host(old)
    }

    private func join() -> NodeID {
        let host = self.world.addHost()
        self.world.start(host)
        return host.id
    }

    private func advance() {
        guard let step = self.steps.first else {
            if let leaving = self.leaving {
                guard self.isSettled else {
                    self.world.plan(after: 500) { [unowned self] in if self.steps.isEmpty { self.advance() } }
                    return
                }
                self.leaving = nil
                leaving.isGone = true
                self.world.end(leaving)
            }
            return
        }
        self.world.plan(after: 100 + self.world.random.next(below: 300)) { [unowned self] in
            self.advanceLater(step.group, step.change)
        }
    }

    private func advanceLater(_ number: UInt32, _ change: MemberChange) {
        guard let host = self.world.leaderHost(number), host.pausedUntil <= self.world.now,
            let group = host.group(number)
        else { return self.advance() }
        self.lastRequest += 1
        let id = RequestID("members-\(self.lastRequest)")
        self.request = id
        self.world.step(host, group, [.changeMembers(id, change)])
        // Nobody answers for a node that ends or is cut off.
        self.world.plan(after: 2_000) { [unowned self] in
            guard self.request == id else { return }
            self.request = nil
            self.advance()
        }
    }

    /// Takes the answers to the operator's own requests.
    func answered(_ id: RequestID, _ answer: ReplicaAnswer) -> Bool {
        guard id.text.hasPrefix("members-") else { return false }
        guard self.request == id else { return true }
        self.request = nil
        if case .done = answer, let step = self.steps.first {
            self.steps.removeFirst()
            if let leader = self.world.leaderHost(step.group)?.group(step.group) {
                self.settled[step.group] = leader.replica.appliedIndex
            }
        }
        self.advance()
        return true
    }
}
