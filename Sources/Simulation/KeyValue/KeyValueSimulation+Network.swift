import RaftCore

/// The network between the servers.
extension KeyValueSimulation {
    mutating func send(_ message: RaftMessage) {
        self.report.messages += 1
        self.checker.sent(message)
        if self.happens(self.options.lossChance) || self.isCut(message) {
            self.report.count(.loss)
            if case .snapshot = message.body { self.queue.plan(.snapshotLost(message), at: self.now + 1) }
            return
        }
        var delay = self.draw(self.options.latency)
        if self.happens(self.options.longDelayChance) {
            // Longer than several elections: answers of an earlier term arrive in a later one.
            self.report.count(.longDelay)
            delay += self.random.next(below: 2_500)
        }
        self.queue.plan(.deliver(message), at: self.now + delay)
        if self.happens(self.options.duplicateChance) {
            self.report.count(.duplication)
            self.queue.plan(.deliver(message), at: self.now + 10 * self.draw(self.options.latency))
        }
    }

    private func isCut(_ message: RaftMessage) -> Bool { self.cuts.contains([message.from, message.to]) }

    mutating func deliver(_ message: RaftMessage) {
        self.note(message.from.rawValue << 32 | message.to.rawValue)
        self.note(message.term.rawValue)
        let isReachable = !self.isCut(message) && self.servers[self.position(message.to)].node != nil
        self.reportTransfer(of: message, succeeded: isReachable)
        guard isReachable else { return }
        self.with(message.to) { $0.step(message) }
        if let node = self.servers[self.position(message.to)].node {
            self.note(node.commitIndex.rawValue)
            self.note(node.lastIndex.rawValue)
        }
    }

    /// Whoever transfers a snapshot notices how that ended.
    mutating func reportTransfer(of message: RaftMessage, succeeded: Bool) {
        guard case .snapshot = message.body else { return }
        self.with(message.from) { $0.reportSnapshot(to: message.to, succeeded: succeeded) }
    }
}
