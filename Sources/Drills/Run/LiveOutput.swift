import Glibc
import Synchronization

/// Lines for who watches, with the time; on a terminal also a line that is always the newest.
package final class LiveOutput: Sendable {
    private let stopwatch: Mutex<Stopwatch>
    private let isTerminal: Bool
    private let isQuiet: Bool
    private let lock = Mutex(false)

    package init(isQuiet: Bool = false) {
        self.stopwatch = Mutex(Stopwatch())
        self.isTerminal = isatty(2) == 1
        self.isQuiet = isQuiet
    }

    func begin(_ stopwatch: Stopwatch) { self.stopwatch.withLock { $0 = stopwatch } }

    /// One thing that happened.
    func line(_ text: String) {
        let seconds = self.stopwatch.withLock { $0.seconds }
        let time = Figures.seconds(seconds)
        let padding = String(repeating: " ", count: max(0, 9 - time.utf8.count))
        self.write("\(padding)\(time)  \(text)", isPassing: false)
    }

    /// How it stands; only on a terminal.
    func standing(_ text: String) {
        if self.isTerminal { self.write("           \(text)", isPassing: true) }
    }

    private func write(_ text: String, isPassing: Bool) {
        guard !self.isQuiet else { return }
        self.lock.withLock { hasPassing in
            let clear = hasPassing ? "\r\u{1B}[K" : ""
            let bytes = Array((clear + text + (isPassing ? "" : "\n")).utf8)
            _ = bytes.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
            hasPassing = isPassing
        }
    }
}
