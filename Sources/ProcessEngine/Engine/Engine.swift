/// Executes commands of one group: a command and the state in, events out. No clock, no randomness, no I/O: time is an
/// argument, keys come from a replicated counter, state is behind a protocol.
///
/// Confined to one thread; it keeps nothing but a cache of compiled definitions.
package final class Engine {
    package let group: UInt32
    private let environment: EngineEnvironment
    private let definitions = DefinitionCache()
    /// Subjects that must not be executed; as committed.
    private var quarantined: Set<String> = []
    /// Whether the last input changed what is quarantined.
    private var hasNewQuarantine = false

    package init(group: UInt32, environment: EngineEnvironment) {
        self.group = group
        self.environment = environment
    }

    /// Forgets what may have come from a transaction that was rolled back, and reads again what is kept in memory.
    package func reload(from state: any EngineState) throws {
        definitions.removeAll()
        quarantined = Set(try state.quarantines(limit: .max).map(\.subject))
        hasNewQuarantine = false
    }

    /// Forgets what a command that was rolled back may have left in memory. Cheap when it left nothing.
    package func forgetUncommitted(from state: any EngineState) throws {
        if definitions.hasNewSinceMark || hasNewQuarantine { try reload(from: state) }
    }

    /// Executes one input. The events of the result are applied to the state already.
    ///
    /// - Parameters:
    ///   - now: group time, milliseconds since 1970.
    ///   - keyCounter: the last counter given out; advanced.
    /// - Throws: `Rejection` for what the caller got wrong, `EngineFault` for a fault of ours, or what the storage
    ///   throws. The caller then rolls the state back to where it was before.
    package func process(
        _ input: EngineInput,
        state: any EngineState,
        now: Int64,
        keyCounter: inout Int64
    ) throws -> ProcessingResult {
        definitions.mark()
        hasNewQuarantine = false
        let execution = Execution(
            state: state,
            environment: environment,
            definitions: definitions,
            quarantined: quarantined,
            group: group,
            now: now,
            keyCounter: keyCounter
        )
        var answer: Answer?
        switch input {
        case .client(let request):
            if !quarantined.isEmpty { try refuseQuarantined(request.command) }
            answer = try execution.perform(request)
            try execution.run()
            if let key = request.idempotencyKey, let first = answer ?? execution.interimAnswer,
                first != .jobsActivated([])
            {
                // That there were no jobs is no answer yet: the request may be waiting for some.
                try execution.remember(request.command, as: key, answer: first)
            }
        case .scheduled(let command):
            try execution.perform(command)
            try execution.run()
        }
        keyCounter = execution.keyCounter
        track(execution.events)
        return ProcessingResult(events: execution.events, effects: execution.effects, answer: answer)
    }

    /// What a repeated request gets: the first answer.
    ///
    /// - Throws: a rejection if the request's id came with another command before.
    package func rememberedAnswer(_ request: RequestedCommand, state: any EngineState) throws -> Answer? {
        guard let key = request.idempotencyKey, let known = try state.answeredRequest(key) else { return nil }
        guard known.commandHash == CommandHash.of(request.command) else {
            throw Rejection(
                .alreadyExists,
                "Expected the same request as before under idempotency key '\(key.text)', but got another one; "
                    + "use a new key for a new request"
            )
        }
        return known.answer
    }

    private func track(_ events: [Event]) {
        for event in events {
            switch event {
            case .quarantined(let record):
                quarantined.insert(record.subject)
                hasNewQuarantine = true
            case .quarantineLifted(let subject):
                quarantined.remove(subject)
                hasNewQuarantine = true
            default: break
            }
        }
    }

    private func refuseQuarantined(_ command: Command) throws {
        let subject = QuarantineSubject.command(CommandHash.of(command)).text
        guard quarantined.contains(subject) else { return }
        throw Rejection(
            .invalidState,
            "Expected a command that can be executed, but exactly this one ended the server twice and is quarantined; "
                + "correct the model or the request"
        )
    }

    /// What a crash while executing a mark's input is blamed on; nil when what it named is gone.
    package func subject(of mark: ExecutionMark, state: any EngineState) throws -> QuarantineSubject? {
        let key = Key(mark.id)
        switch mark.kind {
        case .none: return nil
        case .command: return .command(mark.id)
        case .job:
            return try state.job(key).map { .instance($0.processInstanceKey, elementInstance: $0.elementInstanceKey) }
        case .userTask:
            return try state.userTask(key)
                .map { .instance($0.processInstanceKey, elementInstance: $0.elementInstanceKey) }
        case .incident:
            return try state.incident(key)
                .map { .instance($0.processInstanceKey, elementInstance: $0.elementInstanceKey) }
        case .elementInstance:
            return try state.elementInstance(key).map { .instance($0.processInstanceKey, elementInstance: key) }
        case .timer:
            guard let timer = try state.timer(key) else { return nil }
            guard let instance = timer.processInstanceKey, let element = timer.elementInstanceKey else {
                return .startTimer(key)
            }
            return .instance(instance, elementInstance: element)
        case .continuation:
            return try state.continuation(key)
                .map { .instance($0.processInstanceKey, elementInstance: $0.processInstanceKey) }
        }
    }
}

