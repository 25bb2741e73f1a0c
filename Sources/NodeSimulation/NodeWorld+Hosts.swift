import ProcessEngine
import RaftCore
import RaftLog
import ReplicaCore
import SQLite
import SimulatedDisk
import Simulation
import StateStore

/// What the driver of a node does: hands inputs to replicas and carries out their actions, one thing after the other.
extension NodeWorld {
    private static let fullDiskRetry = 500

    // MARK: Life

    func start(_ host: SimulatedHost) {
        guard !host.isUp, !host.isGone else { return }
        let cut = self.mayCutAtStart && self.chance(60) ? self.random.next(below: 30) : nil
        do {
            if self.options.has(.appliedIndexApart), host.life > 0 {
                try host.setBackAppliedIndexes(random: &self.random)
            }
            try host.start(seed: self.random.next(), cutAfter: cut)
        } catch {
            guard host.disk.isOff else { return self.violation("\(host.id) does not start: \(error)") }
            self.crash(host, as: .crashAtWrite)
            return
        }
        for group in host.groups {
            group.reader.makeSnapshot = { [unowned self, unowned group] in self.makeSnapshot(of: group) }
            self.checkers[group.number]?.opened(group, by: host.id)
            self.planTick(host, group)
            self.step(host, group, [])
            guard host.isUp else { return }
            group.replica.campaignAlone()
            self.step(host, group, [])
            guard host.isUp else { return }
        }
        self.planUpkeep(host)
    }

    /// Ends a node by a power cut, or only its process, and plans its next start.
    func crash(_ host: SimulatedHost, as fault: FaultKind) {
        guard host.isUp || host.disk.isOff else { return }
        self.count(fault)
        let loss: DiskImage.Loss =
            switch fault {
            case .crash: .losesNothing
            default: [.losesAll, .losesNothing, .random(seed: self.random.next())][self.random.next(below: 3)]
            }
        let wasLeading = host.groups.contains(where: \.isLeader)
        host.crash(loss)
        self.gateway.hostEnded(host)
        self.noticeDeath(of: host, wasLeading: wasLeading)
        let rest = self.isHealing ? 100 : 100 + self.random.next(below: 3_000)
        self.plan(after: rest) { [unowned self] in self.start(host) }
    }

    /// Ends a node for good.
    func end(_ host: SimulatedHost) {
        guard host.isUp else { return }
        host.crash(.losesNothing)
        self.gateway.hostEnded(host)
        self.noticeDeath(of: host, wasLeading: true)
    }

    /// Refused connections tell the others.
    private func noticeDeath(of host: SimulatedHost, wasLeading: Bool) {
        guard wasLeading, self.random.next(below: 2) == 0 else { return }
        for other in self.hosts where other.isUp && other !== host {
            if self.cuts.contains(Link(from: other.id, to: host.id)) { continue }
            self.plan(on: other, after: self.draw(self.options.latency)) { [unowned self] in
                let delay = Int64(10 + self.random.next(below: 40))
                for group in other.groups { self.step(other, group, [.peerDied(host.id, campaignIn: delay)]) }
            }
        }
    }

    private func planTick(_ host: SimulatedHost, _ group: HostedGroup) {
        // Tick clocks differ by up to a tenth.
        let tick = self.options.tickTime
        let drift = self.random.next(below: tick / 5 + 1) - tick / 10
        self.plan(on: host, after: tick + drift) { [unowned self, unowned group] in
            self.step(host, group, [.tick])
            if host.isUp { self.planTick(host, group) }
        }
    }

    /// Durable commits, checkpoints, a shorter log.
    private func planUpkeep(_ host: SimulatedHost) {
        self.plan(on: host, after: self.draw(self.options.upkeepInterval / 2...self.options.upkeepInterval)) {
            [unowned self] in
            for group in host.groups {
                self.attempt(on: host) {
                    if group.state.durableAppliedIndex < group.state.position.appliedIndex {
                        group.state.requestDurableCommit()
                    }
                    try self.compact(host, group, tail: self.options.logTail)
                    // Each node moves finished instances out of its state in its own time.
                    let finished = try group.finishedInstances(limit: self.random.next(below: 8))
                    if !finished.isEmpty { self.step(host, group, [.archived(finished)]) }
                }
            }
            if host.isUp { self.planUpkeep(host) }
        }
    }

