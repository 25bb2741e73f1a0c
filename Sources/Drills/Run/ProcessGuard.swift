import Glibc
import Synchronization

/// A small process that outlives a drill which was killed, and ends what the drill started.
package final class ProcessGuard: Sendable {
    private let process: ChildProcess

    /// - Parameter executable: this program, which has the guard as a hidden command.
    init(executable: String, folder: String) throws {
        self.process = try ChildProcess(
            [executable, "drill-probe", "guard"],
            output: "\(folder)/guard-output",
            errors: "\(folder)/guard-errors"
        )
    }

    func watch(_ identifier: Int32) { self.process.tell(String(identifier)) }

    /// The drill has ended everything itself.
    func dismiss() {
        self.process.tell("done")
        self.process.closeInput()
        _ = self.process.waitForEnd(seconds: 5)
    }

    /// The guard's own work: reads process ids, one a line, and ends them when there is no more to read and nobody said
    /// `done`.
    package static func run() {
        var identifiers: [Int32] = []
        while let line = readLine() {
            if line == "done" { return }
            if let identifier = Int32(line) { identifiers.append(identifier) }
        }
        for identifier in identifiers {
            // Another program may have the number by now.
            let command = Files.text("/proc/\(identifier)/cmdline") ?? ""
            if command.contains("serve"), command.contains("--data") { kill(identifier, SIGKILL) }
        }
    }
}
