import ProcessEngine
import RaftCore
import ReplicaCore
import SimulatedDisk
import Simulation
import StateStore

/// What goes wrong, and what operators do meanwhile.
extension NodeWorld {
    func planFault() {
        self.plan(after: 1 + self.random.next(below: 2 * self.options.faultInterval)) { [unowned self] in
            guard !self.isHealing else { return }
            self.injectFault()
            self.planFault()
        }
    }

    private func injectFault() {
        if let limit = self.options.scenario.faultLimit, self.injected >= limit { return }
        let total = self.options.weights.reduce(0) { $0 + $1.weight }
        guard total > 0 else { return }
        var choice = self.random.next(below: total)
        for (kind, weight) in self.options.weights {
            if choice < weight {
                if !self.options.scenario.disabledFaults.contains(kind) { self.inject(kind) }
                return
            }
            choice -= weight
        }
    }

    private func inject(_ fault: FaultKind) {
        self.injected += 1
        let host = self.anyHost()
        switch fault {
        case .powerCut, .crash: self.crashSome(host, fault)
        case .crashAtWrite: if host.isUp { host.disk.cutPower(after: self.random.next(below: 40)) }
        case .partition: self.partition()
        case .oneWayCut:
            for _ in 0...self.random.next(below: 3) {
                self.cuts.insert(Link(from: self.anyHost().id, to: self.anyHost().id))
            }
            self.count(fault)
        case .diskStall:
            host.stalledUntil = self.now + self.draw(100...3_000)
            self.count(fault)
        case .diskFull: self.fillDisk(host)
        case .clockJump: self.jumpClock(host)
        case .pause: self.pause(host)
        case .transfer: self.transferSomewhere()
        case .compaction: self.compactSome(host)
        case .membership, .diskLoss: self.operators.begin(fault)
        case .mayNotLead: self.forbidLeading(host)
        default: break
        }
    }

    private func crashSome(_ host: SimulatedHost, _ fault: FaultKind) {
        let victims = self.random.next(below: 8) == 0 ? self.hosts : [host]
        for victim in victims where victim.isUp { self.crash(victim, as: fault) }
    }

    /// Heals the network, isolates a node, or splits the nodes.
    private func partition() {
        self.cuts = []
        let ids = self.hosts.filter { !$0.isGone }.map(\.id)
        switch self.random.next(below: 3) {
        case 0: return
        case 1:
            let alone = self.anyHost().id
            for id in ids where id != alone { self.cut(alone, id) }
        default:
            let side = ids.filter { _ in self.random.next(below: 2) == 0 }
            for left in side { for right in ids where !side.contains(right) { self.cut(left, right) } }
        }
        self.count(.partition)
    }

    private func cut(_ left: NodeID, _ right: NodeID) {
        self.cuts.insert(Link(from: left, to: right))
        self.cuts.insert(Link(from: right, to: left))
    }

    private func fillDisk(_ host: SimulatedHost) {
        guard host.isUp, !host.isDiskFull else { return }
        self.count(.diskFull)
        host.isDiskFull = true
        host.disk.limit(toBytes: host.disk.image.totalBytes + self.random.next(below: 60_000))
        self.plan(on: host, after: self.draw(300...3_000)) { [unowned self] in self.freeDisk(host) }
    }

    private func freeDisk(_ host: SimulatedHost) {
        host.isDiskFull = false
        host.disk.heal()
    }

    /// Within what a node that may lead is allowed; with the planted defect as far as somebody may set a clock.
    private func jumpClock(_ host: SimulatedHost) {
        self.count(.clockJump)
        let bound = self.options.has(.wallClockTime) ? 20_000 : Int(NodeWorld.clockBound)
        host.clockOffset = Int64(self.random.next(below: 2 * bound + 1) - bound)
        host.clockDrift = Int64(self.random.next(below: 401) - 200)
    }

    private func pause(_ host: SimulatedHost) {
        guard host.isUp, host.pausedUntil <= self.now else { return }
        self.count(.pause)
        let life = host.life
        let length = self.draw(100...4_000)
        host.pausedUntil = self.now + length
        // The process notices that it did not run before anything else.
        self.plan(after: length - 1) { [unowned self] in
            guard host.isUp, host.life == life, length > 500 else { return }
            host.pausedUntil = self.now
            for group in host.groups { self.step(host, group, [.resumed]) }
        }
    }

    private func transferSomewhere() {
        let group = self.groupNumbers[self.random.next(below: self.groupNumbers.count)]
        guard let host = self.leaderHost(group), let hosted = host.group(group) else { return }
        self.count(.transfer)
        let target = self.random.next(below: 2) == 0 ? nil : self.anyHost().id
        if host.pausedUntil <= self.now { self.step(host, hosted, [.transferLeadership(to: target)]) }
    }

    private func compactSome(_ host: SimulatedHost) {
        guard host.isUp, host.pausedUntil <= self.now else { return }
        self.count(.compaction)
        for group in host.groups {
            group.state.requestDurableCommit()
            self.attempt(on: host) { try self.compact(host, group, tail: 0) }
        }
    }

    private func forbidLeading(_ host: SimulatedHost) {
        guard host.isUp, host.pausedUntil <= self.now else { return }
        self.count(.mayNotLead)
        for group in host.groups { self.step(host, group, [.mayLead(false)]) }
        self.plan(on: host, after: self.draw(200...2_000)) { [unowned self] in
            for group in host.groups { self.step(host, group, [.mayLead(true)]) }
        }
    }

    /// The end of all faults.
    func healAll() {
        self.cuts = []
        for host in self.hosts where !host.isGone {
            if !host.isUp {
                self.start(host)
                continue
            }
            // A power cut that was about to come comes now, so that none is left.
            if host.disk.isPowerEnding {
                self.crash(host, as: .crashAtWrite)
                continue
            }
            self.freeDisk(host)
            host.stalledUntil = 0
            for group in host.groups { self.step(host, group, [.mayLead(true)]) }
        }
    }
}
