import RaftCore

/// What goes wrong, within an atlas of faults that always leaves one good copy of what is committed, and what operators
/// do meanwhile.
extension KeyValueSimulation {
    mutating func injectFault() {
        let total = self.options.weights.reduce(0) { $0 + $1.weight }
        guard total > 0, self.injected < self.options.faultLimit else { return }
        self.injected += 1
        var choice = self.random.next(below: total)
        for (kind, weight) in self.options.weights {
            if choice < weight {
                if self.inject(kind) { self.report.count(kind) }
                return
            }
            choice -= weight
        }
    }

    /// False if the fault is not possible now.
    private mutating func inject(_ kind: FaultKind) -> Bool {
        switch kind {
        case .crash: return self.crashSome()
        case .powerCut: return self.cutAllPower()
        case .partition: return self.cutSome()
        case .pause: return self.pauseSome()
        case .troubledHost: return self.troubleSome()
        case .clockJump: return self.jumpClock()
        case .diskStall: return self.stallSome()
        case .diskFull: return self.fillSome()
        case .diskLoss: return self.loseDisk()
        case .bitFlip: return self.flipBits()
        case .membership: return self.changeMembers()
        case .transfer: return self.transferSomewhere()
        case .compaction: return self.compactSome()
        case .election: return self.campaignSomewhere()
        default: return false
        }
    }

    private mutating func anyServer() -> NodeID { self.servers[self.random.next(below: self.servers.count)].id }

    /// A leader if there is one, as the host of a client would find it; more often than not, faults hit where it hurts.
    private mutating func someLeader() -> NodeID? {
        let leaders = self.servers.filter { $0.node?.role == .leader }
        return leaders.isEmpty ? nil : leaders[self.random.next(below: leaders.count)].id
    }

    private mutating func victim() -> NodeID {
        if self.random.next(below: 3) == 0, let leader = self.someLeader() { return leader }
        return self.anyServer()
    }

    // MARK: Power

    private mutating func crashSome() -> Bool {
        let id = self.victim()
        guard self.servers[self.position(id)].node != nil else { return false }
        self.crash(id)
        return true
    }

    private mutating func cutAllPower() -> Bool {
        for id in self.servers.map(\.id) where self.servers[self.position(id)].node != nil { self.crash(id) }
        return true
    }

    /// Cuts the power of a server, between any two operations of its disk; it comes back soon or late.
    mutating func crash(_ id: NodeID, restartsWithin limit: Int? = nil) {
        let position = self.position(id)
        var work: InterruptedWork?
        var effects: [(entry: LogEntry, effect: KeyValueState.Effect)] = []
        let server = self.servers[position]
        if !server.appendQueue.isEmpty, !server.isFull {
            work = .log(server.appendQueue.map(LogStep.init))
        } else if let entries = server.applyQueue.first?.entries, !server.isFull {
            (work, effects) = self.interruptedApply(entries, of: server)
        }
        server.disk.backend.cutPower(during: work, &self.random)
        self.servers[position].forget()
        self.freeDisk(id)
        if server.hasDecayed { server.disk.backend.flipBits(&self.random) }
        do throws(DiskTrouble) {
            try server.disk.backend.open()
        } catch {
            guard case .damaged = error, server.hasDecayed else {
                self.checker.report("files: \(id) cannot open them after a power cut: \(error)")
                return
            }
            // Damage is noticed: the server comes back with new files, under a new identifier.
            self.replace(id)
            return
        }
        self.servers[position].hasDecayed = false
        let state = server.disk.state
        for (entry, effect) in effects where entry.index <= state.index { self.noteEffect(effect, of: entry) }
        self.checker.applied(at: state.index, digest: state.digest, members: state.members, by: id)
        let longest = limit ?? (self.random.next(below: 2) == 0 ? 80 : 1_500)
        self.queue.plan(.start(id), at: self.now + 1 + self.random.next(below: longest))
    }

