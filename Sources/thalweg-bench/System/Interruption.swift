import Glibc
import Synchronization

/// Notes SIGINT, SIGTERM and SIGHUP, so that servers are stopped and folders removed on the way out: every loop asks.
enum Interruption {
    private static let isRequested = Atomic<Bool>(false)

    /// Starts to listen; a broken pipe becomes an ordinary error.
    static func install() {
        // The first access makes the flag; a signal handler must not do that.
        Self.isRequested.store(false, ordering: .relaxed)
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in
            Interruption.isRequested.store(true, ordering: .relaxed)
        }
        // Without SA_RESTART a blocking call returns, and the loop around it asks.
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaction(number, &action, nil) }
        var ignore = sigaction()
        ignore.__sigaction_handler.sa_handler = SIG_IGN
        sigaction(SIGPIPE, &ignore, nil)
    }

    /// - Throws: when a signal has come.
    static func check() throws {
        if Self.isRequested.load(ordering: .relaxed) { throw BenchError("Interrupted") }
    }
}
