import Glibc

extension FaultInjector {
    /// `kill -9`: the processes are gone; all at the same moment when there are several.
    func kill(_ plan: FaultPlan, _ targets: [Int], _ record: inout FaultRecord) throws {
        let processes = try targets.map { try self.running($0) }
        for node in targets { self.cluster.markUnwanted(node) }
        self.begin(&record)
        for process in processes { _ = Glibc.kill(process.identifier, SIGKILL) }
        for (node, process) in zip(targets, processes) {
            let ending = process.waitForEnd(seconds: 10)
            let isGone = Glibc.kill(process.identifier, 0) != 0 && errno == ESRCH
            record.prove(
                "process \(process.identifier) of node \(node + 1) ended by \(ending?.description ?? "nothing")",
                ending == .signaled(SIGKILL) && isGone
            )
        }
        if self.leavesNoMajority(targets), targets.count < self.nodes { self.quorumChecks.run(self, without: targets) }
        self.last(plan.lasting)
        if self.leavesNoMajority(targets) { self.awaitFromNow(&record) }
        try self.bringBack(targets, &record)
    }

    /// SIGSTOP: the processes are there, but do nothing.
    func pause(_ plan: FaultPlan, _ targets: [Int], _ record: inout FaultRecord) throws {
        let processes = try targets.map { try self.localProcess($0) }
        self.begin(&record)
        defer { for process in processes { _ = Glibc.kill(process, SIGCONT) } }
        for process in processes { _ = Glibc.kill(process, SIGSTOP) }
        for (node, process) in zip(targets, processes) {
            let isStopped = waitFor(seconds: 2, every: 0.001) { ChildProcess.stateLetter(process) == "T" ? true : nil }
            record.prove("process \(process) of node \(node + 1) is in state T", isStopped ?? false)
        }
        self.last(plan.lasting)
        if self.leavesNoMajority(targets) { self.awaitFromNow(&record) }
        for (node, process) in zip(targets, processes) {
            let state = ChildProcess.stateLetter(process).map { String($0) } ?? "gone"
            record.prove("after \(plan.lasting) s it is still in state \(state)", state == "T")
            _ = Glibc.kill(process, SIGCONT)
            let isRunning = waitFor(seconds: 2, every: 0.001) { ChildProcess.stateLetter(process) != "T" ? true : nil }
            record.prove("node \(node + 1) runs again", isRunning ?? false)
        }
        try self.awaitReturn(targets, &record)
    }

    /// The process of a node; one that the drill did not start is found by its port, on this machine.
    private func localProcess(_ node: Int) throws -> pid_t {
        if let process = self.cluster.process(node), process.isRunning { return process.identifier }
        let address = self.cluster.addresses[node]
        guard ["127.0.0.1", "localhost"].contains(address.host),
            let process = ConnectionOwner.listener(port: address.port)
        else { throw DrillFailure("Expected node \(node + 1) at \(address) to be a process of this machine") }
        return process
    }

    /// SIGTERM: the node ends in good order.
    func stop(_ plan: FaultPlan, _ targets: [Int], _ record: inout FaultRecord) throws {
        self.begin(&record)
        for node in targets { try self.stopInOrder(node, &record) }
        self.last(plan.lasting)
        if self.leavesNoMajority(targets) { self.awaitFromNow(&record) }
        try self.bringBack(targets, &record)
    }

    /// One node after the other: ended in good order, started, back.
    func rollingRestart(_ record: inout FaultRecord) throws {
        record.nodes = Array(0..<self.nodes)
        record.target = "all nodes, one after the other"
        self.begin(&record)
        for node in 0..<self.nodes where !self.isAborted.value {
            self.say("rolling-restart: node \(node + 1)")
            try self.stopInOrder(node, &record)
            try self.bringBack([node], &record)
        }
    }

    private func stopInOrder(_ node: Int, _ record: inout FaultRecord) throws {
        let process = try self.running(node)
        self.cluster.markUnwanted(node)
        let began = self.stopwatch.seconds
        process.signal(SIGTERM)
        let ending = process.waitForEnd(seconds: 60)
        let time = Figures.milliseconds(self.stopwatch.seconds - began)
        record.prove(
            "process \(process.identifier) of node \(node + 1) ended with "
                + "\(ending?.description ?? "nothing") in \(time)",
            ending == .exited(0)
        )
        if ending == nil { process.stop(seconds: 0) }
    }

    /// The process of a node that should be running; one that ended by itself is started again in a moment.
    func running(_ node: Int) throws -> ChildProcess {
        let process: ChildProcess? = waitFor(seconds: 15) {
            self.cluster.process(node).flatMap { $0.isRunning ? $0 : nil }
        }
        guard let process else { throw DrillFailure("Expected a running process of node \(node + 1)") }
        return process
    }
}