    /// The state as the transaction under way would leave it. Changes of members are not followed here: their
    /// transaction simply does not arrive.
    private func interruptedApply(
        _ entries: [LogEntry],
        of server: KeyValueServer
    ) -> (work: InterruptedWork?, effects: [(entry: LogEntry, effect: KeyValueState.Effect)]) {
        var state = server.disk.state
        guard entries.allSatisfy({ $0.kind == .normal }) else { return (nil, []) }
        var effects: [(entry: LogEntry, effect: KeyValueState.Effect)] = []
        for entry in entries where entry.index > state.index {
            guard entry.index == state.index.next else { return (nil, []) }
            let effect = state.apply(entry, deduplicates: !self.options.defects.contains(.noDeduplication))
            effects.append((entry, effect))
        }
        return (.state(state, isDurable: false), effects)
    }

    // MARK: The atlas

    /// Whether this server's files may be lost for ever: no other change is under way, and those that remain are a
    /// quorum by themselves, so that every committed entry is left somewhere.
    private func maySpare(_ id: NodeID) -> Bool {
        let members = self.newestMembers
        guard self.allKnowMembers(but: id), !self.servers[self.position(id)].isRetired else { return false }
        let decayed = self.servers.filter { $0.isRetired || $0.hasDecayed || $0.id == id }.map(\.id)
        return self.hasQuorum(members.voters, without: decayed)
    }

    /// Whether every member knows durably who the members are. Otherwise one that was removed may be the only one who
    /// knows of it, and the others would need its vote for ever.
    private func allKnowMembers(but exception: NodeID? = nil) -> Bool {
        let members = self.newestMembers
        guard !members.isJoint, self.lastChange <= self.checker.highestApplied else { return false }
        return self.servers.allSatisfy { server in
            server.isRetired || server.id == exception || !members.allMembers.contains(server.id)
                || server.disk.backend.durableApplied >= self.newestMembersIndex
        }
    }

    private func hasQuorum(_ voters: [NodeID], without lost: [NodeID]) -> Bool {
        let left = voters.filter { !lost.contains($0) }
        return left.count >= MajorityQuorum(voters).size
    }

    private mutating func loseDisk() -> Bool {
        let id = self.anyServer()
        guard self.servers.count < self.options.serverLimit, self.maySpare(id) else { return false }
        if self.options.defects.contains(.identityReused) {
            self.reuseIdentity(of: id)
        } else {
            self.servers[self.position(id)].forget()
            self.replace(id)
        }
        return true
    }

    /// The files are gone: a new server joins in the place of the old one.
    private mutating func replace(_ id: NodeID) {
        let position = self.position(id)
        self.servers[position].isRetired = true
        self.servers[position].hasDecayed = false
        guard self.servers.count < self.options.serverLimit else { return }
        self.addServer(founders: [])
        guard let newcomer = self.servers.last?.id else { return }
        self.queue.plan(.start(newcomer), at: self.now + 1 + self.random.next(below: 500))
    }

    /// For a planted defect: empty files under the old identifier.
    private mutating func reuseIdentity(of id: NodeID) {
        let position = self.position(id)
        self.servers[position].forget()
        guard let disk = self.makeDisk(id, founders: []) else { return }
        self.servers[position].disk = disk
        self.queue.plan(.start(id), at: self.now + 1 + self.random.next(below: 100))
    }

    /// Bits flip now and are met when the files are read again.
    private mutating func flipBits() -> Bool {
        let id = self.anyServer()
        guard self.servers[self.position(id)].node != nil, self.maySpare(id) else { return false }
        self.servers[self.position(id)].hasDecayed = true
        self.crash(id)
        return true
    }

    // MARK: Network, time and slow disks

    /// Heals the network, isolates a server, splits the servers, or cuts single directions.
    private mutating func cutSome() -> Bool {
        self.cuts = []
        let ids = self.servers.map(\.id)
        switch self.random.next(below: 6) {
        case 0, 1: return true
        case 2, 3:
            let alone = self.victim()
            for id in ids where id != alone { self.cut(alone, id) }
        case 4:
            let side = ids.filter { _ in self.random.next(below: 2) == 0 }
            for left in side { for right in ids where !side.contains(right) { self.cut(left, right) } }
        default: for _ in 0...self.random.next(below: 4) { self.cuts.insert([self.anyServer(), self.anyServer()]) }
        }
        return true
    }