    func compact(_ host: SimulatedHost, _ group: HostedGroup, tail: UInt64) throws {
        guard let log = host.log, group.state.durableAppliedIndex > tail + 1 else { return }
        let status = try group.reader.status()
        // The log itself may know of less that is committed.
        let through = min(LogIndex(group.state.durableAppliedIndex - tail), status.hardState.commit)
        guard through >= status.firstIndex else { return }
        do {
            try log.compact(
                GroupID(group.number),
                incarnation: IncarnationID(1),
                through: through,
                configuration: group.replica.configuration
            )
        } catch let error as RaftLogError where error.code == .diskFull {
            return
        }
    }

    // MARK: Steps

    /// Does something on a node. A failure is a power cut if the power is off, and otherwise a fault of ours.
    func attempt(on host: SimulatedHost, _ body: () throws -> Void) {
        guard host.isUp else { return }
        do {
            try body()
        } catch {
            if host.disk.isOff {
                self.crash(host, as: .crashAtWrite)
            } else {
                self.violation("\(host.id) cannot go on: \(error)")
            }
        }
    }

    /// Gives inputs to a replica and does what it says.
    func step(_ host: SimulatedHost, _ group: HostedGroup, _ inputs: [ReplicaInput]) {
        self.attempt(on: host) { try self.takeStep(host, group, inputs) }
    }

    private func takeStep(_ host: SimulatedHost, _ group: HostedGroup, _ first: [ReplicaInput]) throws {
        var inputs = first
        repeat {
            let actions = try group.replica.step(inputs, time: host.localTime(self.now))
            // What a step decided that met the lack of power never left the node.
            if host.disk.isOff { throw SimulatedHostError.powerIsOff }
            inputs = []
            self.checkers[group.number]?.stepped(group, on: host.id)
            self.note(host.id.rawValue << 32 | group.replica.appliedIndex)
            self.note(group.replica.commitIndex.rawValue << 32 | group.replica.term.rawValue)
            if !group.isLeader { self.note(group.replica.digest.low) }
            for action in actions { self.perform(action, host, group, &inputs) }
        } while !inputs.isEmpty || group.replica.hasWorkLeft
        try self.checkpoint(host, group)
        self.planWake(host, group)
    }

    /// A checkpoint needs the state without an open transaction: if one is open the next batch waits.
    private func checkpoint(_ host: SimulatedHost, _ group: HostedGroup) throws {
        guard group.state.isCheckpointDue else { return }
        if !group.replica.isExecutionHeld {
            group.replica.isExecutionHeld = true
            return try self.takeStep(host, group, [])
        }
        guard !group.replica.hasOpenTransaction else { return }
        try group.state.checkpointIfNeeded()
        group.replica.isExecutionHeld = false
        try self.takeStep(host, group, [])
    }

    private func planWake(_ host: SimulatedHost, _ group: HostedGroup) {
        guard let time = group.replica.wakeTime else { return }
        let wait = max(1, min(time - host.localTime(self.now), 1 << 30))
        let moment = self.now + Int(wait)
        if let planned = group.wake, planned <= moment { return }
        group.wake = moment
        self.plan(on: host, after: Int(wait)) { [unowned self, unowned group] in
            // An earlier one may have taken its place.
            guard group.wake == moment || (group.wake ?? .max) <= self.now else { return }
            group.wake = nil
            self.step(host, group, [])
        }
    }

