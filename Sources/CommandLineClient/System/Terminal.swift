#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What is known about where output goes.
struct Terminal: Equatable, Sendable {
    /// Columns to fit tables into; nil: do not shorten anything (a file, a pipe).
    let width: Int?
    let style: TextStyle
    /// Whether progress may be shown on standard error.
    let showsProgress: Bool
    /// Whether standard output is a terminal, where printed lines are progress enough.
    let isOutputTerminal: Bool

    /// Decides from the facts: a terminal's own size wins over `COLUMNS`; `NO_COLOR` and `TERM=dumb` switch colour off.
    init(
        isOutputTerminal: Bool,
        isErrorTerminal: Bool,
        reportedWidth: Int,
        environment: (String) -> String?
    ) {
        self.isOutputTerminal = isOutputTerminal
        let columns = environment("COLUMNS").flatMap { Int($0) } ?? 0
        let width = isOutputTerminal && reportedWidth > 0 ? reportedWidth : columns
        self.width = width >= 20 ? width : nil
        let wantsColour = environment("NO_COLOR") == nil && environment("TERM") != "dumb"
        self.style = TextStyle(isColoured: isOutputTerminal && wantsColour)
        self.showsProgress = isErrorTerminal && environment("TERM") != "dumb"
    }

    /// Asks the operating system.
    static func current() -> Terminal {
        var size = winsize()
        let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0
        return Terminal(
            isOutputTerminal: isatty(STDOUT_FILENO) == 1,
            isErrorTerminal: isatty(STDERR_FILENO) == 1,
            reportedWidth: isKnown ? Int(size.ws_col) : 0,
            environment: SystemText.environment
        )
    }
}

/// Writes to standard output and standard error without buffering, so that lines of a running command appear at once.
enum Console {
    /// Writes `text` and a line feed to standard output; throws when its reader is gone or the disk is full.
    static func line(_ text: String) throws(ClientFailure) {
        try Self.output(text + "\n")
    }

    /// Writes all lines with one call.
    static func lines(_ lines: [String]) throws(ClientFailure) {
        guard !lines.isEmpty else { return }
        try Self.output(lines.joined(separator: "\n") + "\n")
    }

    /// Writes a note for the user to standard error; a closed standard error is nobody's problem.
    static func note(_ text: String) {
        _ = Self.write(text + "\n", to: STDERR_FILENO)
    }

    /// Writes to standard error without a line feed.
    static func progress(_ text: String) {
        _ = Self.write(text, to: STDERR_FILENO)
    }

    private static func output(_ text: String) throws(ClientFailure) {
        let number = Self.write(text, to: STDOUT_FILENO)
        if number == EPIPE { throw ClientFailure(code: .outputClosed, message: "") }
        if number != 0 {
            throw .refused("cannot write to standard output: \(SystemText.description(of: number))")
        }
    }

    /// Zero, or the error number.
    private static func write(_ text: String, to descriptor: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { buffer in
            var rest = UnsafeRawBufferPointer(buffer)[...]
            while !rest.isEmpty {
                let count = unistdWrite(descriptor, UnsafeRawBufferPointer(rebasing: rest))
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }
}

private func unistdWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
