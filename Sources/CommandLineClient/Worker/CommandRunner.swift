import Subprocess
import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs one shell command for one job: input, output, time limit, and the end of everything it started.
struct CommandRunner: Sendable {
    /// Time between SIGTERM and SIGKILL; with it a killed command is still reported within
    /// ``JobQuery/reportingMargin``.
    static let killDelay: Duration = .seconds(3)
    /// How much of the end of standard error is kept.
    static let errorTailBytesLimit = 8_192

    /// Given to `/bin/sh -c`.
    let command: String
    let timeout: Duration
    let outputLimitBytes: Int
    var killDelay: Duration = CommandRunner.killDelay

    /// What came first: the command's end or the end of its time.
    private enum Race: Sendable {
        case ended(CommandResult.Ending)
        case timeIsOver
        case cancelled
    }

    /// Runs the command to its end. When the time is over, or this task is cancelled, the command's whole process
    /// group gets SIGTERM and, ``killDelay`` later, SIGKILL.
    func run(input: [UInt8], environment: [(name: String, value: String)]) async -> CommandResult {
        let output = CommandOutput(limitBytes: self.outputLimitBytes, tailBytesLimit: Self.errorTailBytesLimit)
        let ending = await withTaskGroup(of: Race.self) { group in
            group.addTask { .ended(await self.execute(input: input, environment: environment, output: output)) }
            group.addTask {
                do {
                    try await Task.sleep(for: self.timeout)
                    return .timeIsOver
                } catch {
                    return .cancelled
                }
            }
            var ending = CommandResult.Ending.abandoned
            switch await group.next() {
            case .ended(let result) where !Task.isCancelled: ending = result
            case .timeIsOver: ending = .timedOut(after: self.timeout)
            case .ended, .cancelled, nil: break
            }
            group.cancelAll()
            await group.waitForAll()
            return ending
        }
        switch ending {
        case .timedOut, .abandoned: output.killSurvivors()
        case .exited, .signaled, .couldNotStart: break
        }
        return output.result(ending: ending)
    }

    private func execute(
        input: [UInt8],
        environment: [(name: String, value: String)],
        output: CommandOutput
    ) async -> CommandResult.Ending {
        var options = PlatformOptions()
        // A session of its own: a process group to signal, and no interrupts from the worker's terminal.
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: self.killDelay)
        ]
        var changes: [Environment.Key: String?] = [:]
        for (name, value) in environment {
            guard let key = Environment.Key(rawValue: name) else { continue }
            changes[key] = value
        }
        do {
            let result = try await Subprocess.run(
                .path("/bin/sh"),
                arguments: ["-c", self.command],
                environment: .inherit.updating(changes),
                platformOptions: options,
                input: .inputWriter,
                output: .sequence,
                error: .sequence
            ) { execution in
                output.began(execution.processIdentifier.value)
                await Self.exchange(with: execution, input: input, output: output)
            }
            switch result.terminationStatus {
            case .exited(let code): return .exited(code)
            case .signaled(let number): return .signaled(number)
            }
        } catch {
            return .couldNotStart(String(describing: error))
        }
    }

    /// Feeds standard input and drains both outputs at the same time, since a full pipe in any of them would stop the
    /// command. Errors are no news: a command need not read its input, and the exit status tells the rest.
    private static func exchange(
        with execution: Execution<CustomWriteInput, SequenceOutput, SequenceOutput>,
        input: [UInt8],
        output: CommandOutput
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = try? await execution.standardInputWriter.write(input)
                try? await execution.standardInputWriter.finish()
            }
            group.addTask {
                do {
                    for try await buffer in execution.standardOutput {
                        output.appendOutput(buffer.withUnsafeBytes { Array($0) })
                    }
                } catch {}
            }
            group.addTask {
                do {
                    for try await buffer in execution.standardError {
                        output.appendError(buffer.withUnsafeBytes { Array($0) })
                    }
                } catch {}
            }
        }
    }
}

/// What a running command has written so far, bounded.
final class CommandOutput: Sendable {
    private struct State: Sendable {
        var output: [UInt8] = []
        var isCut = false
        var tail: [UInt8] = []
        var processGroup: Int32?
    }

    private let limitBytes: Int
    private let tailBytesLimit: Int
    private let state = Mutex(State())

    init(limitBytes: Int, tailBytesLimit: Int) {
        self.limitBytes = limitBytes
        self.tailBytesLimit = tailBytesLimit
    }

    /// The command runs, as leader of the process group of this number.
    func began(_ processGroup: Int32) {
        self.state.withLock { $0.processGroup = processGroup }
    }

    func appendOutput(_ bytes: [UInt8]) {
        self.state.withLock { state in
            let room = self.limitBytes - state.output.count
            if bytes.count > room { state.isCut = true }
            state.output += bytes.prefix(max(0, room))
        }
    }

    func appendError(_ bytes: [UInt8]) {
        self.state.withLock { state in
            state.tail += bytes
            let surplus = state.tail.count - self.tailBytesLimit
            if surplus > 0 { state.tail.removeFirst(surplus) }
        }
    }

    /// Kills what is left of the command's process group after its leader has ended. A number that still names a group
    /// is not given to a new process, so this can only hit the command's own children.
    func killSurvivors() {
        guard let group = self.state.withLock({ $0.processGroup }), group > 1 else { return }
        _ = kill(-group, SIGKILL)
    }

    func result(ending: CommandResult.Ending) -> CommandResult {
        self.state.withLock { state in
            CommandResult(
                ending: ending,
                output: state.output,
                isOutputCut: state.isCut,
                errorTail: state.tail
            )
        }
    }
}
