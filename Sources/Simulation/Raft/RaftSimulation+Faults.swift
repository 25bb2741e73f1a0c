import RaftCore

/// What goes wrong, and what operators do meanwhile.
extension RaftSimulation {
    mutating func injectFault() {
        let options = self.options
        let weights = [
            options.crashWeight, options.partitionWeight, options.membershipWeight, options.transferWeight,
            options.compactionWeight, options.electionWeight,
        ]
        let total = weights.reduce(0, +)
        guard total > 0, self.injected < options.faultLimit else { return }
        self.injected += 1
        var choice = self.random.next(below: total)
        for (kind, weight) in weights.enumerated() {
            if choice < weight {
                self.inject(kind)
                return
            }
            choice -= weight
        }
    }

    private mutating func inject(_ kind: Int) {
        switch kind {
        case 0: self.crashSome()
        case 1: self.cutSome()
        case 2: self.changeMembers()
        case 3: self.transferSomewhere()
        case 4: self.compactSome()
        default: self.campaignSomewhere()
        }
    }

    private mutating func anyServer() -> NodeID { self.replicas[self.random.next(below: self.replicas.count)].id }

    /// A leader if there is one, as the host of a client would find it.
    private mutating func someLeader() -> NodeID? {
        let leaders = self.replicas.filter { $0.node?.role == .leader }
        return leaders.isEmpty ? nil : leaders[self.random.next(below: leaders.count)].id
    }

    /// Cuts the power of one server, sometimes of all.
    private mutating func crashSome() {
        let isPowerCut = self.random.next(below: 8) == 0
        let victims = isPowerCut ? self.replicas.map(\.id) : [self.anyServer()]
        for id in victims where self.replicas[self.position(id)].node != nil {
            self.count(isPowerCut ? .powerCut : .crash)
            self.crash(id)
        }
    }

    /// Cuts the power of a server; it comes back soon or late.
    mutating func crash(_ id: NodeID) {
        let position = self.position(id)
        let surviving = self.random.next(below: self.replicas[position].appendQueue.count + 1)
        let lost = self.replicas[position].appendQueue.prefix(surviving).compactMap(\.hardState)
        self.replicas[position].crash(survivingWork: surviving)
        for hardState in lost { self.checker.persisted(hardState, by: id) }
        let longest = self.random.next(below: 2) == 0 ? 100 : 2_000
        self.queue.plan(.start(id), at: self.now + 1 + self.random.next(below: longest))
    }

    /// Lets a server stand for election, as a host does when it has reason to believe that the leader is dead.
    private mutating func campaignSomewhere() {
        self.count(.election)
        for _ in 0...self.random.next(below: 2) {
            let id = self.anyServer()
            let forgets = self.random.next(below: 2) == 0
            self.with(id) {
                if forgets { $0.forgetLeader() }
                $0.campaign()
            }
        }
    }

    /// Heals the network, isolates a server, splits the servers, or cuts a single direction.
    private mutating func cutSome() {
        self.cuts = []
        let ids = self.replicas.map(\.id)
        switch self.random.next(below: 4) {
        case 0:
            return
        case 1:
            let alone = self.anyServer()
            for id in ids where id != alone { self.cut(alone, id) }
        case 2:
            let side = ids.filter { _ in self.random.next(below: 2) == 0 }
            for left in side { for right in ids where !side.contains(right) { self.cut(left, right) } }
        default:
            for _ in 0...self.random.next(below: 3) { self.cuts.insert([self.anyServer(), self.anyServer()]) }
        }
        self.count(.partition)
    }

    private mutating func cut(_ left: NodeID, _ right: NodeID) {
        self.cuts.insert([left, right])
        self.cuts.insert([right, left])
    }

    private mutating func changeMembers() {
        guard let leader = self.someLeader(), let node = self.replicas[self.position(leader)].node else { return }
        if node.members.isJoint, !node.members.autoLeave {
            self.with(leader) { _ = try? $0.proposeConfigurationChange(.leaveJoint) }
            return
        }
        var steps: [ConfigurationChange.Step] = []
        for _ in 0...self.random.next(below: 3) {
            let operations: [ConfigurationChange.Operation] = [.addVoter, .addVoter, .addLearner, .remove]
            steps.append(.init(operations[self.random.next(below: operations.count)], self.anyServer()))
        }
        let transitions: [ConfigurationChange.Transition] = [.automatic, .jointImplicit, .jointExplicit]
        let change = ConfigurationChange(steps, transition: transitions[self.random.next(below: 3)])
        var isTaken = false
        self.with(leader) { isTaken = (try? $0.proposeConfigurationChange(change)) != nil }
        if isTaken { self.count(.membership) }
    }

    private mutating func transferSomewhere() {
        guard self.someLeader() != nil else { return }
        let (from, to) = (self.anyServer(), self.anyServer())
        self.count(.transfer)
        self.with(from) { $0.transferLeadership(to: to) }
    }

    /// Makes a snapshot of what is durably applied and drops the log before it, sometimes but for a tail.
    private mutating func compactSome() {
        let position = self.position(self.anyServer())
        let machine = self.replicas[position].durableMachine
        guard machine.index > .zero else { return }
        let storage = self.replicas[position].storage
        storage.makeSnapshot(at: machine.index, configuration: machine.members, data: machine.snapshotData)
        let tail = UInt64(self.random.next(below: 20))
        guard storage.latestSnapshot.id.index.rawValue > tail else { return }
        storage.compact(through: LogIndex(storage.latestSnapshot.id.index.rawValue - tail))
    }
}
