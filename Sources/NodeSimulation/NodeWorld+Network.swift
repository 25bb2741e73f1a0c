import ProcessEngine
import RaftCore
import ReplicaCore
import Simulation
import StateStore

/// The network between nodes, and snapshots on their way.
extension NodeWorld {
    /// How long the files of a snapshot may travel.
    private static let transferTime = 5...400

    func isCut(_ from: NodeID, _ to: NodeID) -> Bool { self.cuts.contains(Link(from: from, to: to)) }

    /// Sends a message of the consensus, which may be lost, late, doubled, or overtaken.
    func send(_ message: RaftMessage) {
        self.count(\.messages)
        if case .snapshot = message.body {
            self.transfer(message)
            return
        }
        if self.chance(self.lossChance) || self.isCut(message.from, message.to) {
            self.count(.loss)
            self.noticeLoss(message)
            return
        }
        let delay = self.draw(self.options.latency)
        self.plan(after: delay) { [unowned self] in self.deliver(message) }
        if self.chance(self.duplicateChance) {
            self.count(.duplication)
            let later = 10 * self.draw(self.options.latency)
            self.plan(after: later) { [unowned self] in self.deliver(message) }
        }
    }

    /// A sender learns now and then that its connection is broken.
    private func noticeLoss(_ message: RaftMessage) {
        guard self.random.next(below: 4) == 0 else { return }
        let sender = self.host(message.from)
        self.plan(on: sender, after: self.draw(self.options.latency)) { [unowned self] in
            guard let group = sender.group(message.group.rawValue) else { return }
            self.step(sender, group, [.unreachable(message.to)])
        }
    }

    private func deliver(_ message: RaftMessage) {
        let target = self.host(message.to)
        guard target.isUp, !self.isCut(message.from, message.to) else {
            self.count(.loss)
            return
        }
        // A paused process finds its messages when it runs again.
        self.plan(on: target, after: 0) { [unowned self] in
            guard let group = target.group(message.group.rawValue) else { return }
            self.note(message.from.rawValue << 32 | message.to.rawValue)
            self.step(target, group, [.received(message)])
        }
    }

    /// Something that travels over a connection of its own: late or lost as a whole.
    ///
    /// - Parameter lost: called when it does not arrive.
    func carry(from: NodeID, to: NodeID, lost: @escaping () -> Void = {}, _ body: @escaping () -> Void) {
        if from == to {
            self.plan(after: 0, body)
            return
        }
        if self.chance(self.lossChance) || self.isCut(from, to) {
            self.plan(after: self.draw(self.options.latency), lost)
            return
        }
        self.plan(after: self.draw(self.options.latency)) { [unowned self] in
            if self.isCut(from, to) || !self.host(to).isUp { lost() } else { body() }
        }
    }

    // MARK: Snapshots

    /// Nil when none can be made now: for lack of space or power.
    func makeSnapshot(of group: HostedGroup) -> Snapshot? {
        guard group.state.position.appliedIndex > 0, var item = try? group.copyState(),
            let members = try? Membership(decoding: item.manifest.membership)
        else { return nil }
        if self.options.has(.sessionsLostInSnapshot) {
            item.bytes = (try? SnapshotDepot.withoutAnswers(item.bytes)) ?? item.bytes
        }
        let metadata = SnapshotMetadata(
            index: LogIndex(item.manifest.position.appliedIndex),
            term: Term(item.manifest.position.appliedTerm),
            configuration: members.configuration
        )
        return Snapshot(metadata: metadata, data: SnapshotDepot.encode(self.depot.add(item)))
    }

    /// The receiver fetches the files first; only then its replica sees the message. The sender learns how it ended.
    private func transfer(_ message: RaftMessage) {
        let target = self.host(message.to)
        let time = self.draw(Self.transferTime)
        let isLost = self.chance(200)
        self.plan(after: time) { [unowned self] in
            guard !isLost, target.isUp, target.pausedUntil <= self.now, !self.isCut(message.from, message.to),
                !self.isCut(message.to, message.from), self.host(message.from).isUp,
                case .snapshot(let snapshot) = message.body,
                self.depot.item(SnapshotDepot.number(in: snapshot.data)) != nil,
                let group = target.group(message.group.rawValue)
            else {
                self.count(.loss)
                self.reportTransfer(message, succeeded: false)
                return
            }
            self.step(target, group, [.received(message)])
            self.reportTransfer(message, succeeded: true)
        }
    }

    private func reportTransfer(_ message: RaftMessage, succeeded: Bool) {
        let sender = self.host(message.from)
        self.plan(on: sender, after: self.draw(self.options.latency)) { [unowned self] in
            guard let group = sender.group(message.group.rawValue) else { return }
            self.step(sender, group, [.snapshotReported(message.to, succeeded: succeeded)])
        }
    }
}
