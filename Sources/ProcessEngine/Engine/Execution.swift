import BPMNModel
import FEEL

/// The instance a step belongs to, read once per command.
final class InstanceContext {
    let record: ProcessInstanceRecord
    let process: CompiledProcess

    init(record: ProcessInstanceRecord, process: CompiledProcess) {
        self.record = record
        self.process = process
    }

    var key: Key { record.key }
    func element(_ index: Int) -> Element { process.model.elements[index] }
}

/// The execution of one command: collects events and applies each to the state at once, so that every later step sees
/// what earlier ones did.
final class Execution {
    let state: any EngineState
    let environment: EngineEnvironment
    let group: UInt32
    /// Group time, milliseconds since 1970.
    let now: Int64
    private(set) var keyCounter: Int64
    private(set) var events: [Event] = []
    private(set) var effects: [Effect] = []
    /// Bytes of variables written so far: what makes the events of a command large.
    private var contentBytes = 0
    private let definitions: DefinitionCache
    private var quarantined: Set<String>
    /// What a repetition of a request is told whose own answer comes later: the instance exists, once.
    var interimAnswer: Answer?
    private var instances: [Key: InstanceContext] = [:]
    private var steps: [Step] = []
    private var nextStep = 0
    /// Number of expressions evaluated so far; makes each one's `uuid()` its own.
    var evaluations: UInt64 = 0

    init(
        state: any EngineState,
        environment: EngineEnvironment,
        definitions: DefinitionCache,
        quarantined: Set<String>,
        group: UInt32,
        now: Int64,
        keyCounter: Int64
    ) {
        self.state = state
        self.environment = environment
        self.definitions = definitions
        self.quarantined = quarantined
        self.group = group
        self.now = now
        self.keyCounter = keyCounter
    }

    func newKey() -> Key {
        keyCounter += 1
        return Key(group: group, counter: keyCounter)
    }

    func emit(_ event: Event) throws {
        events.append(event)
        switch event {
        case .variableCreated(let record): contentBytes += record.name.utf8.count + record.value.count
        case .variableUpdated(_, let value): contentBytes += value.count
        default: break
        }
        try Applier.apply(event, to: state)
    }

    func release(_ effect: Effect) {
        effects.append(effect)
    }

    func enqueue(_ step: Step) { steps.append(step) }

    /// Takes flows that are still on their way inside a scope out of the queue and returns how many there were.
    func dropPendingEntries(into scope: Key) -> Int32 {
        let kept = steps[nextStep...].filter { if case .enter(_, _, scope) = $0 { false } else { true } }
        let count = steps.count - nextStep - kept.count
        guard count > 0 else { return 0 }
        steps = kept
        nextStep = 0
        return Int32(count)
    }

    /// Works off the steps. A chain that is too long is stored and goes on in a later batch.
    func run() throws {
        var taken = 0
        while nextStep < steps.count {
            if taken == environment.limits.stepsPerCommand
                || taken > 0 && contentBytes > environment.limits.contentBytesPerCommand
            {
                let rest = Array(steps[nextStep...])
                let instance = instances.keys.min() ?? Key(0)
                try emit(
                    .continuationStored(
                        ContinuationRecord(key: newKey(), processInstanceKey: instance, steps: rest)
                    )
                )
                return
            }
            let step = steps[nextStep]
            nextStep += 1
            taken += 1
            try perform(step)
        }
    }

    private func perform(_ step: Step) throws {
        switch step {
        case .enter(let element, let flow, let scope):
            try enter(element: Int(element), flow: flow, scope: scope)
        case .activate(let key): try resumeActivation(key)
        case .complete(let key): try complete(key)
        case .terminate(let key): try terminate(key)
        case .terminateChildren(let scope): try terminateChildren(of: scope)
        case .childEnded(let scope): try childEnded(scope)
        case .correlateBuffered(let subscription): try correlateBuffered(subscription)
        case .calledInstanceEnded(let instance): try calledInstanceEnded(instance)
        }
    }

    /// - Throws: a rejection while the instance is quarantined.
    func instance(_ key: Key) throws -> InstanceContext {
        if let known = instances[key] { return known }
        guard let record = try state.processInstance(key) else {
            throw EngineFault("Expected process instance \(key) in the state, but it is not there")
        }
        return try remember(record)
    }

    func remember(_ record: ProcessInstanceRecord) throws -> InstanceContext {
        if isQuarantined(QuarantineSubject.text(ofInstance: record.key)) {
            throw Rejection(
                .invalidState,
                "Expected a process instance that may run, but process instance \(record.key) is quarantined because "
                    + "executing it failed by a fault or ended the server twice; resolve its incident to try again, or "
                    + "cancel it"
            )
        }
        let process = try process(record.definitionKey)
        let context = InstanceContext(record: record, process: process)
        instances[record.key] = context
        return context
    }

    func isQuarantined(_ subject: @autoclosure () -> String) -> Bool {
        !quarantined.isEmpty && quarantined.contains(subject())
    }

    /// Lets an instance that is being ended go on to its end.
    func liftQuarantine(ofInstance key: Key) throws {
        guard !quarantined.isEmpty, quarantined.remove(QuarantineSubject.text(ofInstance: key)) != nil else { return }
        try emit(.quarantineLifted(subject: QuarantineSubject.text(ofInstance: key)))
    }

    func process(_ definitionKey: Key) throws -> CompiledProcess {
        try definitions.process(definitionKey, state: state, environment: environment)
    }

    /// The element instance with its place in the model.
    func located(_ key: Key) throws -> ActiveElement {
        guard let record = try state.elementInstance(key) else {
            throw EngineFault("Expected element instance \(key) in the state, but it is not there")
        }
        return try located(record)
    }

    func located(_ record: ElementInstanceRecord) throws -> ActiveElement {
        let instance = try instance(record.processInstanceKey)
        guard let index = instance.process.model.index(of: record.elementID) else {
            throw EngineFault("Expected element \(record.elementID) in definition \(instance.record.definitionKey)")
        }
        return ActiveElement(record: record, index: index, instance: instance, isNew: false)
    }
}

/// An element instance together with its place in the model.
struct ActiveElement {
    var record: ElementInstanceRecord
    let index: Int
    let instance: InstanceContext
    /// Not yet in the state: the event that enters it is still to come.
    var isNew: Bool
    /// Flows on their way to it that entering uses up.
    var consumedFlows: Int32 = 0

    var element: Element { instance.process.model.elements[index] }
    var key: Key { record.key }
    var model: ProcessModel { instance.process.model }
}
