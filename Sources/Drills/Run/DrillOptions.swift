/// How a drill is run.
package struct DrillOptions: Sendable {
    /// The server's executable.
    package var executable: String
    /// This program, for workers and probes.
    package var ownExecutable: String
    package var isShort = false
    /// Where the report goes.
    package var reportFolder: String
    /// A running cluster to rehearse with; empty for one of the drill's own.
    package var cluster: [NodeAddress] = []
    /// Plants one stale read, which the checker has to find.
    package var plantsStaleRead = false
    /// Leaves the nodes' folders where they are.
    package var keepsFolder = false
    /// Where the first node listens for clients, when that matters to somebody.
    package var firstPort: UInt16?
    /// Whether the cluster stays up behind the drill until a signal comes.
    package var stays = false

    package init(executable: String, ownExecutable: String, reportFolder: String) {
        self.executable = executable
        self.ownExecutable = ownExecutable
        self.reportFolder = reportFolder
    }
}

/// Set by SIGINT, SIGTERM and SIGHUP: the drill undoes its faults and ends.
package enum Interruption {
    static let signal = Signal()

    package static func install() {
        // The first access makes the flag; a signal handler must not do that.
        _ = Self.signal.value
        SignalHandling.install { _ in Interruption.signal.set() }
    }
}
