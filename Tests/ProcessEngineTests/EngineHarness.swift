import BPMNModel
import BPMNParsing
import FEEL
import Foundation
import ProcessEngine
import SQLite
import StateStore
import Testing

/// Reads the models of the tests.
struct TestModelReader: ModelReader {
    func models(in content: [UInt8], resourceName: String) throws(Rejection) -> [ProcessModel] {
        do {
            return try BPMNParser.parse(content, resourceName: resourceName).processes
        } catch {
            throw Rejection(.invalidArgument, error.description)
        }
    }
}

/// One group: an engine, the state it executes on, and everything it has committed in its stored form.
final class EngineGroup {
    let number: UInt32
    let state: SQLiteState
    let engine: Engine
    private(set) var entries: [(position: StatePosition, bytes: [UInt8])] = []
    private(set) var events: [Event] = []

    init(_ number: UInt32, environment: EngineEnvironment) throws {
        self.number = number
        self.state = try SQLiteState.inMemory()
        self.engine = Engine(group: number, environment: environment)
        try engine.reload(from: state)
    }

    /// Executes one input as a replica does, with a savepoint, and commits it. On an error nothing is left.
    func run(_ input: EngineInput, now: Int64) throws -> ProcessingResult {
        try state.begin()
        try state.setSavepoint()
        do {
            var position = state.position
            position.time = max(position.time, now)
            let result = try engine.process(
                input,
                state: state,
                now: position.time,
                keyCounter: &position.keyCounter
            )
            position.appliedIndex += 1
            try state.releaseSavepoint()
            try state.commit(position)
            var writer = ByteWriter()
            for event in result.events { event.write(to: &writer) }
            entries.append((position, writer.bytes))
            events += result.events
            return result
        } catch {
            try state.rollBackToSavepoint()
            try engine.forgetUncommitted(from: state)
            try state.rollback()
            throw error
        }
    }

    /// A follower's state: the stored events, read back and applied.
    /// - Parameter archives: whether the follower drops finished instances as soon as it may.
    func replayed(archives: Bool = false) throws -> (state: SQLiteState, events: [Event]) {
        let replica = try SQLiteState.inMemory()
        var decoded: [Event] = []
        for entry in entries {
            try replica.begin()
            if archives { try replica.removeArchived(instances: replica.finishedInstances(limit: 1_000)) }
            var reader = ByteReader(entry.bytes)
            while !reader.isAtEnd {
                let event = try Event(from: &reader)
                try Applier.apply(event, to: replica)
                decoded.append(event)
            }
            try replica.commit(entry.position)
        }
        return (replica, decoded)
    }
}

/// A cluster group and a group of instances with a hand-driven clock.
final class EngineHarness {
    let cluster: EngineGroup
    let instances: EngineGroup
    /// 2027-01-15T08:00:00Z at first.
    private(set) var now: Int64 = 1_800_000_000_000
    /// Answers that came later than their command.
    private(set) var laterAnswers: [(request: RequestID, answer: Answer)] = []
    private(set) var availableTypes: [String] = []
    /// Whether stored chains go on by themselves after each command.
    var continuesChains = true
    private var requestCount = 0

    init(limits: EngineLimits) throws {
        let environment = EngineEnvironment(modelReader: TestModelReader(), limits: limits)
        cluster = try EngineGroup(EngineGroups.cluster, environment: environment)
        instances = try EngineGroup(EngineGroups.instances, environment: environment)
    }

    var state: SQLiteState { instances.state }

    // MARK: Commands

    @discardableResult
    func send(_ command: Command, idempotencyKey: String? = nil) throws -> Answer? {
        requestCount += 1
        let id = RequestID("request-\(requestCount)")
        let request = RequestedCommand(id: id, idempotencyKey: idempotencyKey.map { RequestID($0) }, command: command)
        let group: EngineGroup
        if case .deploy = command { group = cluster } else { group = instances }
        if let known = try group.engine.rememberedAnswer(request, state: group.state) { return known }
        let result = try run(.client(request), in: group)
        if continuesChains { try continueChains() }
        return result.answer ?? laterAnswers.last { $0.request == id }?.answer
    }

    /// Sends a command that is expected to be refused, which must leave no trace.
    func refusal(
        of command: Command,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Rejection {
        let before = try StateDump(state)
        let rejection = #expect(throws: Rejection.self, sourceLocation: sourceLocation) { try self.send(command) }
        #expect(try StateDump(state) == before, "a refused command changed something", sourceLocation: sourceLocation)
        return try #require(rejection, sourceLocation: sourceLocation)
    }

    @discardableResult
    func schedule(_ command: InternalCommand) throws -> ProcessingResult { try run(.scheduled(command), in: instances) }

    private func run(_ input: EngineInput, in group: EngineGroup) throws -> ProcessingResult {
        let result = try group.run(input, now: now)
        for effect in result.effects {
            switch effect {
            case .answer(let id, let answer): laterAnswers.append((id, answer))
            case .jobsAvailable(let type, _): availableTypes.append(type)
            case .transfer(let target):
                for record in try group.state.outbox(targetGroup: target, limit: 16) {
                    _ = try run(
                        .scheduled(.receive(record.content, sourceGroup: group.number, sequence: record.sequence)),
                        in: instances
                    )
                }
            case .acknowledge(let source, let sequence):
                #expect(source == cluster.number)
                _ = try run(.scheduled(.acknowledge(targetGroup: group.number, sequence: sequence)), in: cluster)
            }
        }
        return result
    }

    /// Carries out stored chains until none is left.
    ///
    /// - Returns: how many there were.
    @discardableResult
    func continueChains(limit: Int = 100_000) throws -> Int {
        var count = 0
        while count < limit, let key = try state.continuations(limit: 1).first {
            try schedule(.continueSteps(key))
            count += 1
        }
        return count
    }

    /// Moves the clock; nothing is carried out.
    func skip(milliseconds: Int64) { now += milliseconds }

    // MARK: Time

    /// Lets time pass; what becomes due is carried out at its time, in order.
    func pass(milliseconds: Int64) throws {
        let end = now + milliseconds
        while let due = try state.nextDueTime(), due <= end {
            now = max(now, due)
            try runDue()
        }
        now = end
    }

    func pass(minutes: Int64) throws { try pass(milliseconds: minutes * 60_000) }

    /// Lets time pass while nothing is carried out, as when the server is down, then catches up.
    func sleep(minutes: Int64) throws {
        now += minutes * 60_000
        try runDue()
    }

    func runDue() throws {
        try continueChains()
        for key in try state.dueTimers(now: now, limit: 1_000) { try schedule(.triggerTimer(key)) }
        for key in try state.dueJobs(now: now, limit: 1_000) { try schedule(.expireJob(key)) }
        for key in try state.expiredMessages(now: now, limit: 1_000) { try schedule(.expireMessage(key)) }
        try continueChains()
    }
}

/// Runs a scenario, then proves what must hold after every one: the engine's bookkeeping is right, and a follower that
/// only gets the events has the same rows.
func scenario(
    _ models: String...,
    limits: EngineLimits = EngineLimits(),
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (EngineHarness) throws -> Void
) throws {
    let harness = try EngineHarness(limits: limits)
    if !models.isEmpty { try harness.deploy(models) }
    try body(harness)
    try harness.verify(sourceLocation: sourceLocation)
}