    private mutating func cut(_ left: NodeID, _ right: NodeID) {
        self.cuts.insert([left, right])
        self.cuts.insert([right, left])
    }

    /// Stops a process for a while, as a debugger, a hypervisor or a full memory do. It learns of it before or after
    /// it reads what has come meanwhile.
    private mutating func pauseSome() -> Bool {
        let id = self.victim()
        let position = self.position(id)
        guard self.servers[position].node != nil, self.servers[position].pausedUntil <= self.now else { return false }
        let length = 20 + self.random.next(below: 1_500)
        self.servers[position].pausedUntil = self.now + length
        guard length > self.options.tickTime * self.options.electionTicks / 2 else { return true }
        let delay = self.random.next(below: 2) * (1 + self.random.next(below: 20))
        self.queue.plan(.resume(id, life: self.servers[position].life), at: self.now + length + delay)
        return true
    }

    /// A host that neither reaches others nor its disk for a while, but still hears its clients; then everything that
    /// has gathered happens at once.
    private mutating func troubleSome() -> Bool {
        let id = self.victim()
        let length = 50 + self.random.next(below: 1_000)
        for other in self.servers.map(\.id) where other != id { self.cut(id, other) }
        self.queue.plan(.linksHealed(id), at: self.now + length)
        self.servers[self.position(id)].diskStalledUntil = self.now + length + self.random.next(below: 200)
        return true
    }

    /// A clock that was set forward, or a host that catches up: many ticks at once; or the rate changes.
    private mutating func jumpClock() -> Bool {
        let id = self.anyServer()
        let position = self.position(id)
        guard self.servers[position].node != nil, self.servers[position].pausedUntil <= self.now else { return false }
        self.servers[position].clockRate = self.draw(self.options.clockRates)
        for _ in 0..<self.random.next(below: 2 * self.options.electionTicks) { self.with(id) { $0.tick() } }
        return true
    }

    private mutating func stallSome() -> Bool {
        let position = self.position(self.victim())
        self.servers[position].diskStalledUntil = self.now + 50 + self.random.next(below: 1_500)
        return true
    }

    private mutating func fillSome() -> Bool {
        let id = self.anyServer()
        let position = self.position(id)
        guard self.servers[position].node != nil, !self.servers[position].isFull else { return false }
        self.servers[position].isFull = true
        self.servers[position].disk.backend.setFull(true)
        self.queue.plan(.diskFreed(id), at: self.now + 50 + self.random.next(below: 800))
        return true
    }

    mutating func freeDisk(_ id: NodeID) {
        self.servers[self.position(id)].isFull = false
        self.servers[self.position(id)].disk.backend.setFull(false)
    }

    // MARK: Operators

    private mutating func changeMembers() -> Bool {
        guard let leader = self.someLeader(), let node = self.servers[self.position(leader)].node else { return false }
        if node.members.isJoint {
            return !node.members.autoLeave && self.propose(.leaveJoint, to: leader)
        }
        var steps: [ConfigurationChange.Step] = []
        for _ in 0...self.random.next(below: 3) {
            let operations: [ConfigurationChange.Operation] = [.addVoter, .addVoter, .addLearner, .remove]
            steps.append(.init(operations[self.random.next(below: operations.count)], self.anyServer()))
        }
        let transitions: [ConfigurationChange.Transition] = [.automatic, .jointImplicit, .jointExplicit]
        return self.propose(ConfigurationChange(steps, transition: transitions[self.random.next(below: 3)]), to: leader)
    }