/// A hash of a command that is the same on every node and after a restart.
package enum CommandHash {
    package static func of(_ command: Command) -> Int64 {
        var writer = ByteWriter()
        command.write(to: &writer)
        return StableHash.of(writer.bytes)
    }
}

extension Execution {
    fileprivate func perform(_ request: RequestedCommand) throws -> Answer? {
        switch request.command {
        case .deploy(let resources, let tenantID):
            return try deploy(resources, tenantID: tenantID, request: request.id)
        case .createInstance(let command): return try process(command, request: request.id)
        case .cancelInstance(let key): return try cancelInstance(key)
        case .activateJobs(let command): return try activateJobs(command)
        case .completeJob(let key, let variables, let lease):
            return try completeJob(key, variables: variables, lease: lease)
        case .failJob(let key, let failure, let lease): return try failJob(key, failure, lease: lease)
        case .throwJobError(let key, let error, let lease): return try throwJobError(key, error, lease: lease)
        case .updateJob(let key, let change, let lease): return try updateJob(key, change, lease: lease)
        case .publishMessage(let command): return try publish(command)
        case .correlateMessage(let command): return try correlate(command)
        case .resolveIncident(let key): return try resolveIncident(key)
        case .setVariables(let scope, let variables, let isLocal):
            return try setVariables(scope: scope, variables: variables, isLocal: isLocal)
        case .assignUserTask(let key, let assignee, let allowOverride, _):
            return try assignUserTask(key, assignee: assignee, allowOverride: allowOverride)
        case .unassignUserTask(let key): return try unassignUserTask(key)
        case .updateUserTask(let key, let change, _): return try updateUserTask(key, change)
        case .completeUserTask(let key, let variables, _): return try completeUserTask(key, variables: variables)
        }
    }

    fileprivate func perform(_ command: InternalCommand) throws {
        switch command {
        case .triggerTimer(let key): try triggerTimer(key)
        case .expireJob(let key): try expireJob(key)
        case .returnJob(let key, let deadline): try returnJob(key, deadline: deadline)
        case .expireMessage(let key): try expireMessage(key)
        case .continueSteps(let key): try continueSteps(key)
        case .forgetRequests(let lane, let time): try emit(.requestsForgotten(lane, through: time))
        case .receive(let transfer, let group, let sequence):
            try receive(transfer, sourceGroup: group, sequence: sequence)
        case .acknowledge(let group, let sequence): try acknowledged(targetGroup: group, sequence: sequence)
        case .quarantine(let subject, let reason): try quarantine(subject, reason: reason)
        }
    }

    fileprivate func remember(_ command: Command, as key: RequestID, answer: Answer) throws {
        try emit(
            .requestAnswered(
                AnsweredRequest(
                    id: key,
                    commandHash: CommandHash.of(command),
                    answer: answer,
                    answeredAt: now
                )
            )
        )
    }
}
