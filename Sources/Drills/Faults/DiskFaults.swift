import Glibc

extension FaultInjector {
    /// Nothing more fits onto the file systems of the data folders.
    func fillDisk(_ plan: FaultPlan, _ targets: [Int], _ record: inout FaultRecord) throws {
        self.begin(&record)
        defer { for node in targets { SmallDisk.release(self.diskFolder(node)) } }
        for node in targets {
            let written = try SmallDisk.fill(self.diskFolder(node))
            let free = Files.freeBytes(self.diskFolder(node)) ?? .max
            record.prove(
                "the disk of node \(node + 1) took \(Figures.bytes(written)) more and has \(free) bytes left",
                free < 65_536
            )
        }
        // What was acknowledged while there still was space says nothing.
        record.recoveryBase = self.stopwatch.seconds
        let end = self.stopwatch.seconds + plan.lasting
        while self.stopwatch.seconds < end, !self.isAborted.value {
            self.last(0.2)
            // What the node gives back meanwhile is taken away again.
            for node in targets { _ = try? SmallDisk.fill(self.diskFolder(node)) }
        }
        for node in targets {
            SmallDisk.release(self.diskFolder(node))
            let free = Files.freeBytes(self.diskFolder(node)) ?? 0
            record.prove("afterwards it has \(Figures.bytes(free)) left", free > 1 << 20)
        }
        try self.awaitReturn(targets, &record)
    }

    private func diskFolder(_ node: Int) -> String { SmallDisk.folder(of: node, in: self.cluster.settings.folder) }

    /// Every write and sync of the nodes takes longer.
    func slowDisk(_ plan: FaultPlan, _ targets: [Int], _ record: inout FaultRecord) throws {
        let controls = try targets.map { try self.shim($0) }
        let before = try self.timedSync(controls[0])
        self.begin(&record)
        let counts = controls.map { $0.delayedCalls }
        defer { for control in controls { control.setDelay(seconds: 0) } }
        for control in controls { control.setDelay(seconds: plan.delay) }
        let during = try self.timedSync(controls[0])
        record.prove(
            "a write and a sync through the same library took \(Figures.milliseconds(during)), before it was "
                + Figures.milliseconds(before),
            during >= 2 * plan.delay
        )
        self.last(plan.lasting)
        for (index, control) in controls.enumerated() {
            let count = control.delayedCalls - counts[index] - (index == 0 ? 2 : 0)
            record.prove("\(count) writes and syncs of node \(targets[index] + 1) were held up", count > 0)
            control.setDelay(seconds: 0)
        }
        try self.awaitReturn(targets, &record)
    }

    func shim(_ node: Int) throws -> ShimControl {
        guard self.shims.indices.contains(node) else {
            throw DrillFailure("Expected node \(node + 1) to run with the drill's library")
        }
        return self.shims[node]
    }

    /// Seconds that one write and one sync take in a process of its own.
    private func timedSync(_ control: ShimControl) throws -> Double {
        let file = "\(self.cluster.settings.folder)/probe-sync"
        let result = try CommandResult.require(
            [self.probe, "drill-probe", "sync", file],
            environment: control.environment
        )
        return Double(Int(result.output.filter { $0.isNumber }) ?? 0) / 1_000_000_000
    }

    /// The wall clocks of nodes jump.
    func jumpClock(_ plan: FaultPlan, _ targets: [Int], _ record: inout FaultRecord) throws {
        let controls = try targets.map { try self.shim($0) }
        self.begin(&record)
        let counts = controls.map { $0.shiftedCalls }
        defer { for control in controls { control.setClockShift(seconds: 0) } }
        for control in controls { control.setClockShift(seconds: plan.shift) }
        let result = try CommandResult.require(
            [self.probe, "drill-probe", "clock"],
            environment: controls[0].environment
        )
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let seen = Double(Int(result.output.filter { $0.isNumber }) ?? 0) - Double(now.tv_sec)
        record.prove(
            "a clock through the same library is \(Int(seen.rounded())) s off",
            abs(seen - plan.shift) < 3
        )
        self.last(plan.lasting)
        for (index, control) in controls.enumerated() {
            let count = control.shiftedCalls - counts[index]
            record.prove("node \(targets[index] + 1) asked for the time \(count) times meanwhile", count > 2)
            control.setClockShift(seconds: 0)
        }
        try self.awaitReturn(targets, &record)
    }
}
