import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The sources of one stream, kept only to be cancelled once.
///
/// Unchecked because Dispatch does not mark its sources, although it documents `cancel()` as callable from anywhere.
private struct SignalSources: @unchecked Sendable {
    let sources: [any DispatchSourceSignal]

    func cancel() {
        for source in self.sources { source.cancel() }
    }
}

/// SIGINT and SIGTERM as a stream, so that a command can end in its own time.
enum Interrupts {
    /// Lets writing to a closed pipe fail with an error instead of ending the process.
    static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }

    /// Takes both signals over from their default action; each arrival yields once until the stream is dropped.
    static func stream() -> AsyncStream<Int32> {
        AsyncStream(bufferingPolicy: .bufferingNewest(2)) { continuation in
            let sources = [SIGINT, SIGTERM].map { number in
                _ = signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler { continuation.yield(number) }
                source.resume()
                return source
            }
            let kept = SignalSources(sources: sources)
            continuation.onTermination = { _ in kept.cancel() }
        }
    }
}
