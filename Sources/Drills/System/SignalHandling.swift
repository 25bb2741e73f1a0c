import Glibc

/// What the process does with signals.
enum SignalHandling {
    /// Calls `handler` for SIGINT, SIGTERM and SIGHUP; a broken pipe becomes an ordinary error.
    static func install(_ handler: @escaping @convention(c) (Int32) -> Void) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = handler
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaction(number, &action, nil) }
        var ignore = sigaction()
        ignore.__sigaction_handler.sa_handler = SIG_IGN
        sigaction(SIGPIPE, &ignore, nil)
    }
}
