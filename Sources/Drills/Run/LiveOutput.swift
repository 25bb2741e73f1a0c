import Glibc
import Synchronization

/// Lines for who watches a drill, on standard error, with the time; on a terminal also a line that is always the
/// newest.
final class LiveOutput: DrillNarrator {
    private let stopwatch: Mutex<Stopwatch>
    private let isTerminal: Bool
    private let isQuiet: Bool
    private let hasPassingLine = Mutex(false)

    init(isQuiet: Bool = false) {
        self.stopwatch = Mutex(Stopwatch())
        self.isTerminal = isatty(2) == 1
        self.isQuiet = isQuiet
    }

    var countsInstances: Bool { false }

    func begin(_ stopwatch: Stopwatch) { self.stopwatch.withLock { $0 = stopwatch } }

    func tell(_ event: DrillEvent) {
        switch event {
        case .note(let text): self.line(text)
        case .ready(let nodes):
            for node in nodes {
                let process = node.process.map { "is process \($0) " } ?? ""
                self.line("node \(node.node + 1) \(process)at \(node.address)")
            }
        case .role(let change):
            self.line(
                "node \(change.node + 1) is \(change.role.rawValue)\(change.term > 0 ? ", term \(change.term)" : "")"
            )
        case .struck(let kind, let target, _): self.line("\(kind.rawValue): \(target)")
        case .recovered(let kind, let seconds):
            self.line("the next command was acknowledged \(Figures.milliseconds(seconds)) after \(kind.rawValue)")
        case .returned(let nodes, _):
            self.line("back: \(nodes.map { "node \($0 + 1)" }.joined(separator: ", "))")
        case .crashed(let node, let ending): self.line("node \(node + 1) ended by itself: \(ending)")
        case .standing(let standing):
            if self.isTerminal { self.write("           \(Self.text(standing))", isPassing: true) }
        case .loadIsOver(let standing):
            self.line("the load is over: \(standing.acknowledgedCommands) commands acknowledged")
        }
    }

    private static func text(_ standing: DrillEvent.Standing) -> String {
        let leader = standing.leader.map { "node \($0 + 1) leads" } ?? "nobody leads"
        return "\(leader), \(standing.acknowledgedCommands) commands acknowledged"
    }

    private func line(_ text: String) {
        let time = Figures.seconds(self.stopwatch.withLock { $0.seconds })
        let padding = String(repeating: " ", count: max(0, 9 - time.utf8.count))
        self.write("\(padding)\(time)  \(text)", isPassing: false)
    }

    private func write(_ text: String, isPassing: Bool) {
        guard !self.isQuiet else { return }
        self.hasPassingLine.withLock { hasPassing in
            let clear = hasPassing ? "\r\u{1B}[K" : ""
            StandardError.text(clear + text + (isPassing ? "" : "\n"))
            hasPassing = isPassing
        }
    }
}