    /// Proposes a change unless it would leave the group to servers that are gone.
    private mutating func propose(_ change: ConfigurationChange, to leader: NodeID) -> Bool {
        guard let members = self.servers[self.position(leader)].node?.members else { return false }
        var voters = members.voters
        for step in change.steps {
            voters.removeAll { $0 == step.node }
            if step.operation == .addVoter { voters.append(step.node) }
        }
        let lost = self.servers.filter { $0.isRetired || $0.hasDecayed || self.abandoned.contains($0.id) }.map(\.id)
        guard self.hasQuorum(voters.sorted(), without: lost) else { return false }
        var entry: EntryID?
        self.with(leader) { entry = try? $0.proposeConfigurationChange(change) }
        if let entry { self.lastChange = max(self.lastChange, entry.index) }
        return entry != nil
    }

    private mutating func transferSomewhere() -> Bool {
        guard self.someLeader() != nil else { return false }
        let (from, to) = (self.anyServer(), self.anyServer())
        guard self.servers[self.position(from)].pausedUntil <= self.now else { return false }
        self.with(from) { $0.transferLeadership(to: to) }
        return true
    }

    /// Drops the log below what is durably applied, sometimes but for a tail.
    private mutating func compactSome() -> Bool {
        let position = self.position(self.anyServer())
        guard self.servers[position].node != nil, !self.servers[position].isFull else { return false }
        let disk = self.servers[position].disk
        let isDefective = self.options.defects.contains(.compactsBeyondDurable)
        let durable = isDefective ? disk.state.index : disk.backend.durableApplied
        let tail = UInt64(self.random.next(below: 15))
        guard durable.rawValue > tail, durable.rawValue - tail >= disk.firstIndex.rawValue else { return false }
        do throws(DiskTrouble) {
            try disk.backend.compact(through: LogIndex(durable.rawValue - tail), disk.state.members)
        } catch {
            if error != .full { self.checker.report("files: log of \(position + 1) cannot be compacted: \(error)") }
        }
        return true
    }

    /// Lets servers stand for election, as a host does when it has reason to believe that the leader is dead.
    private mutating func campaignSomewhere() -> Bool {
        let awake = self.servers.filter { $0.pausedUntil <= self.now }.map(\.id)
        let allForget = self.random.next(below: 2) == 0
        for id in awake where allForget || self.random.next(below: 3) == 0 { self.with(id) { $0.forgetLeader() } }
        // Two at a time, so that the others have to choose.
        for _ in 0..<2 where !awake.isEmpty {
            self.with(awake[self.random.next(below: awake.count)]) { $0.campaign() }
        }
        return true
    }

    /// Operators replace what is lost: the old member is removed, the new one joins as a learner and is promoted.
    mutating func repair() {
        guard let leader = self.someLeader(), let node = self.servers[self.position(leader)].node else { return }
        let members = node.members
        if members.isJoint {
            if self.isHealing || self.random.next(below: 4) == 0 { _ = self.propose(.leaveJoint, to: leader) }
            return
        }
        if let gone = members.allMembers.first(where: { self.servers[self.position($0)].isRetired }) {
            _ = self.propose(ConfigurationChange([.init(.remove, gone)]), to: leader)
            return
        }
        guard members.voters.count < self.options.initialVoters else { return }
        if let learner = members.learners.first(where: { !self.isAway($0) }) {
            _ = self.propose(ConfigurationChange([.init(.addVoter, learner)]), to: leader)
        } else if let newcomer = self.servers.first(where: {
            !self.isAway($0.id) && !members.allMembers.contains($0.id)
        }) {
            _ = self.propose(ConfigurationChange([.init(.addLearner, newcomer.id)]), to: leader)
        }
    }

    /// At the end of the faults: in every other run only a quorum comes back. That is demanded only where everybody
    /// knows the members, for otherwise those that stay away may be needed to learn of them.
    mutating func abandonSome() {
        let members = self.newestMembers
        guard self.random.next(below: 2) == 0, self.allKnowMembers() else { return }
        let alive = self.servers.filter { !$0.isRetired && members.allMembers.contains($0.id) }
        var lost = self.servers.filter(\.isRetired).map(\.id)
        for server in alive where self.random.next(below: 2) == 0 {
            guard self.hasQuorum(members.voters, without: lost + [server.id]) else { continue }
            lost.append(server.id)
            self.abandoned.insert(server.id)
            if server.node != nil { self.crash(server.id) }
        }
    }
}