    private func perform(
        _ action: ReplicaAction,
        _ host: SimulatedHost,
        _ group: HostedGroup,
        _ next: inout [ReplicaInput]
    ) {
        switch action {
        case .persist(let work):
            group.work.append(work)
            self.gateway.proposed(work, host, group)
            if group.work.count == 1 { self.planDisk(host, group) }
        case .send(let messages): for message in messages { self.send(message) }
        case .answer(let id, let answer): self.gateway.answered(id, answer, host, group, &next)
        case .transfer(let record):
            let command = InternalCommand.receive(
                record.content,
                sourceGroup: group.number,
                sequence: record.sequence
            )
            self.gateway.route(command, to: record.targetGroup, from: host)
        case .acknowledge(let source, let sequence):
            self.gateway.route(.acknowledge(targetGroup: group.number, sequence: sequence), to: source, from: host)
        case .readReady(let id): group.reads.removeValue(forKey: id)?(true)
        case .readFailed(let id): group.reads.removeValue(forKey: id)?(false)
        case .becameLeader, .lostLeadership, .membersChanged: break
        case .report(let report): self.note(report, host, group)
        }
    }

    private func note(_ report: ReplicaReport, _ host: SimulatedHost, _ group: HostedGroup) {
        switch report {
        case .outOfSpace where host.isDiskFull: break
        default: self.violation("\(host.id), group \(group.number): \(report)")
        }
    }

    // MARK: The log

    private func planDisk(_ host: SimulatedHost, _ group: HostedGroup) {
        let delay = max(self.draw(self.options.diskLatency), host.stalledUntil - self.now)
        self.plan(on: host, after: delay) { [unowned self, unowned group] in
            self.attempt(on: host) { try self.write(host, group) }
        }
    }

    /// Does what waits for the log, sometimes only the first piece.
    private func write(_ host: SimulatedHost, _ group: HostedGroup) throws {
        var done: [ReplicaInput] = []
        let most = self.random.next(below: 4) == 0 ? 1 : group.work.count
        while done.count < most, let work = group.work.first {
            guard try self.persist(work, host, group) else {
                self.plan(on: host, after: Self.fullDiskRetry) { [unowned self, unowned group] in
                    self.attempt(on: host) { try self.write(host, group) }
                }
                if !done.isEmpty { try self.takeStep(host, group, done) }
                return
            }
            group.work.removeFirst()
            done.append(.persisted(work))
        }
        if !group.work.isEmpty { self.planDisk(host, group) }
        // The word that it is durable may take its time; new work may come meanwhile.
        if !done.isEmpty { try self.takeStep(host, group, done) }
    }

    /// Makes log work durable, as the node's driver does.
    ///
    /// - Returns: false when there is no space now.
    private func persist(_ work: StorageAppend, _ host: SimulatedHost, _ group: HostedGroup) throws -> Bool {
        guard work.mustSync || work.snapshot != nil || !work.entries.isEmpty else {
            group.pendingHardState = work.hardState ?? group.pendingHardState
            return true
        }
        var installed: (generation: UInt64, state: SQLiteState)?
        if let snapshot = work.snapshot {
            guard let item = self.depot.item(SnapshotDepot.number(in: snapshot.data)) else {
                self.violation("\(host.id) installs a snapshot whose files it never fetched")
                return true
            }
            installed = try group.prepareGeneration(item)
            if installed == nil { return false }
        }
        let hardState = work.hardState ?? group.pendingHardState
        let checker = self.checkers[group.number]
        checker?.willPersist(work, hardState: hardState, by: host.id)
        do {
            try host.log?.append(
                LogWrite(
                    group: GroupID(group.number),
                    incarnation: IncarnationID(1),
                    hardState: hardState,
                    snapshot: work.snapshot?.metadata,
                    stateGeneration: installed?.generation,
                    entries: work.entries
                )
            )
        } catch let error as RaftLogError where error.code == .diskFull && host.isDiskFull {
            checker?.didNotPersist(by: host.id)
            return false
        }
        checker?.didPersist(by: host.id)
        group.pendingHardState = nil
        if let installed {
            try group.adopt(installed.generation, installed.state)
            self.count(\.snapshots)
        }
        return true
    }
}
