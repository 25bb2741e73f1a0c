import Glibc
import Synchronization

/// Tells a drill as a short story on standard output: for who sees Thalweg for the first time.
final class DemoStory: DrillNarrator {
    private struct State {
        var processes: [Int: Int32] = [:]
        var addresses: [Int: NodeAddress] = [:]
        var leader: Int?
        var lastStanding: DrillEvent.Standing?
        var lastLine = ""
        var lastLineTime: Int64 = 0
        /// When the fault struck, until somebody else leads and the next command was acknowledged.
        var struckAt: Double?
        var hasPassingLine = false
    }

    private let state = Mutex(State())
    private let isTerminal = isatty(1) == 1

    var countsInstances: Bool { true }

    func begin(_ stopwatch: Stopwatch) {}

    func tell(_ event: DrillEvent) { self.state.withLock { self.tell(event, &$0) } }

    private func tell(_ event: DrillEvent, _ state: inout State) {
        switch event {
        case .note: break
        case .ready(let nodes):
            self.say("Three nodes run on this machine, with certificates of their own, over mutual TLS:", &state)
            for node in nodes {
                state.processes[node.node] = node.process
                state.addresses[node.node] = node.address
                self.say("  node \(node.node + 1)  process \(node.process ?? 0) at \(node.address)", &state)
            }
        case .role(let change): self.role(change, &state)
        case .struck(_, let target, let time):
            state.struckAt = time
            let standing = state.lastStanding
            let active = standing?.instancesActive.map { ", \($0) of them waiting or running" } ?? ""
            self.say(
                "Now: kill -9 of \(target), with \(standing?.instancesBegun ?? 0) acknowledged instances\(active).",
                &state
            )
        case .recovered(_, let seconds):
            self.say("The next command was acknowledged \(Figures.milliseconds(seconds)) after the kill.", &state)
        case .returned(let nodes, let processes):
            for (node, process) in zip(nodes, processes) {
                self.say(
                    "Node \(node + 1) is back as process \(process ?? 0), on the same folder, and follows.",
                    &state
                )
            }
        case .crashed(let node, let ending): self.say("Node \(node + 1) ended by itself: \(ending)", &state)
        case .standing(let standing): self.standing(standing, &state)
        case .loadIsOver(let standing):
            self.standing(standing, &state)
            self.say(
                "No new instances; those under way go to their end. Then every node is asked for everything.",
                &state
            )
        }
    }

    private func role(_ change: RoleChange, _ state: inout State) {
        guard change.role == .leader, state.leader != change.node else { return }
        state.leader = change.node
        let after = state.struckAt.map { ", seen \(Figures.milliseconds(change.time - $0)) after the kill" } ?? ""
        state.struckAt = nil
        self.say("Node \(change.node + 1) leads\(after).", &state)
    }

    private func standing(_ standing: DrillEvent.Standing, _ state: inout State) {
        state.lastStanding = standing
        let active = standing.instancesActive.map { "\($0)" } ?? "?"
        let leader = standing.leader.map { "node \($0 + 1) leads" } ?? "nobody leads"
        let text =
            "\(standing.instancesBegun) instances started and acknowledged, \(active) waiting or running, "
            + "\(standing.acknowledgedCommands) commands; \(leader)"
        // On a terminal the line replaces itself; elsewhere one a second is enough.
        let now = DrillClock.nanoseconds()
        guard text != state.lastLine, self.isTerminal || now - state.lastLineTime > 1_000_000_000 else { return }
        state.lastLine = text
        state.lastLineTime = now
        if self.isTerminal {
            self.write("\r\u{1B}[K\(text)")
            state.hasPassingLine = true
        } else {
            self.write(text + "\n")
        }
    }

    private func say(_ text: String, _ state: inout State) {
        self.write((state.hasPassingLine ? "\n" : "") + text + "\n")
        state.hasPassingLine = false
    }

    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
    }

    /// The end of the story.
    static func summary(_ record: DrillRecord) -> [String] {
        func row(_ name: String, _ value: String) -> String {
            "  \(name)\(String(repeating: " ", count: max(1, 36 - name.utf8.count)))\(value)"
        }
        let instances = record.instances.values.reduce(0, +)
        let seconds = record.finished - record.loadBegan
        let gap =
            record.timeline.gaps.first.map { Figures.milliseconds($0.length) }
            ?? "less than \(Figures.milliseconds(Timeline.interval))"
        let recovery = record.recoveries.first.flatMap { $0 }.map { Figures.milliseconds($0) } ?? "never"
        var lines = [
            "", "Summary", row("instances acknowledged", "\(instances) in \(Figures.seconds(seconds))"),
        ]
        for model in LoadModel.allCases {
            if let count = record.instances[model] { lines.append(row("  \(Self.title(model))", "\(count)")) }
        }
        let lost = record.findings.count { $0.kind == .lost }
        let doubled = record.findings.count { $0.kind == .doubled }
        lines += [
            row("jobs done", "\(record.jobsCompleted)"),
            row("commands acknowledged", "\(record.acknowledgements.count)"),
            row("kill -9 of the leader under load", "next command acknowledged after \(recovery)"),
            row("longest time without any", gap),
            row("reads and writes of variables", "\(record.registerOperations), explained by one order of all"),
            row("lost / twice", "\(lost) / \(doubled)"), "",
        ]
        if record.hasPassed {
            lines.append(
                "Proven, on each of the nodes: every acknowledged instance is there and has ended by its own steps, "
                    + "none was done twice, and all nodes have the same state."
            )
        } else {
            lines.append("NOT PROVEN:")
            lines += record.verdicts.filter { !$0.holds }.map { "  - \($0.expectation): \($0.found)" }
            if let aborted = record.aborted { lines.append("  - \(aborted)") }
        }
        return lines
    }

    private static func title(_ model: LoadModel) -> String {
        switch model {
        case .timer: "waiting for a timer"
        case .message: "waiting for a message"
        case .parallel: "two jobs side by side"
        case .retries: "a job that fails and is tried again"
        }
    }
}
